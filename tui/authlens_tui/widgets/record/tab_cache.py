"""The lines of tabs: made at once or in a thread, and kept, so that turning back to one costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import is_
from typing import Final, NamedTuple, TypeVar

from authlens_core.explain.message import jwts_of
from authlens_core.export.redaction import Redactor, raw_message, secrets_in
from authlens_core.trace.record import Exchange, Request, Response, Secret, StageRecord
from authlens_tui.widgets.document.lines import LineList
from authlens_tui.widgets.record.copying import Copyable, copyables
from authlens_tui.widgets.record.record_lines import (
    StageSnapshot,
    Tab,
    ViewOptions,
    hides_secrets,
    known_secrets,
    requests_of,
    responses_of,
    tab_lines,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
# A login has eight stages, of which the reader compares a few tabs each.
_KEPT: Final = 24
_LIGHT: Final = 65_536  # bytes of bodies that are made into lines at once; more is made aside


class TabKey(NamedTuple):
    """What the lines of a tab depend on.

    Attributes:
        told: counts the stories shown: a longer one may know more secrets.
        masked: false where secrets are in the lines.
    """

    known: StageSnapshot
    told: int
    tab: Tab
    aspect: ViewOptions
    masked: bool


@dataclass(slots=True)
class _Masking:
    """What masks a stage, and whether there is anything to mask; None while no one has looked."""

    redactor: Redactor
    hides: bool | None = None


class TabCache:
    """Makes the tabs of the stages of one story, and keeps the last 24 of them and what masks them."""

    def __init__(self) -> None:
        self.story: tuple[StageRecord, ...] = ()
        self._told = 0
        self._made: dict[TabKey, LineList] = {}
        self._masking: dict[tuple[StageSnapshot, int], _Masking] = {}
        self._secrets: dict[int, tuple[Exchange, tuple[Secret, ...]]] = {}
        self._known: dict[int, tuple[StageRecord, StageSnapshot]] = {}
        self._signed: dict[int, tuple[StageRecord, bool]] = {}
        self._one_at_a_time = asyncio.Lock()  # threads that compete hold up the screen

    def tell(self, records: Sequence[StageRecord]) -> bool:
        """Take what has happened up to now; say whether that is news."""
        story = tuple(records)
        # By identity: records are never changed, and comparing bodies would cost more than making the lines.
        if len(story) == len(self.story) and all(map(is_, story, self.story)):
            return False
        self.story = story
        self._told += 1
        return True

    # -- what is known of a record ---------------------------------------------------------------------

    def known_of(self, record: StageRecord) -> StageSnapshot:
        """Return the newest that is known of this very record."""
        return _once(
            self._known,
            record,
            lambda recorded: StageSnapshot(recorded.stage, record=recorded, exchanges=recorded.exchanges),
        )

    def keep_known(self, record: StageRecord, known: StageSnapshot) -> None:
        self._known[id(record)] = record, known

    def is_signed(self, record: StageRecord | None) -> bool:
        """Say whether there is a signature to look at in `record`; it is read once."""
        return record is not None and _once(self._signed, record, lambda recorded: bool(jwts_of(recorded)))

    # -- lines -----------------------------------------------------------------------------------------

    def key(self, known: StageSnapshot, tab: Tab, aspect: ViewOptions, *, masked: bool) -> TabKey:
        return TabKey(known, self._told, tab, aspect, masked)

    def get(self, key: TabKey) -> LineList | None:
        return self._made.get(key)

    def is_light(self, known: StageSnapshot) -> bool:
        told = (exchange for record in self.story for exchange in record.exchanges)
        unread = (exchange for exchange in told if id(exchange) not in self._secrets)
        return sum(map(_weight, chain(known.exchanges, unread))) <= _LIGHT

    def make(self, key: TabKey) -> LineList:
        """Make the lines of a tab now, however long that takes."""
        masking = self._masking.get((key.known, key.told))
        if masking is None:
            redactor = self._redactor(key.known, self.story)
            masking = _Masking(redactor, hides_secrets(key.known, redactor))
            _keep(self._masking, (key.known, key.told), masking)
        lines = _lines(key, self.story, masking.redactor)
        _keep(self._made, key, lines)
        return lines

    async def make_aside(self, key: TabKey, wanted: Callable[[], bool] = lambda: True) -> LineList | None:
        """Make the lines of a tab in a thread, one tab at a time; None where its turn came too late.

        Args:
            wanted: whether they are still wanted. What shows secrets is not kept when it is no more.
        """
        story = self.story
        async with self._one_at_a_time:
            lines = self._made.get(key)
            if lines is not None or not wanted():
                return lines
            masking = self._masking.get((key.known, key.told))
            if masking is None:
                masking = _Masking(await asyncio.to_thread(self._redactor, key.known, story))
                _keep(self._masking, (key.known, key.told), masking)
            lines = await asyncio.to_thread(_lines, key, story, masking.redactor)
            # Lines with secrets that no one looks at any more are not kept.
            if key.masked or wanted():
                _keep(self._made, key, lines)
            return lines

    def forget_revealed(self) -> None:
        self._made = {key: lines for key, lines in self._made.items() if key.masked}

    # -- secrets ---------------------------------------------------------------------------------------

    def hides(self, known: StageSnapshot) -> bool:
        """Say whether anything of a stage is masked, as far as was looked."""
        masking = self._masking.get((known, self._told))
        return bool(masking and masking.hides)

    async def look_for_hidden(self, key: TabKey) -> None:
        """Look in a thread whether anything of a stage is masked, once."""
        async with self._one_at_a_time:
            masking = self._masking.get((key.known, key.told))
            if masking is not None and masking.hides is None:
                masking.hides = await asyncio.to_thread(hides_secrets, key.known, masking.redactor)

    async def raw(self, known: StageSnapshot, shown: Sequence[Request | Response]) -> str:
        """Return messages of a stage as they were sent, masked, one after the other; made in a thread."""
        redactor = await self._masks(known)
        return await asyncio.to_thread("\n\n".join, [raw_message(message, redactor) for message in shown])

    async def copyables(self, known: StageSnapshot, picked: int | None, member: str) -> tuple[Copyable, ...]:
        """Return what can be copied of a stage, or of the exchange that is picked; masked, in a thread."""
        redactor = await self._masks(known)
        requests, responses = requests_of(known, picked), responses_of(known, picked)
        return await asyncio.to_thread(lambda: tuple(copyables(requests, responses, member, redactor)))

    async def _masks(self, known: StageSnapshot) -> Redactor:
        masking = self._masking.get((known, self._told))
        return masking.redactor if masking else await asyncio.to_thread(self._redactor, known, self.story)

    def _redactor(self, known: StageSnapshot, story: Sequence[StageRecord]) -> Redactor:
        return Redactor(known_secrets(known, story, self._secrets_of))

    def _secrets_of(self, exchange: Exchange) -> tuple[Secret, ...]:
        """Return the secrets in `exchange`, looked for once; in any thread."""
        return _once(self._secrets, exchange, secrets_in)


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep one more, without the oldest where there are too many."""
    while len(kept) >= _KEPT:
        del kept[next(iter(kept))]
    kept[key] = value


def _once(kept: dict[int, tuple[_Key, _Value]], one: _Key, make: Callable[[_Key], _Value]) -> _Value:
    """Return what `make` makes of this very object, made once."""
    entry = kept.get(id(one))
    if entry is None:
        entry = kept[id(one)] = one, make(one)  # with the object, so that no other has its identity
    return entry[1]


def _weight(exchange: Exchange) -> int:
    """Return how many bytes the bodies have."""
    response = exchange.response
    return len(exchange.request.body) + (len(response.body) if response is not None else 0)


def _lines(key: TabKey, story: Sequence[StageRecord], redactor: Redactor) -> LineList:
    return LineList(tab_lines(key.tab, key.known, story, redactor, key.aspect, masked=key.masked))
