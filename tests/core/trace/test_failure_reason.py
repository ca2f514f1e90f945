"""Why a record failed, in words; and the error and exit code that it amounts to."""

import pytest
from msgspec.structs import replace

from authlens_core.trace.failure_reason import diagnosis_of
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import UNKNOWN, Check, Diagnosis, Severity, judged
from authlens_core.values.errors import AuthlensError, NetworkFailure, Refused, ServerMisconfigured, TimedOut
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, WireFailure
from support.made_checks import failed, present
from support.scripted_login import BEGAN, RESOURCE, Answer, exchange, reply

TEAPOT = reply(418, None, ("Content-Type", "text/plain"), text="short and stout")
DENIED = reply(400, {"error": "invalid_grant", "error_description": "Code expired"})


def _failed(name: str, seen: str = "", severity: Severity = Severity.FAILURE) -> Check:
    return judged(severity, name, "it works", seen, cure="Do what the check says.")


def _record(stage: Stage, check: Check, *answers: Answer, outcome: Outcome = Outcome.FAILED) -> StageRecord:
    return _diagnosed(StageRecord(stage, outcome, BEGAN, 0.1, tuple(exchange(a) for a in answers), (check,)))


def _diagnosed(record: StageRecord) -> StageRecord:
    return replace(record, diagnosis=diagnosis_of(record.stage, record.checks, record.exchanges))


def test_the_diagnosis_of_a_record_quotes_the_answer() -> None:
    reason = present(_record(Stage.REFRESH, _failed("token.status", "400"), DENIED).reason)
    assert "refresh token is no longer valid" in reason.cause
    assert reason.evidence[:2] == ("HTTP/1.1 400", '"error": "invalid_grant"')
    assert reason.known


def test_a_diagnosis_without_evidence_is_shown_with_what_the_check_saw() -> None:
    record = _record(Stage.EXCHANGE, _failed("token.status", "400 invalid_grant"), DENIED)
    own = Diagnosis("own", "Because.", "Do.", ("a", "b"))
    assert replace(record, diagnosis=own).reason == own
    older = present(replace(record, diagnosis=replace(own, evidence=())).reason)
    assert older.evidence == ("400 invalid_grant",)


@pytest.mark.parametrize(
    "answer",
    [reply(500, None, text="x"), reply(401), DENIED, reply(403, None, ("cf-mitigated", "challenge"))],
)
def test_of_a_revocation_the_refused_request_decides_and_not_the_proof_after_it(answer: Answer) -> None:
    """The resource is called afterwards, and its 401 is what was wanted."""
    refused = replace(exchange(answer), purpose=Purpose.REVOKE_REFRESH_TOKEN)
    proof = replace(exchange(reply(200)), purpose=Purpose.ACCESS)
    record = _record(Stage.REVOKE, _failed("revoke.refresh_token", "no"))
    record = _diagnosed(replace(record, exchanges=(refused, proof)))
    reason = present(record.reason)
    assert not any("200" in line for line in reason.evidence)


def test_an_answer_that_is_not_known_is_shown_whole_and_marked() -> None:
    record = _record(Stage.ACCESS, _failed("access.accepted", "418"), TEAPOT)
    reason = present(record.reason)
    assert not reason.known
    assert reason.evidence == (
        "HTTP/1.1 418",
        "content-type: text/plain",
        "starts with: short and stout",
    )
    assert str(reason.cure).startswith("Do what the check says.")
    error = present(record.error)
    assert "HTTP/1.1 418 · content-type: text/plain" in error.cause
    assert present(record.diagnosis).name == UNKNOWN


@pytest.mark.parametrize(
    ("status", "field", "layer"),
    [
        (401, ("WWW-Authenticate", "Bearer"), "origin"),
        (403, ("cf-access-aud", "a" * 64), "Cloudflare Access"),
        (403, ("cf-mitigated", "challenge"), "Cloudflare WAF"),
        (530, ("cf-ray", "1-EMU"), "origin"),
        (522, ("cf-ray", "1-EMU"), "origin"),
        (302, ("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/x"), "Cloudflare Access"),
    ],
)
def test_a_failure_after_a_good_token_names_the_layer(
    status: int, field: tuple[str, str], layer: str
) -> None:
    """Stage 8: whose matter it is."""
    reason = present(_record(Stage.ACCESS, _failed("access.accepted"), reply(status, None, field)).reason)
    assert f"Layer: {layer}." in reason.cause


