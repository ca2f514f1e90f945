"""`authlens list`: every credential on this machine and its state."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress

from authlens_core.access.cloudflared_files import CloudflaredToken, find_cloudflared_tokens
from authlens_core.access.service_token import TokenForm
from authlens_core.credentials.inventory.inventory import describe_cloudflared
from authlens_core.credentials.records.damaged import DamagedRecord, damaged_records
from authlens_core.credentials.records.grant import CredentialStatus, Grant, describe
from authlens_core.credentials.records.service_token import ServiceToken, describe_service_token
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.state.paths import StateUnusable
from authlens_tui.cli.session import moment
from authlens_tui.cli.terminal.output import answer_json, answer_line, say
from authlens_tui.words.durations import in_words

__all__ = [
    "damaged_as_json",
    "list_credentials",
    "say_damaged",
    "service_token_as_json",
    "service_token_line",
]


async def list_credentials(arguments: Namespace) -> int:
    """Print every credential and its state. The keyring is not asked, for no secret is shown.

    Raises:
        NoSecretStore: the state directory cannot be used.
    """
    credentials = Credentials.open(KeyringStore())
    try:
        with suppress(StateUnusable):  # an index that can only be read is still listed
            await credentials.recover()
        grants, damaged = credentials.list(), damaged_records(credentials.index)
        tokens = credentials.service_tokens.list()
    finally:
        await credentials.aclose()
    files = find_cloudflared_tokens()
    if arguments.json:
        answer_json(
            [
                *(_grant_as_json(grant) for grant in grants),
                *(service_token_as_json(token) for token in tokens),
                *(_cloudflared_as_json(file) for file in files),
                *(damaged_as_json(record) for record in damaged),
            ]
        )
    else:
        _show(
            [
                *((_grant_line(grant), describe(grant).note) for grant in grants),
                *((service_token_line(token), describe_service_token(token).note) for token in tokens),
                *((_cloudflared_line(file), describe_cloudflared(file).note) for file in files),
            ]
        )
    say_damaged(damaged)
    return 0


def say_damaged(damaged: Iterable[DamagedRecord]) -> None:
    """Name each record that cannot be read, with the command that removes it."""
    for record in damaged:
        say(f"! The record of {record.words} cannot be read. To remove it: {record.cure}")


def damaged_as_json(record: DamagedRecord) -> dict[str, object]:
    """Return a record that cannot be read as JSON carries it: its id is all that is known."""
    return {
        "id": record.record_id,
        "kind": record.kind,
        "resource_url": None,
        "state": "damaged",
        "note": f"Its record cannot be read. To remove it: {record.cure}",
    }


def _show(rows: list[tuple[str, str]]) -> None:
    """Print each row, and what is odd about it as words below."""
    if not rows:
        say("No credentials on this machine. To log in: authlens login URL")
        return
    if sys.stdout is not None and sys.stdout.isatty():
        say(f"  {'STATE':<24}{'TOKEN':<20}RESOURCE, WHAT OPENS IT")
    for line, note in rows:
        answer_line(line)
        if note:
            say(f"    {note}")


def _row(standing: CredentialStatus, resource: str, opened_by: str) -> str:
    state = f"{standing.symbol} {standing.word:<24}{_lasts(standing.remaining_seconds):<20}"
    return f"{state}{resource}  {opened_by}"


def _grant_line(grant: Grant) -> str:
    return _row(describe(grant), grant.resource_url, grant.issuer)


def service_token_line(token: ServiceToken) -> str:
    """Return the row of a service token: its state, its resource, and which one it is."""
    return _row(describe_service_token(token), token.url, f"service token {token.label or token.client_id}")


def _cloudflared_line(file: CloudflaredToken) -> str:
    who = f", {file.person}" if file.person else ""
    return _row(describe_cloudflared(file), file.host, f"cloudflared, {file.kind}{who}")


def _lasts(seconds: float | None) -> str:
    if seconds is None:
        return "no expiry given"
    return f"{in_words(seconds)} left" if seconds > 0 else f"expired {in_words(seconds)}"


def _grant_as_json(grant: Grant) -> dict[str, object]:
    standing = describe(grant)
    left = standing.remaining_seconds
    return {
        "id": grant.grant_id,
        "kind": "oauth",
        "resource_url": grant.resource_url,
        "resource": grant.resource,
        "issuer": grant.issuer,
        "client_id": grant.client_id,
        "scope": grant.scope,
        "state": standing.word,
        "note": standing.note,
        "refreshable": standing.refreshable,
        "remaining_seconds": None if left is None else int(left),
        "obtained_at": moment(grant.obtained_at),
        "refreshed_at": moment(grant.refreshed_at),
        "expires_at": moment(grant.expires_at),
        "last_tested_at": moment(grant.last_tested),
        "last_verdict": grant.last_verdict.value,
        "last_words": grant.last_words,
        "last_proven_at": moment(grant.last_proven_at),
    }


def service_token_as_json(token: ServiceToken) -> dict[str, object]:
    """Return a service token as JSON carries it, without its secret."""
    standing = describe_service_token(token)
    left = standing.remaining_seconds
    return {
        "id": token.token_id,
        "kind": "service-token",
        "resource_url": token.url,
        "client_id": token.client_id,
        "label": token.label,
        "form": token.form.value,
        "header": token.header if token.form is TokenForm.SINGLE_HEADER else None,
        "state": standing.word,
        "note": standing.note,
        "remaining_seconds": None if left is None else int(left),
        "added_at": moment(token.added_at),
        "expires_at": moment(token.expires_at),
        "last_tested_at": moment(token.last_tested),
        "last_verdict": token.last_verdict.value,
        "last_proven_at": moment(token.last_proven_at),
    }


def _cloudflared_as_json(file: CloudflaredToken) -> dict[str, object]:
    standing = describe_cloudflared(file)
    left = standing.remaining_seconds
    return {
        "id": file.token_id,
        "kind": "cloudflared",
        "token": file.kind.value,
        "host": file.host,
        "audience": file.audience,
        "person": file.person,
        "team": file.team,
        "state": standing.word,
        "note": standing.note,
        "remaining_seconds": None if left is None else int(left),
        "issued_at": moment(file.issued_at),
        "not_before": moment(file.not_before),
        "expires_at": moment(file.expires_at),
        "file": str(file.path),
        "pending_url": file.pending_url,
        "lock": None if file.lock is None else {"pid": file.lock.pid, "owner": file.lock.owner.value},
    }
