"""Why it failed, in the words that are on the screen: one row for every fault, as plain text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from authlens_core.export.redaction import Redactor
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import UNKNOWN, Diagnosis
from authlens_lab.emulator import Fault
from authlens_tui.screens.wizard.status_words import failed_words
from authlens_tui.widgets.document.lines import Line
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from support.made_checks import present
from support.walked_faults import FAULT_WORDS, Walk, walked


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
