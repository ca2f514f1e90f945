"""`authlens revoke` ends a credential at its server and verifies it, and only then removes it here."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.credentials.records.grant import Grant
from authlens_core.desk.lifecycle import ActionResult, Revoked, for_each, revoke
from authlens_core.desk.session import Session
from authlens_tui.cli.session import open_session, say_result
from authlens_tui.cli.stored.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.terminal.output import answer_json, say


async def revoke_credentials(arguments: Namespace) -> int:
    """Revoke one credential or all: at the server first, with proof, and only then here.

    0 means that the server confirmed it and the resource does not accept the token any more.
    """
    async with open_session() as session:
        grants = grants_or_other_kind(session, arguments, Wanted.REVOKE)
        results: dict[str, ActionResult] = {}
        try:
            await for_each(
                grants,
                lambda grant: _revoke(session, grant, arguments.wait),
                on_result=lambda grant, result: results.update({grant.grant_id: result}),
            )
        finally:  # Ctrl-C during the verification loses no result
            if arguments.json:
                answer_json([_as_json(grant, results.get(grant.grant_id)) for grant in grants])
    if not grants:
        say("No credentials on this machine.")
    return max((result.exit_code for result in results.values()), default=0)


async def _revoke(session: Session, grant: Grant, wait: float) -> ActionResult:
    result = await revoke(
        session,
        grant,
        waiting=lambda seconds: say(
            f"  {grant.resource_url}: the server confirmed it and the resource still accepts the token; "
            f"asking it again for up to {seconds:.0f} s."
        ),
        wait=wait,
    )
    say_result(grant.resource_url, result)
    return result


def _as_json(grant: Grant, result: ActionResult | None) -> dict[str, object]:
    """Return a result as JSON carries it; None is one that a signal stopped."""
    members: dict[str, object] = {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": "unfinished",
        "removed": False,
        "still_accepted": None,
        "summary": "Stopped before the result was known. The tokens are still stored.",
        "cure": f"Run: authlens revoke {shlex.quote(grant.resource_url)}",
    }
    if result is not None:
        members |= {"outcome": result.outcome.value, "summary": result.summary, "cure": result.cure}
    if isinstance(result, Revoked):
        members |= {
            "removed": result.removed,
            "still_accepted": result.still_accepted,
            "tokens": [
                {"token": token.token, "outcome": token.outcome, "summary": token.summary}
                for token in result.tokens
            ],
            "proof": list(result.details[-1:]),
        }
    return members
