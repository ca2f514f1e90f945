"""The words under the wizard: what a success has against it, why it failed, and what a key does here."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.export.redaction import Redactor
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage, StageRecord, Trace
from authlens_core.values.check import UNKNOWN, Check, Diagnosis, Severity
from authlens_core.values.login_options import Options
from authlens_lab.emulator import Fault
from authlens_tui.screens.wizard.status_words import authenticated_words, failed_words, wrap_between_keys
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.lines import Line
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from support.driven_login import closed_login
from support.made_checks import present
from support.screens import press, scripted, text_of, until, wizard_on
from support.scripted_login import BEGAN, METADATA, RESOURCE, ScriptedSender, come_back, honest, reply
from support.walked_faults import FAULT_WORDS, Walk, walked


async def finished() -> Login:
    """Return a login at an honest server, at its end."""
    return await closed_login(ScriptedSender(honest()))


def warned(trace: Trace, stage: Stage, *seen: str) -> Trace:
    """Return `trace` with warnings in the record of `stage`."""
    checks = tuple(
        Check(name=f"a.{n}", severity=Severity.WARNING, expected="all is well", seen=words)
        for n, words in enumerate(seen)
    )

    def changed(record: StageRecord) -> StageRecord:
        return replace(record, checks=(*record.checks, *checks)) if record.stage is stage else record

    return replace(trace, records=tuple(changed(record) for record in trace.records))


def told(login: Login, trace: Trace, *, seconds: float = 0, width: int = 76, brief: bool = False) -> str:
    now = BEGAN + timedelta(seconds=seconds)
    return authenticated_words(login.facts, trace, "memory only", now, width=width, brief=brief).plain


async def test_a_warning_of_an_earlier_stage_is_said_at_the_end() -> None:
    """A clock that is wrong is no less wrong because the last stage passed."""
    login = await finished()
    shown = told(login, warned(login.trace, Stage.EXCHANGE, "the clocks differ by 3600 s"))
    assert "Warning   Exchange: the clocks differ by 3600 s" in shown


async def test_what_a_continued_stage_took_over_is_counted_once() -> None:
    """The record after an override begins with the exchanges of the attempt before it."""
    login = await finished()
    first, *others = login.trace.records
    continued = replace(login.trace, records=(first, first, *others))
    assert told(login, continued) == told(login, login.trace)


async def test_many_warnings_are_counted() -> None:
    """Three are named; the way to the others is said."""
    login = await finished()
    shown = told(login, warned(login.trace, Stage.DETECTION, *(f"warning {n}" for n in range(9))))
    assert shown.count("Detection: warning") == 3
    assert "6 more" in shown


async def test_where_there_are_few_rows_the_end_takes_one_of_them() -> None:
    """The document needs the others."""
    login = await finished()
    shown = told(login, login.trace, brief=True)
    assert len(shown.splitlines()) == 1


async def test_what_is_left_of_the_token_is_counted_down_and_its_end_is_said() -> None:
    """A time that stands still is wrong after a minute."""
    login = await finished()
    assert "left" in told(login, login.trace)
    assert "expired" in told(login, login.trace, seconds=901)


async def test_the_screen_says_the_time_anew() -> None:
    """Every second, as long as the success stands there."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then="✔ Authenticated.")
        wizard.status.update("something else")
        wizard.tick()
        await until(pilot, lambda: "✔ Authenticated." in text_of(app))


