"""`authlens probe --all` and `--kept`: does the resource accept what this machine holds, now?"""

from __future__ import annotations

from argparse import Namespace

from authlens_core.desk.credentials import InventoryEntry, read_inventory
from authlens_core.desk.lifecycle import ProbeResult, for_each, probe
from authlens_core.values.errors import LoginNeeded
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
        entries = read_inventory(session.credentials.index).to_probe(url)
        if url is not None and not entries:
            raise LoginNeeded(f"There is no credential for {url} on this machine.", "See: authlens list")
        results = await for_each(entries, lambda entry: probe(session, entry), on_result=_tell)
    if not results:
        say("No credentials on this machine to probe with.")
    elif len(results) > 1:
        say(count_results(results))
    if arguments.json:
        answer_json([_as_json(*pair) for pair in zip(entries, results, strict=True)])
    return max((result.exit_code for result in results), default=0)


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
