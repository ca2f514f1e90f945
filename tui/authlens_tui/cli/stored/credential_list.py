"""`authlens list`: every credential on this machine and its state, as a table or as JSON."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from authlens_core.desk.credentials import (
    CloudflaredToken,
    CredentialKind,
    CredentialStatus,
    DamagedRecord,
    Grant,
    InventoryEntry,
    ServiceToken,
    SortOrder,
    StateUnusable,
    StatusKind,
    TokenForm,
    read_inventory,
    utc_now,
)
from authlens_tui.cli.session import iso_time, open_session
from authlens_tui.cli.terminal.flags import is_plain, numbered
from authlens_tui.cli.terminal.output import (
    answer_json,
    answer_line,
    answer_screen,
    answer_text,
    is_terminal,
    say,
)
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.words.times import ago, expiry_of

_TITLES: Final = ("RESOURCE", "ACCOUNT", "STATE", "EXPIRES", "KIND")
_WIDEST: Final = 60  # cells of a column: one long resource does not push the others away
_GAP: Final = "  "
# The exit code of a filtered list that is not empty.
MATCHED: Final = 10
_NONE: Final = "No credentials on this machine. To log in: authlens login URL"


async def list_credentials(arguments: Namespace) -> int:
    """Print every credential and its state, those that need you first. The keyring is not opened.

    Raises:
        NoSecretStore: the state directory cannot be used.
        UsageError: the options do not go together.
    """
    if arguments.watch is not None:
        return await _watch(arguments)
    entries, damaged = await _read()
    is_filtered = arguments.expires_within is not None or arguments.state is not None
    if is_filtered:
        entries = _filtered(entries, arguments.expires_within, arguments.state)
        damaged = ()
    if arguments.openmetrics:
        from authlens_tui.cli.stored.metrics import openmetrics  # few lists are for a program

        answer_text(openmetrics(entries, utc_now()))
    elif arguments.json:
        answer_json([*map(_as_json, entries), *map(damaged_as_json, damaged)])
    elif entries:
        show_table(entries)
    elif not is_filtered:
        say(_NONE)
    say_damaged(damaged)
    return MATCHED if is_filtered and entries else 0


def _filtered(
    entries: Sequence[InventoryEntry], within: timedelta | None, states: frozenset[StatusKind] | None
) -> Sequence[InventoryEntry]:
    """Return the credentials in one of these states, or for which a user is needed within this time."""
    now = utc_now()
    return [
        entry
        for entry in entries
        if (states is None or entry.status(now).kind in states)
        and (within is None or (entry.user_needed_at is not None and entry.user_needed_at <= now + within))
    ]


async def _read() -> tuple[Sequence[InventoryEntry], Sequence[DamagedRecord]]:
    # No secret is needed: the store is named, not asked, because the keyring might want to be unlocked.
    async with open_session(needs_secrets=False) as session:
        credentials = session.credentials
        with suppress(StateUnusable):  # an index that can only be read is still listed
            await session.recover()
        inventory = read_inventory(credentials.index)
    return sorted_by_urgency(inventory.entries), inventory.damaged


def sorted_by_urgency(entries: Iterable[InventoryEntry]) -> Sequence[InventoryEntry]:
    """Return credentials in the order in which the dashboard starts."""
    return SortOrder.NEEDS.arrange(entries, utc_now())


async def _watch(arguments: Namespace) -> int:
    """Print the table whenever it changes; in place on a terminal, unless plain.

    Raises:
        UsageError: JSON is one answer, not a sequence of them.
    """
    if arguments.json:
        raise refusal("list --watch prints a table, not JSON.", "Leave out --watch or --json.")
    over = is_terminal(sys.stdout) and not is_plain()
    before: str | None = None
    while True:
        entries, damaged = await _read()
        header, lines = table_lines(entries, utc_now())
        # Where the table is printed below the one before, a countdown alone is no reason to print it again.
        content = "\n".join(line for line, _ in lines) if over else repr([_state(entry) for entry in entries])
        if content != before:
            before = content
            first = f"At {utc_now().astimezone():%H:%M:%S}:" if is_plain() else header
            answer_screen([first, *(line for line, _ in lines)] if lines else [_NONE], over=over)
            say_damaged(damaged)
        await asyncio.sleep(arguments.watch)


def _state(entry: InventoryEntry) -> tuple[str, str]:
    return entry.entry_id, entry.status(utc_now()).word


def show_table(entries: Sequence[InventoryEntry]) -> None:
    """Print a line for each credential, and its note on stderr.

    The header is for a terminal; a script gets lines alone, and notes that name their URL.
    """
    header, lines = table_lines(entries, utc_now())
    below = is_terminal(sys.stdout)
    # For eyes only: a program that reads the rows would take it for one.
    if header and below:
        answer_line(header)
    for entry, (line, note) in zip(entries, lines, strict=True):
        answer_line(line)
        if note:
            say(f"    {note}" if below else f"{entry.url or entry.title}: {note}")


def table_lines(entries: Sequence[InventoryEntry], now: datetime) -> tuple[str, list[tuple[str, str]]]:
    """Return the header, and for each credential its line and its note.

    In plain mode there are no columns, and no header.
    """
    notes = [entry.status(now).note for entry in entries]
    pairs = list(zip(entries, _kinds(entries, now), strict=True))
    if is_plain():
        header = ""
        lines = numbered(_aloud(entry, kind, now) for entry, kind in pairs)
    else:
        header, *lines = _columns([_TITLES, *(_cells(entry, kind, now) for entry, kind in pairs)])
    return header, list(zip(lines, notes, strict=True))


def _aloud(entry: InventoryEntry, kind: str, now: datetime) -> str:
    """Return a credential without signs and columns."""
    resource = entry.url or entry.title
    expiry = expiry_of(entry.token_ends, now).sentence
    return f"{resource}: {entry.status(now).word}, {expiry}, {kind}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    _, *cells = rows
    columns = [column for column in zip(*rows, strict=True) if any(column[1:]) or not cells]
    rows = list(zip(*columns, strict=True))
    widths = [min(_WIDEST, max(map(len, column))) for column in columns]
    return [
        _GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cells(entry: InventoryEntry, kind: str, now: datetime) -> tuple[str, ...]:
    status = entry.status(now)
    expiry = expiry_of(entry.token_ends, now)
    within = f"in {expiry.span}" if expiry.expired is False else expiry.span or expiry.sentence
    resource = entry.url or entry.title
    return resource, entry.person, f"{status.kind.symbol} {status.word}", within, kind


def _kinds(entries: Sequence[InventoryEntry], now: datetime) -> list[str]:
    """Return the kind of each credential, with the age of logins that differ in nothing else.

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
    return f"{entry.kind.label} at {entry.team}"


