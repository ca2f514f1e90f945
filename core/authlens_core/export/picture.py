"""A trace as a picture to share: its sequence diagram, when each request was sent, or a comparison, as SVG.

The standard library writes the elements, so that no text of a server becomes one; each text was masked and is
one line of printable characters before. There is no script, no link and no font of another place in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from textwrap import wrap
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from authlens_core.export.compare import compare
from authlens_core.export.redaction import redacted_trace
from authlens_core.trace.arrows import Arrow, Party, authorities, messages, short_name, speaker
from authlens_core.trace.record import Outcome, StageRecord, Trace, TraceKind, sent_once
from authlens_core.values.safe_text import safe_line

_WIDTH: Final = 1000
_MARGIN: Final = 40
_ROW: Final = 26
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_LETTER: Final = 7.8  # pixels of a letter of 13
# A ground of its own: that of the page on which the picture is shown may be dark.
_PAPER: Final = "#fbf9f4"
_INK, _QUIET, _SENT, _GOOD, _BAD = "#22272e", "#5a5f66", "#1f5f86", "#2c6b3d", "#a52f3b"
# What each party is called, and its colour.
_ACTORS: Final = {
    Party.PERSON: ("you", "#9c2f6b"),
    Party.BROWSER: ("browser", "#6e5336"),
    Party.AUTHLENS: ("authlens", _SENT),
    Party.MALLORY: ("Mallory", "#8a1f1f"),
    Party.RESOURCE: ("resource", "#0b6b61"),
    Party.SERVER: ("authorization server", "#5b3fb0"),
    Party.PROVIDER: ("identity provider", "#6b5a00"),
}
_OUTCOMES: Final = {
    Outcome.PASSED: ("✔", _GOOD),
    Outcome.FAILED: ("✖", _BAD),
    Outcome.CANCELLED: ("■", _QUIET),
}
_FIRST, _LAST = 230, _WIDTH - 120  # pixels from the left: the lifelines, beside the titles of the stages
_SIDES, _SIDE = (280, 640), 40  # pixels from the left at which the sides of a comparison start; their letters
_MOST_FIELDS: Final = 4  # that differ in a stage
_BAR_FROM: Final = 460  # pixels from the left at which the time of a waterfall starts


def diagram_svg(trace: Trace, command: str = "") -> str:
    """Return who sent what to whom, with how it ended, as SVG; every secret is a mask.

    Args:
        command: what repeats it; by default the login to the same resource.
    """
    shown = redacted_trace(trace)
    page = _page_of(shown, command)
    drawn = messages(shown.records)
    parties = [party for party in Party if any(party in (each.sender, each.receiver) for each in drawn)]
    places = {
        party: _FIRST + number * (_LAST - _FIRST) // max(1, len(parties) - 1)
        for number, party in enumerate(parties)
    }
    hosts = authorities(shown.records)
    page.down(2)
    lines = []
    for party, at in places.items():
        (name, colour), host = _ACTORS[party], hosts.get(party, "")
        page.text(at, short_name(host) or name, colour, bold=True, anchor="middle")
        page.text(at, name if short_name(host) else host, _QUIET, anchor="middle", below=16)
        lines.append(page.line(at, page.y + 24, at, page.y + 24, colour))
    page.down(1)
    for index, record in enumerate(shown.records):
        page.down(1.3)
        page.text(_MARGIN, f"{record.flow.numbered(record.stage)}", _SENT, bold=True)
        for arrow in drawn:
            if arrow.record_index == index:
                page.arrow(arrow, places)
    for each in lines:
        each.set("y2", str(page.y + 12))
    return page.finished()


def waterfall_svg(trace: Trace, command: str = "") -> str:
    """Return when each request was sent and how long it took, as SVG; see `diagram_svg`."""
    shown = redacted_trace(trace)
    page = _page_of(shown, command)
    sent = [exchange for _, _, exchange in sent_once(shown.records)]
    first = min((exchange.started_at for exchange in sent), default=shown.started_at)
    starts = [(exchange.started_at - first).total_seconds() for exchange in sent]
    whole = max((at + each.elapsed for at, each in zip(starts, sent, strict=True)), default=0.0) or 1.0
    room = _WIDTH - _MARGIN - 80 - _BAR_FROM
    page.down(1)
    for start, exchange in zip(starts, sent, strict=True):
        page.down(1)
        response = exchange.response
        bad = response is None
        page.text(_MARGIN, f"{exchange.request.method} {exchange.request.url}", longest=50)
        # Two pixels at least: an answer that came at once is to be seen, too.
        left, wide = _BAR_FROM + start / whole * room, max(2.0, exchange.elapsed / whole * room)
        bar = {"x": f"{left:.1f}", "y": f"{page.y - 11}", "width": f"{wide:.1f}", "height": "12", "rx": "2"}
        SubElement(page.root, "rect", {**bar, "fill": _BAD if bad else _SENT})
        status = "no answer" if response is None else str(response.status)
        page.text(left + wide + 8, f"{status} {exchange.elapsed * 1000:.0f} ms", _BAD if bad else _QUIET)
    return page.finished()


def comparison_svg(left: Trace, right: Trace, names: tuple[str, str]) -> str:
    """Return where two traces part as SVG: the verdict, then each stage on both sides; see `diagram_svg`."""
    comparison = compare(left, right)
    page = _Page("Two logins compared", "")
    for row in wrap(safe_line(comparison.verdict.sentence), 105):
        page.down(1)
        page.text(_MARGIN, row, _GOOD if comparison.same else _BAD, bold=True)
    page.down(1.6)
    for at, sign, name in zip(_SIDES, "AB", names, strict=True):
        page.text(at, f"{sign}  {name}", _INK, bold=True, longest=_SIDE)
    for stage in comparison.stages:
        page.down(1.2)
        parts = stage.outcomes[0] is not stage.outcomes[1]
        page.text(_MARGIN, stage.title, _BAD if parts else _INK, bold=parts, longest=_SIDE)
        for at, outcome in zip(_SIDES, stage.outcomes, strict=True):
            sign, colour = ("–", _QUIET) if outcome is None else _OUTCOMES[outcome]
            page.text(at, f"{sign} {outcome or 'not reached'}", colour)
        fields = stage.beside_outcome
        for each in fields[:_MOST_FIELDS] if None not in stage.outcomes else ():
            page.down(0.8)
            page.text(_MARGIN + 14, each.title or each.name, _QUIET, longest=_SIDE)
            for at, value in zip(_SIDES, (each.left, each.right), strict=True):
                page.text(at, "–" if value is None else value, _INK, longest=_SIDE)
    return page.finished()


def _page_of(trace: Trace, command: str) -> _Page:
    """Return the page of a trace: what it is, how it ended, and what repeats it."""
    again = f"authlens login {shlex.quote(trace.resource_url)}" if trace.kind is TraceKind.LOGIN else ""
    page = _Page(f"{trace.kind.value} of {trace.resource_url}", command or again)
    if trace.records:
        page.outcome(trace.records)
    for changed in trace.tampering:
        page.down(1)
        page.text(_MARGIN, f"≠ TAMPERED on purpose: {changed}", _BAD, bold=True)
    return page


class _Page:
    """A page of SVG that grows downwards: title, outcome, what is drawn, and the command."""

    def __init__(self, title: str, command: str) -> None:
        # As a tree, not as text: nothing that a server wrote can become an element, such as a script.
        self.root = Element("svg", xmlns="http://www.w3.org/2000/svg", width=str(_WIDTH))
        self._back = SubElement(self.root, "rect", width=str(_WIDTH), rx="10", fill=_PAPER)
        self.y = 44.0
        self._command = command
        self.text(_MARGIN, title, bold=True, size=18, longest=84)

    def outcome(self, records: Sequence[StageRecord]) -> None:
        last = records[-1]
        sign, colour = _OUTCOMES[last.outcome]
        reason = last.reason if last.outcome is Outcome.FAILED else None
        where = last.flow.numbered(last.stage)
        requests = sum(1 for _ in sent_once(records))
        words = f"{where} {last.outcome}" + (f": {reason.cause}" if reason else f", {requests} requests")
        for number, row in enumerate(wrap(safe_line(words), 105)):
            self.down(1)
            self.text(_MARGIN, f"{'' if number else f'{sign} '}{row}", colour)

    def down(self, rows: float) -> None:
        self.y += rows * _ROW

    def text(
        self,
        x: float,
        words: str,
        colour: str = _INK,
        *,
        bold: bool = False,
        size: int = 13,
        anchor: str = "start",
        below: int = 0,
        longest: int = 110,
    ) -> None:
        line = safe_line(words)
        placed = {"x": f"{x:.0f}", "y": f"{self.y + below:.0f}", "fill": colour, "text-anchor": anchor}
        font = {"font-family": _FONT, "font-size": str(size), "font-weight": "bold" if bold else "normal"}
        font |= {"stroke": _PAPER, "stroke-width": "4", "paint-order": "stroke"}  # no line goes through it
        made = SubElement(self.root, "text", {**placed, **font})
        made.text = line if len(line) <= longest else f"{line[: longest - 1]}…"

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False
    ) -> Element:
        ends = {"x1": f"{x1:.0f}", "y1": f"{y1:.0f}", "x2": f"{x2:.0f}", "y2": f"{y2:.0f}"}
        dash = {"stroke-dasharray": "5 4"} if dashed else {}
        return SubElement(self.root, "line", {**ends, "stroke": colour, "stroke-width": "1.3", **dash})

    def arrow(self, arrow: Arrow, places: dict[Party, int]) -> None:
        """Draw an arrow below its words, then why it failed."""
        start, end = places[arrow.sender], places[arrow.receiver]
        colour = _BAD if arrow.failed else _QUIET if arrow.missing else _ACTORS[speaker(arrow)][1]
        self.down(1)
        if start == end:
            self.text(start + 10, f"● {arrow.label}", colour)
        else:
            middle = (start + end) / 2
            room = min(middle, _WIDTH - middle) * 2 / _LETTER
            self.text(middle, arrow.label, colour, anchor="middle", longest=max(8, int(room)))
            self.y += 8
            self.line(start, self.y, end, self.y, colour, dashed=arrow.reply or arrow.missing)
            tip = -8 if end > start else 8
            points = f"{end},{self.y:.0f} {end + tip},{self.y - 4:.0f} {end + tip},{self.y + 4:.0f}"
            SubElement(self.root, "polygon", points=points, fill=colour)
        for row in wrap(safe_line(arrow.note), 100):
            self.down(0.8)
            self.text(_MARGIN * 2, row, _BAD)

    def finished(self) -> str:
        self.down(2)
        if self._command:
            self.text(_MARGIN, f"$ {self._command}", _QUIET)
        height = str(round(self.y + 28))
        self.root.set("height", height)
        self.root.set("viewBox", f"0 0 {_WIDTH} {height}")
        self._back.set("height", height)
        return tostring(self.root, encoding="unicode") + "\n"