def test_no_answer_after_a_good_token_is_a_matter_of_the_network() -> None:
    """The layer and the request that went unanswered."""
    lost = WireFailure(FailureKind.CONNECT, "Nobody listens.", "Start it.")
    record = _record(Stage.ACCESS, failed("access.accepted", "it works"), lost)
    reason = present(record.reason)
    assert reason.cause == "Nobody listens. Layer: network."
    assert reason.cure == "Start it."
    assert reason.evidence == (f"connect failure: GET {RESOURCE}",)
    assert isinstance(record.error, NetworkFailure)


def test_a_check_of_ours_speaks_for_itself() -> None:
    """No diagnosis is made where there is nothing more to say."""
    record = _record(Stage.PKCE, _failed("pkce.method", "plain"))
    assert record.diagnosis is None
    reason = present(record.reason)
    assert (reason.cause, reason.cure) == ("Expected: it works. Seen: plain", "Do what the check says.")


def test_what_passed_or_was_allowed_has_no_reason() -> None:
    """Neither an error nor an exit code."""
    passed = _record(Stage.ACCESS, _failed("access.accepted"), TEAPOT, outcome=Outcome.PASSED)
    assert passed.reason is None
    assert passed.error is None
    check = replace(_failed("detection.protection"), overridable=True)
    assert diagnosis_of(Stage.DETECTION, (check,), (exchange(TEAPOT),), {check.name}) is None


def test_a_warning_is_explained_where_its_cause_is_known_and_left_alone_where_not() -> None:
    """The login went on: an answer that nobody knows is no reason to worry then."""
    down = (exchange(reply(530, None, ("cf-ray", "1-EMU"))),)
    warning = _failed("access.accepted", "530", Severity.WARNING)
    found = present(diagnosis_of(Stage.ACCESS, (warning,), down))
    assert "tunnel" in str(found.cure)
    assert found.evidence[0].startswith("HTTP/1.1 530")
    assert diagnosis_of(Stage.ACCESS, (warning,), (exchange(TEAPOT),)) is None


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (_record(Stage.AUTHORIZATION, _failed("authorization.timeout", "nothing in 5 seconds")), TimedOut),
        (_record(Stage.AUTHORIZATION, _failed("authorization.error", "access_denied")), Refused),
        (_record(Stage.EXCHANGE, _failed("token.status", "400"), DENIED), Refused),
        (_record(Stage.EXCHANGE, _failed("token.status", "500"), reply(500)), ServerMisconfigured),
        (_record(Stage.DETECTION, _failed("detection.protection"), reply(403)), Refused),
    ],
)
def test_the_kind_of_the_error_decides_the_exit_code(record: StageRecord, kind: type[AuthlensError]) -> None:
    """The words may change; what a script tests may not."""
    error = record.error
    assert type(error) is kind


def test_a_request_without_an_answer_leaves_no_query_in_the_words() -> None:
    """A query may hold a code."""
    lost = WireFailure(FailureKind.TIMEOUT, "Late.", "Again.")
    asked = Exchange(Request("GET", f"{RESOURCE}?code=canary"), None, lost, BEGAN, 1.0)
    record = _diagnosed(replace(_record(Stage.PROBE, _failed("probe.accepted")), exchanges=(asked,)))
    assert "canary" not in repr(record.reason)


def test_what_no_approval_helps_against_is_reported_first() -> None:
    """H426: the fix of the other one would say "continue" of a login that cannot."""
    may = replace(_failed("server.endpoints_site"), overridable=True, cure="Continue only if you know both.")
    stops = _failed("server.s256")
    record = StageRecord(Stage.SERVER_METADATA, Outcome.FAILED, BEGAN, 0.1, (), (may, stops))
    for one in (record, _diagnosed(record)):
        error = present(one.error)
        assert "Continue" not in str(error.cure)
