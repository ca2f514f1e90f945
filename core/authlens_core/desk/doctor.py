"""Examine this machine, as far as a login depends on it, in the order in which a login needs it.

Nothing is sent to another machine, no browser is opened, and no secret is read.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import SERVICE_TOKENS, damaged_records
from authlens_core.credentials.store.secret_store import OTHER_STORE, NoKeyring
from authlens_core.credentials.vault.open_store import file_path, open_store, remembered_place, store_at
from authlens_core.login.callback.binding import NoLoopback, bind_loopback
from authlens_core.login.callback.listener import why_not_bound
from authlens_core.login.callback.ssh_forward import ssh_forward_line
from authlens_core.login.cloudflared.binary import CloudflaredMissing, find_cloudflared
from authlens_core.state.paths import state_directory
from authlens_core.values.check import Severity
from authlens_core.values.errors import AuthlensError, NoSecretStore, StateUnusable, UsageError
from authlens_core.values.fix import Fix, fix, step
from authlens_core.values.login_options import DEFAULT_PORT
from authlens_core.values.safe_text import safe_fields
from authlens_core.values.store_kind import StoreKind
from authlens_core.values.user_screen import UserScreen
from authlens_core.wire.proxy_settings import ProxyUnusable, proxy_for
from authlens_core.wire.trust import TrustUnusable, trusted

__all__ = [
    "Finding",
    "Severity",
    "examine",
    "exit_code",
]

# Seconds that one look may take; each has a shorter limit of its own where something could hang.
_LIMIT: Final = 20.0
_CLOUDFLARED_SECONDS: Final = 5.0  # to say its version
_ONLY_FOR: Final = step("It is only needed for", "authlens login URL --cloudflared")
_MOST_NAMED: Final = 5
# A proxy is chosen by the host; this one stands for any team's.
_ANY_HOST: Final = "team.cloudflareaccess.com"


class Finding(Struct, frozen=True):
    """What was found out about one thing.

    Attributes:
        severity: a warning is inconvenient, a failure prevents a login.
        cure: what to do, or the empty string.
        code: the exit code of a verb that needs it; 0 where all can be done.
        topic: what was looked at, one or two words.
    """

    severity: Severity
    words: str
    cure: str | Fix = ""
    code: int = 0
    topic: str = ""

    def __post_init__(self) -> None:
        safe_fields(self, "words", "cure")


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the code for all of them together: 9 before 2, and 0 where a login can be done and kept."""
    return max((finding.code for finding in findings), default=0)


async def examine(environ: Mapping[str, str], *, port: int = DEFAULT_PORT) -> AsyncIterator[Finding]:
    """Look at this machine, one thing after another, and yield each finding when it is there.

    Nothing is sent to another machine, no browser is opened, and no secret is read.
    """
    looks: tuple[tuple[str, Callable[[], Awaitable[Finding]]], ...] = (
        ("state", partial(asyncio.to_thread, look_at_state)),
        # In the order in which a login fails: without a place for state nothing below could be stored.
        ("keyring", look_at_keyring),
        ("ssh", partial(asyncio.to_thread, look_at_ssh, environ, port)),
        (f"port {port}", partial(look_at_port, port)),
        ("tls trust", partial(look_at_trust, environ)),
        ("proxy", look_at_proxy),
        ("cloudflared", partial(look_at_cloudflared, environ)),
    )
    for topic, look in looks:
        yield await _in_time(topic, look())


async def _in_time(topic: str, look: Awaitable[Finding]) -> Finding:
    try:
        async with asyncio.timeout(_LIMIT):
            finding = await look
    except TimeoutError:
        words = f"Nothing was found out within {_LIMIT:g} seconds."
        finding = Finding(Severity.WARNING, words, "Try again when this machine is less busy.")
    return replace(finding, topic=topic)


async def look_at_cloudflared(environ: Mapping[str, str] | None = None) -> Finding:
    """Say which cloudflared is on the path of `environ`; None is the process's own environment."""
    try:
        binary = await find_cloudflared(environ=environ, limit=_CLOUDFLARED_SECONDS)
    except CloudflaredMissing as missing:
        return Finding(Severity.NOTICE, missing.cause, fix(_ONLY_FOR, missing.cure))
    words = f"{binary.path}, {binary.version_text}."
    if binary.notes:
        return Finding(Severity.WARNING, f"{words} {' '.join(binary.notes)}", "Update cloudflared.")
    return Finding(Severity.PASS, words)


def from_error(error: AuthlensError) -> Finding:
    """Return the finding for what stops a login: 9 where there is no secret store, else 2."""
    code = NoSecretStore.exit_code if isinstance(error, NoSecretStore) else UsageError.exit_code
    return Finding(Severity.FAILURE, error.cause, error.cure, code)


# -- state and secrets -------------------------------------------------------------------------------------


def look_at_state() -> Finding:
    try:
        state = state_directory()
        path = state / "index.sqlite3"
        if not path.exists():
            return Finding(Severity.PASS, f"{state}, readable only by you; it is empty.")
        with closing(Index(path)) as index:
            known, damaged = _counted(index), damaged_records(index)
            read_only = index.read_only
    except StateUnusable as error:
        return from_error(error)
    if read_only:
        other = "Use that version, or set AUTHLENS_HOME to another directory."
        return Finding(Severity.FAILURE, f"{state}: {read_only}", other, StateUnusable.exit_code)
    if damaged:
        many = "One record cannot be read" if len(damaged) == 1 else f"{len(damaged)} records cannot be read"
        names = ", ".join(record.words for record in damaged[:_MOST_NAMED])
        more = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        cure = fix(
            "Remove each by its id (authlens forget ID), then log in or add it again.",
            step("All", "authlens list"),
        )
        return Finding(Severity.WARNING, f"{state}: {many}: {names}{more}. {known}.", cure)
    return Finding(Severity.PASS, f"{state}, readable only by you; {known}.")


