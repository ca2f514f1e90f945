"""Recorded requests on the screen: of this run, of a credential, of a session file; their signatures.

A screen is loaded when it is shown: none of them is needed to log in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from authlens_core.desk.credentials import AccessKind
from authlens_core.desk.log_in import Event, Login, StageEnded, Trace
from authlens_core.desk.session import Session
from authlens_core.desk.signatures import check_signatures
from authlens_core.export.exchange_log import ExchangeLog
from authlens_tui.screens.dashboard.context import TraceWanted
from authlens_tui.widgets.record.record_messages import SignatureWanted

if TYPE_CHECKING:
    from authlens_tui.screens.trace.open_session import NamedTrace, StoredTraces


class Records:
    """Knows which credential the record on the screen is about."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self.credential_id: Callable[[], str] = str
        """Returns the credential whose record is on the screen; empty if it has none."""
        self.log = ExchangeLog()
        """The exchanges of this program."""

    def note_trace(self, trace: Trace) -> None:
        """Remember in which stages of `trace` its requests were sent."""
        for record in trace.records:
            self.log.note_record(record)

    def follow(self, login: Login) -> None:
        """Remember in which stages of `login` its requests are sent, as they end."""

        def on_event(event: Event) -> None:
            if isinstance(event, StageEnded):
                self.log.note_record(event.record)

        login.watch(on_event)

    def show_requests(self) -> None:
        """Show every request of this session, unless it is shown already."""
        from authlens_tui.screens.trace.requests import RequestsScreen

        if not isinstance(self._app.screen, RequestsScreen):
            self._app.push_screen(RequestsScreen(self.log))

    def open_file(self, session: Session | None) -> None:
        """Ask for a session file or a stored trace and show it; it can be compared with another one."""
        from authlens_tui.screens.trace.open_session import OpenSessionScreen
        from authlens_tui.screens.trace.trace import TraceScreen

        stored = None if session is None else _stored(session)

        def show(opened: NamedTrace | None) -> None:
            if opened is not None:
                self.credential_id = str
                self._app.push_screen(TraceScreen(opened.trace, replay=opened.name, stored=stored))

        self._app.push_screen(OpenSessionScreen("Open a session", stored), show)

    def show(self, session: Session, message: TraceWanted) -> None:
        from authlens_tui.screens.trace.trace import TraceScreen

        entry_id = message.entry_id
        self.credential_id = lambda: entry_id
        grant = next((grant for grant in session.credentials.list() if grant.grant_id == entry_id), None)
        url = message.trace.resource_url
        self._app.push_screen(
            TraceScreen(
                message.trace,
                replay="a recording" if message.is_stored else "",
                stored=_stored(session, entry_id, url),
                issuer=None if grant is None else grant.issuer,
            )
        )

    def note(self, session: Session, touched: AccessKind, what: str) -> None:
        """Log that a secret was shown or copied, if the record is about a credential."""
        if credential_id := self.credential_id():
            session.credentials.record(touched, credential_id, what)

    async def check_signatures(self, session: Session, request: SignatureWanted) -> None:
        """Fetch the keys the user asked for, and show the result in the view."""
        verdicts, exchanges = await check_signatures(
            session.wire, request.tokens, request.record, request.story, issuer=request.issuer
        )
        request.answer(verdicts, exchanges)


def _stored(session: Session, entry_id: str = "", *urls: str) -> StoredTraces:
    """Return the traces of a credential, and those of all others after them."""
    from authlens_tui.screens.trace.open_session import StoredTraces

    credentials = session.credentials
    others = tuple((grant.grant_id, grant.resource_url) for grant in credentials.list())
    return StoredTraces(credentials.traces, entry_id, urls, others)
