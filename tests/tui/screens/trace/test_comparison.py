"""Two traces on the screen: beside each other where there is room, only what differs, nothing cut unsaid."""

import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from authlens_core.export.compare import (
    Comparison,
    ComparisonVerdict,
    Difference,
    StageComparison,
    VerdictKind,
)
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import Severity
from authlens_tui.screens.trace.comparison import CompareScreen, comparison_lines
from authlens_tui.widgets.document.lines import Tone
from support.hostile_trace import hostile_trace
from support.screens import press, run_screen, text_of, until

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
FOUND = Comparison(
    stages=(
        StageComparison(Stage.DETECTION, 1, title="1 Detection", outcomes=(PASSED, PASSED)),
        StageComparison(Stage.PKCE, 1, title="5 PKCE", outcomes=(PASSED, PASSED)),
        StageComparison(
            Stage.EXCHANGE,
            2,
            (
                Difference("response 1 status", "200 OK", "400"),
                Difference("response 1 body", "words", None),
                Difference(
                    "check token.status",
                    "pass",
                    "failure: 400\nnext",
                    "The answer is 200",
                    (Severity.PASS, Severity.FAILURE),
                ),
            ),
            (Difference("fact state", "one", "two"),),
            "7 Exchange, attempt 2",
            (PASSED, FAILED),
        ),
        StageComparison(
            Stage.ACCESS,
            1,
            (),
            (Difference("response 1 header date", "x", "y"),),
            "8 Access",
            (PASSED, PASSED),
        ),
    ),
    verdict=ComparisonVerdict(VerdictKind.DETAILS, "7 Exchange"),
)


def lines(found: Comparison, width: int, *, unfolded: bool = False) -> list[str]:
    return [one.text for one in comparison_lines(found, width, unfolded=unfolded)]


def trace(*facts: Fact) -> Trace:
    record = StageRecord(Stage.PKCE, Outcome.PASSED, BEGAN, 0, facts=facts)
    return Trace("1", TraceKind.LOGIN, "https://a.example/", BEGAN, (record,))


def test_the_sides_stand_beside_each_other_where_there_is_room() -> None:
    shown = lines(FOUND, 114)
    [row] = [one for one in shown if "200 OK" in one]
    assert "400" in row


def test_they_stand_below_each_other_where_there_is_none() -> None:
    shown = lines(FOUND, 60)
    assert [one.strip() for one in shown if "A  2" in one] == ["A  200 OK"]
    assert [one.strip() for one in shown if "B  4" in one] == ["B  400"]


def test_what_a_side_lacks_is_a_dash() -> None:
    [row] = [one for one in lines(FOUND, 114) if "words" in one]
    assert row.endswith("│ –")


def test_the_good_side_is_green_and_the_failed_one_red() -> None:
    shown = [one for one in comparison_lines(FOUND, 114) if "200" in one.text]
    tones = [(text.strip(), tone) for one in shown for text, tone in one.pieces]
    for good, bad in (("200 OK", "400"), ("✔", "✖ 400")):
        assert (good, Tone.GOOD) in tones
        assert (bad, Tone.BAD) in tones


def test_equal_stages_share_a_line_and_none_is_blank() -> None:
    shown = lines(FOUND, 114)
    assert "1 Detection – 5 PKCE equal" in shown
    assert not any(first == second == "" for first, second in pairwise(shown))


def test_a_line_end_in_a_value_is_one_on_the_screen() -> None:
    shown = lines(FOUND, 114)
    assert any(one.endswith("│ next") for one in shown)
    assert not any("\\n" in one for one in shown)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_names_of_the_sides_stay_in_sight(size: tuple[int, int]) -> None:
    many = tuple(Fact(f"fact-{number}", "one") for number in range(60))
    screen = CompareScreen(trace(*many), trace(), ("left.json", "right.json"))
    async with run_screen(screen, size=size) as (app, pilot):
        await until(pilot, lambda: "fact-0" in text_of(app))
        await press(pilot, "end", then="fact-59")
        assert "left.json" in text_of(app)
        assert "right.json" in text_of(app)


def test_what_differs_as_it_must_is_folded_away() -> None:
    """It is counted, and a stage in which there is nothing else is equal."""
    shown = "\n".join(lines(FOUND, 80))
    assert "7 Exchange, attempt 2" in shown
    assert "8 Access equal · 1 expected difference (" in shown
    assert "date" not in shown
    unfolded = "\n".join(lines(FOUND, 80, unfolded=True))
    assert "response 1 header date" in unfolded


@pytest.mark.parametrize("width", [114, 60])
def test_no_value_is_cut_without_saying_so(width: int) -> None:
    """A long value wraps, and a very long one says how much is missing."""
    differences = (Difference("-", "X" * 5_000, "Y" * 300),)
    stage = StageComparison(Stage.PKCE, 1, differences, outcomes=(PASSED, PASSED))
    found = Comparison(stages=(stage,))
    text = "".join(lines(found, width))
    assert (text.count("X"), text.count("Y")) == (4_000, 300)
    assert "1000 more characters" in re.sub(r"\s*│?\s+", " ", text)


async def test_nothing_differs_is_said() -> None:
    async with run_screen(CompareScreen(trace(), trace())) as (app, pilot):
        await until(pilot, lambda: "No differences." in text_of(app))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (20, 5)])
async def test_the_screen_works_at_every_size(size: tuple[int, int]) -> None:
    """With a hostile trace on one side."""
    async with run_screen(CompareScreen(hostile_trace(), trace()), size=size) as (app, pilot):
        await until(pilot, lambda: "Comparing" not in text_of(app))
        assert "\x1b" not in text_of(app)


async def test_a_key_unfolds_and_c_copies() -> None:
    """What must differ is there for who looks."""
    screen = CompareScreen(trace(Fact(FactId.STATE, "one")), trace(Fact(FactId.STATE, "two")))
    async with run_screen(screen) as (app, pilot):
        await until(pilot, lambda: "No differences." in text_of(app))
        assert "state" not in text_of(app)
        await press(pilot, "asterisk", then="state")
        await press(pilot, "c", then=lambda: len(app.copied) == 1)
        assert "state" in app.copied[0][1]
