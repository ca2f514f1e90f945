"""`authlens revoke` ends a credential at its server and verifies it; `forget` only removes it from here."""

from __future__ import annotations

import shlex
from argparse import Namespace
from contextlib import aclosing

from authlens_core.credentials.lifecycle.action_result import ActionOutcome, ActionResult
from authlens_core.credentials.lifecycle.concurrent_map import concurrent_map
from authlens_core.credentials.lifecycle.revoke import revoke_one
from authlens_core.credentials.lifecycle.revoke_result import Revoked
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.table import damaged_records
from authlens_core.credentials.vault.consolidate import erase_left, left_words
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import remembered_place, store_at
from authlens_core.errors import Refused
from authlens_core.session import Session
from authlens_tui.cli.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.session import grant_for, open_session, others_of_resource, say_result
from authlens_tui.cli.terminal.output import answer_json, say


async def revoke_credentials(arguments: Namespace) -> int:
    """Revoke one credential or all: at the server first, with proof, and only then here.

    0 means that the server confirmed it and the resource does not accept the token any more.
    """
    async with open_session() as session:
        grants = grants_or_other_kind(session.credentials, arguments, Wanted.REVOKE)
        results = {grant.grant_id: _unfinished(grant) for grant in grants}
        try:
            await concurrent_map(
                grants,
                lambda grant: _revoke(session, grant, arguments.wait),
                on_result=lambda grant, result: results.update({grant.grant_id: result}),
            )
        finally:  # Ctrl-C during the verification loses no result
            if arguments.json:
                answer_json([_as_json(grant, results[grant.grant_id]) for grant in grants])
    if not results:
        say("No credentials on this machine.")
    return max((result.exit_code for result in results.values()), default=0)


def _unfinished(grant: Grant) -> ActionResult:
    url = shlex.quote(grant.resource_url)
    return ActionResult(
        outcome=ActionOutcome.UNFINISHED,
        summary="Stopped before the result was known. The tokens are still stored.",
        cure=f"Run: authlens revoke {url}",
        error_type=Refused,
    )


async def _revoke(session: Session, grant: Grant, wait: float) -> ActionResult:
    result = await revoke_one(
        session.credentials,
        session.wire,
        grant,
        waiting=lambda seconds: say(
            f"  {grant.resource_url}: the server confirmed it and the resource still accepts the token; "
            f"asking it again for up to {seconds:.0f} s."
        ),
        wait=wait,
    )
    say_result(grant.resource_url, result)
    return result


def _as_json(grant: Grant, result: ActionResult) -> dict[str, object]:
    found: dict[str, object] = {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": result.outcome.value,
        "removed": False,
        "still_accepted": None,
        "summary": result.summary,
        "cure": result.cure,
    }
    if isinstance(result, Revoked):
        found |= {
            "removed": result.removed,
            "still_accepted": result.still_accepted,
            "tokens": [
                {"token": one.token, "outcome": one.outcome, "summary": one.summary} for one in result.tokens
            ],
            "proof": list(result.details[-1:]),
        }
    return found


async def forget_credential(arguments: Namespace) -> int:
    """Remove a credential from this machine and say that it still works at the server.

    It is named by a URL, or by its id, as for one whose record cannot be read. A keyring that is gone does
    not hinder it.

    Raises:
        LoginNeeded: there is none.
    """
    async with aclosing(Credentials.open(store_at(remembered_place()))) as credentials:
        record_id, shown, is_service_token = _meant(credentials, arguments.url)
        forgotten = next((one for one in credentials.list() if one.grant_id == record_id), None)
        if is_service_token:
            await credentials.service_tokens.remove(record_id)
            credentials.traces.drop(record_id)
        else:
            await credentials.forget(record_id)
        # A store that could not be reached at an earlier removal may still hold its secrets.
        left = await erase_left(credentials)
        words = left_words(left, credentials.store.place)
        others = others_of_resource(credentials.list(), forgotten)
    say(f"✔ Removed from this machine: {shown}")
    if words:
        say(f"! {words}")
    for other in others:
        say(f"! Another login for it is still here. To remove it, too: authlens forget {other.grant_id}")
    if is_service_token:
        say("  The service token stays valid at Access until it expires or you delete it there.")
    else:
        say(
            "  The tokens were not revoked: they stay valid at the server until they expire. (authlens "
            "revoke would have revoked them.)"
        )
    return 0


def _meant(credentials: Credentials, name: str) -> tuple[str, str, bool]:
    """Return the id of what is named, what to call it, and whether it is a service token."""
    for record in damaged_records(credentials.index):
        if record.record_id == name:
            return (
                name,
                f"the unreadable record of {record.words}",
                record.kind is CredentialKind.SERVICE_TOKEN,
            )
    token = next((one for one in credentials.service_tokens.list() if one.token_id == name), None)
    if token is not None:
        return name, f"{token.client_id} for {token.url}", True
    grant = next((one for one in credentials.list() if one.grant_id == name), None)
    if grant is None:
        grant = grant_for(credentials, name)
    return grant.grant_id, shlex.quote(grant.resource_url), False
