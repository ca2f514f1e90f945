"""No message about a server without Cloudflare's marks has a word of Cloudflare."""

import re
from collections.abc import Iterator

import pytest

from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.protection import Protection, note_on
from authlens_core.diagnosis.server_kind import ServerKind, server_words
from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, StageRecord, Trace, fact_text
from authlens_core.values.check import CheckId
from authlens_core.values.exchange import FailureKind, WireFailure
from authlens_core.values.login_options import Options
from authlens_core.values.word_files import texts as markdown
from authlens_core.values.word_files import words
from authlens_lab.emulator import Emulator, Fault, Profile
from support.driven_login import log_in
from support.scripted_login import RESOURCE, Answer, ScriptedSender, come_back, honest, reply

CLOUDFLARES = re.compile(
    r"(?i)cloudflare|\bwarp\b|zero trust|managed oauth|cf-ray|cdn-cgi|\bAccess (?:app|asks|know|re|send)"
    r"|(?-i:\b(?:at|by|of|for|with|from|Zone) Access\b)"
)


# These are recognised by Cloudflare's own header fields, addresses or error numbers.
MARKED = {
    Protection.ACCESS_LOGIN,
    Protection.SERVICE_AUTH_ONLY,
    Protection.BLOCKED,
    Protection.REQUIRE_ACCESS_PROTECTION,
    Protection.ORIGIN_DOWN,
    Protection.PREFLIGHT,
}

ANSWERS: dict[str, Answer] = {
    **{
        code: reply(400, {"error": code, "error_description": "no"})
        for code in (
            *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "invalid_target"),
            *("unauthorized_client", "access_denied", "invalid_redirect_uri", "invalid_client_metadata"),
        )
    },
    "redirect": reply(400, {"error": "invalid_request", "error_description": "redirect_uri is not allowed"}),
    "nonce": reply(400, {"error": "invalid_request", "error_description": "invalid nonce"}),
    **{
        str(status): reply(status, text="no") for status in (200, 302, 401, 403, 404, 405, 429, 500, 522, 530)
    },
    "silent": WireFailure(FailureKind.CONNECT, "Nothing listens there.", "Check the port."),
}


def texts(trace: Trace) -> Iterator[str]:
    for record in trace.records:
        yield from _of_record(record)


def _of_record(record: StageRecord) -> Iterator[str]:
    for check in record.checks:
        yield from (check.expected, check.seen, check.why, str(check.cure), check.spec)
    yield from (f"{fact_text(fact)} {fact.note} {fact.spec}" for fact in record.facts)
    told = record.diagnosis
    if told is not None:
        yield from (told.cause, str(told.cure), told.source, told.layer or "", *told.evidence)
    error = record.error
    if error is not None:
        yield from (error.cause, str(error.cure))


def foreign_words(trace: Trace) -> list[str]:
    return [text for text in texts(trace) if CLOUDFLARES.search(text)]


SERVICE_TOKENS = {CheckId.SERVICE_TOKEN_HALF, CheckId.SERVICE_TOKEN_SWAPPED, CheckId.SERVICE_TOKEN_TWICE}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_refusal_of_a_plain_server_has_no_word_of_cloudflare(answer: str) -> None:
    """At each request of a login in turn."""
    for asked in ("resource", "metadata", "server", "register", "token"):
        sender = ScriptedSender(honest(**{asked: ANSWERS[answer]}))
        login = Login(RESOURCE, sender, options=Options(port=0, wait=1, listen=False))
        login.watch(come_back(login))
        trace = await login.run_all()
        await login.aclose()
        assert foreign_words(trace) == [], asked


@pytest.mark.parametrize(
    "error", ["access_denied", "invalid_request", "server_error", "redirect_uri_mismatch"]
)
async def test_an_error_on_the_callback_of_a_plain_server_has_no_word_of_cloudflare(error: str) -> None:
    login = Login(RESOURCE, ScriptedSender(honest()), options=Options(port=0, wait=1, listen=False))
    login.watch(come_back(login, f"error={error}"))
    trace = await login.run_all()
    await login.aclose()
    assert trace.records[-1].outcome is Outcome.FAILED
    assert foreign_words(trace) == []


@pytest.mark.parametrize("profile", [Profile.MCP, Profile.GENERIC])
async def test_a_failed_login_at_the_standard_emulator_has_no_word_of_cloudflare(profile: Profile) -> None:
    failing = (Fault.NO_REGISTRATION, Fault.ISS_MISSING, Fault.STEP_UP)
    for fault in failing:
        async with Emulator(profile, faults=[fault]) as emulator:
            trace = await log_in(emulator)
        assert trace.records[-1].outcome is Outcome.FAILED
        assert foreign_words(trace) == [], fault


def test_no_cause_without_a_mark_has_a_word_of_cloudflare() -> None:
    for cause in CAUSES:
        marked = cause.kinds or (cause.protections <= MARKED and cause.protections) or cause.credentials
        if not marked and cause.checks.isdisjoint(SERVICE_TOKENS):
            words = server_words(ServerKind.OTHER)
            told = f"{words.fill(cause.cause)} {words.fill_fix(cause.cure)}"
            assert not CLOUDFLARES.search(told), cause.name


def test_no_words_that_every_server_can_get_have_a_word_of_cloudflare() -> None:
    for protection in set(Protection) - MARKED:
        assert not CLOUDFLARES.search(f"{note_on(protection).summary} {note_on(protection).cure}")
    for shared in (words("errors"), words("stages"), markdown("stages")):
        assert not CLOUDFLARES.search(str(shared))
    for kind in set(ServerKind) - {ServerKind.ACCESS}:
        told = server_words(kind)
        assert not CLOUDFLARES.search(f"{told!r}"), kind
