"""The protocol of git's credential helpers: what git asks a helper for, and what it answers.

Source: git-credential(1), section INPUT/OUTPUT FORMAT, and gitcredentials(7) of git 2.47;
`credential_read` and `credential_write` in its credential.c. A line is a name, `=`, a value and LF. LF alone
ends a line, and an empty line ends the request. A value is bytes without LF and NUL: git decodes the escapes
of a URL, and passes on what a server wrote into WWW-Authenticate. A value may hold what another reader takes
for the end of a line, so a request with an unprintable character in it is refused as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret, Unprinted

# Bytes of a line with its LF, as the documentation bounds it.
LONGEST_LINE: Final = 65_535
# Bytes of a request, which the documentation does not bound.
_LONGEST_REQUEST: Final = 1_048_576
_CHALLENGE: Final = "wwwauth[]"
AUTHTYPE: Final = "authtype"
"""The capability of a git that takes a token from a helper (2.46 and newer)."""

QUIT: Final = Secret("quit=1")
"""The answer that stops git: it asks neither another helper nor the user."""

# RFC 3986 §3.2.2 and §3.2.3, without escapes and user information: a name, or an IPv6 address in brackets.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# RFC 3986 §3.3: what a path may have unescaped.
_PATH: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/")
_WEB: Final = frozenset({"http", "https"})
_READ: Final = frozenset({"protocol", "host", "path", "username", "authtype", "credential"})
# Visible ASCII: what `Authorization` takes, and what no reader takes for the end of a line.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


class GitRequestRefused(ValueError):
    """The bytes are not one request that every reader reads alike; the message says why, safe to show."""


class GitRequest(Unprinted, Struct, frozen=True):
    """What git asks about.

    Attributes:
        site: scheme, host and port of a web server, as `https://example.com:8443`; None for what is not on
            the web.
        path: the path with its first slash, escaped (RFC 3986 §3.3); `/` where git names none.
        bearer: the token that git had and got refused or accepted with, or None.
        capabilities: what this git understands.
        challenges: the fields `WWW-Authenticate` of the answer, as the server wrote them.
        username: the user in the URL, as `work` in `https://work@example.com/`; empty if it names none.
    """

    site: str | None
    path: str
    bearer: Secret | None
    capabilities: frozenset[str]
    challenges: tuple[str, ...] = ()
    username: str = ""

    def __repr__(self) -> str:
        return f"<GitRequest {self.site}{self.path}>"


def read_request(lines: Iterable[bytes]) -> GitRequest:
    """Return the request in `lines`; those after the empty line are not taken from the iterator.

    Args:
        lines: each with its LF, as `readline` of a binary stream returns them.

    Raises:
        GitRequestRefused: with the first reason found.
    """
    values: dict[str, str] = {}
    names: set[str] = set()
    lists: dict[str, list[str]] = {}
    length = 0
    for line in lines:
        length += len(line)
        if length > _LONGEST_REQUEST:
            raise GitRequestRefused(f"it is longer than {_LONGEST_REQUEST} bytes")
        if line == b"\n":
            break
        name, value = _attribute(line)
        if name.endswith("[]"):
            if not value:  # it resets the list
                lists.pop(name, None)
            else:
                lists.setdefault(name, []).append(value)
        else:
            # git itself takes the last of two, and another reader the first.
            if name in names:
                raise GitRequestRefused(f"{safe_line(name, NAME)} comes twice")
            names.add(name)
            if name in _READ:
                values[name] = value
    if "url" in names:
        raise GitRequestRefused("it has a url, which git takes apart before it asks a helper")
    capabilities, challenges = (tuple(lists.get(name, ())) for name in ("capability[]", _CHALLENGE))
    return GitRequest(
        site=_site(values),
        path=_path(values),
        bearer=_bearer(values),
        capabilities=frozenset(capabilities),
        challenges=challenges,
        username=values.get("username", ""),
    )


def bearer_answer(token: Secret, expires_at: datetime | None) -> Secret:
    """Return the lines that give git a Bearer token, without the LF of the last one.

    `ephemeral` keeps git from offering the token to other helpers for storage: it is renewed here.

    Raises:
        ValueError: the token has a character, or a length, that a line cannot carry.
    """
    line = f"credential={token.reveal()}"
    if _TOKEN.fullmatch(token.reveal()) is None or len(line) + 1 > LONGEST_LINE:
        raise ValueError("the token does not fit in a line of git's protocol")
    lines = ["capability[]=authtype", "authtype=Bearer", line, "ephemeral=1"]
    if expires_at is not None:
        lines.append(f"password_expiry_utc={int(expires_at.timestamp())}")
    return Secret("\n".join(lines))


def _attribute(line: bytes) -> tuple[str, str]:
    """Return name and value of one line."""
    if len(line) > LONGEST_LINE:
        raise GitRequestRefused(f"a line is longer than {LONGEST_LINE} bytes")
    if not line.endswith(b"\n"):
        raise GitRequestRefused("its last line has no end")
    raw_name, equals, raw_value = line[:-1].partition(b"=")
    if not equals:
        raise GitRequestRefused("a line has no equals sign")
    name = _printable(_utf_8(raw_name, "a name"), "a name")
    label = safe_line(name, NAME)
    if name == _CHALLENGE:
        # As the server wrote it: a tab and bytes of another charset are legal there (RFC 9110 §5.5).
        return name, _printable(_of_header(raw_value).replace("\t", " "), label)
    return name, _printable(_utf_8(raw_value, label), label)


def _utf_8(raw: bytes, label: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise GitRequestRefused(f"{label} is not UTF-8") from None


def _of_header(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _printable(text: str, label: str) -> str:
    if not text.isprintable():
        raise GitRequestRefused(f"{label} has an unprintable character")
    return text


def _site(values: dict[str, str]) -> str | None:
    """Return scheme and host, which no path and no user information can follow."""
    protocol, host = values.get("protocol", ""), values.get("host", "")
    if protocol not in _WEB or not host:
        return None
    if _HOST.fullmatch(host) is None:
        raise GitRequestRefused("host is not a host name or address with an optional port")
    return f"{protocol}://{host}"


def _path(values: dict[str, str]) -> str:
    """Return the path as a URL has it: git has taken the escapes out of it."""
    path = values.get("path", "").encode()
    return "/" + "".join(chr(byte) if byte in _PATH else f"%{byte:02X}" for byte in path)


def _bearer(values: dict[str, str]) -> Secret | None:
    if values.get("authtype", "").lower() != "bearer" or not values.get("credential"):
        return None
    return Secret(values["credential"])