def say_damaged(damaged: Iterable[DamagedRecord]) -> None:
    for record in damaged:
        say(f"! The record of {record.words} cannot be read. To remove it: {record.cure}")


def damaged_as_json(record: DamagedRecord) -> dict[str, object]:
    """Return an unreadable record as JSON; only its id is known."""
    return {
        "id": record.record_id,
        "kind": record.kind,
        "resource_url": None,
        "state": "damaged",
        "note": f"Its record cannot be read. To remove it: {record.cure}",
    }


def _as_json(entry: InventoryEntry) -> dict[str, object]:
    match entry.source:
        case Grant() as grant:
            return _grant_as_json(grant, entry.status(utc_now()))
        case ServiceToken() as token:
            return service_token_as_json(token)
        case file:
            return _cloudflared_as_json(file, entry.status(utc_now()))


def _status_as_json(status: CredentialStatus) -> dict[str, object]:
    seconds = status.remaining_seconds
    return {
        "state": status.word,
        "note": status.note,
        "remaining_seconds": None if seconds is None else int(seconds),
    }


def _grant_as_json(grant: Grant, status: CredentialStatus) -> dict[str, object]:
    return {
        "id": grant.grant_id,
        "kind": grant.kind,
        "resource_url": grant.resource_url,
        "resource": grant.resource,
        "account": grant.account,
        "person": grant.person,
        "issuer": grant.issuer,
        "client_id": grant.client_id,
        "scope": grant.scope,
        **_status_as_json(status),
        "refreshable": status.refreshable,
        "obtained_at": iso_time(grant.obtained_at),
        "refreshed_at": iso_time(grant.refreshed_at),
        "expires_at": iso_time(grant.expires_at),
        "login_ends_at": iso_time(grant.login_ends),
        "last_tested_at": iso_time(grant.last_tested),
        "last_verdict": grant.last_verdict.value,
        "last_words": grant.last_words,
        "last_proven_at": iso_time(grant.last_proven_at),
    }


def service_token_as_json(token: ServiceToken) -> dict[str, object]:
    return {
        "id": token.token_id,
        "kind": CredentialKind.SERVICE_TOKEN,
        "resource_url": token.url,
        "client_id": token.client_id,
        "label": token.label,
        "form": token.form.value,
        "header": token.header if token.form is TokenForm.SINGLE_HEADER else None,
        **_status_as_json(token.status()),
        "added_at": iso_time(token.added_at),
        "expires_at": iso_time(token.expires_at),
        "last_tested_at": iso_time(token.last_tested),
        "last_verdict": token.last_verdict.value,
        "last_proven_at": iso_time(token.last_proven_at),
    }


def _cloudflared_as_json(file: CloudflaredToken, status: CredentialStatus) -> dict[str, object]:
    return {
        "id": file.token_id,
        "kind": CredentialKind.CLOUDFLARED,
        "token": file.kind.value,
        "host": file.host,
        "audience": file.audience,
        "person": file.person,
        "team": file.team,
        **_status_as_json(status),
        "issued_at": iso_time(file.issued_at),
        "not_before": iso_time(file.not_before),
        "expires_at": iso_time(file.expires_at),
        "file": str(file.path),
        "pending_url": file.pending_url,
        "lock": None if file.lock is None else {"pid": file.lock.pid, "owner": file.lock.owner.value},
    }
