"""The access token of a login that needs nothing but to be read: the short way of `authlens token`.

Most calls of a script find a token that lasts. What they need lives in modules that import little: no event
loop, no HTTP client, no login. The index is read without opening it for writing; the keyring by the helper of
`KeyringStore`, with the same protocol and bounds.

A URL is plain if it has nothing that two readers could read differently: its text, origin and path are what
`parse_url` makes of it. `formats.url_path` says for both what a path is below. A test holds that this module
and `grant_for` choose the same login. Whatever is not plain is left to `usable_token`, which knows every
case.
"""

from __future__ import annotations

import json
import os
import re
import select
import sqlite3
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from authlens_core.credentials.records.lifetime import outlasts
from authlens_core.credentials.records.owner import GRANT_OWNER, OWNER, TOKEN_TYPE, owner_digest
from authlens_core.credentials.records.schema import SCHEMA_VERSION, connected, version
from authlens_core.credentials.store.chunked_secret import SecretsDamaged, read
from authlens_core.credentials.store.helper_pipes import HelperPipes
from authlens_core.credentials.store.secret_store import CALL_LIMIT, keyring_too_slow
from authlens_core.state.account_choice import chosen_account
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable, UsageError
from authlens_core.values.formats.url_path import below
from authlens_core.values.secret import Secret

_CHUNK: Final = 65_536  # bytes of one read from the pipe
_LONGEST_ANSWER: Final = 1024 * 1024  # bytes of an answer


class KeyringUnclear(Exception):
    """The keyring answered with an error or not properly; `KeyringStore` finds out why, and says so."""


class KeyringReader:
    """Reads values one after another from a helper that was started."""

    def __init__(self, pipes: HelperPipes) -> None:
        self._pipes = pipes
        self._pending = b""

    async def get(self, entry: str) -> Secret | None:
        """Return the value of `entry`; it never awaits, so that the code of the other stores can call it.

        Raises:
            KeyringUnclear: the keyring answered with an error, or not properly.
            SecretStoreTimeout: it did not answer in time.
        """
        request = json.dumps({"op": "get", "entry": entry, "value": ""})
        try:
            os.write(self._pipes.requests, request.encode() + b"\n")
            answer: Any = json.loads(self._line(time.monotonic() + CALL_LIMIT))
        except (OSError, ValueError) as error:
            raise KeyringUnclear from error
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise KeyringUnclear
        value = answer.get("value")
        return Secret(value) if isinstance(value, str) else None

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._pipes.answers], [], [], left)[0]:
                raise keyring_too_slow("the keyring", CALL_LIMIT)
            chunk = os.read(self._pipes.answers, _CHUNK)
            if not chunk or len(self._pending) > _LONGEST_ANSWER:
                raise KeyringUnclear
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line


# If the index is busy for longer, the whole program takes over, which can say so.
_BUSY_SECONDS: Final = 0.2
# Characters of a URL, as in `oauth.url`.
_LONGEST: Final = 2_048
_URL: Final = re.compile(
    r"(?P<origin>https://(?=[^/:]{4,253}(?:[/:]|$))(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
    r"(?::(?!443(?:/|$))[1-9][0-9]{1,3})?"
    r"|http://(?:localhost|127\.0\.0\.1):(?:[1-9][0-9]{2,3}|[1-5][0-9]{4}))"
    r"(?P<path>(?:/(?!\.+(?:/|$))[A-Za-z0-9._~-]*)*)"
)
# A coarse choice, so that few records are parsed: `closest` decides. Hosts are stored in lower case or not.
_LOGINS: Final = "SELECT grant_id, generation, place, record FROM grants WHERE instr(lower(record), ?)"
_CHOSEN: Final = "SELECT value FROM facts WHERE name = 'place'"


class NotPlain(Exception):
    """The short way does not serve here; the whole program finds out why, and says so."""


class PlainUrl(NamedTuple):
    """Origin and path."""

    origin: str
    path: str


class PlainLogin(NamedTuple):
    """A login in use. Its secrets have to name this `owner` digest and type of token.

    `state` is that of the grant, or `refused` where the resource refuses the access token.
    """

    grant_id: str
    generation: int
    place: str
    account: str
    resources: tuple[str, ...]
    state: str
    obtained_at: datetime
    refreshed_at: datetime
    expires_at: datetime | None
    owner: str
    token_type: str


def plain_url(text: str) -> PlainUrl:
    """Return what `text` covers and is covered by.

    Raises:
        NotPlain: it may be a URL, but not one for this module.
    """
    match = _URL.fullmatch(text)
    if match is None or len(text) > _LONGEST:
        raise NotPlain
    return PlainUrl(match["origin"], match["path"])


