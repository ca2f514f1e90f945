"""Causes and cures: the seed's troubleshooting table, and what users of Access report (cloudflare.md §1)."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.access.answer import Answer, Protection
from authlens_core.access.causes import CAUSES
from authlens_core.access.diagnosis import Diagnosis, diagnose
from authlens_core.access.protection import MEANINGS

MANAGED_OAUTH = "Zero Trust → Access controls → Applications → (app) → Advanced settings → Managed OAuth"


def _answer(protection: Protection, *evidence: str) -> Answer:
    meaning = MEANINGS[protection]
    return Answer(protection, ("status line", *evidence), meaning.summary, meaning.cure, layer=meaning.layer)


class Case(NamedTuple):
    """A failure, the cause it has, and what the cure has to name."""

    stage: str
    name: str
    cure: tuple[str, ...]
    error: str = ""
    description: str = ""
    status: int | None = None
    answer: Answer | None = None
    checks: tuple[str, ...] = ()


SEED = [
    Case(
        "authorization",
        "pkce_first_character",
        ("begins with a letter or a digit",),
        "invalid_request",
        "code_challenge_method must be S256 for public clients",
    ),
    Case("exchange", "code_refused", ("Log in again",), "invalid_grant", "Invalid code", 400),
    Case(
        "access",
        "token_expired",
        ("authlens refresh",),
        status=401,
        answer=_answer(Protection.OAUTH),
        checks=("token.expired",),
    ),
    Case("probe", "token_refused", ("authlens refresh",), status=401, answer=_answer(Protection.OAUTH)),
    Case(
        "detection",
        "no_challenge",
        ("cloudflared",),
        status=401,
        answer=_answer(Protection.UNAUTHORIZED_BARE),
    ),
    Case(
        "registration",
        "no_registration_endpoint",
        (MANAGED_OAUTH, "--client-id"),
        checks=("server.registration_endpoint",),
    ),
    Case("registration", "port_taken", ("--port",), checks=("registration.port",)),
]
REPORTED = [
    Case(
        "registration",
        "redirect_uri_not_in_account",
        ("Allow localhost clients", "Allow loopback clients", MANAGED_OAUTH, "a minute", "--redirect-host"),
        "invalid_client_metadata",
        "redirect_uri is not allowed by the account configuration",
        400,
    ),
    Case(
        "authorization",
        "redirect_uri_not_in_application",
        (
            "Allow localhost clients",
            "Allow loopback clients",
            MANAGED_OAUTH,
            "register again",
            "--redirect-host",
        ),
        "invalid_request",
        "Redirect URI not allowed by application configuration",
    ),
    Case(
        "registration",
        "redirect_uri_refused",
        ("Allow localhost clients", "--redirect-host"),
        "invalid_redirect_uri",
        "no",
        400,
    ),
    Case(
        "authorization", "resource_missing", ("--resource",), "invalid_target", "No resource parameter found"
    ),
    Case("authorization", "resource_refused", ("--resource", MANAGED_OAUTH), "invalid_target"),
    Case("exchange", "resource_refused", ("--resource",), "invalid_target", "x", 400),
    Case("exchange", "unknown_client", ("authlens forget", "--client-id"), "invalid_client", "", 401),
    Case("refresh", "unknown_client", ("authlens forget",), "invalid_client", "", 401),
    Case(
        "refresh", "refresh_token_ended", ("Log in again", "Grant session duration"), "invalid_grant", "", 400
    ),
    Case(
        "authorization",
        "stale_sign_in",
        ("logout", "one clean pass"),
        "",
        "Invalid nonce. Please try logging in again.",
    ),
    Case("authorization", "stale_sign_in", ("logout",), "", "Invalid state: missing or invalid nonce"),
    Case(
        "authorization",
        "application_not_found",
        ("logout", "whole host"),
        "",
        "Unable to find your Access application!",
    ),
    Case("authorization", "user_denied", ("Policies",), "", "That account does not have access"),
    Case("authorization", "user_denied", ("Policies",), "access_denied"),
    Case(
        "authorization",
        "no_answer_in_time",
        ("Look at the browser", "paste", "ssh"),
        checks=("authorization.timeout",),
    ),
    Case("registration", "no_registration_endpoint", (MANAGED_OAUTH, "--client-id"), status=404),
    Case("registration", "too_many_registrations", ("Wait a minute",), status=429),
    Case(
        "detection",
        "browser_integrity_check",
        ("Browser Integrity Check", "CF-Ray"),
        status=403,
        answer=Answer(Protection.BLOCKED, ("403",), "Blocked. Error 1010, Browser Integrity Check.", ""),
    ),
    Case(
        "access",
        "zone_security",
        ("WAF custom rule", "CF-Ray"),
        status=403,
        answer=_answer(Protection.BLOCKED),
    ),
    Case(
        "detection",
        "access_required",
        ("Add an application",),
        status=403,
        answer=_answer(Protection.REQUIRE_ACCESS_PROTECTION),
    ),
    Case("access", "origin_down", ("tunnel",), status=530, answer=_answer(Protection.ORIGIN_DOWN)),
    Case("exchange", "origin_down", ("tunnel",), status=522),
    Case(
        "access",
        "fresh_token_refused",
        ("Wait a minute", "--resource"),
        status=401,
        answer=_answer(Protection.OAUTH),
    ),
    Case("access", "oauth_turned_off", (MANAGED_OAUTH,), status=302, answer=_answer(Protection.ACCESS_LOGIN)),
    Case(
        "detection",
        "managed_oauth_off",
        (MANAGED_OAUTH, "cloudflared"),
        status=302,
        answer=_answer(Protection.ACCESS_LOGIN),
    ),
    Case(
        "detection",
        "service_tokens_only",
        ("service-token",),
        status=403,
        answer=_answer(Protection.SERVICE_AUTH_ONLY),
    ),
    Case(
        "access",
        "not_allowed_with_token",
        ("owner of the service itself",),
        status=403,
        answer=_answer(Protection.FORBIDDEN),
    ),
    Case(
        "access",
        "token_not_enough",
        ("--scope",),
        status=403,
        answer=_answer(Protection.OAUTH, 'www-authenticate: Bearer error="insufficient_scope", scope="a"'),
    ),
]


def _diagnosed(case: Case) -> Diagnosis | None:
    return diagnose(
        case.stage,
        error=case.error,
        description=case.description,
        status=case.status,
        answer=case.answer,
        check_names=case.checks,
    )


@pytest.mark.parametrize("case", [*SEED, *REPORTED], ids=lambda c: f"{c.stage}-{c.name}")
def test_a_known_failure_has_its_cause_and_a_cure_that_names_the_setting(case: Case) -> None:
    """Each row of the seed's troubleshooting table, and of cloudflare.md §1.5 and §1.8."""
    found = _diagnosed(case)
    assert found is not None
    assert found.name == case.name
    assert found.cause.endswith(".")
    for words in case.cure:
        assert words in found.cure
    assert found.evidence
    assert found.source


