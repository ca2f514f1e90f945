"""A login as far as a plain `authlens token` needs it, read from the index without opening it for writing.

It imports little. A URL is plain if it has nothing that two readers could read differently: its text, origin
and path are what `parse_url` makes of it. `grammars.url_path` says for both what a path is below. A test
holds that this module and `coverage.find` choose the same login. Whatever is not plain is left to the whole
program.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from authlens_core.credentials.records.owner import GRANT_OWNER, owner_digest
from authlens_core.credentials.records.schema import SCHEMA_VERSION, version
from authlens_core.grammars.url_path import below

# If the index is busy for longer, the whole program takes over, which can say so.
_BUSY_SECONDS: Final = 0.2
# Characters of a URL, as in `oauth.url`.
_LONGEST: Final = 2_048
_URL: Final = re.compile(
    r"(?P<origin>https://(?=[^/:]{4,253}(?:[/:]|$))(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
    r"(?::(?!443(?:/|$))[1-9][0-9]{1,3})?"
    r"|http://(?:localhost|127\.0\.0\.1):[1-9][0-9]{2,4})"
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
    if match is None or len(text) > _LONGEST or (text.startswith("http:") and _port(text) > 65_535):
        raise NotPlain
    return PlainUrl(match["origin"], match["path"])


def _port(text: str) -> int:
    return int(text.removeprefix("http://").partition("/")[0].rpartition(":")[2])


def plain_login(path: Path, url: str) -> PlainLogin | None:
    """Return the login for `url` from the index at `path`, or None if there is none.

    Raises:
        NotPlain: the URL is not plain, a login that may be for it is not, or the index is not the usual one.
    """
    wanted = plain_url(url)
    host = wanted.origin.partition("://")[2].partition(":")[0]
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            if version(connection) != SCHEMA_VERSION:
                raise NotPlain
            chosen = connection.execute(_CHOSEN).fetchone()
            rows = connection.execute(_LOGINS, (host,)).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise NotPlain from error
    if chosen is not None and chosen[0] != "keyring":
        raise NotPlain
    return closest((_login(*row) for row in rows), wanted)


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
            tuple(url for url in (values["resource"], values["resource_url"]) if url is not None),
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
