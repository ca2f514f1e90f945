"""Exchange: one request, and what is learned from its answer, with plain values."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.login.stages.exchange_stage import ExchangeStage
from authlens_core.oauth.pkce import Pkce
from authlens_core.trace.record import fact_text
from authlens_core.values.check import Severity, failures
from authlens_core.values.exchange import FailureKind, Request, WireFailure
from authlens_core.values.secret import Body, Secret
from support.scripted_login import BEGAN, ISSUER, exchange, facts, reply

STAGE = ExchangeStage()
START = facts(scope="a")
TOKENS = {"access_token": "access-canary-1", "token_type": "Bearer", "expires_in": 900}


def test_the_code_goes_to_the_token_endpoint_with_all_that_belongs_to_it() -> None:
    """TK-1, PK-5."""
    planned = STAGE.request(START, ())
    assert planned is not None
    assert (planned.request.method, planned.request.url) == ("POST", f"{ISSUER}/token")
    assert planned.server_supplied
    body = planned.request.body.reveal().decode()
    for part in ("grant_type=authorization_code", "code=the-code", f"code_verifier={'v' * 43}", "client_id="):
        assert part in body


def test_it_is_sent_once() -> None:
    """TK-8: whatever the answer was."""
    for answer in (reply(500), WireFailure(FailureKind.TIMEOUT, "late", may_have_arrived=True)):
        assert STAGE.request(START, [exchange(answer)]) is None


@pytest.mark.parametrize("missing", ["server_metadata", "client", "pkce", "code"])
def test_without_a_code_nothing_is_sent(missing: str) -> None:
    start = replace(START, **{missing: None})
    assert STAGE.request(start, ()) is None
    [failed] = failures(STAGE.learn(start, ()).checks)
    assert (failed.name, "PKCE" in str(failed.cure)) == ("exchange.code", True)


def test_a_token_endpoint_that_became_unusable_gets_nothing() -> None:
    """GEN-1."""
    assert START.server_metadata is not None
    plain = replace(START.server_metadata, token_endpoint="http://as.example/token")
    assert STAGE.request(replace(START, server_metadata=plain), ()) is None


def test_the_lifetime_counts_from_before_the_request() -> None:
    """TK-5: a token never lives longer than we think."""
    learned = STAGE.learn(START, [exchange(reply(200, TOKENS))])
    assert failures(learned.checks) == ()
    assert learned.facts.tokens_asked_at == BEGAN
    assert learned.facts.expires_at == BEGAN + timedelta(seconds=900)
    assert learned.facts.code is None


def test_without_expires_in_the_end_is_unknown() -> None:
    """TK-5."""
    learned = STAGE.learn(START, [exchange(reply(200, {**TOKENS, "expires_in": None}))])
    assert learned.facts.expires_at is None
    assert "no expiry given" in [fact_text(fact) for fact in learned.display_facts]


def test_a_refusal_is_explained_and_the_code_is_gone() -> None:
    """TK-7."""
    learned = STAGE.learn(START, [exchange(reply(400, {"error": "invalid_grant"}))])
    assert failures(learned.checks)
    assert learned.diagnosis is not None
    assert learned.facts.code is None
    assert learned.facts.tokens is None


def test_a_server_that_repeats_code_and_verifier_does_not_get_them_shown() -> None:
    """PK-5, BR-4."""
    said = {"error": "invalid_grant", "error_description": f"the-code {'v' * 43}"}
    learned = STAGE.learn(START, [exchange(reply(400, said))])
    assert "the-code" not in repr(learned)
    assert "v" * 43 not in repr(learned)


@pytest.mark.parametrize("may", [True, False])
def test_a_lost_answer_leaves_the_outcome_unknown(may: bool) -> None:
    """TK-8."""
    lost = WireFailure(FailureKind.TIMEOUT, "late", "again.", may_have_arrived=may)
    [failed] = failures(STAGE.learn(START, [exchange(lost)]).checks)
    assert (failed.name, failed.seen) == ("exchange.answer", "late")
    assert ("unknown" in failed.why) is may
    assert "PKCE" in str(failed.cure)


def test_a_clock_that_differs_is_told() -> None:
    answer = reply(200, TOKENS, ("Date", "Thu, 01 Jan 2026 01:00:00 GMT"))
    [clock] = [c for c in STAGE.learn(START, [exchange(answer)]).checks if c.name == "token.clock"]
    assert clock.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("methods", "command"),
    [
        (("none", "client_secret_post"), "--new-client --client-auth client_secret_post"),
        (("client_secret_post",), "--new-client --client-auth client_secret_post"),
        (("none",), ""),
        (None, ""),
    ],
)
def test_a_client_without_a_secret_that_was_just_registered_and_is_refused_is_a_contradiction(
    methods: tuple[str, ...] | None, command: str
) -> None:
    """Seen-newcomers B2: what the metadata lists and what the endpoint does are both named."""
    assert START.server_metadata is not None
    server = replace(START.server_metadata, token_endpoint_auth_methods_supported=methods)
    start = replace(START, server_metadata=server, registered_at=BEGAN)
    learned = STAGE.learn(start, [exchange(reply(401, {"error": "invalid_client"}))])
    [check] = [c for c in failures(learned.checks) if c.name == "exchange.public_client"]
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == "public_client_refused"
    assert "owner" in str(learned.diagnosis.cure)
    assert "--client-auth none" not in str(learned.diagnosis.cure)
    assert command in str(check.cure)
    assert bool(command) is ("authlens" in str(check.cure))
    assert ("not list it" in str(check.cure)) is (bool(command) and "none" in (methods or ()))
    assert "contradicts" not in learned.diagnosis.cause
    assert not methods or ", ".join(methods) in check.seen


@pytest.mark.parametrize(
    ("verifier", "challenge", "name"),
    [
        ("v" * 43, "c" * 43, "verifier_compared_wrongly"),
        ("w" * 43, "c" * 43, "oauth.pkce"),
        ("v" * 43, "d" * 43, "oauth.pkce"),
    ],
    ids=["as it is", "another was sent", "another is in the link"],
)
def test_a_verifier_that_belongs_to_the_link_and_is_refused_is_the_fault_of_the_server(
    verifier: str, challenge: str, name: str
) -> None:
    start = replace(
        START,
        pkce=Pkce(Secret("v" * 43), "c" * 43),
        authorization_url=f"{ISSUER}/authorize?code_challenge={challenge}",
    )
    request = Request("POST", f"{ISSUER}/token", body=Body(f"code_verifier={verifier}".encode()))
    # A sentence that has a meaning of its own, and another one where the verifier is right.
    description = "code_verifier does not match the challenge"
    refusal = reply(400, {"error": "invalid_grant", "error_description": description})
    learned = STAGE.learn(start, [replace(exchange(refusal), request=request)])
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == name


@pytest.mark.parametrize(("form", "name"), [("grant_type=authorization_code", "form_not_read"), ("", "")])
def test_a_grant_type_that_was_sent_and_is_missed_was_not_read(form: str, name: str) -> None:
    planned = STAGE.request(START, ())
    assert planned is not None
    request = replace(planned.request, body=Body(form.encode()))
    refusal = reply(400, {"error": "invalid_request", "error_description": "grant_type is required"})
    diagnosis = STAGE.learn(START, [replace(exchange(refusal), request=request)]).diagnosis
    assert (diagnosis.name if diagnosis is not None else "") == name


def test_a_client_that_was_stored_may_be_one_that_the_server_has_lost() -> None:
    learned = STAGE.learn(START, [exchange(reply(401, {"error": "invalid_client"}))])
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == "unknown_client"
