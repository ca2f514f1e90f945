"""A trace read as arrows: who said what to whom, and which arrow failed."""

from datetime import UTC, datetime
from typing import Final

import pytest
from msgspec.structs import replace

from authlens_core.trace.arrows import Arrow, Party, authorities, messages
from authlens_core.trace.record import Outcome, RunningStage, Stage, StageRecord, Trace
from authlens_core.values.check import Check, CheckId, Severity, judged
from authlens_core.values.exchange import Exchange, FailureKind, Headers, Purpose, Request, WireFailure
from authlens_core.values.stage import GrantType
from support.driven_login import closed_login
from support.scripted_login import (
    ISSUER,
    RESOURCE,
    Answer,
    ScriptedSender,
    exchange,
    honest,
    reply,
)

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
LOST: Final = WireFailure(FailureKind.TIMEOUT, "Nothing came for 10 seconds.")


async def logged_in(*answers: str, **changes: Answer | list[Answer]) -> Trace:
    """Return the trace of a login at an honest server, or at one that answers with `changes`."""
    return (await closed_login(ScriptedSender(honest(**changes)), answers=answers)).trace


def record(
    stage: Stage, *exchanges: Exchange, outcome: Outcome = Outcome.PASSED, failed: str = ""
) -> StageRecord:
    """Return a record, with a failed check called `failed` if it is given."""
    checks = (
        (Check(name=failed, severity=Severity.FAILURE, expected="A good end.", seen="a bad end"),)
        if failed
        else ()
    )
    return StageRecord(stage, outcome, NOW, 1.0, exchanges, checks)


def sent(answer: Answer, purpose: Purpose = Purpose.OTHER, url: str = f"{ISSUER}/token") -> Exchange:
    return replace(exchange(answer, Request("POST", url)), purpose=purpose)


def ways(drawn: tuple[Arrow, ...]) -> list[str]:
    return [f"{one.sender} > {one.receiver}: {one.label}" for one in drawn]


async def test_a_login_is_told_from_the_first_refusal_to_the_proof() -> None:
    """All five parties, all eight stages, every request with its answer, in order."""
    trace = await logged_in()
    assert ways(messages(trace.records)) == [
        "authlens > resource: GET /mcp",
        "resource > authlens: 401 Unauthorized",
        "authlens > resource: GET /.well-known/oauth-protected-resource/mcp",
        "resource > authlens: 200 OK",
        "authlens > server: GET /.well-known/oauth-authorization-server",
        "server > authlens: 200 OK",
        "authlens > server: POST /register",
        "server > authlens: 201 Created",
        "authlens > authlens: holds code_verifier, sends only its SHA-256",
        "authlens > person: the link",
        "person > browser: opens",
        "browser > server: sign in",
        "server > browser: redirect with code",
        "browser > authlens: code, state",
        "authlens > server: POST /token  code, code_verifier",
        "server > authlens: 200 OK",
        "authlens > resource: GET /mcp  Bearer token",
        "resource > authlens: 200 OK",
    ]
    assert not any(one.failed for one in messages(trace.records))


async def test_every_arrow_of_authlens_names_the_exchange_it_opens() -> None:
    trace = await logged_in()
    for one in messages(trace.records):
        assert trace.records[one.record_index].stage is one.stage
        if one.exchange_index is not None:
            opened = trace.records[one.record_index].exchanges[one.exchange_index]
            assert one.reply or one.label.startswith(opened.request.method)
    opening = [one for one in messages(trace.records) if one.exchange_index is not None]
    assert len(opening) == 2 * sum(len(one.exchanges) for one in trace.records)


async def test_only_the_answer_a_stage_failed_at_is_marked_and_says_why() -> None:
    """A refused token request: one arrow failed, with the words of the check."""
    trace = await logged_in(token=reply(400, {"error": "invalid_grant"}))
    failed = [one for one in messages(trace.records) if one.failed]
    assert ways(tuple(failed)) == ["server > authlens: 400 Bad Request"]
    assert failed[0].stage is Stage.EXCHANGE
    assert "invalid_grant" in failed[0].note


