"""The sequence diagram as rows: it fits, it shows everything, and what failed stands out."""

from datetime import UTC, datetime
from typing import Final

import pytest
from rich.cells import cell_len

from authlens_core.export.redaction import Redactor
from authlens_core.trace.arrows import Party, messages
from authlens_core.trace.record import Fact, FactId, Outcome, RunningStage, Stage, StageRecord
from authlens_core.values.exchange import (
    Exchange,
    FailureKind,
    Headers,
    Purpose,
    Request,
    Response,
    WireFailure,
)
from authlens_core.values.secret import Secret
from authlens_tui.widgets.document.lines import Tone, rows_of
from authlens_tui.widgets.record.diagram import DiagramLine, diagram_lines
from support.driven_login import closed_login
from support.made_checks import failed
from support.scripted_login import (
    BEGAN,
    Answer,
    ScriptedSender,
    exchange,
    honest,
    reply,
)
from tui.hostile import HOSTILE

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
WIDTHS: Final = (1, 20, 58, 60, 74, 78, 84, 99, 100, 118, 198)
LANES: Final = (60, 78, 84, 118, 198)


async def recorded(*answers: str, **changes: Answer | list[Answer]) -> tuple[StageRecord, ...]:
    """Return what a login at an honest server left, or one that answers with `changes`."""
    return (await closed_login(ScriptedSender(honest(**changes)), answers=answers)).trace.records


def hostile(text: str) -> StageRecord:
    """Return a failed stage with `text` everywhere an outsider can put it."""
    exchange = Exchange(
        Request(text, f"https://{text}/{text}?{text}"),
        Response(200, text),
        WireFailure(FailureKind.TLS, text, text),
        NOW,
        0.1,
    )
    check = failed(text, text, text, why=text)
    return StageRecord(Stage.REVOKE, Outcome.FAILED, NOW, 0.1, (exchange, exchange), (check,))


def drawn(records: tuple[StageRecord, ...], width: int) -> list[DiagramLine]:
    return list(diagram_lines(records, width, Redactor()))


def text(rows: list[DiagramLine]) -> str:
    return "\n".join(row.text for row in rows)


@pytest.mark.parametrize("width", WIDTHS)
async def test_no_row_is_wider_than_the_screen(width: int) -> None:
    """The list wraps; with lifelines no row does, in a good login and in a failed one."""
    for records in (await recorded(), await recorded("error=access_denied")):
        lines = drawn(records, width)
        rows = [row for one in lines for row in rows_of(one, max(width, 8))]
        assert all(cell_len(row.text) <= max(width, 8) for row in rows)
        assert width < min(LANES) or len(rows) == len(lines)


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_message_has_a_row_that_leads_to_it(width: int) -> None:
    """A click on a row opens its exchange: none may be without a row."""
    records = await recorded()
    shown = {row.message for row in drawn(records, width)}
    assert set(messages(records)) <= shown


@pytest.mark.parametrize("width", LANES)
async def test_each_party_has_a_lifeline_and_each_stage_a_title(width: int) -> None:
    """Five names on top, eight stages below."""
    rows = drawn(await recorded(), width)
    for name in ("You", "Browser", "authlens", "Resource", "erver"):
        assert name in rows[0].text
    assert rows[2].text.count("┬") == 5
    for title in ("1 Detection", "4 Registration", "8 Access"):
        assert title in text(rows)


@pytest.mark.parametrize("width", LANES)
async def test_an_arrow_points_from_sender_to_receiver(width: int) -> None:
    """Requests are solid to the right, answers dashed to the left."""
    rows = drawn(await recorded(), width)
    requests = [
        row.message
        for row in rows
        if row.message is not None and row.message.exchange_index is not None and "▶" in row.text
    ]
    replies = [row.message for row in rows if "◀╌" in row.text]
    assert min(len(requests), len(replies)) >= 6, "a login draws that many arrows each way"
    assert [message for message in requests if message.reply] == []
    assert [message for message in replies if message is None or not message.reply] == []


@pytest.mark.parametrize("width", [58, *LANES])
async def test_the_arrow_that_failed_is_marked_in_words_sign_and_tone_and_says_why(width: int) -> None:
    """Never by colour alone; the reason follows on the next row."""
    rows = drawn(await recorded(token=reply(400, {"error": "invalid_grant"})), width)
    marked = [number for number, row in enumerate(rows) if "✖" in row.text]
    assert len(marked) == 1
    assert any("✖" in piece and tone is Tone.BAD for piece, tone in rows[marked[0]].pieces)
    reason = [row for row in rows[marked[0] + 1 :] if row.message is rows[marked[0]].message]
    assert reason
    assert any(tone is Tone.BAD for _, tone in reason[0].pieces)
    assert "invalid_grant" in text(rows)


@pytest.mark.parametrize("width", [58, *LANES])
async def test_a_login_that_went_well_has_nothing_red(width: int) -> None:
    """A refusal that is part of the dance, such as the first 401, is no failure."""
    rows = drawn(await recorded(), width)
    assert not any(tone is Tone.BAD for row in rows for _, tone in row.pieces)


