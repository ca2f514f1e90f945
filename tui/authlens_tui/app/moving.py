"""Move all secrets of the running app to another store, and show the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from authlens_core.desk.secret_store import StoreKind, move_secrets, open_secret_store, remembered_store
from authlens_core.desk.session import Session
from authlens_core.values.errors import AuthlensError
from authlens_core.values.secret import Secret
from authlens_tui.app.background import AutomaticRefresh
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.move_store import MoveStoreScreen
from authlens_tui.screens.dashboard.results import Result, ResultsScreen
from authlens_tui.screens.store_choice import StoreChoice
from authlens_tui.words.forgotten import where_secrets_are_left

if TYPE_CHECKING:
    from authlens_core.desk.secret_store import MoveReport, OnProgress, OpenedStore


class SecretMove:
    """Moves all secrets to another store, with nothing refreshed meanwhile."""

    def __init__(
        self, app: App[int], session: Session, refresh: AutomaticRefresh, use: Callable[[Session], None]
    ) -> None:
        self._app = app
        self._session = session
        self._refresh = refresh
        self._use = use

    def ask(self, dashboard: DashboardScreen) -> None:
        try:
            new_file = not remembered_store().has_encrypted_file
        except AuthlensError as error:
            dashboard.context.say(str(error), good=False)
            return
        store = self._session.credentials.store
        self._app.push_screen(MoveStoreScreen(store.place, self._carry_out, new_file=new_file))

    async def _carry_out(self, choice: StoreChoice, unlock: Secret | None, on_progress: OnProgress) -> None:
        old = self._session
        # A refresh that stores its tokens in the old store meanwhile would be left behind there.
        await self._refresh.stop()
        try:
            report, self._session = await _move_everything(old, choice, unlock, on_progress)
            if self._session is not old:
                self._use(self._session)
                await old.credentials.aclose()
        finally:
            self._refresh.start(self._session)
        results = _results_of(report, self._session.credentials.store.place, choice.place)
        # After the dialog that this runs in has closed: only the screen on top can be dismissed.
        self._app.call_later(self._app.push_screen, results)


async def _move_everything(
    now: Session, choice: StoreChoice, unlock: Secret | None, on_progress: OnProgress
) -> tuple[MoveReport, Session]:
    """Move everything to the place that was chosen, and return the session to go on with.

    It is on the new place, unless something stayed behind: then it is the old one.

    Args:
        unlock: the passphrase of an encrypted file that something comes from, and that is not open.

    Raises:
        NoSecretStore: a place cannot be opened; `PassphraseNeeded` and `WrongPassphrase` where that is why.
    """
    target = now
    if choice.place is not now.credentials.store.place:
        target = await now.on(
            await open_secret_store(choice.place, passphrase=choice.passphrase, create=choice.create)
        )

    async def unlocked() -> OpenedStore:
        return await open_secret_store(StoreKind.ENCRYPTED_FILE, passphrase=unlock)

    goes_on = now
    try:
        report = await move_secrets(target, unlocked, in_use=now, on_progress=on_progress)
        if report.is_complete:
            goes_on = target
    finally:
        if target is not goes_on:
            await target.credentials.aclose()  # both sessions have one sender
    return report, goes_on


def _results_of(report: MoveReport, open_now: StoreKind, place: StoreKind) -> ResultsScreen:
    there = f"It is stored in {place.words}."
    moved = [
        *(url.removeprefix("https://") for url in report.logins),
        *(f"{url.removeprefix('https://')} (service token)" for url in report.service_tokens),
        *(f"client {name}" for name in report.clients),
    ]
    results = [
        *(Result(what, True, there) for what in moved),
        *(
            Result(what, False, f"It was not moved: {error.cause}", error.cure)
            for what, error in report.failed
        ),
        *(
            Result(
                f"The record of {record.words}",
                None,
                "It cannot be read; its secrets were moved.",
                f"To remove it: {record.cure}",
            )
            for record in report.damaged
        ),
    ]
    new = f"New ones go to {place.words}." if report.is_complete else "New ones are stored as before."
    left = where_secrets_are_left(report.left, open_now)
    summary = f"{len(moved)} moved · {len(report.failed)} not. {new} {left}".strip()
    return ResultsScreen("Moved", summary, results)
