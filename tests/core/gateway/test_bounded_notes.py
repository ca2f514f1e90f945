"""Lines that a server can cause: few, short, and none is forgotten."""

from __future__ import annotations

from authlens_core.gateway.mcp_bridge import AT_ONCE, LONGEST, SECONDS_EACH, BoundedNotes


def test_lines_are_few_and_the_next_one_says_how_many_were_left_out() -> None:
    clock, shown = [0.0], list[str]()
    note = BoundedNotes(shown.append, now=lambda: clock[0])
    for number in range(1_000):
        note(f"line {number}")
    assert shown == [f"line {number}" for number in range(AT_ONCE)]

    clock[0] += SECONDS_EACH
    note("after a minute")
    note("too soon")
    assert shown[AT_ONCE:] == [f"after a minute ({1_000 - AT_ONCE} messages before this one were left out.)"]


def test_a_line_is_short_and_safe_to_show() -> None:
    shown: list[str] = []
    BoundedNotes(shown.append)("\x1b[2J\n" + "x" * 10_000)
    assert shown[0].startswith("\\e[2J\\nxxx")
    assert len(shown[0]) < LONGEST + 40