def _counted(index: Index) -> str:
    """Say how many logins and service tokens can be read."""
    logins, tokens = len(index.grants()[0]), len(SERVICE_TOKENS.all(index)[0])
    words = "one login" if logins == 1 else f"{logins} logins"
    if not tokens:
        return words
    return f"{words}, one service token" if tokens == 1 else f"{words}, {tokens} service tokens"


async def look_at_keyring() -> Finding:
    """Write a value to the secret store, read it back and delete it; say how that went.

    The encrypted file is not opened: no passphrase is asked for.
    """
    try:
        place = await asyncio.to_thread(remembered_place)
        if place is StoreKind.ENCRYPTED_FILE:
            # Not opened: the examination asks for no passphrase.
            return _encrypted(file_path(place))
    except StateUnusable:
        place = StoreKind.KEYRING  # said by `look_at_state`
    try:
        opened = await open_store(store_at(place))
    except NoSecretStore as error:
        finding = from_error(error)
        if place is not StoreKind.KEYRING or isinstance(error, NoKeyring):
            return finding
        return replace(finding, cure=fix(finding.cure, step(*OTHER_STORE)))
    await opened.store.aclose()
    words = " ".join((f"{opened.store.name}: a value was written, read back and deleted.", *opened.notes))
    if place is StoreKind.KEYRING:
        return Finding(Severity.PASS, words)
    cure = fix(
        step("To protect it", "authlens store --move keyring"),
        step("Or", "authlens store --move encrypted-file"),
    )
    return Finding(Severity.WARNING, words, cure)


def _encrypted(path: Path) -> Finding:
    if path.exists():
        return Finding(Severity.PASS, f"An encrypted file, {path}; it was not opened.")
    words = f"The encrypted file for secrets, {path}, is missing."
    cure = step("Restore it, or choose another secret store", "authlens store --move keyring")
    return Finding(Severity.FAILURE, words, cure, NoSecretStore.exit_code)


# -- the network -------------------------------------------------------------------------------------------


async def look_at_port(port: int = DEFAULT_PORT) -> Finding:
    """Return whether a login could listen on `port`, or who has it; the port is given back at once."""
    try:
        bound = bind_loopback("localhost", port)
    except NoLoopback as error:
        return from_error(error)
    except OSError as error:
        reason = await why_not_bound(error, "localhost", port)
        if isinstance(reason, AuthlensError):
            stopped = from_error(reason)
            return replace(stopped, cure=fix(stopped.cure, "The option for that: --port N"))
        words = f"authlens cannot listen on it: {error.strerror or type(error).__name__}."
        return Finding(Severity.FAILURE, words, "Use another one with --port.", UsageError.exit_code)
    # At once: a login that starts meanwhile needs it.
    bound.close()
    words = " ".join(
        (f"Free for the callback from the browser, {' and '.join(bound.families)}.", *bound.notes)
    )
    return Finding(Severity.PASS, words)


def look_at_ssh(environ: Mapping[str, str], port: int = DEFAULT_PORT) -> Finding:
    """Return whether this session came in over SSH, and which line brings the callback here."""
    screen = UserScreen(environ)
    if not screen.over_ssh:
        return Finding(Severity.PASS, "This is not an SSH session.")
    line = ssh_forward_line(screen, port)
    words = "This is an SSH session: the browser is on another machine."
    paste = "you can paste the address the browser ends on."
    cure = (
        f"Forward the port from there: {line}     Or: {paste}"
        if line
        else f"Without a forwarded port: {paste}"
    )
    return Finding(Severity.NOTICE, words, cure)


async def look_at_trust(environ: Mapping[str, str] | None = None) -> Finding:
    """Say which authorities a server's certificate may come from."""
    try:
        _, source = await asyncio.to_thread(trusted, environ)
    except TrustUnusable as error:
        cure = "Set it to a readable PEM file, or unset it to use the operating system's store."
        return Finding(Severity.FAILURE, str(error), cure, UsageError.exit_code)
    return Finding(Severity.PASS, f"Certificates are checked against {source}.")


async def look_at_proxy(environ: Mapping[str, str] | None = None) -> Finding:
    """Say through which proxy requests to Cloudflare Access would go. Nothing is sent."""
    try:
        proxy = await asyncio.to_thread(proxy_for, "https", _ANY_HOST, 443, environ)
    except ProxyUnusable as error:
        cure = "Set it to an HTTP proxy, such as http://proxy.example:3128, or unset it."
        return Finding(Severity.FAILURE, str(error), cure, UsageError.exit_code)
    if proxy is None:
        return Finding(Severity.PASS, "None: requests are sent directly.")
    words = f"Requests to {_ANY_HOST} go through {proxy.display}; those to this machine never do."
    cure = f"To reach a host directly: export NO_PROXY={shlex.quote('wiki.example.com')}"
    return Finding(Severity.NOTICE, words, cure)
