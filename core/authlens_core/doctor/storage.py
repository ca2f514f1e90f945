"""The state directory, the secret store, and the logins that were interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import SERVICE_TOKENS, damaged_records
from authlens_core.credentials.store.secret_store import CALL_LIMIT
from authlens_core.credentials.vault.open_store import file_path, open_store, remembered_place
from authlens_core.doctor.finding import Finding, from_error
from authlens_core.login.interrupted_login import from_text
from authlens_core.state.crash_notes import CrashNotes
from authlens_core.state.paths import state_directory
from authlens_core.values.check import Severity
from authlens_core.values.errors import NoSecretStore, StateUnusable
from authlens_core.values.store_kind import StoreKind

_INTERRUPTED = "interrupted"
_MOST_NAMED = 5
_INSTEAD = "Or store secrets in an encrypted file: authlens store --move encrypted-file"


def look_at_state(directory: Path | None = None) -> Finding:
    topic = "state"
    try:
        state = state_directory(directory)
        path = state / "index.sqlite3"
        if not path.exists():
            return Finding(topic, Severity.PASS, f"{state}, readable only by you; it is empty.")
        with closing(Index(path)) as index:
            known, damaged = _counted(index), damaged_records(index)
            read_only = index.read_only
    except StateUnusable as error:
        return from_error(topic, error)
    if read_only:
        cure = "Use that version, or set AUTHLENS_HOME to another directory."
        return Finding(topic, Severity.FAILURE, f"{state}: {read_only}", cure, StateUnusable.exit_code)
    if damaged:
        one = len(damaged) == 1
        many = "One record cannot be read" if one else f"{len(damaged)} records cannot be read"
        names = ", ".join(record.words for record in damaged[:_MOST_NAMED])
        more = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        cure = "Remove each by its id (authlens forget ID), then log in or add it again. All: authlens list"
        return Finding(topic, Severity.WARNING, f"{state}: {many}: {names}{more}. {known}.", cure)
    return Finding(topic, Severity.PASS, f"{state}, readable only by you; {known}.")


def _counted(index: Index) -> str:
    """Say how many logins and service tokens can be read."""
    logins, tokens = len(index.grants()[0]), len(SERVICE_TOKENS.all(index)[0])
    words = "one login" if logins == 1 else f"{logins} logins"
    more = "" if not tokens else ", one service token" if tokens == 1 else f", {tokens} service tokens"
    return f"{words}{more}"


async def look_at_keyring(
    *,
    limit: float = CALL_LIMIT,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Finding:
    """Write a value to the secret store, read it back and delete it; say how that went.

    The encrypted file is not opened: no passphrase is asked for.

    Args:
        limit: seconds that one call may take.
        environ: the environment of the helper; None is the process's own.
        directory: the state directory; None is the ordinary one.
    """
    topic = "keyring"
    try:
        place = await asyncio.to_thread(remembered_place, directory)
        if place is StoreKind.ENCRYPTED_FILE:
            return _encrypted(topic, file_path(place, directory))
    except StateUnusable:
        place = StoreKind.KEYRING  # said by `look_at_state`
    try:
        opened = await open_store(place=place, limit=limit, environ=environ, directory=directory)
    except NoSecretStore as error:
        finding = from_error(topic, error)
        return replace(finding, cure=f"{finding.cure} {_INSTEAD}") if place is StoreKind.KEYRING else finding
    await opened.store.aclose()
    words = " ".join((f"{opened.store.name}: a value was written, read back and deleted.", *opened.notes))
    if place is StoreKind.KEYRING:
        return Finding(topic, Severity.PASS, words)
    cure = "To protect it: authlens store --move keyring, or --move encrypted-file."
    return Finding(topic, Severity.WARNING, words, cure)


def _encrypted(topic: str, path: Path) -> Finding:
    if path.exists():
        return Finding(topic, Severity.PASS, f"An encrypted file, {path}; it was not opened.")
    found = f"The encrypted file for secrets, {path}, is missing."
    cure = "Restore it, or choose another secret store: authlens store --move keyring"
    return Finding(topic, Severity.FAILURE, found, cure, NoSecretStore.exit_code)


def look_at_interrupted(directory: Path | None = None) -> Finding:
    """Say which logins were interrupted by the end of their process; their notes stay. Reads files."""
    found = []
    with suppress(StateUnusable):  # said by `look_at_state`
        for note in CrashNotes(state_directory(directory) / "unfinished").claim():
            note.let_go()
            if (record := from_text(note.text)) is not None:
                found.append(record)
    if not found:
        return Finding(_INTERRUPTED, Severity.PASS, "No login was interrupted.")
    latest = max(found, key=lambda one: one.at)
    url = latest.resource_url
    words = "One login was" if len(found) == 1 else f"{len(found)} logins were"
    cure = f"Resume it from the dashboard: authlens. Or start again: authlens login {url}"
    when = f"{latest.at:%Y-%m-%d %H:%M} UTC"
    return Finding(_INTERRUPTED, Severity.NOTICE, f"{words} interrupted, the latest {url} at {when}.", cure)
