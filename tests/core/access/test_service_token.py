"""A service token before anything is sent: both shapes of a secret, a swapped pair, the two forms."""

from __future__ import annotations

import json

import pytest

from authlens_core.access.credential import Credential, credential_of, pair_problems
from authlens_core.access.service_token import is_field_name, pasted, shape_problem, token_fields
from authlens_core.access.token_form import TokenForm
from authlens_core.oauth.http_message import Headers, Request
from authlens_core.secret import Secret

ID = f"{'0123456789abcdef' * 2}.access"
OLD, NEW = "a" * 64, f"cfast_{'A1' * 20}{'0a' * 4}"


@pytest.mark.parametrize("secret", [OLD, OLD.upper(), NEW])
def test_both_shapes_of_a_secret_are_known(secret: str) -> None:
    """§2: 64 hexadecimal digits, since August 2026 cfast_ with 40 and 8 characters."""
    assert shape_problem(ID, Secret(secret)) is None


@pytest.mark.parametrize(
    ("client_id", "secret", "name", "refused"),
    [
        ("", OLD, "empty", True),
        (ID, "", "empty", True),
        (OLD, ID, "swapped", True),
        (OLD, NEW, "id", True),
        (ID.removesuffix(".access"), OLD, "id", True),
        ("short.access", OLD, "id_digits", False),
        (ID, OLD[:-1], "secret", False),
        (ID, NEW + "0", "secret", False),
        (ID, f"{OLD[:30]} {OLD[:33]}", "characters", True),
        (ID, "ä" * 64, "characters", True),
        (f"{ID}\r\nX: y", OLD, "characters", True),
    ],
)
def test_what_is_odd_is_named_and_only_the_impossible_refused(
    client_id: str, secret: str, name: str, refused: bool
) -> None:
    """Checked locally; a newer format of Cloudflare is no reason to refuse."""
    problem = shape_problem(client_id, Secret(secret))
    assert problem is not None
    assert (problem.name, problem.refused) == (name, refused)
    assert problem.cause
    assert problem.cure
    assert not secret or secret not in problem.cause + problem.cure


@pytest.mark.parametrize("form", list(TokenForm))
def test_both_forms_are_known_for_what_they_are(form: TokenForm) -> None:
    """What is sent here is what the diagnosis reads back, and it finds nothing wrong with it."""
    fields = token_fields(ID, Secret(OLD), form, "X-Service-Token")
    request = Request("GET", "https://a.example/", Headers.of(fields))
    assert credential_of(request) is Credential.SERVICE_TOKEN
    assert pair_problems(request) == ()


def test_the_single_header_is_json_in_the_field_that_the_application_names() -> None:
    """§2: `read_service_tokens_from_header`."""
    ((name, value),) = token_fields(ID, Secret(OLD), TokenForm.SINGLE_HEADER)
    assert name == "Authorization"
    assert json.loads(value) == {"cf-access-client-id": ID, "cf-access-client-secret": OLD}


def test_a_whole_header_line_is_taken_for_its_value() -> None:
    """The dashboard of Cloudflare copies it with the name."""
    assert pasted(f" CF-Access-Client-Id: {ID}\n") == ID
    assert pasted(f"cf-access-client-secret:{OLD}") == OLD
    assert pasted("something:else") == "something:else"


@pytest.mark.parametrize(
    ("name", "good"), [("X-Token", True), ("", False), ("X Y", False), ("X:\r\n", False)]
)
def test_a_header_has_a_name_that_can_be_sent(name: str, good: bool) -> None:
    """RFC 9110 §5.1."""
    assert is_field_name(name) is good
