"""`authlens refresh`, `revoke`, and `probe --all` and `--kept`: what is stored, renewed, ended and tried."""

from __future__ import annotations

import shlex
from argparse import Namespace
from dataclasses import replace

from authlens_core.desk.credentials import Grant, InventoryEntry, read_inventory
from authlens_core.desk.lifecycle import (
    ActionResult,
    ProbeResult,
    Refreshed,
    Revoked,
    for_each,
    probe,
    refresh,
    revoke,
)
from authlens_core.desk.log_in import missing_credential
from authlens_core.desk.session import Session
from authlens_core.values.fix import fix, step
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import iso_time, open_session, say_result
from authlens_tui.cli.stored.other_kinds import Wanted, grants_or_other_kind
from authlens_tui.cli.terminal.output import answer_json, fix_as_json, say, say_fix
from authlens_tui.words.outcomes import count_results, with_validity

# -- refresh ----------------------------------------------------------------------------------------------


async def refresh_credentials(arguments: Namespace) -> int:
    """Refresh one credential or all; the exit code is the highest of the results."""
    async with open_session() as session:
        # What a killed program left in doubt has to be known before another refresh is sent.
        await session.credentials.recover()
        grants = grants_or_other_kind(session, arguments, Wanted.REFRESH)
        results = await for_each(grants, lambda grant: _refresh(session, grant, again=arguments.again))
    if not results:
        say("No credentials on this machine.")
    if arguments.json:
        answer_json(
            [_refreshed_as_json(grant, result) for grant, result in zip(grants, results, strict=True)]
        )
    return max((result.exit_code for result in results), default=0)


async def _refresh(session: Session, grant: Grant, *, again: bool) -> ActionResult:
    result = await refresh(session, grant, despite_unknown=again)
    if isinstance(result, Refreshed) and result.may_be_spent:
        quoted = shlex.quote(grant.resource_url)
        cure = fix(
            step("To try again (this may end the login)", f"authlens refresh --again {quoted}"),
            step("Or log in again", "authlens login URL"),
        )
        result = replace(result, cure=cure)
    result = with_validity(result)
    say_result(grant.resource_url, result)
    return result


def _refreshed_as_json(grant: Grant, result: ActionResult) -> dict[str, object]:
    now = result.grant if isinstance(result, Refreshed) else grant
    return {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": result.outcome.value,
        "summary": result.summary,
        **fix_as_json(result.cure, grant.resource_url),
        "expires_at": iso_time(now.expires_at),
    }


# -- revoke -----------------------------------------------------------------------------------------------


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
                answer_json([_revoked_as_json(grant, results.get(grant.grant_id)) for grant in grants])
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


def _revoked_as_json(grant: Grant, result: ActionResult | None) -> dict[str, object]:
    """Return a result as JSON carries it; None is one that a signal stopped."""
    members: dict[str, object] = {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": "unfinished",
        "removed": False,
        "still_accepted": None,
        "summary": "Stopped before the result was known. The tokens are still stored.",
        **fix_as_json(step("Run", "authlens revoke URL"), grant.resource_url),
    }
    if result is not None:
        members |= {"outcome": result.outcome.value, "summary": result.summary}
        members |= fix_as_json(result.cure, grant.resource_url)
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


# -- probe ------------------------------------------------------------------------------------------------


async def probe_kept(arguments: Namespace) -> int:
    """Ask the resources with what is stored, some at a time; the exit code is the highest of the results.

    Raises:
        UsageError: the URL cannot be used.
        LoginNeeded: nothing is stored for it, and a user can log in.
        AuthlensError: nothing is stored for it, and this is why a user cannot.
    """
    url = None if arguments.all else checked_url(arguments.url)
    async with open_session() as session:
        entries = read_inventory(session.credentials.index).to_probe(url)
        if url is not None and not entries:
            raise await missing_credential(url)
        results = await for_each(entries, lambda entry: probe(session, entry), on_result=_tell_probe)
    if not results:
        say("No credentials on this machine to probe with.")
    elif len(results) > 1:
        say(count_results(results))
    if arguments.json:
        answer_json([_probed_as_json(*pair) for pair in zip(entries, results, strict=True)])
    return max((result.exit_code for result in results), default=0)


def _tell_probe(entry: InventoryEntry, result: ProbeResult) -> None:
    say(f"{result.sign} {entry.title} ({entry.kind.label}), {result.layer}: {result.said}")
    if not result.accepted:
        say_fix(result.cure, entry.url)


def _probed_as_json(entry: InventoryEntry, result: ProbeResult) -> dict[str, object]:
    return {
        "id": entry.entry_id,
        "kind": entry.kind,
        "url": entry.url,
        "accepted": result.accepted,
        "layer": result.layer,
        "summary": result.summary,
        **fix_as_json(result.cure, entry.url),
        "exit_code": result.exit_code,
        "expires_at": iso_time(entry.token_ends),
    }
