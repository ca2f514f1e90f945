"""`authlens probe`: what protects a URL. Sends the discovery requests and nothing else."""

from __future__ import annotations

from argparse import Namespace

from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.login.verdict import verdict
from authlens_core.trace.record import Outcome, Stage
from authlens_core.wire.client import Wire
from authlens_tui.cli.conversation import tell
from authlens_tui.cli.json_events import record_as_json
from authlens_tui.cli.output import answer_json, explain, say
from authlens_tui.cli.session import checked_url

__all__ = ["probe"]


async def probe(arguments: Namespace) -> int:
    """Run stages 1 to 3 and return the exit code: 0 when a login would be possible."""
    wire = Wire()
    run = Login(checked_url(arguments.url), wire, options=Options(method=arguments.method))
    if not arguments.json:
        run.watch(tell)
    try:
        while run.position in {Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA}:
            record = await run.step()
            if record.outcome is not Outcome.PASSED:
                break
    finally:
        await run.aclose()
        await wire.aclose()
    return _report(run, as_json=arguments.json)


def _report(run: Login, *, as_json: bool) -> int:
    error = verdict(run.trace.records[-1])
    facts = run.facts
    answer = facts.answer
    metadata = facts.resource_metadata
    if as_json:
        answer_json(
            {
                "url": facts.resource_url.text,
                "login_possible": error is None,
                "protection": answer.protection.value if answer else None,
                "layer": answer.layer if answer else None,
                "resource": metadata.resource if metadata else None,
                "authorization_servers": list(metadata.authorization_servers) if metadata else [],
                "cause": error.cause if error else "",
                "cure": error.cure if error else "",
                "stages": [record_as_json(record) for record in run.trace.records],
            }
        )
    elif error is None and facts.server_metadata is not None:
        say(f"Protected; the login is at {facts.server_metadata.issuer}.")
        say(f"  → authlens login {facts.resource_url.text}")
    if error is not None:
        if not as_json:
            explain(error)
        return error.exit_code
    return 0