def test_an_answer_that_never_came_is_a_failed_arrow_with_the_cause() -> None:
    """The layer stands in the label and the cause in the note."""
    (asked, missing) = messages([record(Stage.DETECTION, exchange(LOST), outcome=Outcome.FAILED)])
    assert not asked.failed
    assert (missing.label, missing.note, missing.failed) == ("no answer (timeout)", LOST.cause, True)
    assert missing.missing


async def test_a_refusal_in_the_browser_comes_back_as_a_failed_callback() -> None:
    """The redirect carries the error, and the arrow to authlens is the one that failed."""
    trace = await logged_in("error=access_denied")
    *_, redirect, callback = messages(trace.records)
    assert redirect.label == "redirect with error"
    assert (callback.sender, callback.receiver, callback.failed) == (Party.BROWSER, Party.AUTHLENS, True)
    assert "access_denied" in callback.note


def test_a_browser_that_never_came_is_the_arrow_that_is_missing() -> None:
    """Nothing is claimed of what happened at the server."""
    drawn = messages([record(Stage.AUTHORIZATION, outcome=Outcome.FAILED, failed="authorization.timeout")])
    assert ways(drawn) == [
        "authlens > person: the link",
        "browser > authlens: the browser did not come back",
    ]
    assert drawn[1].failed
    assert drawn[1].missing
    assert "a bad end" in drawn[1].note


def test_a_cancelled_wait_is_told_as_cancelled() -> None:
    drawn = messages([record(Stage.AUTHORIZATION, outcome=Outcome.CANCELLED)])
    assert drawn[-1].note == "It was cancelled."


def test_a_link_that_could_not_be_made_is_handed_to_nobody() -> None:
    """A failure before the link leaves one note at authlens."""
    drawn = messages([record(Stage.AUTHORIZATION, outcome=Outcome.FAILED, failed="authorization.endpoint")])
    assert ways(drawn) == ["authlens > authlens: cannot offer the link"]
    assert drawn[0].failed


def test_a_stage_that_stopped_before_it_sent_anything_says_so() -> None:
    """A taken port fails registration without a request."""
    (note,) = messages([record(Stage.REGISTRATION, outcome=Outcome.FAILED, failed="registration.port")])
    assert (note.sender, note.receiver, note.failed) == (Party.AUTHLENS, Party.AUTHLENS, True)
    assert "a bad end" in note.note


def test_a_revocation_asks_the_server_and_proves_it_at_the_resource() -> None:
    """The failed token is the one marked, although the proof came after it."""
    bearer = Request("POST", RESOURCE, Headers.of([("Authorization", "Bearer abc")]))
    exchanges = (
        sent(reply(503), Purpose.REVOKE_REFRESH_TOKEN, f"{ISSUER}/revoke"),
        sent(reply(200), Purpose.REVOKE_ACCESS_TOKEN, f"{ISSUER}/revoke"),
        replace(exchange(reply(401), bearer), purpose=Purpose.ACCESS),
    )
    drawn = messages(
        [record(Stage.REVOKE, *exchanges, outcome=Outcome.FAILED, failed="revoke.refresh_token")]
    )
    assert ways(drawn) == [
        "authlens > server: POST /revoke  refresh_token",
        "server > authlens: 503 Service Unavailable",
        "authlens > server: POST /revoke  access_token",
        "server > authlens: 200 OK",
        "authlens > resource: POST /mcp  Bearer token",
        "resource > authlens: 401 Unauthorized",
    ]
    assert [one.failed for one in drawn] == [False, True, False, False, False, False]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ((("Authorization", "Bearer abc"),), "Bearer token"),
        ((("Authorization", "DPoP abc"), ("DPoP", "proof")), "DPoP token"),
        ((("CF-Access-Client-Id", "a.access"), ("CF-Access-Client-Secret", "s")), "service token"),
        ((("cf-access-token", "eyJ"),), "Access token"),
        ((), ""),
    ],
)
def test_a_call_of_the_resource_names_the_credential_that_it_carries(
    fields: tuple[tuple[str, str], ...], named: str
) -> None:
    asked = exchange(reply(), Request("GET", RESOURCE, Headers.of(fields)))
    assert messages([record(Stage.PROBE, asked)])[0].label.partition("  ")[2] == named


