"""The sequence diagram of a login: who said what to whom, drawn from its record.

From 60 columns on there are lifelines with arrows between them, whose rows do not wrap; below that a list.
Requests are solid, answers dashed, as in UML; an arrow that failed is marked and says why on the rows below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace
from rich.cells import cell_len

from authlens_core.export.redaction import Redactor
from authlens_core.trace.arrows import Arrow, Party, authorities, messages, short_name
from authlens_core.trace.record import RunningStage, Stage, StageRecord
from authlens_core.values.safe_text import safe_line
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.lines import Line, Piece, Tone, line, rows_of
from authlens_tui.widgets.record.pieces import Cells, cut_middle
from authlens_tui.widgets.record.signs import ACTOR_TONES, arrow_tone

_LANES_FROM: Final = 60  # cells
_SMALL_FROM: Final = 24  # cells of the small diagram
_WIDE_FROM: Final = 100
_WIDEST: Final = 132  # longer arrows say no more
_NOTE_AT_LEAST: Final = 32
_AROUND: Final = 4  # cells that an arrow needs around its words

_PARTIES: Final = (Party.PERSON, Party.BROWSER, Party.AUTHLENS, Party.RESOURCE, Party.SERVER)
# The positions of their lifelines, as shares of the width.
_WIDE: Final[Mapping[Party, float]] = dict(zip(_PARTIES, (0.06, 0.205, 0.37, 0.645, 0.90), strict=True))
_NARROW: Final[Mapping[Party, float]] = dict(zip(_PARTIES, (0.02, 0.16, 0.365, 0.65, 0.93), strict=True))
# In the small diagram, user and browser are one.
_SMALL: Final[Mapping[Party, float]] = dict(zip(_PARTIES, (0.11, 0.11, 0.37, 0.655, 0.94), strict=True))
# Who is drawn where no user takes part, or an attacker does; the others only if they say something.
_ALWAYS: Final = frozenset({Party.AUTHLENS, Party.RESOURCE, Party.SERVER})
_FIRST, _LAST = 0.07, 0.93  # shares of the width

_NAMES: Final[Mapping[Party, str]] = {
    Party.PERSON: "You",
    Party.BROWSER: "Browser",
    Party.AUTHLENS: "authlens",
    Party.MALLORY: "Mallory",
    Party.RESOURCE: "Resource",
    Party.SERVER: "Authorization server",
    Party.PROVIDER: "Identity provider",
}
_SHORT_NAMES: Final = {**_NAMES, Party.SERVER: "Server", Party.PROVIDER: "Provider"}


class DiagramLine(Line, frozen=True, dict=True):
    """A line of the diagram, and the message it belongs to: what a click on it opens."""

    gutter = 1

    message: Arrow | None = None
    names: bool = False
    """True for the line that names the lifelines: it stays in view."""


def diagram_lines(
    records: Sequence[StageRecord],
    width: int,
    redactor: Redactor | None = None,
    *,
    underway: RunningStage | None = None,
    undone: Collection[int] = (),
    count: int | None = None,
) -> Iterator[DiagramLine]:
    """Yield the diagram of `records`, with lifelines if `width` cells are enough for them.

    Args:
        redactor: None where only what looks like a secret is to be masked.
        underway: the stage that runs now, drawn after the rest.
        undone: places of the records that the user went back before; they are muted.
        count: how many of the arrows are drawn; None for all.
    """
    redactor = redactor or Redactor()
    drawn = [_masked(message, redactor) for message in messages(records, underway)[:count]]
    if not drawn:
        yield _in_words(("The arrows are drawn here as they are sent.", Tone.MUTED))
        return
    if width < _LANES_FROM:
        yield from _as_list(drawn, undone)
        return
    width = min(width, _WIDEST)
    lanes = _Lanes(width, _places(drawn, wide=width >= _WIDE_FROM))
    hosts = authorities(records, underway)
    yield from lanes.heads({party: _shown(host, redactor) for party, host in hosts.items()})
    for title, arrows, gone in _stages(drawn, undone):
        stage = [lanes.stage(title)]
        for message in arrows:
            stage.extend(lanes.message(message))
        yield from map(_muted, stage) if gone else stage
    yield lanes.feet()


def small_diagram_lines(
    records: Sequence[StageRecord],
    width: int,
    underway: RunningStage | None = None,
    undone: Collection[int] = (),
) -> Iterator[DiagramLine]:
    """Yield the diagram without words beside the arrows but method and status, a row for each arrow.

    The number before the first arrow of a stage is that of the stage.
    """
    redactor = Redactor()
    drawn = [_masked(message, redactor) for message in messages(records, underway)]
    if not drawn or width < _SMALL_FROM:
        return
    places = _places(drawn, wide=False)
    lanes = _Lanes(width, _SMALL if places is _NARROW else places, small=True)
    hosts = authorities(records, underway)
    yield from lanes.heads({party: _shown(host, redactor) for party, host in hosts.items()})
    for record_index, arrows in groupby(drawn, key=lambda message: message.record_index):
        for index, message in enumerate(arrows):
            # The browser is the user's there, so that nothing is handed from one to the other.
            if (message.sender, message.receiver) == (Party.PERSON, Party.BROWSER):
                continue
            number = message.flow.number(message.stage)
            row = lanes.short(message, str(number) if number and not index else "")
            yield _muted(row) if record_index in undone else row


def login_sketch(width: int) -> Content:
    """Return the sketch of a login, drawn as the small diagram: a row for each message."""
    you, client, resource, server = Party.PERSON, Party.AUTHLENS, Party.RESOURCE, Party.SERVER
    script = (
        (client, resource, "GET"),
        (resource, client, "401: log in"),
        (you, server, "you sign in with your browser"),
        (server, client, "a code, by your browser"),
        (client, server, "the code"),
        (server, client, "tokens"),
        (client, resource, "token"),
        (resource, client, "200"),
    )
    lanes = _Lanes(width, _SMALL, small=True)
    # They are of no login, and no stage is named.
    arrows = (Arrow(*each, Stage.DETECTION, reply=each[1] is client) for each in script)
    rows = (*lanes.heads({}), *(lanes.short(arrow, "") for arrow in arrows))
    return Content("\n").join(
        Content.assemble(*((text, tone.value) for text, tone in row.pieces)) for row in rows
    )


# -- the list, where there is no room for lanes ---------------------------------------------------------


def _as_list(drawn: Sequence[Arrow], undone: Collection[int]) -> Iterator[DiagramLine]:
    for title, arrows, gone in _stages(drawn, undone):
        yield _in_words((title, Tone.MUTED if gone else Tone.TITLE))
        for message in arrows:
            sign = "✖ " if message.failed else "  "
            arrow = "" if message.sender is message.receiver else f"{_arrow(message)}{message.receiver} "
            label = (message.label, Tone.BAD if message.failed else Tone.PLAIN)
            yield _in_words((f"{sign}{message.sender}{arrow} ", arrow_tone(message)), label, message=message)
            if message.note:
                yield _in_words((f"    {message.note}", Tone.BAD), message=message)


def _in_words(*pieces: Piece, message: Arrow | None = None) -> DiagramLine:
    return DiagramLine(line(*pieces).pieces, hang=4, by_words=True, message=message)


def _arrow(message: Arrow) -> str:
    dash = "╌" if message.failed or message.missing or message.reply else "─"
    return f" {dash * 2}{_head(message, forth=True)} "


def _places(drawn: Sequence[Arrow], *, wide: bool) -> Mapping[Party, float]:
    """Return the positions of the lifelines, without those of a user if none takes part."""
    speaking = {party for message in drawn for party in (message.sender, message.receiver)}
    with_user = any(not message.flow.is_by_program for message in drawn)
    if with_user and Party.MALLORY not in speaking:
        return _WIDE if wide else _NARROW
    parties = [party for party in Party if party in speaking | _ALWAYS]
    between = (_LAST - _FIRST) / (len(parties) - 1)
    return {party: _FIRST + number * between for number, party in enumerate(parties)}


# -- the lanes ------------------------------------------------------------------------------------------


class _Lanes:
    """The lifelines at one width, and the rows drawn across them."""

    def __init__(self, width: int, places: Mapping[Party, float], *, small: bool = False) -> None:
        self._width = width
        self._small = small
        # The browser is the user's in the small one.
        self._tones = {**ACTOR_TONES, Party.BROWSER: ACTOR_TONES[Party.PERSON]} if small else ACTOR_TONES
        self._columns = {party: int(width * share) for party, share in places.items()}

    def heads(self, hosts: Mapping[Party, str]) -> Iterator[DiagramLine]:
        names, places, ends = (Cells(self._width) for _ in range(3))
        for party, column in self._columns.items():
            if self._small and party is Party.BROWSER:
                continue
            name, host = (_NAMES if self._width >= _WIDE_FROM else _SHORT_NAMES)[party], hosts.get(party, "")
            short = short_name(host)
            if short:
                name, host = short, name
            room, tone = self._room(column), self._tones[party]
            self._centred(names, column, cut_middle(_narrow(name), room if short else len(name)), tone)
            self._centred(places, column, cut_middle(_narrow(host), room), Tone.MUTED)
            ends.put(column - 2, "──┬──", tone)
        yield DiagramLine(names.line().pieces, names=True)
        if not self._small:
            yield from [_drawn(places)] if hosts else ()
            yield _drawn(ends)

    def feet(self) -> DiagramLine:
        return _drawn(self._row("┴"))

    def stage(self, title: str) -> DiagramLine:
        row = Cells(self._width)
        row.put(0, "─" * self._width, Tone.MUTED)
        for column in self._columns.values():
            row.put(column, "┼", Tone.MUTED)
        row.put(0, f"{title} ", Tone.TITLE)
        return _drawn(row)

    def short(self, message: Arrow, number: str) -> DiagramLine:
        """Draw an arrow in one row, with the words of it that fit."""
        row = self._row()
        row.put(0, number, Tone.MUTED)
        start, end = self._columns[message.sender], self._columns[message.receiver]
        if start == end:
            row.put(start, _dot(message), arrow_tone(message))
            return _drawn(row, message)
        label = _narrow(message.label)
        text = label if message.exchange_index is None else label.partition(" ")[0]
        self._shaft(row, message, text if len(text) + _AROUND <= abs(end - start) else "")
        return _drawn(row, message)

    def message(self, message: Arrow) -> Iterator[DiagramLine]:
        """Draw an arrow with its words in it, or above it where they are longer; then why it failed."""
        label = _narrow(message.label)
        if message.sender is message.receiver:
            yield self._own(message, label)
        else:
            yield from self._arrow(message, label)
        if message.note:
            yield from self._note(message)

    def _own(self, message: Arrow, label: str) -> DiagramLine:
        row, column = self._row(), self._columns[message.sender]
        row.put(column, _dot(message), arrow_tone(message))
        text = cut_middle(f"{label} ", self._width - column - 2)
        row.put(column + 2, text, Tone.BAD if message.failed else Tone.NOTE)
        return _drawn(row, message)

    def _arrow(self, message: Arrow, label: str) -> Iterator[DiagramLine]:
        start, end = self._columns[message.sender], self._columns[message.receiver]
        left, room = min(start, end), abs(end - start) - 1
        inside = len(label) + _AROUND <= room
        if not inside:
            above = self._row()
            above.put(left + 2, f"{cut_middle(label, self._width - left - 2)} ", _words_tone(message))
            yield _drawn(above, message)
        row = self._row()
        self._shaft(row, message, label if inside else "")
        yield _drawn(row, message)

    def _shaft(self, row: Cells, message: Arrow, label: str) -> None:
        """Draw the arrow with the words in it, if there are any."""
        start, end = self._columns[message.sender], self._columns[message.receiver]
        left, right, tone = min(start, end), max(start, end), arrow_tone(message, self._tones)
        room = right - left - 1
        row.put(left + 1, ("╌" if message.reply or message.missing else "─") * room, tone)
        forth = end > start
        row.put(right - 1 if forth else left + 1, _head(message, forth=forth), tone)
        if label:
            text = f" {label} "
            row.put(left + 1 + (room - len(text)) // 2, text, _words_tone(message))

    def _note(self, message: Arrow) -> Iterator[DiagramLine]:
        """Write the reason beside the lifeline of the client, where a failure is noticed."""
        start = self._columns[Party.MALLORY if message.receiver is Party.MALLORY else Party.AUTHLENS] + 2
        room = self._width - start
        if room < _NOTE_AT_LEAST:
            start, room = 2, self._width - 2
        lead = tuple(self._row().pieces(start))
        for row in rows_of(line((message.note, Tone.BAD), by_words=True), room):
            yield DiagramLine(line(*lead, *row.pieces()).pieces, message=message)

    def _row(self, sign: str = "│") -> Cells:
        row = Cells(self._width)
        for party, column in self._columns.items():
            row.put(column, sign, self._tones[party])
        return row

    def _centred(self, row: Cells, column: int, text: str, tone: Tone) -> None:
        """Put `text` around the lifeline at `column`, and inside the row."""
        row.put(min(max(0, column - len(text) // 2), self._width - len(text)), text, tone)

    def _room(self, column: int) -> int:
        """Return the number of free cells around a lifeline."""
        return min(abs(other - column) for other in self._columns.values() if other != column) - (
            1 if self._small else 2
        )


# -- words ----------------------------------------------------------------------------------------------


def _stages(drawn: Sequence[Arrow], undone: Collection[int]) -> Iterator[tuple[str, list[Arrow], bool]]:
    """Yield the arrows of each record, with its title before and whether it is undone behind."""
    for record_index, group in groupby(drawn, key=lambda message: message.record_index):
        arrows, gone = list(group), record_index in undone
        first = arrows[0]
        title = first.flow.numbered(first.stage)
        if first.attempt > 1:
            title = f"{title} ({first.attempt})"
        yield f"{title} (undone)" if gone else title, arrows, gone


def _drawn(row: Cells, message: Arrow | None = None) -> DiagramLine:
    return DiagramLine(row.line().pieces, message=message)


def _muted(drawn: DiagramLine) -> DiagramLine:
    return replace(drawn, pieces=tuple((text, Tone.MUTED) for text, _ in drawn.pieces))


def _dot(message: Arrow) -> str:
    return "✖" if message.failed else "●"


def _head(message: Arrow, *, forth: bool) -> str:
    if message.failed:
        return "✖"
    if message.missing:
        return "▷" if forth else "◁"
    return "▶" if forth else "◀"


def _words_tone(message: Arrow) -> Tone:
    if message.failed:
        return Tone.BAD
    return Tone.MUTED if message.missing else Tone.PLAIN


def _masked(message: Arrow, redactor: Redactor) -> Arrow:
    return replace(message, label=_shown(message.label, redactor), note=_shown(message.note, redactor))


def _shown(text: str, redactor: Redactor) -> str:
    """Return `text` masked, then as one clean line: masks first, so that a cut leaves no part of a secret."""
    return safe_line(redactor.text(text))


def _narrow(text: str) -> str:
    """Return `text` with every character that is not one cell wide written as an escape."""
    if text.isascii():
        return text
    return "".join(c if cell_len(c) == 1 else f"\\u{ord(c):04x}" for c in text)
