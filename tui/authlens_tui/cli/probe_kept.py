"""`authlens probe --all` and `--kept`: does the resource accept what this machine holds, now?"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from authlens_core.access.cloudflared_files import CloudflaredKind, find_cloudflared_tokens
from authlens_core.access.cloudflared_names import names_of
from authlens_core.credentials.inventory.inventory import Holding, HoldingKind, holdings_of
from authlens_core.credentials.inventory.probe import Probed, counted, probe_all
from authlens_core.credentials.records.coverage import coverage
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.errors import LoginNeeded
from authlens_core.oauth.url import parse_url
from authlens_tui.cli.session import checked_url, moment, open_session
from authlens_tui.cli.terminal.output import answer_json, say

__all__ = ["probe_kept"]


async def probe_kept(arguments: Namespace) -> int:
    """Ask the resources with what is kept, some at a time; the exit code is the highest of the results.

    Raises:
        UsageError: the URL cannot be used.
        LoginNeeded: nothing is kept for it.
    """
    url = None if arguments.all else checked_url(arguments.url)
    async with open_session() as session:
        holdings = _chosen(session.credentials, url)
        results = await probe_all(session.credentials, session.wire, holdings, heard=_tell)
    if not results:
        say("No credentials on this machine that a resource could be asked with.")
    elif len(results) > 1:
        say(counted(results))
    if arguments.json:
        answer_json([_as_json(probed) for probed in results])
    return max((probed.exit_code for probed in results), default=0)


def _chosen(credentials: Credentials, url: str | None) -> list[Holding]:
    """Return what can be sent: everything, or all that covers `url`."""
    every = holdings_of(credentials.list(), find_cloudflared_tokens(), credentials.service_tokens.list())
    usable = [one for one in every if one.can_be_asked_about]
    if url is None:
        return usable
    found = [one for one in usable if one.url and coverage(one.url, url) is not None]
    found += [replace(one, url=url) for one in every if not one.url and _fits(one, url)]
    if not found:
        raise LoginNeeded(f"There is no credential for {url} on this machine.", "See: authlens list")
    return found


def _fits(holding: Holding, url: str) -> bool:
    """Say whether the file of cloudflared may be for `url` by its name, which can mean several addresses."""
    token = holding.cloudflared
    if token is None or token.problem or token.kind is not CloudflaredKind.APPLICATION:
        return False
    return token.host in names_of(parse_url(url, loopback_http=True))


def _tell(probed: Probed) -> None:
    sign = {True: "✔", False: "✖", None: "?"}[probed.accepted]
    name = probed.holding.title
    say(f"{sign} {name} ({probed.holding.kind}), {probed.layer}: {probed.summary}")
    if probed.cure and not probed.accepted:
        say(f"  → {probed.cure}")


_KINDS = {
    HoldingKind.GRANT: "oauth",
    HoldingKind.CLOUDFLARED: "cloudflared",
    HoldingKind.SERVICE_TOKEN: "service-token",
}


def _as_json(probed: Probed) -> dict[str, object]:
    holding = probed.holding
    return {
        "id": holding.holding_id,
        "kind": _KINDS[holding.kind],
        "url": holding.url,
        "accepted": probed.accepted,
        "layer": probed.layer,
        "summary": probed.summary,
        "cure": probed.cure,
        "exit_code": probed.exit_code,
        "expires_at": moment(holding.token_ends),
    }
