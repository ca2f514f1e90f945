"""`authlens probe`: discover what protects a resource; nothing is registered."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.desk.log_in import AuthlensError, Facts, Options, Trace, discover
from authlens_tui.cli.login.login_events import record_as_json, tell
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.terminal.flags import is_plain
from authlens_tui.cli.terminal.output import answer_json, answer_line, fix_as_json, report_error, say


async def probe(arguments: Namespace) -> int:
    """Run stages 1 to 3, or probe with stored credentials; return 0 if a login would be possible.

    Raises:
        UsageError: the URL cannot be used.
    """
    if arguments.all or arguments.kept:
        from authlens_tui.cli.stored.lifecycle_verbs import probe_credentials

        return await probe_credentials(arguments)
    facts, trace = await discover(
        checked_url(arguments.url),
        Options(method=arguments.method),
        watcher=(lambda _event: None) if arguments.json else tell,
    )
    error = trace.records[-1].error
    if arguments.json:
        answer_json(_as_json(facts, trace, error, full=arguments.full))
    else:
        _show(facts, error)
    return 0 if error is None else error.exit_code


def _show(facts: Facts, error: AuthlensError | None) -> None:
    for name, value in _findings(facts).items():
        answer_line(f"{name}: {value}" if is_plain() else f"{name:<14}{value}")
    if error is not None:
        report_error(error, url=facts.resource_url.text)
    else:
        say(f"  → To log in: authlens login {shlex.quote(facts.resource_url.text)}")


def _findings(facts: Facts) -> dict[str, str]:
    """Return the findings, each in a few words; none if detection already failed."""
    findings: dict[str, str] = {}
    if facts.classification is not None:
        findings["protection"] = f"{facts.classification.protection.value}, from {facts.classification.layer}"
    if facts.resource_metadata is not None:
        findings["resource"] = facts.resource_metadata.resource
    server = facts.server_metadata
    if server is not None:
        findings["login server"] = server.issuer
        findings["registration"] = "open to everyone" if server.registration_endpoint else "needs --client-id"
        findings["revocation"] = "offered" if server.revocation_endpoint else "not offered"
    return findings


def _as_json(facts: Facts, trace: Trace, error: AuthlensError | None, *, full: bool) -> dict[str, object]:
    answer = facts.classification
    metadata = facts.resource_metadata
    server = facts.server_metadata
    return {
        "url": facts.resource_url.text,
        "login_possible": error is None,
        "exit_code": 0 if error is None else error.exit_code,
        "protection": answer.protection.value if answer else None,
        "layer": answer.layer if answer else None,
        "resource": metadata.resource if metadata else None,
        "authorization_servers": list(metadata.authorization_servers) if metadata else [],
        "issuer": server.issuer if server else None,
        "cause": error.cause if error else "",
        **fix_as_json(error.cure if error else "", facts.resource_url.text),
        "stages": [record_as_json(record, full=full) for record in trace.records],
    }
