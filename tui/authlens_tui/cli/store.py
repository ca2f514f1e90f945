"""`authlens store`: where the secrets are, and moving all of them somewhere else."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.move import MoveReport, move
from authlens_core.credentials.open_store import file_path, remembered_place, store_at
from authlens_core.credentials.place import Place
from authlens_core.errors import UsageError
from authlens_core.safe_text import safe_line
from authlens_tui.cli.output import answer_json, answer_line, explain, say
from authlens_tui.cli.session import open_place

__all__ = ["store"]

_PLAIN_WARNING = (
    "! A plain file is not locked. Whoever can read your files has your logins: a backup, another program,\n"
    "  root, whoever finds the disk. An encrypted file costs one passphrase."
)


async def store(arguments: Namespace) -> int:
    """Say where the secrets are, or move them; return the exit code.

    Raises:
        UsageError: the target is no place to move to, or a plain file was not confirmed.
        NoSecretStore: the target cannot be opened; nothing was moved.
    """
    if arguments.move is None:
        return await _show(as_json=arguments.json)
    return await _move(Place(arguments.move), confirmed=arguments.yes, as_json=arguments.json)


@asynccontextmanager
async def _on(place: Place, *, asking: bool = False) -> AsyncIterator[Credentials]:
    """Yield credentials on a place; with `asking` it is opened and proven, a passphrase typed."""
    opened = (await open_place(place, prove=True, create=True)).store if asking else store_at(place)
    credentials = Credentials.open(opened)
    try:
        yield credentials
    finally:
        await credentials.aclose()


def _kept(credentials: Credentials) -> Counter[Place]:
    """Return how many records have their secrets in which place."""
    clients = (client for _, client in credentials.index.clients() if client.has_secrets)
    kept = Counter(grant.place for grant in credentials.list())
    kept.update(token.place for token in credentials.service_tokens.list())
    kept.update(client.place for client in clients)
    return kept


async def _show(*, as_json: bool) -> int:
    place = remembered_place()
    async with _on(place) as credentials:
        kept = _kept(credentials)
    if as_json:
        answer_json({"store": place.value, "kept": {one.value: count for one, count in kept.items()}})
        return 0
    where = (
        f", {safe_line(str(file_path(place)), 300)}" if place in (Place.ENCRYPTED_FILE, Place.FILE) else ""
    )
    answer_line(f"{place.value}{where}")
    for one, count in kept.items():
        say(f"  {count} with secrets in {one.words}")
    if set(kept) - {place}:
        say(f"  → To bring them together: authlens store --move {place.value}")
    return 0


async def _move(to: Place, *, confirmed: bool, as_json: bool) -> int:
    if to is Place.MEMORY:
        raise UsageError(
            "Memory lasts as long as a program: everything that is moved there would be gone when this ends.",
            "To end logins: authlens revoke --all. A session in memory is offered by the full-screen app.",
        )
    if to is Place.FILE and not confirmed:
        say(_PLAIN_WARNING)
        raise UsageError("A plain file has to be confirmed.", "Run: authlens store --move file --yes")
    reports: list[MoveReport] = []
    async with _on(to, asking=True) as target:
        others = sorted(set(_kept(target)) - {to, Place.MEMORY})
        for place in others:
            async with _on(place, asking=place is Place.ENCRYPTED_FILE) as source:
                reports.append(await move(source, target))
        failed = [failure for report in reports for failure in report.failed]
        if not failed:
            target.remember_place()
    _tell(to, reports, as_json=as_json)
    return failed[0][1].exit_code if failed else 0


def _tell(to: Place, reports: list[MoveReport], *, as_json: bool) -> None:
    logins = [url for report in reports for url in report.logins]
    tokens = [url for report in reports for url in report.service_tokens]
    failed = [failure for report in reports for failure in report.failed]
    if as_json:
        answer_json(
            {
                "store": to.value,
                "logins": logins,
                "service_tokens": tokens,
                "failed": [{"what": what, "cause": error.cause} for what, error in failed],
            }
        )
    say(f"✔ {len(logins)} logins and {len(tokens)} service tokens moved. New ones go to {to.words}.")
    for what, error in failed:
        say(f"✖ {safe_line(what, 200)} stays where it was:")
        explain(error)
    if not all(report.swept for report in reports):
        say("! The old copies could not all be deleted yet; that is tried again by: authlens store --move")
