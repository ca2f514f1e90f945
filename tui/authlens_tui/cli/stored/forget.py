"""`authlens forget` removes a credential from this machine; its server is not asked."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.desk.credentials import CredentialKind, Grant, damaged_records
from authlens_core.desk.forget import Forgotten, forget
from authlens_core.desk.session import Session, open_session
from authlens_tui.cli.session import grant_for
from authlens_tui.cli.terminal.output import say
from authlens_tui.words.outcomes import what_stays_valid, where_secrets_are_left


async def forget_credential(arguments: Namespace) -> int:
    """Remove the credential that is named by a URL or an id; an unreadable record has only its id.

    It works without a keyring: what cannot be deleted now is deleted when the keyring is back.

    Raises:
        LoginNeeded: there is none.
    """
    async with open_session() as session:
        record_id, shown, grant = _named(session, arguments.url)
        forgotten = await forget(session, record_id)
        say_forgotten(session, shown, forgotten)
        others = () if grant is None else grant.others_of_resource(session.credentials.list())
    for other in others:
        say(f"! Another login for it is still here. To remove it, too: authlens forget {other.grant_id}")
    if forgotten.kind is CredentialKind.OAUTH:
        say("  To end them at the server instead, run authlens revoke before you forget.")
    return 0


def say_forgotten(session: Session, shown: str, forgotten: Forgotten) -> None:
    """Report a removal: what is left in a store, and what stays valid at the server."""
    say(f"✔ Removed from this machine: {shown}")
    if forgotten.left:
        say(f"! {where_secrets_are_left(forgotten.left, session.credentials.store.place)}")
    say(f"  {what_stays_valid(forgotten)}")


def _named(session: Session, name: str) -> tuple[str, str, Grant | None]:
    """Return the id of the credential that is meant, what to call it, and its grant if it is a login."""
    credentials = session.credentials
    for record in damaged_records(credentials.index):
        if record.record_id == name:
            return name, f"the unreadable record of {record.words}", None
    for token in credentials.service_tokens.list():
        if token.token_id == name:
            return name, f"{token.client_id} for {token.url}", None
    by_id = {grant.grant_id: grant for grant in credentials.list()}
    grant = by_id.get(name) or grant_for(session, name)
    return grant.grant_id, shlex.quote(grant.resource_url), grant
