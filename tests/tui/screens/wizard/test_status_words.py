"""The words under the wizard: what a success has against it, and what a key does here."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage, StageRecord, Trace
from authlens_core.values.check import Check, Severity
from authlens_tui.screens.wizard.status_words import authenticated_words, with_keys_kept
from authlens_tui.terminal.content import Content
from support.screens import press, scripted, text_of, until, wizard_on
from support.scripted_login import BEGAN, come_back


async def finished() -> Login:
    """Return a login at an honest server, at its end."""
    login, _ = scripted()
    login.watch(come_back(login))
    await login.run_all()
    await login.aclose()
    return login


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
        lines = with_keys_kept(words, width).plain.split("\n")
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