@pytest.mark.parametrize("said", HOSTILE)
@pytest.mark.parametrize("width", [58, 78, 84, 118, 198])
def test_hostile_text_neither_widens_a_row_nor_reaches_the_terminal(said: str, width: int) -> None:
    """Whatever stands in a method, a host, a path, a cause or a check is shown as text."""
    rows = drawn((hostile(said),), width)
    assert len(rows) > 5
    assert all(row.text.isprintable() for row in rows)
    assert all(cell_len(row.text) <= width for one in rows for row in rows_of(one, width))
    assert width < min(LANES) or all(cell_len(row.text) <= width for row in rows)


@pytest.mark.parametrize("width", [78, 118])
def test_wide_and_combining_letters_do_not_move_the_lifelines(width: int) -> None:
    """A path of letters two cells wide or none is written so that every column stays where it is."""
    rows = drawn((hostile("漢字e\u0301"),), width)
    arrows = [row.text for row in rows if "╌" in row.text or "▶" in row.text or "\\u6f22" in row.text]
    assert len(arrows) >= 4
    assert all(cell_len(row) == len(row) for row in arrows)


@pytest.mark.parametrize("width", LANES)
def test_a_path_that_is_too_long_keeps_both_ends_of_its_label(width: int) -> None:
    """What is left out stands in the middle, and is said."""
    headers = Headers.of([("Authorization", "Bearer abc")])
    request = Request("GET", f"https://h/begin/{'x' * 500}/end", headers)
    exchange = Exchange(request, Response(200), None, NOW, 0.1)
    shown = text(drawn((StageRecord(Stage.ACCESS, Outcome.PASSED, NOW, 0.1, (exchange,)),), width))
    for part in ("GET /begin/", "…", "Bearer token"):
        assert part in shown


@pytest.mark.parametrize("width", [58, 78, 118])
def test_a_secret_in_a_path_is_masked(width: int) -> None:
    """Labels pass the redactor before they are cut."""
    exchange = Exchange(Request("GET", "https://h/secret-canary"), Response(200), None, NOW, 0.1)
    record = StageRecord(Stage.ACCESS, Outcome.PASSED, NOW, 0.1, (exchange,))
    rows = list(diagram_lines((record,), width, Redactor([Secret("secret-canary")])))
    assert "canary" not in text(rows)
    assert "••••" in text(rows)


@pytest.mark.parametrize("width", [58, 78, 118])
def test_the_wait_for_the_browser_is_drawn_as_an_arrow_to_come(width: int) -> None:
    """While the login runs, the diagram shows what it waits for."""
    rows = list(diagram_lines((), width, Redactor(), underway=RunningStage(Stage.AUTHORIZATION)))
    assert "waiting for the browser" in text(rows)
    assert "◀" not in rows[-2].text
    assert "✖" not in text(rows)


@pytest.mark.parametrize("width", [20, 78])
def test_before_anything_was_sent_the_diagram_says_what_will_be_here(width: int) -> None:
    """An empty record is words, not an empty box."""
    assert "arrows" in text(drawn((), width))


@pytest.mark.parametrize("length", range(560, 640, 7))
def test_a_cut_leaves_no_part_of_a_secret(length: int) -> None:
    """A long reason is masked before it is cut."""
    secret = "canary-" * 8
    check = failed("x.y", "x" * length, secret)
    record = StageRecord(Stage.REGISTRATION, Outcome.FAILED, NOW, 0.1, (), (check,))
    assert "canary" not in text(list(diagram_lines((record,), 198, Redactor([Secret(secret)]))))


@pytest.mark.parametrize("width", [120, 40])
def test_a_stage_that_was_undone_is_named_and_muted(width: int) -> None:
    first, again = (
        StageRecord(Stage.DETECTION, Outcome.PASSED, BEGAN, 0.0, (exchange(reply(status)),))
        for status in (401, 403)
    )
    rows = list(diagram_lines((first, again), width, Redactor(), undone={0}))
    titles = [row.text.split(" ─")[0].strip() for row in rows if "1 Detection" in row.text]
    assert titles == ["1 Detection (undone)", "1 Detection"]


@pytest.mark.parametrize("width", [80, 120])
def test_an_attacker_has_a_lifeline_and_what_she_sends_starts_there(width: int) -> None:
    asked = Request("POST", "http://login.localhost/token")
    exchange = Exchange(asked, Response(400, "Bad Request"), None, NOW, 0.1, purpose=Purpose.TOKEN)
    hers = (Fact(FactId.SENT_BY, Party.MALLORY),)
    probe = StageRecord(Stage.PROBE, Outcome.FAILED, NOW, 0.1, (exchange,), facts=hers)
    head, *_, sent, answered = (row for row in text(drawn((probe,), width)).split("\n") if row.strip("│┴ "))
    assert head.split()[:2] == ["authlens", "Mallory"]
    at = head.index("Mallory") + len("Mallory") // 2
    assert " POST /token ─" in sent
    assert sent[at] == answered[at] == "│"
    assert (sent[at + 1], answered[at + 1]) == ("─", "✖")
