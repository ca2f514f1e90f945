"""`authlens login`: the login on a plain terminal, with the same ways back as the wizard."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from authlens_core.callback.binding import another_port
from authlens_core.errors import AuthlensError, NoSecretStore, TimedOut
from authlens_core.interruption import Interruptions
from authlens_core.login.login import Login
from authlens_core.login.step_up import lacks_scope
from authlens_core.login.verdict import verdict
from authlens_core.oauth.check import Check, Severity
from authlens_core.oauth.check_id import CheckId
from authlens_core.pending_login import LoginRuns, PendingLogin
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_tui.cli.json_events import JSON_VERSION
from authlens_tui.cli.login_console import LoginConsole
from authlens_tui.cli.login_options import login_options
from authlens_tui.cli.session import moment
from authlens_tui.cli.terminal.interruption import ended_by
from authlens_tui.cli.terminal.output import AnswerLost, answer_json, discard, explain, say
from authlens_tui.cli.terminal.unexpected import FAILED
from authlens_tui.words.interrupted_login import STARTS_AGAIN, interrupted_words, why_it_ended

INTERRUPTED = 130


async def log_in(session: Session, url: str, arguments: Namespace, secret: Secret | None) -> int:
    """Log in, or join the login of another process; return the exit code.

    Args:
        session: its store has proved that it keeps what would be received.
        url: the resource.
        arguments: what was typed.
        secret: the secret of the client, if it has one.
    """
    credentials = session.credentials
    pending = PendingLogin.of(credentials.locks, url, persistent=credentials.store.persistent)
    if arguments.json:
        answer_json({"event": "login", "version": JSON_VERSION, "resource_url": url})
    try:
        async with pending.alone():
            return await _alone(session, pending, arguments, secret)
    except LoginRuns:
        from authlens_tui.cli.joined_login import join

        return await join(pending, credentials, bound=arguments.timeout, as_json=arguments.json)


async def _alone(session: Session, pending: PendingLogin, arguments: Namespace, secret: Secret | None) -> int:
    """Run the login, which no other process runs meanwhile."""
    run = session.login(pending.url, login_options(arguments, secret))
    console = LoginConsole(run, arguments, os.environ)
    run.watch(console.on_event)
    run.watch(pending.on_event)
    with _noted(run, session):
        try:
            return await _all_stages(run, frozenset(arguments.yes), as_json=arguments.json)
        finally:
            console.close()
            await run.aclose()


@contextmanager
def _noted(run: Login, session: Session) -> Iterator[None]:
    """Return whether such a login was interrupted before, and note this one in case that it is."""
    interruptions = Interruptions.beside(session.credentials.store)
    found = interruptions.find(run.facts.resource_url.text)
    for record in found:
        say(f"! {interrupted_words(record, datetime.now(UTC))}")
        interruptions.forget(record)
    if found:
        say(f"  {STARTS_AGAIN}")
    interruptions.follow(run)
    code = FAILED
    try:
        yield
        code = 0
    finally:
        interruptions.close(why_it_ended(ended_by() or code))


async def _all_stages(run: Login, approved: Collection[str], *, as_json: bool) -> int:
    unkept: Check | None = None
    while not run.finished:
        record = await _step(run, approved)
        if record.outcome is Outcome.CANCELLED:
            return stopped(INTERRUPTED, as_json=as_json)
        error = verdict(record)
        if lacks_scope(record) and any(check.name in approved for check in record.failures):
            await run.retry()
            if run.position is Stage.PKCE:
                say("    the resource requires more scope: authorizing again, because --yes names the check")
                continue
        if error is not None:
            error = _with_approval(error, record)
            code = failed(error, as_json=as_json, secret_missing=_secret_missing(run, record))
            _say_other_ports(run, record)
            return code
        unkept = unkept or _unkept(record)
    return _authenticated(run, unkept, as_json=as_json)


async def _step(run: Login, approved: Collection[str]) -> StageRecord:
    record = await run.step()
    while record.outcome is Outcome.FAILED:
        check = next((c for c in record.failures if c.overridable and c.name in approved), None)
        again = None if check is None else await run.override(check.name)
        if check is None or again is None:
            break
        say(f"    continuing despite a failed check, because of --yes {check.name}")
        record = again
    return record


def _with_approval(error: AuthlensError, record: StageRecord) -> AuthlensError:
    """Return the error with the options that would approve what failed, where all of it can be approved."""
    if not (all(check.overridable for check in record.failures) or lacks_scope(record)):
        return error
    options = " ".join(f"--yes {check.name}" for check in record.failures)
    cure = f"{error.cure} To continue anyway, add {options}.".lstrip()
    return type(error)(error.cause, cure, stage=error.stage)


def _say_other_ports(run: Login, record: StageRecord) -> None:
    """Name the options that lead on where the port of the callback cannot be had."""
    names = {check.name for check in record.failures}
    if CheckId.REGISTRATION_PORT_HALF in names:
        say("  → On 127.0.0.1 the port is free: --redirect-host 127.0.0.1")
    if not any(name.startswith((CheckId.REGISTRATION_PORT, CheckId.REGISTRATION_LISTENER)) for name in names):
        return
    other = another_port(run.facts.options.redirect_host)
    if other:
        say(f"  → A free port: --port {other} (registers the client again)")
    say("  → Without a port, by pasting: --paste-only")


def _unkept(record: StageRecord) -> Check | None:
    """Return the check that says that the tokens could not be stored."""
    return next(
        (c for c in record.checks if c.name == CheckId.EXCHANGE_STORED and c.severity is not Severity.PASS),
        None,
    )


def _secret_missing(run: Login, record: StageRecord) -> bool:
    options = run.facts.options
    public = options.client_id is not None and options.client_secret is None
    return (
        public
        and record.stage is Stage.EXCHANGE
        and any(c.error_code == "invalid_client" for c in record.failures)
    )


def _authenticated(run: Login, unkept: Check | None, *, as_json: bool) -> int:
    url = run.facts.resource_url.text
    if as_json:
        answer_json(
            {
                "event": "authenticated",
                "resource_url": url,
                "expires_at": moment(run.facts.expires_at),
                "kept": unkept is None,
                "exit_code": 0 if unkept is None else NoSecretStore.exit_code,
            }
        )
    else:
        say("Authenticated.")
    if unkept is not None:
        explain(NoSecretStore(f"The tokens were not stored and are lost: {unkept.seen}", unkept.cure))
        return NoSecretStore.exit_code
    if not as_json:
        say(f"  → For a script, the access token: authlens token {shlex.quote(url)}")
    return 0


def stopped(code: int, *, as_json: bool) -> int:
    """End the JSON lines, because the reader may outlive the signal that ends this; return the code."""
    if as_json:
        try:
            answer_json({"event": "stopped", "exit_code": code})
        except (AnswerLost, BrokenPipeError):  # the same Ctrl-C has ended the reader
            discard(sys.stdout)
    return code


def failed(error: AuthlensError, *, as_json: bool, secret_missing: bool = False) -> int:
    explain(error)
    if as_json:
        answer_json(
            {
                "event": "failed",
                "stage": error.stage,
                "cause": error.cause,
                "cure": error.cure,
                "exit_code": error.exit_code,
            }
        )
    if secret_missing:
        say("  → If this client has a secret: --client-secret, or set AUTHLENS_CLIENT_SECRET.")
    if isinstance(error, TimedOut) and error.stage == "Authorization":
        say("  → For more time: --timeout 900")
    if isinstance(error, NoSecretStore):
        say("  → Nothing was sent. For a memory-only session, use the full-screen app: authlens URL")
    return error.exit_code
