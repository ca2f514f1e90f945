"""The lines of tabs that were made before, so that turning back to one costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.secret import Secret
from authlens_core.trace.record import StageRecord
from authlens_core.wire.exchange import Exchange
from authlens_tui.widgets.lines import LineList
from authlens_tui.widgets.record_lines import Aspect, Known, Tab

__all__ = ["MadeTabs", "Masking", "TabKey"]

_KEPT: Final = 24


@dataclass(frozen=True, slots=True)
class TabKey:
    """What the lines of a tab depend on.

    Attributes:
        known: the stage.
        told: counts the stories told: a longer one may know more secrets.
        tab: which tab.
        aspect: how it is looked at.
        masked: false where secrets are in the lines.
    """

    known: Known
    told: int
    tab: Tab
    aspect: Aspect
    masked: bool


@dataclass(frozen=True, slots=True)
class Masking:
    """What masks a stage, and whether there is anything to mask; None while nobody has looked."""

    redactor: Redactor
    hides: bool | None = None


class MadeTabs:
    """Keeps the lines of the last 24 tabs that were made, and what masks the stages they are of."""

    def __init__(self) -> None:
        self._made: dict[TabKey, LineList] = {}
        self._masking: dict[tuple[Known, int], Masking] = {}
        self._secrets: dict[int, tuple[Exchange, tuple[Secret, ...]]] = {}

    def has_read(self, exchange: Exchange) -> bool:
        """Say whether the secrets in `exchange` are known, so that they cost nothing."""
        return id(exchange) in self._secrets  # kept with the exchange, so that no other has its identity

    def secrets_of(self, exchange: Exchange) -> tuple[Secret, ...]:
        """Return the secrets in `exchange`, looked for once; to be called in any thread."""
        kept = self._secrets.get(id(exchange))
        if kept is None:
            kept = exchange, secrets_in(exchange)
            self._secrets[id(exchange)] = kept
        return kept[1]

    def masking(self, known: Known, told: int) -> Masking | None:
        """Return what masks a stage after so many stories, if it is still kept."""
        return self._masking.get((known, told))

    def keep_masking(self, known: Known, told: int, masking: Masking) -> None:
        """Keep what masks a stage."""
        self._masking.pop((known, told), None)
        while len(self._masking) >= _KEPT:
            del self._masking[next(iter(self._masking))]
        self._masking[known, told] = masking

    def get(self, key: TabKey) -> LineList | None:
        """Return what was made, if it is still kept."""
        return self._made.get(key)

    def keep(self, key: TabKey, lines: LineList) -> None:
        """Keep what was made, and forget the oldest for it."""
        while len(self._made) >= _KEPT:
            del self._made[next(iter(self._made))]
        self._made[key] = lines

    def known_of(self, record: StageRecord) -> Known | None:
        """Return what is kept of this very record, so that its tabs are found again."""
        return next((key.known for key in self._made if key.known.record is record), None)

    def forget_revealed(self) -> None:
        """Forget every line with a secret in it."""
        self._made = {key: lines for key, lines in self._made.items() if key.masked}
