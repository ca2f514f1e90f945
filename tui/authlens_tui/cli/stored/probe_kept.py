"""`authlens probe --all` and `--kept`: does the resource accept what this machine holds, now?"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from authlens_core.cloudflare.cloudflared_files import find_cloudflared_tokens
from authlens_core.cloudflare.cloudflared_names import names_of
from authlens_core.cloudflare.cloudflared_token import CloudflaredKind
from authlens_core.credentials.inventory.inventory import InventoryEntry, inventory_of
from authlens_core.credentials.records.coverage import coverage
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.lifecycle import ProbeResult, for_each, probe
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.url import parse_url
from authlens_tui.cli.session import iso_time, open_session
from authlens_tui.cli.terminal.output import answer_json, say
from authlens_tui.cli.urls import checked_url
from authlens_tui.words.outcomes import count_results


async def probe_kept(arguments: Namespace) -> int:
    """Ask the resources with what is stored, some at a time; the exit code is the highest of the results.

    Raises:
        UsageError: the URL cannot be used.
        LoginNeeded: nothing is stored for it.
    """
    url = None if arguments.all else checked_url(arguments.url)
    async with open_session() as session:
        entries = _chosen(session.credentials, url)
        results = await for_each(entries, lambda entry: probe(session, entry), on_result=_tell)
    if not results:
        say("No credentials on this machine to probe with.")
    elif len(results) > 1:
        say(count_results(results))
    if arguments.json:
        answer_json([_as_json(*pair) for pair in zip(entries, results, strict=True)])
    return max((result.exit_code for result in results), default=0)


def _chosen(credentials: Credentials, url: str | None) -> list[InventoryEntry]:
    """Return what can be sent: everything, or all that covers `url`."""
    every = inventory_of(credentials.list(), find_cloudflared_tokens(), credentials.service_tokens.list())
    usable = [one for one in every if one.can_be_asked_about]
    if url is None:
        return usable
    found = [one for one in usable if one.url and coverage(one.url, url) is not None]
    # A file of cloudflared is named by host and audience, not by a URL: it may fit this one.
    found += [replace(one, url=url) for one in every if not one.url and _fits(one, url)]
    if not found:
        raise LoginNeeded(f"There is no credential for {url} on this machine.", "See: authlens list")
    return found


def _fits(entry: InventoryEntry, url: str) -> bool:
    """Return whether the name of a cloudflared file, which can mean several addresses, fits `url`."""
    token = entry.cloudflared
    if token is None or token.problem or token.kind is not CloudflaredKind.APPLICATION:
        return False
    return token.host in names_of(parse_url(url, loopback_http=True))


def _tell(entry: InventoryEntry, result: ProbeResult) -> None:
    say(f"{result.sign} {entry.title} ({entry.kind.label}), {result.layer}: {result.summary}")
    if result.cure and not result.accepted:
        say(f"  → {result.cure}")


def _as_json(entry: InventoryEntry, result: ProbeResult) -> dict[str, object]:
    return {
        "id": entry.entry_id,
        "kind": entry.kind,
        "url": entry.url,
        "accepted": result.accepted,
        "layer": result.layer,
        "summary": result.summary,
        "cure": result.cure,
        "exit_code": result.exit_code,
        "expires_at": iso_time(entry.token_ends),
    }
