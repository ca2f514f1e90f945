"""The lines of tabs: made at once or in a thread, and kept, so that turning back to one costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from operator import is_
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.trace.record import Exchange, RunningStage, Secret, StageRecord
from authlens_tui.widgets.document.lines import LineList
from authlens_tui.widgets.record.record_lines import (
    StageSnapshot,
    Tab,
    ViewOptions,
    hides_secrets,
    redactor_of,
    tab_lines,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
# A login has eight stages, of which the reader compares a few tabs each.
_KEPT: Final = 24
_LIGHT: Final = 65_536  # bytes of bodies that are made into lines at once; more is made aside


class Story(Struct, frozen=True, eq=False):
    """The records so far. Two stories are never equal: a longer one may contain more secrets."""

    records: tuple[StageRecord, ...] = ()


class TabKey(NamedTuple):
    """The inputs of the lines of a tab."""

    snapshot: StageSnapshot
    story: Story
    tab: Tab
    aspect: ViewOptions


class _Masking(NamedTuple):
    """The redactor of a stage, and whether it masks anything."""

    redactor: Redactor
    hides: bool


class TabCache:
    """Makes the lines of tabs, and caches the last 24 of them and their redactors."""

    def __init__(self) -> None:
        self.story = Story()
        self._made: dict[TabKey, LineList] = {}
        self._masking: dict[tuple[StageSnapshot, Story], _Masking] = {}
        self._secrets: dict[int, tuple[Exchange, tuple[Secret, ...]]] = {}
        self._snapshots: dict[int, StageSnapshot] = {}
        self._one_at_a_time = asyncio.Lock()  # threads that compete hold up the screen

    def tell(self, records: Sequence[StageRecord]) -> None:
        """Store the records so far."""
        before = self.story.records
        # By identity: records are never changed, and comparing bodies would cost more than making the lines.
        if len(records) != len(before) or not all(map(is_, records, before)):
            self.story = Story(tuple(records))

    # -- what is known of a record ---------------------------------------------------------------------

    def snapshot_of(self, stage: StageRecord | RunningStage | StageSnapshot) -> StageSnapshot:
        """Return a snapshot of a stage; the newest one of a record."""
        match stage:
            case StageRecord():
                snapshot = StageSnapshot(stage.stage, record=stage, exchanges=stage.exchanges)
                return self._snapshots.setdefault(id(stage), snapshot)
            case RunningStage():
                return StageSnapshot(
                    stage.stage, planned=stage.request, exchanges=stage.exchanges, underway=stage
                )
        return stage

    def store_snapshot(self, record: StageRecord, snapshot: StageSnapshot) -> None:
        self._snapshots[id(record)] = snapshot

    # -- lines -----------------------------------------------------------------------------------------

    def has(self, key: TabKey) -> bool:
        return key in self._made

    def is_light(self, snapshot: StageSnapshot) -> bool:
        exchanges = (exchange for record in self.story.records for exchange in record.exchanges)
        unread = (exchange for exchange in exchanges if id(exchange) not in self._secrets)
        return sum(map(_weight, chain(snapshot.exchanges, unread))) <= _LIGHT

    def make(self, key: TabKey) -> LineList:
        """Return the lines of a tab, made now if they are not kept, however long that takes."""
        if key in self._made:
            return self._made[key]
        masking, lines = self._lines(key)
        self._keep(key, masking, lines)
        return lines

    async def make_aside(self, key: TabKey, is_needed: Callable[[], bool] = lambda: True) -> LineList | None:
        """Make the lines of a tab in a thread, one tab at a time; None where its turn came too late.

        Args:
            is_needed: whether they are still wanted. What shows secrets is not kept when it is no more.
        """
        async with self._one_at_a_time:
            if key in self._made or not is_needed():
                return self._made.get(key)
            masking, lines = await asyncio.to_thread(self._lines, key)
            # Lines with secrets that no one looks at any more are not kept.
            if key.aspect.masked or is_needed():
                self._keep(key, masking, lines)
            return lines

    def _lines(self, key: TabKey) -> tuple[_Masking, LineList]:
        """Return the redactor of a stage and the lines of one of its tabs; in any thread."""
        masking = self._masking.get((key.snapshot, key.story)) or self._mask(key.snapshot, key.story)
        story = key.story.records
        lines = tab_lines(key.tab, key.snapshot, story, redactor=masking.redactor, aspect=key.aspect)
        return masking, LineList(lines)

    def _keep(self, key: TabKey, masking: _Masking, lines: LineList) -> None:
        _keep(self._masking, (key.snapshot, key.story), masking)
        _keep(self._made, key, lines)

    def forget_revealed(self) -> None:
        self._made = {key: lines for key, lines in self._made.items() if key.aspect.masked}

    # -- secrets ---------------------------------------------------------------------------------------

    def hides(self, snapshot: StageSnapshot) -> bool:
        """Return whether anything of a stage is masked; false before any of it is shown."""
        masking = self._masking.get((snapshot, self.story))
        return masking is not None and masking.hides

    async def masked(self, snapshot: StageSnapshot, make: Callable[[Redactor], _Value]) -> _Value:
        """Return the result of `make`, called with the redactor of a stage in a thread."""
        masking = self._masking.get((snapshot, self.story))
        if masking is None:
            masking = await asyncio.to_thread(self._mask, snapshot, self.story)
        return await asyncio.to_thread(make, masking.redactor)

    def _mask(self, snapshot: StageSnapshot, story: Story) -> _Masking:
        records = (*story.records, *filter(None, (snapshot.record,)))
        # Those of a stage that runs, and those that fetched keys, are in no record.
        redactor = redactor_of(records, snapshot.exchanges, self._secrets_of)
        return _Masking(redactor, hides_secrets(snapshot, redactor))

    def _secrets_of(self, exchange: Exchange) -> tuple[Secret, ...]:
        """Return the secrets in `exchange`, looked for once; in any thread."""
        if id(exchange) not in self._secrets:
            # With the exchange, so that no other has its identity.
            self._secrets[id(exchange)] = exchange, secrets_in(exchange)
        return self._secrets[id(exchange)][1]


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep one more, without the oldest where there are too many."""
    cache.pop(key, None)
    while len(cache) >= _KEPT:
        del cache[next(iter(cache))]
    cache[key] = value


def _weight(exchange: Exchange) -> int:
    """Return the size of both bodies in bytes."""
    response = exchange.response
    return len(exchange.request.body) + (len(response.body) if response is not None else 0)