def test_every_cause_in_the_table_has_a_case_here() -> None:
    """A row that no failure reaches is dead."""
    assert {c.name for c in CAUSES} == {c.name for c in (*SEED, *REPORTED)}


def test_every_row_has_a_condition() -> None:
    """A row without one would swallow all that follow."""
    for cause in CAUSES:
        assert cause.errors or cause.phrases or cause.statuses or cause.protections or cause.checks


@pytest.mark.parametrize(
    ("stage", "error", "status"),
    [
        ("exchange", "server_error", 500),
        ("authorization", "invalid_scope", None),
        ("detection", "", 200),
        ("pkce", "", None),
    ],
)
def test_an_unknown_failure_is_not_explained(stage: str, error: str, status: int | None) -> None:
    """Better no cause than a wrong one: the meaning of the code is told elsewhere."""
    assert diagnose(stage, error=error, status=status) is None


def test_the_evidence_says_what_it_was_told_from() -> None:
    """A1."""
    found = diagnose("exchange", error="invalid_grant", description="Code used", status=400)
    assert found is not None
    assert found.evidence == ("error=invalid_grant", "error_description=Code used", "status 400")
    timed_out = diagnose("authorization", check_names=("other", "authorization.timeout"))
    assert timed_out is not None
    assert timed_out.evidence == ("check authorization.timeout",)


@given(
    st.sampled_from(["exchange", "authorization", "registration"]), st.text(max_size=20), st.text(max_size=40)
)
def test_what_a_server_says_is_safe_in_the_evidence(stage: str, error: str, description: str) -> None:
    """F1: causes and cures are ours alone, evidence passes the gate."""
    found = diagnose(stage, error=error, description=f"{description} invalid nonce")
    assert found is not None
    assert all(line.isprintable() for line in (*found.evidence, found.cause, found.cure))
