"""A record says in words what it came to, whatever stage it is of and however it ended."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from authlens_core.explain.overview import overview
from authlens_core.oauth.token import rotation_check
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord
from authlens_core.values.check import Check, CheckId, Severity, judged
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.secret import Secret
from support.driven_login import record_login
from support.made_checks import passed, warned

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def exchange(status: int | None, *fields: tuple[str, str], url: str = "https://wiki.example/") -> Exchange:
    """Return an exchange that ended with this status."""
    response = Response(status, headers=Headers(fields)) if status is not None else None
    return Exchange(Request("GET", url), response, None, NOW, 0.1)


def record(
    stage: Stage,
    *exchanges: Exchange,
    facts: Sequence[Fact] = (),
    checks: Sequence[Check] = (),
    outcome: Outcome = Outcome.PASSED,
) -> StageRecord:
    """Return a record."""
    return StageRecord(stage, outcome, NOW, 0.1, exchanges, tuple(checks), tuple(facts))


def words(one: StageRecord) -> str:
    """Return all the words of its overview."""
    told = overview(one)
    return " ".join((*told.sentences, told.cause, str(told.cure), *told.tampering))


async def test_every_stage_of_a_login_is_told() -> None:
    login = await record_login()
    for one in login.trace.records:
        told = overview(one)
        assert told.sentences, one.stage
        assert told.cause == ""
        assert all(s.endswith(".") and "  " not in s for s in told.sentences), told.sentences
        assert not any(secret in words(one) for secret in login.secrets)


def test_detection_names_the_team() -> None:
    location = ("Location", "https://acme.cloudflareaccess.com/cdn-cgi/access/login/wiki.example?kid=a")
    challenge = ("WWW-Authenticate", 'Cloudflare-Access resource_metadata="https://wiki.example/x"')
    named = passed(CheckId.DETECTION_METADATA, "named", "in WWW-Authenticate")
    found = words(record(Stage.DETECTION, exchange(302, location, challenge), checks=[named]))
    assert found.startswith("The resource answered 302 and named its metadata document.")
    assert "team acme" in found


def test_an_exchange_says_what_kind_of_token_came() -> None:
    facts = [
        Fact(FactId.ACCESS_TOKEN, Secret("oauth:abcdefgh")),
        Fact(FactId.EXPIRES_IN, timedelta(seconds=900)),
    ]
    opaque = words(record(Stage.EXCHANGE, exchange(200), facts=facts))
    jwt = Secret("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln")
    readable = [Fact(FactId.ACCESS_TOKEN, jwt), Fact(FactId.REFRESH_TOKEN, Secret("x" * 20))]
    assert "opaque" in opaque
    assert "15 minutes" in opaque
    assert "There is no refresh token" in opaque
    assert "a JWT" in words(record(Stage.EXCHANGE, exchange(200), facts=readable))


def test_a_token_of_one_second_is_told_in_the_singular() -> None:
    facts = [
        Fact(FactId.ACCESS_TOKEN, Secret("oauth:abcdefgh")),
        Fact(FactId.EXPIRES_IN, timedelta(seconds=1)),
    ]
    assert "It is valid for 1 second." in words(record(Stage.EXCHANGE, exchange(200), facts=facts))


def test_a_refresh_says_whether_the_token_was_replaced() -> None:
    """Rotation decides whether an older copy is worth anything."""
    replaced, same = rotation_check(replaced=True), rotation_check(replaced=False)
    assert "the old one is invalid" in words(record(Stage.REFRESH, exchange(200), checks=[replaced]))
    assert "stays the same" in words(record(Stage.REFRESH, exchange(200), checks=[same]))
    assert "Nothing was sent" in words(record(Stage.REFRESH))


def test_an_experiment_with_a_stale_refresh_token_is_told_in_its_order() -> None:
    """The honest refresh decides what became of the token, not the refusal that follows on purpose."""
    again = replace(exchange(400), purpose=Purpose.REFRESH_AGAIN)
    rotated = passed("refresh.rotation", "The server replaces the refresh token.", "a new one came")
    told = words(record(Stage.REFRESH, exchange(200), again, checks=[rotated]))
    assert "stays the same" not in told
    assert "the old one is invalid" in told
    assert told.strip().endswith("Then the old refresh token was sent again: the server answered 400.")


def test_an_origin_that_is_down_is_no_plain_success() -> None:
    """The token was taken; what stands behind the gate did not answer."""
    assert "the login works" not in words(record(Stage.ACCESS, exchange(530)))
    assert "The token was accepted" in words(record(Stage.ACCESS, exchange(530)))


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (passed("revoke.proof", "refuses", "401"), "the resource refused it (401)"),
        (
            warned("revoke.proof", "refuses", "200"),
            "did not refuse the old token",
        ),
    ],
)
def test_a_revocation_says_what_was_proven(proof: Check, said: str) -> None:
    facts = [Fact(FactId.REFRESH_TOKEN, "revoked (200)")]
    found = words(record(Stage.REVOKE, exchange(200), exchange(401), facts=facts, checks=[proof]))
    assert "The server, about the refresh token: revoked (200)." in found
    assert said in found


def test_a_probe_says_that_the_token_works() -> None:
    assert "answered 200 and accepts the token" in words(record(Stage.PROBE, exchange(200)))


def test_a_failure_says_why_and_what_to_do() -> None:
    check = Check(
        name="access.accepted",
        severity=Severity.FAILURE,
        expected="accepted",
        seen="It refused.",
        cure="Ask the owner.",
    )
    failed = record(Stage.ACCESS, exchange(401), checks=[check], outcome=Outcome.FAILED)
    told = overview(failed)
    reason = failed.reason
    assert reason is not None
    assert told.sentences == ("wiki.example answered 401.",)
    assert (told.cause, told.cure, told.evidence) == (reason.cause, reason.cure, reason.evidence)


def test_a_stopped_stage_and_a_changed_one_say_so() -> None:
    stopped = record(Stage.AUTHORIZATION, outcome=Outcome.CANCELLED)
    assert "You stopped it" in words(stopped)
    changed = replace(record(Stage.EXCHANGE, exchange(200)), tampering=("wrong verifier",))
    assert overview(changed).tampering == ("wrong verifier",)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_record_with_nothing_in_it_never_raises(stage: Stage, outcome: Outcome) -> None:
    """A session file may hold anything."""
    overview(record(stage, outcome=outcome))
    overview(record(stage, exchange(None, url="https://[")))


def test_a_device_login_says_where_the_code_is_entered() -> None:
    codes = [Fact(FactId.USER_CODE, "WDJB-MJHT"), Fact(FactId.VERIFICATION_URI, "https://op.example/device")]
    told = words(record(Stage.AUTHORIZATION, exchange(200), facts=codes))
    assert "open https://op.example/device and enter WDJB-MJHT" in told
    assert "in your browser" not in told


@pytest.mark.parametrize(("severity", "is_said"), [(Severity.PASS, True), (Severity.WARNING, False)])
def test_the_state_is_said_to_match_only_if_it_did(severity: Severity, *, is_said: bool) -> None:
    check = judged(severity, CheckId.AUTHORIZATION_STATE, "the state of this login")
    code = Fact(FactId.CODE, Secret("code-canary"))
    told = words(record(Stage.AUTHORIZATION, facts=[code], checks=[check]))
    assert ("Its state matches" in told) is is_said