def plain_login(path: Path, url: str, account: str | None = None) -> PlainLogin | None:
    """Return the login for `url` from the index at `path`, or None if there is none.

    Args:
        account: the one that was chosen; None for the default.

    Raises:
        NotPlain: the URL is not plain, a login that may be for it is not, or the index is not the usual one.
    """
    wanted = plain_url(url)
    host = wanted.origin.partition("://")[2].partition(":")[0]
    try:
        # Read-only, so that it waits for no one who writes, and makes no file where there is none.
        where = f"{path.absolute().as_uri()}?mode=ro"
        connection = connected(where, _require_usual, uri=True, timeout=_BUSY_SECONDS)
        try:
            chosen = connection.execute(_CHOSEN).fetchone()
            rows = connection.execute(_LOGINS, (host,)).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise NotPlain from error
    if chosen is not None and chosen[0] != "keyring":
        raise NotPlain
    logins = [_login(*row) for row in rows]
    if account is None and any(login.account for login in logins):
        raise NotPlain  # which is the default is decided elsewhere
    return closest((login for login in logins if login.account == (account or "")), wanted)


def _require_usual(connection: sqlite3.Connection) -> None:
    if version(connection) != SCHEMA_VERSION:
        raise NotPlain


def closest(logins: Iterable[PlainLogin], wanted: PlainUrl) -> PlainLogin | None:
    """Return the login that covers `wanted` most closely, of several the newest; None if none does.

    Raises:
        NotPlain: it cannot be decided here.
    """
    best: tuple[int, PlainLogin] | None = None
    for login in sorted(logins, key=lambda candidate: candidate.obtained_at, reverse=True):
        length = max((_shared(plain_url(resource), wanted) for resource in login.resources), default=-1)
        if length >= 0 and (best is None or length > best[0]):
            best = length, login
    return best[1] if best else None


def _shared(resource: PlainUrl, wanted: PlainUrl) -> int:
    """Return how many segments a resource shares with what it covers; -1 where it does not cover it."""
    length = below(resource.path, wanted.path) if resource.origin == wanted.origin else None
    return -1 if length is None else length


def _login(grant_id: str, generation: int, place: str, record: str) -> PlainLogin:
    try:
        values: dict[str, Any] = json.loads(record)
        expires_at = values["expires_at"]
        return PlainLogin(
            grant_id,
            generation,
            place,
            values.get("account", ""),
            tuple(url for url in (values["resource"], values["resource_url"]) if url is not None),
            # What the resource refused is not handed out as if it worked.
            "refused" if values.get("last_verdict") == "refused" else values["state"],
            _moment(values["obtained_at"]),
            _moment(values["refreshed_at"]),
            None if expires_at is None else _moment(expires_at),
            owner_digest(values[name] for name in GRANT_OWNER),
            values["token_type"],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise NotPlain from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise NotPlain
    return moment


_Result = TypeVar("_Result")


def read_token(url: str, helper: HelperPipes) -> Secret | None:
    """Return the stored access token for `url` if it lasts; None if anything else is to be done or said.

    Args:
        helper: the keyring's helper, which loads its backend while the index is read; closed here.

    Raises:
        SecretStoreTimeout: the keyring did not answer in time; asking again would wait as long.
    """
    try:
        path = state_directory() / "index.sqlite3"
        login = plain_login(own_file(path), url, chosen_account()) if path.exists() else None
        if login is None or login.state != "live" or login.place != "keyring" or not _lasts(login):
            return None
        text = _now(read(KeyringReader(helper), login.grant_id, login.generation))
        # Again: an unlock prompt may have taken longer than the token had left.
        return _token(text, login) if _lasts(login) else None
    except (NotPlain, KeyringUnclear, SecretsDamaged, StateUnusable, UsageError):
        return None
    finally:
        helper.close()


def _lasts(login: PlainLogin) -> bool:
    return outlasts(login.refreshed_at, login.expires_at, None, datetime.now(UTC))


def _token(text: Secret, login: PlainLogin) -> Secret | None:
    """Return the access token in `text`, if it was stored for what the index says now."""
    members: Any = None
    with suppress(ValueError, RecursionError):  # the decoder's error carries the text
        members = json.loads(text.reveal())
    if not isinstance(members, dict):
        return None
    if (members.get(OWNER), members.get(TOKEN_TYPE)) != (login.owner, login.token_type):
        return None
    if "dpop_key" in members:
        return None  # the token is of no use without a proof, and that has to be said
    token = members.get("access_token")
    return Secret(token) if isinstance(token, str) else None


def _now(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that never awaits anything outside."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    # It awaited something: the reader of another store is not for this way.
    work.close()
    raise KeyringUnclear
