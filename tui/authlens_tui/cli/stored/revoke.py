"""`authlens revoke` ends a credential at its server and verifies it, and only then removes it here."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.credentials.lifecycle.action_result import ActionOutcome, ActionResult
from authlens_core.credentials.lifecycle.concurrent_map import concurrent_map
from authlens_core.credentials.lifecycle.revoke import revoke_one
from authlens_core.credentials.lifecycle.revoke_result import Revoked
from authlens_core.credentials.records.grant import Grant
from authlens_core.session.session import Session
from authlens_core.values.errors import Refused
from authlens_tui.cli.session import open_session, say_result
from authlens_tui.cli.stored.other_kinds import Wanted, grants_or_other_kind
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
