"""`authlens events`: what happened to which credential, and when."""

from __future__ import annotations

import sys
from argparse import Namespace

from authlens_core.credentials.records.index import Event
from authlens_core.desk.credentials import access_events
from authlens_core.desk.session import Session, open_session
from authlens_core.values.errors import LoginNeeded
from authlens_tui.cli.terminal.output import answer_list, answer_text, is_terminal, say
from authlens_tui.cli.urls import checked_url


async def show_events(arguments: Namespace) -> int:
    """Print the history, oldest first. The keyring is not asked, for no secret is shown.

    Raises:
        LoginNeeded: nothing is known of the URL.
        StateUnusable: the state directory cannot be used.
    """
    async with open_session() as session:
        events = _events(session, arguments.url, arguments.limit)
    if not events:
        say("Nothing has happened yet.")
    if not arguments.json and events and is_terminal(sys.stdout):
        say(f"{'WHEN (UTC)':<21}{'WHAT':<24}RESOURCE, DETAIL")
    if arguments.json:
        answer_text("".join(event.json_line for event in reversed(events)))
    else:
        answer_list(map(_words, reversed(events)))
    return 0


def _words(event: Event) -> str:
    words = f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<22}  {event.resource}  {event.detail}"
    return words.rstrip()


def _events(session: Session, url: str | None, limit: int) -> tuple[Event, ...]:
    if url is None:
        return access_events(session, limit=limit)
    checked, credentials = checked_url(url), session.credentials
    grant, token = credentials.find(checked), credentials.service_tokens.find(checked)
    ids = [entry_id for entry_id in (grant and grant.grant_id, token and token.token_id) if entry_id]
    if not ids:
        raise LoginNeeded(f"There is no credential for {checked} on this machine.", "See: authlens list")
    events = [event for entry_id in ids for event in access_events(session, entry_id, limit=limit)]
    return tuple(sorted(events, key=lambda event: event.at, reverse=True)[:limit])
