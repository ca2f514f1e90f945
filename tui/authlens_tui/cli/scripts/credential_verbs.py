"""The credential for a URL in a script: `authlens token`, `headers`, `run`, and their shared options.

No browser, ever. A child process of `run`, and every program that may read its environment, can see the
credential there. `proxy` and `curl` are the ways that show it to no other program.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from authlens_core.desk.credentials import Grant
from authlens_core.desk.use import (
    CredentialKind,
    UsableToken,
    access_token,
    covering_credentials,
    request_headers,
)
from authlens_core.values.errors import NoLogin
from authlens_core.values.secret import Secret, for_children
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import iso_time, logins_named, open_session
from authlens_tui.cli.terminal.interruption import run_until_signal
from authlens_tui.cli.terminal.output import answer_list, answer_secret, is_terminal, say
from authlens_tui.cli.terminal.refused import login_needed, refusal
from authlens_tui.cli.terminal.standard_input import next_line
from authlens_tui.words.times import in_one_unit

_LONGEST = 65_536  # bytes of a token on standard input
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# What ld.so(8), dyld(1), bash(1), sh(1), python(1), node(1), perlrun(1), ruby(1), java(1) and git(1) take
# code, options or commands from: a token there would be obeyed, or printed in an error.
_LOADS_CODE = re.compile(
    r"LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH|PATH|BASH_ENV|ENV|IFS|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND"
    r"|PYTHON.*|NODE_OPTIONS|NODE_PATH|PERL5.*|RUBYOPT|RUBYLIB|(_|JDK_)JAVA_OPTIONS|JAVA_TOOL_OPTIONS"
    r"|GIT_(SSH|SSH_COMMAND|ASKPASS|EDITOR|SEQUENCE_EDITOR|PAGER|EXTERNAL_DIFF|PROXY_COMMAND|EXEC_PATH"
    r"|TEMPLATE_DIR|CONFIG.*)"
)


class Choice(TypedDict):
    """The options that choose a credential, as the desk takes them."""

    kind: CredentialKind | None
    min_ttl: timedelta | None


def choice(arguments: Namespace) -> Choice:
    """Return what `--kind` and `--min-ttl` ask for."""
    return {
        "kind": CredentialKind(arguments.kind) if arguments.kind else None,
        "min_ttl": None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl),
    }


async def show_which(arguments: Namespace) -> int:
    """Print the credentials that cover the URL, the one that is used first; no secret is read.

    Raises:
        LoginNeeded: there is none.
    """
    url = checked_url(arguments.url)
    kind = CredentialKind(arguments.kind) if arguments.kind else None
    async with open_session() as session:
        matches = covering_credentials(session, url, kind=kind)
    answer_list(f"{match.kind.value}  {match.description}" for match in matches)
    if not matches:
        log_in = ("Log in", f"authlens login {shlex.quote(url)}")
        raise login_needed(f"No credential on this machine is for {url}.", log_in)
    return 0


def say_bound(url: str, what: str) -> None:
    """Report that each request needs a proof, and how to get one."""
    quoted = shlex.quote(url)
    say(f"The token is bound to a key (DPoP): {what}")
    say(f"  → For one request: authlens curl {quoted}     For many: authlens proxy {quoted}")


async def token(arguments: Namespace) -> int:
    """Print the token that lasts for at least `--min-ttl` seconds.

    With `--refused`, the token that the resource refused is read from standard input, and renewed whatever
    the clock says; if another program has done so already, its token is printed.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: another reason why no credential is available.
    """
    min_ttl = None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl)
    refused = _read_refused_token() if arguments.refused else None
    async with open_session() as session:
        try:
            login = logins_named(session, arguments.url)[0]
            usable = await access_token(session, login, min_ttl=min_ttl, refused=refused)
            if usable.is_bound:
                say_bound(login.resource_url, "each request needs a proof besides it.")
            answer_secret(_token_as_json(usable) if arguments.json else usable.token)
            _say_if_short(usable.grant, arguments.min_ttl)
        except NoLogin:
            from authlens_tui.cli.stored.lifecycle_verbs import (  # few calls need it
                CredentialVerb,
                refuse_other_kinds,
            )

            # A credential of another kind may cover the URL: to log in would be no help then.
            refuse_other_kinds(session, checked_url(arguments.url), CredentialVerb.TOKEN)
            raise
    return 0


def _token_as_json(usable: UsableToken) -> Secret:
    grant = usable.grant
    members = {
        "access_token": usable.token.reveal(),
        "token_type": grant.token_type,
        "expires_at": iso_time(grant.expires_at),
        "account": grant.account,
        "resource": grant.resource_identifier,
    }
    return Secret(json.dumps(members))


def _say_if_short(grant: Grant, min_ttl: float | None) -> None:
    if min_ttl is None or grant.expires_at is None:
        return
    seconds = (grant.expires_at - datetime.now(UTC)).total_seconds()
    if seconds >= min_ttl:
        return
    life = (grant.expires_at - grant.refreshed_at).total_seconds()
    why = (
        f"this server's tokens last {in_one_unit(life)}" if life <= min_ttl else "no new one could be had now"
    )
    say(f"! The token expires in {in_one_unit(seconds)}, which is less than --min-ttl {min_ttl:.0f}: {why}.")


def _read_refused_token() -> Secret:
    text = "" if is_terminal(sys.stdin) else next_line(_LONGEST)
    if not text.strip():
        raise refusal(
            "No refused token came on standard input.",
            'Pipe it in: printf %s "$TOKEN" | authlens token --refused URL',
        )
    return Secret(text.strip())


def _say_nonce() -> None:
    say("Asked the resource for the nonce that it wants in the proof now.")


async def headers(arguments: Namespace) -> int:
    """Print the header fields for the URL on stdout, in the form that `--format` names.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there are none to be had.
    """
    url = checked_url(arguments.url)
    async with open_session() as session:
        credential = await request_headers(session, url, on_nonce=_say_nonce, **choice(arguments))
    fields = credential.signed(arguments.method, url)
    if credential.is_bound:
        say_bound(arguments.url, f"these fields are for one {arguments.method} request, now.")
    lines = "\n".join(f"{name}: {value}" for name, value in fields)
    answer_secret(Secret(lines if arguments.format == "lines" else json.dumps(dict(fields))))
    return 0


def run_command(arguments: Namespace) -> int:
    """Replace this process by the command, with its output, signals and exit code.

    Raises:
        UsageError: the name of the variable cannot be used, or the system cannot run the command, such as a
            script without a first line that names its shell.
        AuthlensError: there is no credential.
    """
    variables: dict[str, Secret] = {}

    async def prepare() -> int:
        variables.update(await _variables(arguments))
        return 0

    # The command takes over only after the loop has ended: it inherits no helper process of the store and no
    # half-closed connection.
    if code := run_until_signal(prepare()):
        return code
    # Python ignores it, and what is ignored stays so in the command: `yes | head` would not end quietly.
    if hasattr(signal, "SIGPIPE"):  # not on Windows
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    environ = {**for_children(os.environ), **{name: value.reveal() for name, value in variables.items()}}
    name = arguments.command[0]
    # Found before the credential is in the environment: --env may name PATH.
    file = shutil.which(name) or name
    try:
        os.execve(file, arguments.command, environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise refusal(
            f"The command {name!r} cannot be run: {error.strerror}.", f"Such as: -- sh {name}"
        ) from None


async def _variables(arguments: Namespace) -> dict[str, Secret]:
    """Return the variables for the command."""
    url = checked_url(arguments.url)
    name = arguments.env
    if not _NAME.fullmatch(name):
        raise refusal(f"{name!r} cannot be the name of a variable.", "Such as: --env MCP_TOKEN")
    if _LOADS_CODE.fullmatch(name):
        raise refusal(f"{name} decides which code a program loads.", "Such as: --env MCP_TOKEN")
    if not arguments.command:
        raise refusal("There is no command to run.", ("Such as", "authlens run URL -- python script.py"))
    # Before the credential is fetched: a refresh for nothing would spend the refresh token.
    if shutil.which(arguments.command[0]) is None:
        raise refusal(f"There is no command {arguments.command[0]!r}.", "See: PATH")
    async with open_session() as session:
        headers = await request_headers(session, url, tried=True, **choice(arguments))
    headers.refuse_bound(url, arguments.command[0])
    return headers.variables(name)
