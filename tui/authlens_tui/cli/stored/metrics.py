"""The credentials as OpenMetrics text, for the textfile collector of a Prometheus node exporter.

Source: OpenMetrics 1.0, sections "Gauge", "StateSet" and "Overall Structure". No label has a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from authlens_core.desk.credentials import InventoryEntry, StatusKind


class _Gauge(NamedTuple):
    name: str
    help: str
    value: Callable[[InventoryEntry], float | None]


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _failed_refreshes(entry: InventoryEntry) -> float | None:
    return None if entry.grant is None else entry.grant.attempts


_GAUGES: Final = (
    _Gauge(
        "authlens_token_expires_seconds",
        "When the token expires, in seconds since 1970.",
        lambda entry: _seconds(entry.token_ends),
    ),
    _Gauge(
        "authlens_login_ends_seconds",
        "When a user has to log in again, in seconds since 1970.",
        lambda entry: _seconds(entry.user_needed_at),
    ),
    _Gauge(
        "authlens_last_verified_seconds",
        "When the resource last accepted the credential, in seconds since 1970.",
        lambda entry: _seconds(entry.last_proven_at),
    ),
    _Gauge(
        "authlens_failed_refreshes",
        "Refreshes that failed one after another since the last one that did not.",
        _failed_refreshes,
    ),
)
_STATE: Final = "authlens_state"


def openmetrics(entries: Sequence[InventoryEntry], now: datetime) -> str:
    """Return the expiry of both clocks, the state, the last verification and the failures of each."""
    return "\n".join((*_gauges(entries), *_states(entries, now), "# EOF", ""))


def _gauges(entries: Sequence[InventoryEntry]) -> Iterator[str]:
    for gauge in _GAUGES:
        yield f"# TYPE {gauge.name} gauge"
        if gauge.name.endswith("_seconds"):
            yield f"# UNIT {gauge.name} seconds"
        yield f"# HELP {gauge.name} {gauge.help}"
        for entry in entries:
            value = gauge.value(entry)
            if value is not None:
                yield f"{gauge.name}{{{_labels(entry)}}} {value:.3f}"


def _states(entries: Iterable[InventoryEntry], now: datetime) -> Iterator[str]:
    yield f"# TYPE {_STATE} stateset"
    yield f"# HELP {_STATE} The state of the credential, as authlens list shows it."
    for entry in entries:
        present = entry.status(now).kind
        for kind in StatusKind:
            state = _label(_STATE, kind.value)
            yield f"{_STATE}{{{_labels(entry)},{state}}} {int(kind is present)}"


def _labels(entry: InventoryEntry) -> str:
    values = {
        "id": entry.entry_id,
        "kind": entry.kind.value,
        "resource": entry.url or entry.title,
        "account": entry.person,
    }
    return ",".join(_label(name, value) for name, value in values.items())


def _label(name: str, value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{escaped}"'
