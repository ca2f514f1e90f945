"""`authlens revoke` ends a credential at its server, with proof; `forget` only removes it from here."""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import Final

from authlens_core.credentials.lifecycle.batch import proof_words
from authlens_core.credentials.lifecycle.concurrent_map import each
from authlens_core.credentials.lifecycle.revoke import Revoked, RevokeOutcome, revoke
from authlens_core.credentials.records.damaged import damaged_records
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.consolidate import erase_left, left_words
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import remembered_place, store_at
from authlens_core.errors import AuthlensError, NetworkFailure, Refused, TimedOut
from authlens_core.session import Session
from authlens_core.wire.exchange import FailureKind
from authlens_tui.cli.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.session import grant_for, open_session, same_resource
from authlens_tui.cli.terminal.output import answer_json, say

__all__ = ["forget_credential", "revoke_credentials"]

_FAILURE_CODES: Final = {
    FailureKind.TIMEOUT: TimedOut.exit_code,
    FailureKind.NAME: NetworkFailure.exit_code,
    FailureKind.CONNECT: NetworkFailure.exit_code,
    FailureKind.TLS: NetworkFailure.exit_code,
    FailureKind.PROXY: NetworkFailure.exit_code,
}
Result = tuple[int, dict[str, object]]


async def revoke_credentials(arguments: Namespace) -> int:
    """Revoke one credential or all: at the server first, with proof, and only then here.

    0 means that the server confirmed it and the resource does not accept the token any more.
    """
    async with open_session() as session:
        grants = grants_or_other_kind(session.credentials, arguments, Wanted.REVOKE)
        results = await each(grants, lambda grant: _revoke(session, grant))
    if not results:
        say("No credentials on this machine.")
    if arguments.json:
        answer_json([as_json for _, as_json in results])
    return max((code for code, _ in results), default=0)


async def _revoke(session: Session, grant: Grant) -> Result:
    """Revoke one grant; an error becomes its result, so that the others still have their turn."""
    url = grant.resource_url
    try:
        result = await revoke(
            session.credentials,
            session.wire,
            grant.grant_id,
            waiting=lambda seconds: say(
                f"  {url}: the server confirmed it and the resource still accepts the token; "
                f"asking it again for up to {seconds:.0f} s."
            ),
        )
    except AuthlensError as error:
        say(f"✖ {url}: {error.cause}")
        say(f"  → {error.cure}")
        return error.exit_code, _as_json(grant, "failed", error.cause, error.cure)
    code = _code(result)
    say(f"{'✔' if code == 0 else '✖'} {url}: {result.summary}")
    for words in proof_words(result):
        say(f"  {words}")
    if result.cure:
        say(f"  → {result.cure}")
    return code, {
        **_as_json(grant, result.outcome.value, result.summary, result.cure),
        "removed": result.removed,
        "still_accepted": result.still_accepted,
        "tokens": [
            {"token": one.token, "outcome": one.outcome, "summary": one.summary} for one in result.tokens
        ],
        "proof": list(proof_words(result))[-1:],
    }


def _code(result: Revoked) -> int:
    if result.outcome is RevokeOutcome.REVOKED:
        return Refused.exit_code if result.still_accepted else 0
    failed = [
        exchange.failure.kind
        for record in result.trace.records
        for exchange in record.exchanges
        if exchange.failure is not None
    ]
    return _FAILURE_CODES.get(failed[0], Refused.exit_code) if failed else Refused.exit_code


def _as_json(grant: Grant, outcome: str, summary: str, cure: str) -> dict[str, object]:
    return {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": outcome,
        "removed": False,
        "still_accepted": None,
        "summary": summary,
        "cure": cure,
    }


async def forget_credential(arguments: Namespace) -> int:
    """Remove a credential from this machine and say that it still works at the server.

    It is named by a URL, or by its id, as for one whose record cannot be read. A keyring that is gone does
    not hinder it.

    Raises:
        LoginNeeded: there is none.
    """
    credentials = Credentials.open(store_at(remembered_place()))
    try:
        record_id, shown, is_service_token = _meant(credentials, arguments.url)
        forgotten = next((one for one in credentials.list() if one.grant_id == record_id), None)
        if is_service_token:
            await credentials.service_tokens.remove(record_id)
            credentials.traces.drop(record_id)
        else:
            await credentials.forget(record_id)
        left = await erase_left(credentials)
        words = left_words(left, credentials.store.place)
        others = same_resource(credentials.list(), forgotten)
    finally:
        await credentials.aclose()
    say(f"✔ Removed from this machine: {shown}")
    if words:
        say(f"! {words}")
    for other in others:
        say(f"! Another login for it is still here. To remove it, too: authlens forget {other.grant_id}")
    if is_service_token:
        say("  Access was not told: a service token stays valid there until it ends or is deleted.")
    else:
        say(
            "  The server was not told: the tokens stay valid there until they end. "
            "(authlens revoke would have ended them.)"
        )
    return 0


def _meant(credentials: Credentials, name: str) -> tuple[str, str, bool]:
    """Return the id of what is named, what to call it, and whether it is a service token."""
    for record in damaged_records(credentials.index):
        if record.record_id == name:
            return name, f"the unreadable record of {record.words}", record.kind == "service-token"
    token = next((one for one in credentials.service_tokens.list() if one.token_id == name), None)
    if token is not None:
        return name, f"{token.client_id} for {token.url}", True
    grant = next((one for one in credentials.list() if one.grant_id == name), None)
    if grant is None:
        grant = grant_for(credentials, name)
    return grant.grant_id, shlex.quote(grant.resource_url), False