async def test_at_60_by_20_the_document_has_room_after_a_success() -> None:
    """The verdict takes no more than four rows."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=(60, 20)) as (wizard, pilot, _):
        await press(pilot, "a", then="✔ Authenticated.")
        assert wizard.status.size.height <= 4
        assert wizard.record_view.document.size.height >= 3


async def test_while_the_search_has_the_keys_the_footer_does_not_offer_it_again() -> None:
    """`/` types there."""
    login = await finished()
    async with wizard_on(login) as (wizard, pilot, _):
        wizard.record_view.read()
        await press(pilot, "slash", then=lambda: wizard.record_view.search_bar.has_focus_within)
        assert wizard.record_view.check_action("search", ()) is False


def test_a_key_is_on_the_line_of_its_label_at_any_width() -> None:
    ways = [("w", "use another free port"), ("t", "retry"), ("e", "edit the request"), ("b", "go back")]
    pieces = (Content.assemble((key, "bold $text-primary"), f" {label}") for key, label in ways)
    words = Content(" · ").join(pieces)
    for width in range(12, 90):
        lines = wrap_between_keys(words, width).plain.split("\n")
        assert all(len(line.rstrip()) <= width or " " not in line.strip() for line in lines), lines
        for key, label in ways:
            assert any(f"{key} {label.split()[0]}" in line for line in lines), (width, lines)


async def test_what_was_received_hangs_under_its_start() -> None:
    """A line that is too long does not go on under the names."""
    login = await finished()
    shown = told(login, login.trace, width=60).splitlines()
    start = next(number for number, line in enumerate(shown) if line.startswith("  Received  "))
    assert shown[start + 1].startswith(" " * 12)
    assert shown[start + 1].strip().endswith("memory only")


async def test_the_diagram_names_the_stage_that_was_undone() -> None:
    async with wizard_on() as (wizard, pilot, app):
        for _ in range(2):
            await wizard.login.step()
        await press(pilot, "5", then="2 Resource metadata")
        assert "(undone)" not in text_of(app)
        await press(pilot, "b", then=lambda: wizard.login.position is Stage.RESOURCE_METADATA)
        await until(pilot, lambda: "2 Resource metadata (undone)" in text_of(app))


EXPIRED = reply(400, {"error": "invalid_grant", "error_description": "Authorization code expired"})
CHALLENGE = reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"'))
REFUSAL = reply(403, None, ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="write"'))


async def test_one_key_gets_a_token_with_the_scope_that_the_resource_wants() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, REFUSAL, reply(200)]))
    login = Login(RESOURCE, sender, options=Options(port=0, scope="read"))
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: login.position is Stage.ACCESS and login.running is None)
        await until(pilot, lambda: "authorizes again with the scope" in " ".join(text_of(app).split()))
        await press(pilot, "t", then=lambda: login.finished and "Authenticated" in text_of(app))
        assert login.facts.scope == "read write"


async def test_an_expired_code_is_called_that_and_t_is_a_new_sign_in() -> None:
    sender = ScriptedSender(honest(token=EXPIRED))
    login = Login(RESOURCE, sender, options=Options(port=0))
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: login.position is Stage.EXCHANGE and "failed" in text_of(app))
        shown = " ".join(text_of(app).split())
        assert "The code has expired" in shown
        assert "t Sign in again" in shown
        assert "t Again" not in shown


def _failed(walk: Walk) -> StageRecord | None:
    """Return the record that failed: of the login, or of what was tried after it."""
    last = walk.afterwards or walk.login.trace.records[-1]
    return last if last.failures else None


def _lines(record: StageRecord) -> Iterator[Line]:
    known = StageSnapshot(record.stage, record=record, exchanges=record.exchanges)
    return tab_lines(Tab.CHECKS, known, [record], Redactor(), ViewOptions())


def _checks_tab(walk: Walk) -> str:
    records = (*walk.login.trace.records, *([walk.afterwards] if walk.afterwards else []))
    return "\n".join(line.text for record in records for line in _lines(record))


@pytest.mark.parametrize("fault", [fault for fault, words in FAULT_WORDS.items() if any(words)], ids=str)
async def test_the_screen_says_what_happened_what_to_do_and_what_shows_it(fault: Fault) -> None:
    """The line under the wizard, or the Checks tab of a warning."""
    walk = await walked(fault)
    record = _failed(walk)
    rendered = _checks_tab(walk) if record is None else failed_words(record, str).plain
    for words in FAULT_WORDS[fault]:
        assert words in rendered
    assert "unknown" not in rendered.lower()
    assert "does not recognise this response" not in rendered


@pytest.mark.parametrize("fault", [fault for fault, words in FAULT_WORDS.items() if not any(words)], ids=str)
async def test_where_nothing_is_to_be_cured_no_diagnosis_is_on_the_screen(fault: Fault) -> None:
    """What authlens copes with is a note at most."""
    walk = await walked(fault)
    assert _failed(walk) is None
    assert "Cause" not in _checks_tab(walk)


async def test_the_checks_tab_of_a_failed_stage_quotes_the_raw_answer() -> None:
    tab = _checks_tab(await walked(Fault.REDIRECT_URI_REFUSED))
    assert "seen  HTTP/1.1 400 Bad Request" in tab
    assert '"error_description": "redirect_uri is not allowed by the account configuration"' in tab


async def test_the_cure_stands_before_the_lines_that_show_it() -> None:
    """A small screen cuts the end: what to do must not be what is cut."""
    record = present(_failed(await walked(Fault.REDIRECT_URI_REFUSED)))
    words = failed_words(record, str).plain
    assert words.index("→ ") < words.index("Seen: ")


async def test_an_answer_that_nobody_knows_is_in_the_words_whole() -> None:
    """Status, type, CF-Ray and first bytes come first, for they are all there is."""
    record = present(_failed(await walked(Fault.HTML_ERROR)))
    lines = ("HTTP/1.1 418 Teapot", "content-type: text/plain", "cf-ray: 1-EMU")
    unknown = Diagnosis(UNKNOWN, "Not known.", "Look at it.", (*lines, f"starts with: {'stout ' * 20}"))
    words = failed_words(replace(record, diagnosis=unknown), str).plain
    assert "HTTP/1.1 418 Teapot · content-type: text/plain · cf-ray: 1-EMU · starts with: stout" in words
    assert words.count("stout") == 20
    assert words.index("Seen: ") < words.index("→ Look at it.")
