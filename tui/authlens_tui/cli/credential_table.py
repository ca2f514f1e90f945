"""The table of `authlens list`: a header, then one line for each credential, in the dashboard's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from authlens_core.access.cloudflared_token import CloudflaredToken
from authlens_core.credentials.inventory.inventory import InventoryEntry, status_of
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_tui.cli.terminal.plain import is_plain, numbered
from authlens_tui.widgets.credentials.credential_row import ago, until

_TITLES: Final = ("RESOURCE", "STATE", "EXPIRES", "KIND")
_WIDEST: Final = 60  # cells of a column: one long resource does not push the others away
_GAP: Final = "  "


def table_lines(entries: Sequence[InventoryEntry], now: datetime) -> tuple[str, list[tuple[str, str]]]:
    """Return the header, and for each credential its line and what is odd about it.

    In plain mode there are no columns, and no header.
    """
    notes = [status_of(entry, now).note for entry in entries]
    named = list(zip(entries, _kinds(entries, now), strict=True))
    if is_plain():
        header, lines = "", numbered(_aloud(entry, kind, now) for entry, kind in named)
    else:
        header, *lines = _columns([_TITLES, *(_cells(entry, kind, now) for entry, kind in named)])
    return header, list(zip(lines, notes, strict=True))


def _aloud(entry: InventoryEntry, kind: str, now: datetime) -> str:
    """Return a credential without signs and columns."""
    ends = entry.token_ends
    lasts = "no expiry given" if ends is None else until(ends, now)
    within = "expires in " if ends is not None and ends > now else ""
    resource = entry.url or entry.title
    return f"{resource}: {status_of(entry, now).word}, {within}{lasts}, {kind}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cells(entry: InventoryEntry, kind: str, now: datetime) -> tuple[str, ...]:
    status = status_of(entry, now)
    ends = entry.token_ends
    left = "no expiry given" if ends is None else until(ends, now).removeprefix("expired ")
    within = "in " if ends is not None and ends > now else ""
    resource = entry.url or entry.title
    return resource, f"{status.symbol} {status.word}", f"{within}{left}", kind


def _kinds(entries: Sequence[InventoryEntry], now: datetime) -> list[str]:
    """Return what each credential is, with the age of logins that differ in nothing else.

    `--port 0` registers a client at each login, and another client does not replace the tokens of the first.
    """
    kinds = [_kind(entry) for entry in entries]
    rows = Counter((entry.title, kind) for entry, kind in zip(entries, kinds, strict=True))
    return [
        f"{kind}, login {ago(entry.since, now)}"
        if entry.grant is not None and rows[entry.title, kind] > 1
        else kind
        for entry, kind in zip(entries, kinds, strict=True)
    ]


def _kind(entry: InventoryEntry) -> str:
    match entry.source:
        case CloudflaredToken() as token:
            return ", ".join(filter(None, (f"cloudflared {token.kind}", token.person)))
        case ServiceToken() as token:
            return f"service token {token.label or token.client_id}"
    return f"{CredentialKind.OAUTH.label} at {entry.team}"
