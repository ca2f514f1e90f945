"""Two traces are compared field by field: only what differs is said, and what has to differ is told apart."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.export.compare import Comparison, Difference, StageComparison, compare
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import Diagnosis, Severity, judged
from authlens_core.values.exchange import (
    FORM_TYPE,
    JSON_TYPE,
    Exchange,
    FailureKind,
    Headers,
    Request,
    Response,
    WireFailure,
)
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body, Secret
from authlens_lab.emulator import Emulator
from support.driven_login import Recorded, leaks, record_login_at
from support.hostile_trace import CANARY
from support.made_checks import failed

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def trace(*records: StageRecord, kind: TraceKind = TraceKind.LOGIN) -> Trace:
    return Trace("abc", kind, "https://a.example/", BEGAN, records)


def asked(
    url: str = "https://a.example/",
    *,
    sent: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    got: str = "",
    status: int = 200,
    later: float = 0,
) -> StageRecord:
    """Return a record of one exchange: a form that was sent and JSON that came back."""
    request = Request("POST", url, Headers.of([("Content-Type", FORM_TYPE)]), Body(sent.encode()))
    fields = [("Content-Type", JSON_TYPE), *headers]
    response = Response(status, "", Headers.of(fields), Body(got.encode()))
    at = BEGAN + timedelta(seconds=later)
    return StageRecord(
        Stage.EXCHANGE, Outcome.PASSED, at, later, (Exchange(request, response, None, at, later),)
    )


def names(comparison: Comparison) -> list[str]:
    return [one.name for stage in comparison.stages for one in stage.differences]


def values(stage: StageComparison) -> tuple[tuple[str, str | None, str | None], ...]:
    return tuple((one.name, one.a, one.b) for one in stage.differences)


def told_apart(comparison: Comparison) -> list[str]:
    """Return the names of everything that differs as it must."""
    return [one.name for stage in comparison.stages for one in stage.expected]


def nothing_differs(comparison: Comparison) -> bool:
    return comparison.same and not told_apart(comparison)


def test_a_trace_is_the_same_as_itself(login: Recorded, hostile: Trace) -> None:
    for one in (login.trace, hostile):
        assert nothing_differs(compare(one, one))


def test_a_trace_is_the_same_as_its_session_file(login: Recorded) -> None:
    """Fingerprints stand for secrets, so what was saved can be held against what is here."""
    assert nothing_differs(compare(login.trace, read_session(session_json(login.trace).encode())))


async def test_two_logins_with_one_client_differ_only_as_they_must() -> None:
    """States, codes, tokens, dates and rays are made anew by every run; nothing else is."""
    async with Emulator() as emulator:
        client, _ = emulator.register_client("http://localhost:8419/callback")
        options = Options(port=8419, wait=60, client_id=client)
        first, second = [await record_login_at(emulator, options) for _ in range(2)]
    found = compare(first.trace, second.trace)
    assert found.same, names(found)
    assert {"fact state", "fact code_challenge", "request 1 body code_verifier"} <= set(told_apart(found))
    assert [leak for secret in first.secrets for leak in leaks(repr(found), secret)] == []


def test_only_the_differing_fields_are_said() -> None:
    left = asked(
        "https://a.example/t?x=1&y=2",
        sent="scope=a&resource=r",
        headers=(("X-Two", "1"),),
        got='{"a":{"b":1}}',
    )
    right = asked(
        "https://a.example/t?x=1&y=3",
        sent="scope=b&resource=r",
        headers=(("x-two", "2"),),
        got='{"a":{"b":2}}',
    )
    assert values(compare(trace(left), trace(right)).stages[0]) == (
        ("request 1 query y", "2", "3"),
        ("request 1 body scope", "a", "b"),
        ("response 1 header x-two", "1", "2"),
        ("response 1 body a b", "1", "2"),
    )


def test_attempts_are_held_against_each_other_in_turn() -> None:
    found = compare(trace(asked(), asked(sent="a=1")), trace(asked(), asked(sent="a=2")))
    assert [(stage.turn, values(stage)) for stage in found.stages] == [
        (1, ()),
        (2, (("request 1 body a", "1", "2"),)),
    ]


def test_a_change_on_purpose_a_failure_and_a_check_are_said() -> None:
    """What explains a difference is in the comparison."""
    failure = WireFailure(FailureKind.TIMEOUT, "No answer.", "Wait.")
    left = asked()
    right = replace(
        left,
        outcome=Outcome.FAILED,
        tampering=("another verifier",),
        checks=(failed("token.status", "200", "400"),),
        diagnosis=Diagnosis("refused", "No.", "", ("HTTP/1.1 400",)),
        exchanges=(replace(left.exchanges[0], response=None, failure=failure),),
    )
    found = {one.name: one.b for one in compare(trace(left), trace(right)).stages[0].differences}
    assert found["outcome"] == "failed"
    assert found["changed on purpose"] == "another verifier"
    assert found["check token.status"] == "failure: 400"
    assert found["diagnosis evidence"] == "HTTP/1.1 400"
    assert found["request 1 failure"] == "timeout: No answer."
    assert found["response 1 status"] is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            asked(headers=(("Date", "a"), ("CF-Ray", "1-A"))),
            asked(headers=(("Date", "b"), ("CF-Ray", "2-A"))),
        ),
        (asked(sent="state=aaaaaaaa"), asked(sent="state=bbbbbbbb")),
        (asked(sent="code=aaaaaaaa"), asked(sent="code=bbbbbbbb")),
        (asked(got='{"access_token":"aaaaaaaa"}'), asked(got='{"access_token":"bbbbbbbb"}')),
        (asked(got='{"x":"at 2026-01-01T00:00:00Z"}'), asked(got='{"x":"at 2026-01-01T00:00:09Z"}')),
        (
            asked(headers=(("Location", "https://a.example/cb?code=aaaaaaaa&state=1"),)),
            asked(headers=(("Location", "https://a.example/cb?code=bbbbbbbb&state=2"),)),
        ),
    ],
    ids=["header fields", "state", "code", "token", "moment", "redirect"],
)
def test_what_every_run_makes_anew_is_told_apart(left: StageRecord, right: StageRecord) -> None:
    """It is there for who looks, and is no difference."""
    found = compare(trace(left), trace(right))
    assert found.same
    assert len(told_apart(found)) >= 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (asked(sent="client_secret=aaaaaaaa"), asked(sent="client_secret=bbbbbbbb")),
        (
            asked(headers=(("Location", "https://a.example/cb?code=aaaaaaaa&iss=1"),)),
            asked(headers=(("Location", "https://a.example/cb?code=bbbbbbbb&iss=2"),)),
        ),
        (asked(got='{"code":1003}'), asked(got='{"code":1004}')),
        (asked(sent="state=aaaaaaaa"), asked()),
    ],
    ids=["a client's secret", "an issuer beside a code", "the number of an error", "a state that is missing"],
)
def test_what_need_not_differ_is_not_hidden_among_it(left: StageRecord, right: StageRecord) -> None:
    """A masked value may still be the reason."""
    assert not compare(trace(left), trace(right)).same


def test_no_secret_is_in_a_comparison(hostile: Trace) -> None:
    """V-7: both sides are redacted first, whatever they repeat."""
    found = compare(hostile, replace(hostile, records=hostile.records[:1], resource_url=CANARY))
    assert not found.same
    assert leaks(repr(found), CANARY) == []


def test_a_secret_has_the_same_fingerprint_on_both_sides() -> None:
    """The same token is no difference; a fact that became text is compared by its mask."""
    record = StageRecord(
        Stage.EXCHANGE, Outcome.PASSED, BEGAN, 0, facts=(Fact(FactId.REFRESH_TOKEN, Secret(CANARY)),)
    )
    shown = replace(record, facts=(Fact(FactId.REFRESH_TOKEN, Secret(CANARY).masked),))
    assert nothing_differs(compare(trace(record), trace(shown)))


_WORDS = st.sampled_from(["a", "b", "state", "x (2)", "check", "request 1", "•••• #00000000", ""])
_FACTS = st.lists(st.builds(Fact, _WORDS, _WORDS), max_size=4).map(tuple)

_RECORDS = st.builds(
    StageRecord,
    st.sampled_from(list(Stage)),
    st.sampled_from(list(Outcome)),
    st.just(BEGAN),
    st.just(0.0),
    facts=_FACTS,
    checks=st.lists(st.builds(judged, st.sampled_from(list(Severity)), _WORDS, _WORDS), max_size=2).map(
        tuple
    ),
    tampering=st.lists(_WORDS, max_size=2).map(tuple),
)

_TRACES = st.lists(_RECORDS, max_size=4).map(lambda records: trace(*records))


def _swapped(found: Comparison) -> Comparison:
    def other(differences: Iterable[Difference]) -> tuple[Difference, ...]:
        return tuple(replace(one, a=one.b, b=one.a, severities=one.severities[::-1]) for one in differences)

    stages = (
        replace(
            one,
            differences=other(one.differences),
            expected=other(one.expected),
            outcomes=one.outcomes[::-1],
        )
        for one in found.stages
    )
    verdict = replace(found.verdict, a=found.verdict.b, b=found.verdict.a)
    return Comparison(other(found.about), tuple(stages), verdict)


@given(_TRACES, _TRACES)
def test_the_sides_can_be_changed_over(left: Trace, right: Trace) -> None:
    """Whatever differs, it differs the same way round from either side; a trace never differs from itself."""
    assert _swapped(compare(left, right)) == compare(right, left)
    assert nothing_differs(compare(left, left))


async def test_two_clean_logins_at_two_addresses_differ_in_the_addresses_alone() -> None:
    """Not in sixty fields that are one origin; a client that each registered anew says nothing."""
    runs = []
    for _ in range(2):
        async with Emulator() as emulator:
            runs.append(await record_login_at(emulator, Options(port=0, wait=60)))
    found = compare(runs[0].trace, runs[1].trace)
    assert names(found) == []
    assert {one.name for one in found.about} == {"address, throughout"}
    assert len(found.about) <= 3
    assert any("client_id" in one for one in told_apart(found))


CODE = replace(asked(), stage=Stage.AUTHORIZATION)

DENIED = replace(
    CODE,
    outcome=Outcome.FAILED,
    checks=(failed("authorization.error", "No error", "x", error_code="denied"),),
)

OTHER_SCOPE = replace(asked(sent="scope=b"), stage=Stage.REGISTRATION)


@pytest.mark.parametrize(
    ("left", "right", "sentence"),
    [
        ((CODE,), (CODE,), "No differences."),
        ((CODE,), (DENIED,), "Different from the start, 6 Authorization. A got a code; B got denied."),
        (
            (replace(OTHER_SCOPE), CODE),
            (OTHER_SCOPE, DENIED),
            "Same until 6 Authorization. A got a code; B got denied.",
        ),
        (
            (replace(asked(), stage=Stage.REGISTRATION), CODE),
            (OTHER_SCOPE, DENIED),
            "Same results until 6 Authorization. A got a code; B got denied.",
        ),
        (
            (CODE, asked()),
            (CODE,),
            "Same until 7 Exchange. A got tokens; B ended before it.",
        ),
        (
            (replace(asked(), stage=Stage.REGISTRATION), CODE),
            (OTHER_SCOPE, CODE),
            "Both ended the same way. They differ first in 4 Registration.",
        ),
    ],
)
def test_one_sentence_says_where_two_records_part(
    left: tuple[StageRecord, ...], right: tuple[StageRecord, ...], sentence: str
) -> None:
    assert compare(trace(*left), trace(*right)).verdict.sentence == sentence
