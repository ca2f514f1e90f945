"""Hand the credential for a URL to another program: curl, git, a browser or an MCP client.

The programs' own languages are in `grammars`; what runs beside them is in `gateway`.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from authlens_core.credentials.records.accounts import NoAccount
from authlens_core.desk.log_in import missing_credential
from authlens_core.desk.use import access_token, covering_credentials, request_headers
from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NoCredential,
    NoLogin,
    NotProtected,
)
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import UrlRefused, parse_url, rewrite, usable_url

if TYPE_CHECKING:
    from authlens_core.desk.session import Session
    from authlens_core.gateway.curl import CurlOutcome
    from authlens_core.gateway.server import LocalProxy
    from authlens_core.grammars.git_credential import GitRequest

__all__ = [
    "GitAnswer",
    "LocalProxy",
    "answer_git",
    "bridge_mcp",
    "curl",
    "proxy",
]

OpenSession = Callable[[], "AbstractAsyncContextManager[Session]"]
"""Opens a session. It may ask the user for a passphrase, so what is asked for is checked before."""


async def curl(
    open_session: OpenSession,
    url: str,
    words: Sequence[str],
    *,
    note: Callable[[str], None],
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
) -> CurlOutcome:
    """Let curl send one request to `url` with the credential that covers it; its output is this program's.

    A credential that the resource refuses is renewed once, and a request without files sent again. Where
    nothing covers `url`, the resource is asked what it needs: if no login, the request is sent as it is.

    Args:
        words: curl's options, as the user typed them. Only those that lead curl nowhere else are passed on.
        note: shows the user one sentence.
        kind: as in `request_headers`; so is `min_ttl`.

    Raises:
        UsageError: curl is not installed, or an option is not passed on to it.
        LoginNeeded: a user has to log in, and can.
        AuthlensError: as `request_headers`; or what stops a login, where nothing covers `url`.
    """
    from authlens_core.gateway.curl import authorized_curl, curl_path, send_openly
    from authlens_core.grammars.curl import read_request

    # Before the session is opened, which may ask for a passphrase.
    path = curl_path()
    request = read_request(words, url)
    try:
        async with open_session() as session:
            source = session.credential_for(url, kind=kind, min_ttl=min_ttl)
            return await authorized_curl(source, request, path, note)
    except NoCredential:
        if kind is not None or rewrite(url):
            raise
        missing = await missing_credential(url)
        # A request without a credential is right only where the resource said that it needs none.
        if not isinstance(missing, NotProtected):
            raise missing from None
        note(f"{url} needs no login: sent without a credential.")
        return await send_openly(url, request, path)


class GitAnswer(Struct, frozen=True):
    """What git gets, and what the user is shown.

    Attributes:
        output: the lines for git; None to leave git to its other helpers.
        notes: lines for the user.
        error: what stopped it, or None.
        exit_code: that of the helper. git goes on in any case, unless `output` tells it to quit.
    """

    output: Secret | None = None
    notes: tuple[str, ...] = ()
    error: AuthlensError | None = None
    exit_code: int = 0


async def answer_git(open_session: OpenSession, action: str, request: BinaryIO | None) -> GitAnswer:
    """Do what git asks of a credential helper (gitcredentials(7)), for Bearer tokens.

    git 2.46 and newer can send a token that it does not store. Header fields of other names, which service
    tokens and `cloudflared` need, git takes from no helper.

    Args:
        action: `get` returns a token; `erase` refreshes the one that the server refused. Any other is
            ignored, because every token comes from a login.
        request: what git writes; None if there is no standard input.
    """
    if action not in ("get", "erase"):
        return GitAnswer()
    from authlens_core.grammars.git_credential import GitRequestRefused, read_request

    try:
        asked = read_request(_git_lines(request))
        url = _git_url(asked)
    # Nothing is answered, and git goes on as without this helper: another one may read it otherwise.
    except GitRequestRefused as refused:
        return GitAnswer(notes=(f"authlens gives git no token: {refused}.",))
    except UrlRefused as refused:
        return GitAnswer(notes=(f"authlens gives git no token: the URL is refused: {refused}.",))
    if url is None:
        return GitAnswer()
    async with open_session() as session:
        session.credentials.choose_account(url, asked.username)
        if action == "erase":
            return await _after_refusal(session, url, asked)
        return await _git_token(session, url, asked)


def _git_lines(stream: BinaryIO | None) -> Iterator[bytes]:
    """Yield the lines of a stream; a longer one than the protocol allows comes in pieces."""
    from authlens_core.grammars.git_credential import LONGEST_LINE

    if stream is not None:
        yield from iter(lambda: stream.readline(LONGEST_LINE + 1), b"")


def _git_url(request: GitRequest) -> str | None:
    """Return the URL that git asks about; its path is there only with `credential.useHttpPath`.

    Raises:
        UrlRefused: its path cannot be used.
    """
    # Alone first: nothing that follows it may change the host.
    site = usable_url(request.site, loopback_http=True)
    if site is None:
        return None
    url = parse_url(f"{site.origin}{request.path}", loopback_http=True)
    return url.text if url.origin == site.origin else None


async def _git_token(session: Session, url: str, request: GitRequest) -> GitAnswer:
    """Return the token; nothing where git has to ask elsewhere; stop git where only a login helps."""
    from authlens_core.grammars.git_credential import AUTHTYPE, QUIT, bearer_answer

    try:
        headers = await request_headers(session, url)
    except NoAccount as error:
        return GitAnswer(error=error, exit_code=error.exit_code)
    except (NoCredential, NoLogin):
        return _no_git_token(session, url, request)
    except LoginNeeded as error:
        if not covering_credentials(session, url, kind=CredentialKind.OAUTH):
            return _no_git_token(session, url, request)
        # Without QUIT, git goes on to ask for a user name and a password on the terminal.
        notes = (f"  → Run: authlens login {shlex.quote(url)}",)
        return GitAnswer(QUIT, notes, error, error.exit_code)
    # git sends one field, Authorization (`authtype` and `credential`, git-credential(1)).
    if headers.token is None:
        return _use_proxy(
            f"git cannot send this kind of credential from a helper: {headers.kind.label}.",
            url,
            "    Or set http.extraHeader in the environment of one command "
            "(GIT_CONFIG_COUNT, git-config(1)).",
        )
    if headers.is_bound:
        return _use_proxy("The token is bound to a key (DPoP), and git cannot sign its requests.", url)
    if AUTHTYPE not in request.capabilities:
        why = "This git cannot send a Bearer token from a helper; git 2.46 or newer can."
        return _use_proxy(why, url)
    try:
        return GitAnswer(bearer_answer(headers.token, headers.expires_at))
    except ValueError as refused:
        return _use_proxy(f"git cannot take this token from a helper: {refused}.", url)


def _no_git_token(session: Session, url: str, request: GitRequest) -> GitAnswer:
    """Return why there is no token, if a path or a login would give one; else leave git to other helpers."""
    origin = parse_url(url, loopback_http=True).origin
    resources = (grant.resource_identifier for grant in session.credentials.list())
    if not any(resource.startswith(f"{origin}/") for resource in resources):
        shown = shlex.quote(url)
        lines = f"No login on this machine covers {shown}.", f"  → Run: authlens login {shown}"
        return GitAnswer(notes=lines if _asks_for_a_login(request) else ())
    if request.path == "/":
        shown = shlex.quote(origin)
        return GitAnswer(
            notes=(
                f"The logins for {shown} are for paths, but git did not send the path.",
                f"  → Run: git config --global credential.{shown}.useHttpPath true",
            )
        )
    why = rewrite(url)
    return GitAnswer(notes=(f"authlens gives git no token for {url}.", f"  → {why}") if why else ())


def _asks_for_a_login(request: GitRequest) -> bool:
    """Whether the server takes nothing but a Bearer token and says who issues it (RFC 9728 §5.1)."""
    from authlens_core.values.formats.challenge import parse_challenges

    challenges = parse_challenges(request.challenges).challenges
    return bool(challenges) and all(challenge.get("resource_metadata") for challenge in challenges)


async def _after_refusal(session: Session, url: str, request: GitRequest) -> GitAnswer:
    """Refresh the token that the server refused, so that the next `get` returns another one."""
    error = None
    if request.bearer is not None:
        try:
            # git calls `erase` after a 401, and asks again at the next command only.
            await access_token(session, url, refused=request.bearer)
        except NoLogin:
            pass
        except AuthlensError as problem:
            error = problem
    return GitAnswer(error=error)


def _use_proxy(why: str, url: str, *more: str) -> GitAnswer:
    use = f"  → Use: authlens proxy {shlex.quote(url)}     and clone from the URL that it prints."
    return GitAnswer(notes=(why, use, *more))


@asynccontextmanager
async def proxy(
    session: Session,
    url: str,
    *,
    port: int = 0,
    socket_path: Path | None = None,
    on_problem: Callable[[AuthlensError], None] = lambda _problem: None,
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
) -> AsyncIterator[LocalProxy]:
    """Yield a proxy that adds the credential to requests for `url`; it serves while its `serve()` runs.

    A server that cannot renew the token just now is not the end: clients get the cause until it can.

    Args:
        on_problem: called at the start with such a cause.
        port: the port on 127.0.0.1; 0 picks a free one.
        socket_path: where to make a Unix socket instead.
        kind: as in `request_headers`; so is `min_ttl`.

    Raises:
        UsageError: the port or the socket cannot be used.
        LoginNeeded: there is no credential for the URL.
        AuthlensError: as `request_headers`.
    """
    from authlens_core.gateway.server import LocalProxy, loopback_socket, unix_listener

    credential = session.credential_for(url, kind=kind, min_ttl=min_ttl)
    problem = await credential.problem_at_start()
    if isinstance(problem, LoginNeeded):  # reported now, not at the first request
        raise problem
    if problem is not None:
        on_problem(problem)
    listening = loopback_socket(port) if socket_path is None else unix_listener(socket_path)
    with listening as listener:
        yield LocalProxy(session.wire, credential, listener)


async def bridge_mcp(
    session: Session,
    url: str,
    chunks: AsyncIterator[bytes],
    write: Callable[[bytes], Awaitable[None]],
    *,
    note: Callable[[str], None],
    on_problem: Callable[[AuthlensError], None],
    kind: CredentialKind | None = None,
    min_ttl: timedelta | None = None,
) -> None:
    """Connect an MCP client to the remote server at `url` until `chunks` ends.

    Neither a missing login nor a server that cannot renew the token just now is the end: the client gets
    JSON-RPC errors, and what has changed meanwhile is used from then on.

    Args:
        chunks: what the client writes, JSON-RPC messages in lines.
        write: writes one line to the client; raises OSError when it is gone.
        note: shows the user one sentence.
        on_problem: called at the start with such a cause.
        kind: as in `request_headers`; so is `min_ttl`.

    Raises:
        UsageError: the URL or the credential cannot be used.
        NoSecretStore: the store cannot be read.
    """
    from authlens_core.gateway.mcp_bridge import McpBridge
    from authlens_core.gateway.mcp_http import McpHttp
    from authlens_core.grammars.json_rpc import lines_in

    credential = session.credential_for(url, kind=kind, min_ttl=min_ttl)
    problem = await credential.problem_at_start()
    if problem is not None:
        on_problem(problem)
    await McpBridge(McpHttp(session.wire, credential), write, note).run(lines_in(chunks))
