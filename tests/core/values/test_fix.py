"""Fixes: steps with their commands, in words, and filled with an address and the options of a login."""

import pytest

from authlens_core.values.fix import (
    LOG_IN_AGAIN,
    WayOn,
    commands_of,
    fix,
    other_ways,
    step,
)
from authlens_core.values.login_command import GivenOptions, filled, given_options
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType

U = "https://u.example/"


def test_a_fix_in_words_is_its_steps_with_no_full_stop_behind_the_last_command() -> None:
    client = step("Or use a client", "authlens login URL --client-id ID")
    assert str(fix("Ask the owner.", client, "Then wait.")) == (
        "Ask the owner. Or use a client: authlens login URL --client-id ID. Then wait."
    )
    assert str(client) == "Or use a client: authlens login URL --client-id ID"
    assert commands_of(client) == ["authlens login URL --client-id ID"]


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("''", '""'),
        ("'a b'", '"a b"'),
        ("'$(id)'", "'$(id)'"),
        ("'a\"b c'", "'a\"b c'"),
        ("a;b", "'a;b'"),
        (r"'a\b'", r"'a'\\'b'"),
    ],
)
def test_a_word_is_quoted_for_every_shell_if_that_can_be(word: str, shown: str) -> None:
    assert commands_of(step("Again", f"authlens login URL --scope {word}")) == [
        f"authlens login URL --scope {shown}"
    ]


def test_the_ways_of_a_fix_are_those_of_its_commands_and_those_that_a_key_alone_offers() -> None:
    cloudflared = step("Until then", "authlens login URL --cloudflared")
    told = fix("Ask the owner.", cloudflared, ways=(WayOn.SERVICE_TOKEN,))
    assert other_ways(told) == {WayOn.CLOUDFLARED, WayOn.SERVICE_TOKEN}
    assert other_ways(fix(told, "Wait.")) == other_ways(told)
    assert other_ways("Wait.") == other_ways(LOG_IN_AGAIN) == frozenset()


@pytest.mark.parametrize(
    ("given", "command", "whole"),
    [
        (Options(port=0), "login URL --any-issuer", "login U --port 0 --any-issuer"),
        (Options(wait=2), "login URL --timeout 900", "login U --timeout 900"),
        (Options(client_id="-a"), "login URL", "login U --client-id=-a"),
        (Options(scope=""), "login URL", 'login U --scope ""'),
        (Options(client_metadata_url="https://d/"), "login URL --client-id ID", "login U --client-id ID"),
        (
            Options(listen=False, grant_type=GrantType.DEVICE_CODE),
            "login URL",
            "login U --paste-only --device",
        ),
        (
            Options(grant_type=GrantType.JWT_BEARER, client_key=Secret("k")),
            "login URL",
            "login U --client-key FILE --machine jwt-bearer",
        ),
        (Options(port=0), "login URL --cloudflared", "login U --cloudflared"),
        (Options(port=0), "login URL --audience URL", "login U --port 0 --audience U"),
        (Options(redirect_uri="http://localhost:9/cb"), "login URL --port 8401", "login U --port 8401"),
        (
            Options(port=8401),
            "login URL --redirect-uri http://[::1]:9/",
            "login U --redirect-uri 'http://[::1]:9/'",
        ),
        (Options(port=0), "curl URL -- -sS", "curl U -- -sS"),
        (Options(port=0), "list", "list"),
    ],
)
def test_a_command_keeps_the_options_of_the_login_that_it_does_not_decide(
    given: Options, command: str, whole: str
) -> None:
    told = filled(step("Do it", f"authlens {command}"), U, given_options(given))
    assert commands_of(told) == [f"authlens {whole}".replace(" U", f" {U}")]


@pytest.mark.parametrize(
    ("given", "command"),
    [
        (Options(redirect_host="127.0.0.1"), "login URL --redirect-host 127.0.0.1"),
        (Options(client_auth="client_secret_basic"), "login URL --client-auth client_secret_post"),
        (Options(audience="https://api/"), "login URL --audience URL"),
        (Options(dpop=True, port=0), "login URL --dpop"),
        (Options(new_client=True), "login URL --new-client"),
    ],
)
def test_a_step_that_was_taken_is_left_out(given: Options, command: str) -> None:
    """It would lead in a circle; where nothing else is left, only the owner can help."""
    taken, again = step("Do it", f"authlens {command}"), step("Log in again", "authlens login URL")
    assert "owner" in str(filled(taken, U, given_options(given)))
    assert len(commands_of(filled(fix(taken, again), U, given_options(given)))) == 1


def test_what_was_approved_stays_approved() -> None:
    given: GivenOptions = (("--yes", "a.b"),)
    told = filled(step("Continue", "authlens login URL --yes c.d"), U, given)
    assert commands_of(told) == [f"authlens login {U} --yes a.b --yes c.d"]
