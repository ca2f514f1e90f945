"""The tokens that cloudflared keeps under `~/.cloudflared`: found, read, never written and never deleted.

`<app host>-<aud>-token` holds the JWT of one application, `<team>.cloudflareaccess.com-org-token` that of the
organisation. Beside a token may be `….url`, the login that a process waits for, and `….lock`, which says
which process (cloudflared since 2026.5.0). Nothing else in the directory is opened: it holds tunnel
credentials and certificates, too.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from authlens_core.cloudflare.cloudflared_token import (
    CloudflaredKind,
    CloudflaredLock,
    CloudflaredToken,
    application_name,
    names_of,
    process_of,
    read_lock,
)
from authlens_core.cloudflare.team import is_team_host
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.jwt import moment, parse_jwt
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import usable_url

# Names in the directory that are looked at.
MAX_ENTRIES: Final = 10_000
# A dashboard shows no more, and reading each file takes time.
MAX_TOKENS: Final = 1_000
_MOST_AUDIENCES: Final = 100  # of one token; Access writes one
_LARGEST: Final = 64 * 1024  # bytes of one file
_TOKEN: Final = "-token"  # noqa: S105 - the end of a file name
_ORG: Final = "-org-token"


def cloudflared_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where cloudflared keeps its tokens: under `HOME`, else under the home of the account."""
    home = environ.get("HOME")
    try:
        return (Path(home) if home else Path.home()) / ".cloudflared"
    except RuntimeError:  # an account without a home
        return Path(".cloudflared")


