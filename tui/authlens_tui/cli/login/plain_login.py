"""`authlens login`: the login on a plain terminal, with the same ways back as the wizard."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Final

from authlens_core.desk.log_in import (
    BROWSER_WAIT,
    Login,
    Options,
    Outcome,
    PendingLogin,
    Stage,
    StageRecord,
    join_login,
    pending_login,
    start_login,
)
from authlens_core.desk.session import AuthlensError, NoSecretStore, Session
from authlens_core.trace.record import CheckId, Severity
from authlens_core.values.fix import Fix, fix, step
from authlens_tui.cli import INTERRUPTED
from authlens_tui.cli.login.login_console import LoginConsole
from authlens_tui.cli.login.login_events import JSON_VERSION
from authlens_tui.cli.session import iso_time
from authlens_tui.cli.terminal.output import AnswerLost, EventLines, report_error, say, say_fix
from authlens_tui.words.times import already_words

# The next stage stops as well: without a client, which can be given in the app, or for want of endpoints.
_NO_WAY_ON: Final = frozenset({CheckId.SERVER_REGISTRATION, CheckId.METADATA_FOUND})
_GIT: Final = (
    "git -c credential.helper= -c credential.helper='!authlens git-credential' -c credential.useHttpPath=1"
)
_MORE_TIME: Final = step("For more time", "authlens login URL --timeout 900")


async def log_in(session: Session, lines: EventLines, arguments: Namespace, options: Options) -> int:
    """Log in, or join the login of another process; return the exit code.

    Args:
        session: its store has shown that it keeps what would be received.
        lines: takes the events as JSON, and has the URL.

    Raises:
        AnswerLost: no one reads the events.
    """
    pending = pending_login(session, lines.url)
    lines.write({"event": "login", "version": JSON_VERSION})
    now = datetime.now(UTC)
    working_login = session.working_login(lines.url)
    if working_login is not None and not lines.is_requested:
        say(f"{already_words(working_login.expires_at, now)} Logging in again.")
    try:
        async with pending.alone() as alone:
            if alone:
                return await _alone(session, pending, lines, arguments, options=options)
        return await _join(session, pending, lines, bound=options.wait or BROWSER_WAIT)
    except AnswerLost:
        raise
    except AuthlensError as error:
        return failed(error, lines)


async def _alone(
    session: Session, pending: PendingLogin, lines: EventLines, arguments: Namespace, *, options: Options
) -> int:
    """Run the login while other processes wait for it."""
    run = start_login(session, pending.url, options)
    console = LoginConsole(run, arguments, lines, os.environ)
    run.watch(console.on_event)
    run.watch(pending.on_event)
    try:
        return await all_stages(run, frozenset(arguments.yes), lines)
    finally:
        console.close()
        await run.aclose()


async def _join(session: Session, pending: PendingLogin, lines: EventLines, *, bound: float) -> int:
    """Wait for the login of another process, show its link, and return its result."""

    def show(link: str, code: str) -> None:
        if code:
            page = {"user_code": code, "verification_uri": link, "verification_uri_complete": None}
            lines.write({"event": "device_code", **page, "seconds": round(bound)})
        else:
            lines.write({"event": "authorization_url", "url": link, "seconds": bound})
        if not lines.is_requested:
            say("  Sign in with this link of the other login:")
            for line in ("", link, *([f"  Code: {code}"] if code else []), ""):
                say(line)

    say("Another login for this resource is in progress; this one joins it.")
    grant = await join_login(session, pending, on_link=show, bound=bound)
    lines.write(
        {"event": "authenticated", "expires_at": iso_time(grant.expires_at), "kept": True, "exit_code": 0}
    )
    if not lines.is_requested:
        say("Authenticated.")
    return 0


async def all_stages(run: Login, approved: Collection[str], lines: EventLines) -> int:
    """Run the login to its end, with what --yes approves; return the exit code."""
    # Once: at a server that forgets every client, the login would register one after another.
    registers_again = True
    while not run.finished:
        record = await _step(run, approved)
        if record.outcome is Outcome.CANCELLED:
            return lines.stopped(INTERRUPTED)
        error = record.error
        # The tokens came in time and are stored; only their first use did not.
        if run.facts.grant_id is not None and CheckId.LOGIN_TIMEOUT in record.failed_checks:
            return _authenticated(run, lines)
        if run.steps_up and not record.failed_checks.isdisjoint(approved):
            await run.retry()
            say("    the resource requires more scope: authorizing again, because --yes names the check")
            continue
        if registers_again and record.client_is_unknown and not run.client_is_new:
            registers_again = False
            await run.retry()
            if run.position is Stage.REGISTRATION:
                say("    the server does not know the stored client: registering a new one")
                continue
        if error is not None:
            approval = _approval(record, steps_up=run.steps_up)
            return failed(error, lines, *approval, *_other_options(run, record))
    return _authenticated(run, lines)


async def _step(run: Login, approved: Collection[str]) -> StageRecord:
    record = await run.step()
    # With one check overridden, the stage may fail at the next one. None is overridden in vain: a login that
    # is said to continue does.
    while record.outcome is Outcome.FAILED:
        if not all(c.overridable and c.approval in approved for c in record.failures):
            break
        check = record.failures[0]
        again = await run.override(check.name)
        if again is None:
            break
        say(f"    continuing despite a failed check, because of --yes {check.approval}")
        record = again
    return record


def _approval(record: StageRecord, *, steps_up: bool) -> Iterator[Fix]:
    """Yield the options that approve the failed checks, if all of them can be approved."""
    leads_on = _NO_WAY_ON.isdisjoint(record.failed_checks)
    if (record.may_continue and leads_on) or steps_up:
        options = " ".join(f"--yes {shlex.quote(check.approval)}" for check in record.failures)
        yield step("To continue anyway", f"authlens login URL {options}")


def _other_options(run: Login, record: StageRecord) -> Iterator[str | Fix]:
    """Yield the options that help with a missing secret, a taken callback port, or too little time."""
    options = run.facts.options
    if record.client_is_unknown and CheckId.EXCHANGE_PUBLIC_CLIENT not in record.failed_checks:
        yield from _for_a_refused_client(run)
    last = record.exchanges[-1].response if record.exchanges else None
    closed = last is not None and last.status == 403 and not record.decisive_check.error_code
    if record.stage is Stage.REGISTRATION and last is not None and last.status in (401, 403) and not closed:
        yield step(
            "If the owner gave you a token for registrations", "authlens login URL --initial-access-token"
        )
    names = record.failed_checks
    if CheckId.REGISTRATION_PORT_HALF in names:
        uri = (options.redirect_uri or "").replace("localhost", "127.0.0.1", 1)
        chosen = f"--redirect-uri {shlex.quote(uri)}" if uri else "--redirect-host 127.0.0.1"
        yield step("On 127.0.0.1 the port is free", f"authlens login URL {chosen}")
    if record.has_no_port:
        if other := run.wait.another_port(options):
            uri = other.redirect_uri or ""
            chosen = f"--redirect-uri {shlex.quote(uri)}" if uri else f"--port {other.port}"
            yield step(
                "A free port, for which the client is registered again", f"authlens login URL {chosen}"
            )
        # The program on the port of a given redirect URI would be sent the code all the same.
        if options.listen and (options.redirect_uri is None or CheckId.REGISTRATION_LISTENER in names):
            yield step("Without a port, by pasting", "authlens login URL --paste-only")
    if record.got_no_callback and run.facts.client_is_preregistered:
        yield "Some servers compare the port of the redirect URI, too, against RFC 8252 §7.3."
        yield step(
            "If the client has another redirect URI at the server", "authlens login URL --redirect-uri URI"
        )
    if record.got_no_callback and run.facts.stored_client is not None:
        yield step("If the browser shows that the client is unknown", "authlens login URL --new-client")
    if names & {CheckId.AUTHORIZATION_TIMEOUT, CheckId.DEVICE_TIMEOUT}:
        yield _MORE_TIME


def _for_a_refused_client(run: Login) -> Iterator[str | Fix]:
    """Yield what may help a client that the server does not know, or that could not authenticate."""
    client = run.facts.client
    if run.client_is_new:
        yield "This login registered the client itself, and the server refuses it."
        yield "It may take a moment until the server knows it."
        yield step("In a minute", "authlens login URL")
    if client is None or client.other_auth_method is None:
        return
    if client.authenticates:
        other = f"authlens login URL --client-auth {client.other_auth_method}"
        yield step("If the server wants the secret elsewhere", other)
    elif run.facts.client_is_preregistered:
        yield step("If this client has a secret", "authlens login URL --client-secret")
    else:
        command = f"authlens login URL --new-client --client-auth {client.other_auth_method}"
        yield step("With a secret of its own", command)
    yield "If the server refuses that, too, only its owner can help."


def _authenticated(run: Login, lines: EventLines) -> int:
    all_checks = [check for record in run.trace.records for check in record.checks]
    stored = [check for check in all_checks if check.name == CheckId.EXCHANGE_STORED]
    unkept = next((check for check in stored if check.severity is not Severity.PASS), None)
    code = 0 if unkept is None else NoSecretStore.exit_code
    lines.write(
        {
            "event": "authenticated",
            "expires_at": iso_time(run.facts.expires_at),
            "kept": unkept is None,
            "exit_code": code,
        }
    )
    if not lines.is_requested:
        say("Authenticated.")
        for check in stored:
            if check.severity is Severity.PASS:
                say(f"  The tokens are stored {check.seen}.")
        for check in all_checks:
            if check.name == CheckId.EXCHANGE_ACCOUNT:
                say(f"  {check.seen}")
                say_fix(check.cure, lines.url)
    if unkept is not None:
        report_error(NoSecretStore(f"The tokens were not stored and are lost: {unkept.seen}", unkept.cure))
    elif not lines.is_requested:
        if lines.url.endswith(".git"):
            say(f"  → To clone it: {_GIT} clone {shlex.quote(lines.url)}")
        else:
            say(f"  → For a script, the access token: authlens token {shlex.quote(lines.url)}")
    return code


def failed(error: AuthlensError, lines: EventLines, *more: str | Fix) -> int:
    if isinstance(error, NoSecretStore):
        more += (
            step("Nothing was sent. For a memory-only session, use the full-screen app", "authlens URL"),
        )
    error.cure = fix(error.cure, *more)
    return lines.failed(error)