def test_what_was_fetched_once_is_drawn_once_after_an_override() -> None:
    """Reading an answer again sends nothing again."""
    fetched = sent(reply(200))
    first = record(Stage.SERVER_METADATA, fetched, outcome=Outcome.FAILED, failed="server.none")
    again = replace(first, outcome=Outcome.PASSED, overridden=frozenset({"server.none"}))
    assert ways(messages([first, again])) == [
        "authlens > server: POST /token",
        "server > authlens: 200 OK",
        "authlens > authlens: continued despite a failed check",
    ]


def test_a_second_attempt_is_drawn_as_a_second_request() -> None:
    first = record(Stage.EXCHANGE, sent(reply(503)), outcome=Outcome.FAILED, failed="token.status")
    later = replace(sent(reply(200)), started_at=NOW.replace(hour=1))
    assert len(messages([first, record(Stage.EXCHANGE, later)])) == 4


def test_no_label_holds_what_stands_in_a_query_or_a_reason_phrase() -> None:
    """Queries and a server's own words stay out of labels."""
    response = replace(reply(299), reason="phrase-canary")
    secretive = sent(response, url=f"https://u:pass-canary@h/p?code=query-canary#{'fragment-canary'}")
    records = [record(Stage.EXCHANGE, secretive)]
    told = " ".join(ways(messages(records))) + authorities(records)[Party.SERVER]
    assert "canary" not in told
    assert "299" in told


def test_the_request_on_its_way_is_drawn_before_its_answer() -> None:
    request = Request("POST", f"{ISSUER}/register")
    drawn = messages([], RunningStage(Stage.REGISTRATION, (sent(reply(429)),), request))
    assert [one.reply for one in drawn] == [False, True, False]
    assert drawn[-1].label == "POST /register"


def test_a_wait_for_the_browser_is_an_arrow_still_to_come() -> None:
    """While a person signs in, the link is out and the way back is open."""
    drawn = messages([], RunningStage(Stage.AUTHORIZATION))
    assert drawn[-1].missing
    assert not drawn[-1].failed


def test_a_link_that_an_experiment_opened_itself_is_drawn_before_anybody_gets_it() -> None:
    """Its refusal is the end; where the server asks for a sign-in, the browser's way follows."""
    opened = sent(reply(400), Purpose.LINK, f"{ISSUER}/authorize?state=hidden")
    refused = record(Stage.AUTHORIZATION, opened, outcome=Outcome.FAILED, failed="authorization.opened")
    drawn = messages((refused,))
    assert [(one.label, one.exchange_index, one.failed) for one in drawn] == [
        ("POST /authorize", 0, False),
        ("400 Bad Request", 0, True),
    ]
    asked = sent(reply(200), Purpose.LINK, f"{ISSUER}/authorize")
    drawn = messages((record(Stage.AUTHORIZATION, asked),))
    assert [one.label for one in drawn][:3] == ["POST /authorize", "200 OK", "the link"]
    assert drawn
    assert not any(one.failed for one in drawn)


def test_a_device_code_goes_to_the_user_and_no_browser_comes_back() -> None:
    asked = sent(reply(200), Purpose.DEVICE_AUTHORIZATION, f"{ISSUER}/device_authorization")
    by_code = replace(record(Stage.AUTHORIZATION, asked), grant_type=GrantType.DEVICE_CODE)
    drawn = messages((by_code,))
    assert ways(drawn)[2:] == [
        "authlens > person: the code to enter",
        "person > browser: opens",
        "browser > server: sign in, enter the code",
    ]
    failed = record(Stage.AUTHORIZATION, asked, outcome=Outcome.FAILED, failed="device.user_code")
    refused = messages((replace(failed, grant_type=GrantType.DEVICE_CODE),))
    assert [one.label for one in refused if one.failed][-1] == "got no code to enter"


@pytest.mark.parametrize(
    ("severity", "label"), [(Severity.PASS, "code, state"), (Severity.FAILURE, "code"), (None, "code")]
)
def test_the_arrow_of_the_code_names_the_state_only_if_it_matched(
    severity: Severity | None, label: str
) -> None:
    checks = () if severity is None else (judged(severity, CheckId.AUTHORIZATION_STATE, "the state"),)
    passed = StageRecord(Stage.AUTHORIZATION, Outcome.PASSED, NOW, 0.1, checks=checks)
    assert messages([passed])[-1].label == label
