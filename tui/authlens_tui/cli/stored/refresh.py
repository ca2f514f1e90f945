"""`authlens refresh`: a new access token for one credential or for all."""

from __future__ import annotations

import shlex
from argparse import Namespace
from dataclasses import replace

from authlens_core.credentials.records.grant import Grant
from authlens_core.desk.lifecycle import ActionResult, Refreshed, for_each, refresh
from authlens_core.desk.session import Session
from authlens_tui.cli.session import iso_time, open_session, say_result
from authlens_tui.cli.stored.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.terminal.output import answer_json, say
from authlens_tui.words.outcomes import with_validity


async def refresh_credentials(arguments: Namespace) -> int:
    """Refresh one credential or all; the exit code is the highest of the results."""
    async with open_session() as session:
        await session.credentials.recover()
        grants = grants_or_other_kind(session, arguments, Wanted.REFRESH)
        results = await for_each(grants, lambda grant: _refresh(session, grant, again=arguments.again))
    if not results:
        say("No credentials on this machine.")
    if arguments.json:
        answer_json([_as_json(grant, result) for grant, result in zip(grants, results, strict=True)])
    return max((result.exit_code for result in results), default=0)


async def _refresh(session: Session, grant: Grant, *, again: bool) -> ActionResult:
    result = await refresh(session, grant, despite_unknown=again)
    if isinstance(result, Refreshed) and result.may_be_spent:
        url = shlex.quote(grant.resource_url)
        cure = f"To try again (this may end the login): authlens refresh --again {url}. Or log in again."
        result = replace(result, cure=cure)
    result = with_validity(result)
    say_result(grant.resource_url, result)
    return result


def _as_json(grant: Grant, result: ActionResult) -> dict[str, object]:
    now = result.grant if isinstance(result, Refreshed) else grant
    return {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": result.outcome.value,
        "summary": result.summary,
        "cure": result.cure,
        "expires_at": iso_time(now.expires_at),
    }
