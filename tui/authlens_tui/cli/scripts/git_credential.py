"""`authlens git-credential`: a credential helper for git (gitcredentials(7)), for Bearer tokens.

git 2.46 and newer can send a token that it does not store: `authtype` and `ephemeral`. Header fields of other
names, which service tokens and cloudflared need, git takes from no helper.
"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator

from authlens_core.credentials.inventory.request_headers import headers_for
from authlens_core.credentials.lifecycle.access_token import usable_token
from authlens_core.credentials.records.coverage import rewrite
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.vault.credentials import NoLogin
from authlens_core.desk.session import Session
from authlens_core.grammars.git_credential import (
    AUTHTYPE,
    LONGEST_LINE,
    QUIT,
    GitRequest,
    GitRequestRefused,
    bearer_answer,
    read_request,
)
from authlens_core.values.errors import AuthlensError, LoginNeeded
from authlens_core.values.url import UrlRefused, parse_url, usable_url
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret, explain, say


async def git_credential(arguments: Namespace) -> int:
    """Do what git asks for: `get` or `erase`; ignore every other operation, as gitcredentials(7) asks."""
    if arguments.action not in ("get", "erase"):
        return 0  # git stores nothing here: every token comes from a login
    try:
        request = read_request(_lines())
    except GitRequestRefused as refused:
        # Nothing is answered, and git goes on as without this helper: another one may read it otherwise.
        say(f"authlens gives git no token: {refused}.")
        return 0
    url = _url(request)
    if url is None:
        return 0
    async with open_session() as session:
        if arguments.action == "erase":
            await _refused(session, url, request)
            return 0
        return await _get(session, url, request)


def _lines() -> Iterator[bytes]:
    """Yield the lines on standard input; a longer one than the protocol allows comes in pieces."""
    if sys.stdin is not None:
        yield from iter(lambda: sys.stdin.buffer.readline(LONGEST_LINE + 1), b"")


def _url(request: GitRequest) -> str | None:
    """Return the URL that git asks about; its path is there only with `credential.useHttpPath`."""
    # Alone first: nothing that follows it may change the host.
    site = usable_url(request.site, loopback_http=True)
    if site is None:
        return None
    try:
        url = parse_url(f"{site.origin}{request.path}", loopback_http=True)
    except UrlRefused as refused:
        say(f"authlens gives git no token: the URL is refused: {refused}.")
        return None
    return url.text if url.origin == site.origin else None


async def _get(session: Session, url: str, request: GitRequest) -> int:
    """Print the token; print nothing where git has to ask elsewhere; stop git where only a login helps."""
    try:
        found = await headers_for(session.credentials, session.wire, url)
    except NoLogin:
        return _none(session, url, request)
    except LoginNeeded as error:
        if session.credentials.find(url) is None:
            return _none(session, url, request)
        explain(error)
        say(f"  → Run: authlens login {shlex.quote(url)}")
        # Without it, git goes on to ask for a user name and a password on the terminal.
        answer_secret(QUIT)
        return error.exit_code
    if found.kind is not CredentialKind.OAUTH or found.token is None:
        _refer_to_proxy(f"git cannot send this kind of credential from a helper: {found.kind.label}.", url)
        say(
            "    Or set http.extraHeader in the environment of one command (GIT_CONFIG_COUNT, git-config(1))."
        )
        return 0
    if found.signer is not None:
        return _refer_to_proxy("The token is bound to a key (DPoP), and git cannot sign its requests.", url)
    if AUTHTYPE not in request.capabilities:
        why = "This git cannot send a Bearer token from a helper; git 2.46 or newer can."
        return _refer_to_proxy(why, url)
    try:
        answer = bearer_answer(found.token, found.expires_at)
    except ValueError as refused:
        return _refer_to_proxy(f"git cannot take this token from a helper: {refused}.", url)
    answer_secret(answer)
    return 0


def _none(session: Session, url: str, request: GitRequest) -> int:
    """Say why there is no token, if a path would have found one; else leave git to its other helpers."""
    origin = parse_url(url, loopback_http=True).origin
    places = (grant.resource_identifier for grant in session.credentials.list())
    if not any(place.startswith(f"{origin}/") for place in places):
        return 0
    if request.path == "/":
        shown = shlex.quote(origin)
        say(f"The logins for {shown} are for paths, but git did not send the path.")
        say(f"  → Run: git config --global credential.{shown}.useHttpPath true")
    elif why := rewrite(url):
        say(f"authlens gives git no token for {url}.")
        say(f"  → {why}")
    return 0


async def _refused(session: Session, url: str, request: GitRequest) -> None:
    """Refresh the token that the server refused, so that the next `get` returns another one."""
    token = request.bearer
    if token is None or session.credentials.find(url) is None:
        return
    try:
        await usable_token(session.credentials, session.wire, url, refused=token)
    except AuthlensError as error:
        explain(error)


def _refer_to_proxy(why: str, url: str) -> int:
    say(why)
    say(f"  → Use: authlens proxy {shlex.quote(url)}     and clone from the URL that it prints.")
    return 0