class CloudflaredDirectory:
    """The directory of cloudflared, for looking at it again and again: what did not change is not read again.

    Looks at 10,000 names and reads 1,000 tokens at most, 64 KiB of each.

    Args:
        directory: where; None is cloudflared's own place.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._where = cloudflared_directory() if directory is None else directory
        self._read: dict[str, tuple[_Version, CloudflaredToken]] = {}
        self.left_out = 0
        """How many tokens there were beyond those that `find` returned."""

    def find(self, *, now: datetime | None = None) -> tuple[CloudflaredToken, ...]:
        """Return the tokens, those that last longest first; never raises.

        A file that cannot be read becomes an entry that says why.

        Args:
            now: the present, in UTC; for the locks.
        """
        moment_now = datetime.now(UTC) if now is None else now
        try:
            with os.scandir(self._where) as listing:
                # Names only, the files are read below: a home on a network takes long for each.
                entries = {entry.name: entry for entry in islice(listing, MAX_ENTRIES)}
        except OSError:
            entries = {}
        names = frozenset(entries)
        listed = _token_names(names)
        self.left_out = max(0, len(listed) - MAX_TOKENS)
        before, self._read = self._read, {}
        for name in listed[:MAX_TOKENS]:
            version = _version(name, entries)
            entry = before.get(name)
            if entry is None or version is None or entry[0] != version:
                entry = version, _read(self._where, name, names, moment_now)
            self._read[name] = entry
        never = datetime.min.replace(tzinfo=UTC)
        tokens = (token for _, token in self._read.values())
        return tuple(sorted(tokens, key=lambda token: token.expires_at or never, reverse=True))


_Version: TypeAlias = "tuple[int, int, int] | None"
_Claims: TypeAlias = tuple[Mapping[str, JsonValue], str, str]


def _version(name: str, entries: Mapping[str, os.DirEntry[str]]) -> _Version:
    """Return what changes with the content of a token file; None where it has to be read each time."""
    # A login under way changes what the token means without changing its file.
    if name not in entries or f"{name}.url" in entries or f"{name}.lock" in entries:
        return None
    try:
        status = entries[name].stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def find_cloudflared_token(
    url: str, directory: Path | None = None, *, usable: bool = True
) -> CloudflaredToken | None:
    """Return the application token whose file name fits `url` and that lasts longest, or None.

    One that may not be sent now, or that a login waits for, counts only where it need not be `usable`.

    `*` in a name stands for one label. One whose name holds the beginning of the path, too, comes before that
    for the whole host. That a name fits is no leave to send: another address can have the same name, see
    `cloudflared_token`.
    """
    requested = usable_url(url, loopback_http=True)
    if requested is None:
        return None
    present, hosts = datetime.now(UTC), names_of(requested)
    fitting = (
        token
        for token in CloudflaredDirectory(directory).find(now=present)
        if token.kind is CloudflaredKind.APPLICATION
        and token.host in hosts
        # cloudflared itself would log in again for one that has ended.
        and (token.lasts(present) or not usable)
    )
    # The host itself before its parents, and of one host the first, which lasts longest.
    return min(fitting, key=lambda token: hosts.index(token.host), default=None)


def token_in(text: str) -> Secret | None:
    """Return a text as a token if it has the shape of those of cloudflared, which are JWTs."""
    return Secret(text) if parse_jwt(text) is not None else None


def read_cloudflared_token(token: CloudflaredToken) -> Secret | None:
    """Return the JWT itself, read now; None where it is gone or no JWT any more."""
    text = _content(token.path)[0].decode("ascii", "replace").strip()
    return token_in(text)


def cloudflared_fields(jwt: Secret) -> tuple[tuple[str, str], ...]:
    """Return the header field that carries a token of cloudflared; here it leaves its box, to be sent."""
    return (("cf-access-token", jwt.reveal()),)


def _token_names(names: frozenset[str]) -> list[str]:
    """Return the names of token files that are there, or that a login is waiting for."""
    bases = {name.removesuffix(".url") for name in names}
    # Sorted, so that the same ones are left out each time where there are too many.
    return sorted(base for base in bases if len(base) > len(_TOKEN) and base.endswith(_TOKEN))


def _read(directory: Path, name: str, names: frozenset[str], now: datetime) -> CloudflaredToken:
    path = directory / name
    kind, host, audience = _parsed_name(name)
    nothing_yet: _Claims = {}, "No token yet: a login is in progress.", ""
    claims, problem, mark = _claims(path) if name in names else nothing_yet
    issuer_host = _issuer_host(claims)
    team = issuer_host or (host if kind is CloudflaredKind.ORGANISATION and is_team_host(host) else "")
    return CloudflaredToken(
        token_id=f"cloudflared-{hashlib.sha256(os.fsencode(name)).hexdigest()[:20]}",
        kind=kind,
        host=safe_line(host),
        path=path,
        audience=audience or next(iter(_audiences(claims.get("aud"))), ""),
        person=_text(claims.get("email")) or _text(claims.get("common_name")),
        team=safe_line(team),
        issued_at=moment(claims.get("iat")),
        expires_at=moment(claims.get("exp")),
        not_before=moment(claims.get("nbf")),
        # Access refuses such a token: it was copied, or the application was deleted and made again.
        is_foreign=bool(audience) and not problem and audience not in _audiences(claims.get("aud")),
        fingerprint=mark,
        pending_url=_pending_url(path.with_name(f"{name}.url")) if f"{name}.url" in names else None,
        lock=_lock(path.with_name(f"{name}.lock"), now) if f"{name}.lock" in names else None,
        problem=problem,
    )


def _parsed_name(name: str) -> tuple[CloudflaredKind, str, str]:
    if name.endswith(_ORG):
        return CloudflaredKind.ORGANISATION, name.removesuffix(_ORG), ""
    return CloudflaredKind.APPLICATION, *application_name(name.removesuffix(_TOKEN))


def _claims(path: Path) -> _Claims:
    """Return the claims of a token file, why it cannot be used where it cannot, and its fingerprint."""
    data, problem = _content(path)
    if problem:
        return {}, problem, ""
    # With a prefix: the digest is shown and compared, and must not be one that a list of stolen tokens has.
    mark = hashlib.sha256(b"authlens file\0" + data).hexdigest()[:16]
    jwt = parse_jwt(data.decode("ascii", "replace").strip())
    if jwt is None:
        return {}, "The file holds no JWT.", mark
    if jwt.claims is None:
        return {}, jwt.problems[0] if jwt.problems else "The claims cannot be read.", mark
    return jwt.claims, "", mark


def _content(path: Path) -> tuple[bytes, str]:
    """Return what is in a plain file, or nothing and one sentence on why it cannot be read."""
    # Opening a FIFO that someone put there must not wait for its other end. Links are followed, as
    # cloudflared does.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b"", "It is not a regular file."
            # A copy, because the file closes its descriptor, and so does the `finally` below.
            with os.fdopen(os.dup(descriptor), "rb") as file:
                data = file.read(_LARGEST + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        return b"", f"The file cannot be read: {safe_line(reason or type(error).__name__)}."
    return (data, "") if len(data) <= _LARGEST else (b"", "The file is too large for a token.")


def _pending_url(path: Path) -> str | None:
    url = usable_url(_content(path)[0].decode("utf-8", "replace").strip())
    return None if url is None else url.text


def _lock(path: Path, now: datetime) -> CloudflaredLock:
    data, _ = _content(path)
    made_at = None
    with suppress(OSError, OverflowError, ValueError):
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return read_lock(data, made_at, now, process_of)


def _issuer_host(claims: Mapping[str, JsonValue]) -> str:
    issuer = claims.get("iss")
    url = usable_url(issuer) if isinstance(issuer, str) else None
    return "" if url is None else url.host


def _audiences(value: JsonValue) -> tuple[str, ...]:
    several = value if isinstance(value, list) else [value]
    return tuple(_text(audience) for audience in several[:_MOST_AUDIENCES])


def _text(value: JsonValue) -> str:
    return safe_line(value) if isinstance(value, str) else ""
