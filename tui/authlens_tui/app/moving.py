"""Moving everything that an open program keeps to another place, and what the person is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from authlens_core.credentials.records.pointers import places_left
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.consolidate import gather, kept, left_words
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import Heard, MoveReport
from authlens_core.credentials.vault.open_store import open_store, store_at
from authlens_core.secret import Secret
from authlens_tui.screens.dashboard.results import Result, ResultsScreen
from authlens_tui.screens.store_choice import StoreChoice

__all__ = ["move_everything", "results_of"]


async def move_everything(
    now: Credentials, choice: StoreChoice, unlock: Secret | None, heard: Heard
) -> tuple[MoveReport, Credentials]:
    """Move everything to the place that was chosen, and return the credentials to go on with.

    Those are on the new place, unless something stayed behind: then they are the old ones.

    Args:
        now: what is open.
        choice: where it goes.
        unlock: the passphrase of an encrypted file that something comes from, and that is not open.
        heard: told how far it is.

    Raises:
        NoSecretStore: a place cannot be opened; `PassphraseNeeded` and `WrongPassphrase` where that is why.
    """
    target = now
    if choice.place is not now.store.place:
        opened = await open_store(place=choice.place, passphrase=choice.passphrase, create=choice.create)
        target = Credentials.open(opened.store)
    goes_on = now
    try:
        async with AsyncExitStack() as stack:
            locked = await stack.enter_async_context(_encrypted(now, target, unlock))

            @asynccontextmanager
            async def open_at(place: StoreKind) -> AsyncIterator[Credentials]:
                if place is now.store.place:
                    yield now
                elif place is StoreKind.ENCRYPTED_FILE and locked is not None:
                    yield locked
                else:
                    source = Credentials.open(store_at(place))
                    try:
                        yield source
                    finally:
                        await source.aclose()

            memory = None if now.store.persistent else now
            report = await gather(target, open_at, memory=memory, heard=heard)
            if report.is_complete:
                goes_on = target
    finally:
        if target is not goes_on:
            await target.aclose()
    return report, goes_on


@asynccontextmanager
async def _encrypted(
    now: Credentials, target: Credentials, unlock: Secret | None
) -> AsyncIterator[Credentials | None]:
    """Open the encrypted file before anything is moved, where something comes from it that is not open."""
    is_open = StoreKind.ENCRYPTED_FILE in (now.store.place, target.store.place)
    if is_open or StoreKind.ENCRYPTED_FILE not in kept(target):
        yield None
        return
    opened = await open_store(place=StoreKind.ENCRYPTED_FILE, passphrase=unlock)
    source = Credentials.open(opened.store)
    try:
        yield source
    finally:
        await source.aclose()


def results_of(report: MoveReport, target: Credentials, place: StoreKind) -> ResultsScreen:
    """Return the screen that tells what came of a move to `place`, credential by credential."""
    there = f"It is kept in {place.words} now."
    results = [
        *(Result(url.removeprefix("https://"), True, there) for url in report.logins),
        *(
            Result(f"{url.removeprefix('https://')} (service token)", True, there)
            for url in report.service_tokens
        ),
        *(Result(f"client {name}", True, there) for name in report.clients),
        *(
            Result(what, False, f"It stays where it was: {error.cause}", error.cure)
            for what, error in report.failed
        ),
        *(
            Result(
                f"The record of {record.words}",
                None,
                "It cannot be read; its secrets were moved with the others.",
                f"To remove it: {record.cure}",
            )
            for record in report.damaged
        ),
    ]
    moved = len(report.logins) + len(report.service_tokens) + len(report.clients)
    new = f"New ones go to {place.words}." if report.is_complete else "The place for new ones is as it was."
    left = left_words(places_left(target.index), target.store.place)
    summary = f"{moved} moved · {len(report.failed)} not. {new} {left}".strip()
    return ResultsScreen("Moved", summary, results)
