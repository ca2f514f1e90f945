r"""Parse URLs strictly (RFC 3986 §3): the URL shown is the URL opened.

Written here because general parsers are lenient and disagree: one sends `https://good\@evil/` to evil,
another to good. This accepts only URLs that they all read alike, and whatever connects, compares or opens
uses the text it returns. Only A-labels are left to `idna`.
"""

from __future__ import annotations

import ipaddress
import string
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from msgspec import Struct

from authlens_core.values.errors import UsageError
from authlens_core.values.formats.url_path import below, is_ambiguous
from authlens_core.values.secret import Unprinted

# Gateways and logs commonly cut longer ones, and a URL that was cut is another URL.
MAX_LENGTH: Final = 2_048  # characters
# Characters (RFC 1035 §2.3.4, without the trailing dot).
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63  # characters (RFC 1035 §2.3.4)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# RFC 3986 §2: unreserved and reserved characters and the percent sign; brackets belong to the host alone.
_URL_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "-._~:/?#@!$&'()*+,;=%[]")
_HEX: Final = frozenset(string.hexdigits)
_LABEL_CHARACTERS: Final = frozenset(string.ascii_lowercase + string.digits + "-_")

_Record = TypeVar("_Record")


class UrlRefused(ValueError):
    """The text is not a URL that authlens uses.

    Args:
        reasons: everything that is wrong with it, a few words each, safe to show.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))


class Url(Unprinted, Struct, frozen=True):
    """An absolute http or https URL that passed `parse_url`; `repr` leaves the query out.

    Attributes:
        scheme: `https` or `http`.
        host: lower case, in A-label form; an IPv6 address is in brackets.
        port: None for the scheme's default port.
        path: as given. It may be empty: `https://h` and `https://h/` are different identifiers.
        query: without the question mark; None if there was none.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454), without the default port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port (RFC 3986 §3.2), without the default port: on one host, ports are several servers."""
        return self.host + (f":{self.port}" if self.port is not None else "")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as a socket takes them: without brackets, and with the default port."""
        return self.host.strip("[]"), self.port or _DEFAULT_PORTS[self.scheme]

    @property
    def target(self) -> str:
        """Path and query, as a request to its server names them (RFC 9112 §3.2.1)."""
        return (self.path or "/") + (f"?{self.query}" if self.query is not None else "")

    @property
    def text(self) -> str:
        """The URL as text: what is sent, compared and shown."""
        return f"{self.origin}{self.path}" + (f"?{self.query}" if self.query is not None else "")

    @property
    def is_loopback(self) -> bool:
        """True for `localhost` and names below it (RFC 6761 §6.3), 127.0.0.0/8 and `[::1]`."""
        return _is_loopback(self.host)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Url {self.origin}{self.path}{'?…' if self.query is not None else ''}>"


def with_scheme(text: str) -> str:
    """Return `text` with the scheme that it probably has where it is a host, with or without a path.

    That is https, and http for a host of this machine: a server in development rarely has a certificate.
    """
    authority = text.partition("/")[0]
    if "://" in text or "@" in authority:
        return text
    # localhost:8080 is typed for a server that is being written, which has no certificate.
    host, colon, port = authority.rpartition(":")
    if _is_loopback(host if colon and port.isdigit() else authority):
        return f"http://{text}"
    return f"https://{text}" if "." in authority else text


def parse_url(text: str, *, loopback_http: bool = False, allow_query: bool = True) -> Url:
    """Return `text` as a `Url`.

    Accepted: https with a host; no userinfo, no fragment; only the characters of RFC 3986; an IPv4 address
    only in its usual form, no zone identifier, no trailing dot; a port from 1 to 65535; no `.` and `..`
    segments and no escaped control characters; at most 2,048 characters.

    Args:
        loopback_http: also accept plain http for loopback hosts: the emulator and servers in development.
        allow_query: false refuses a query, as in an issuer (RFC 8414 §2).

    Raises:
        UrlRefused: with every reason found.
    """
    if len(text) > MAX_LENGTH:
        raise UrlRefused(f"it has {len(text)} characters, and {MAX_LENGTH} are the limit")
    reasons = _character_reasons(text)
    # By hand and not by `urlsplit`: that removes tabs and line ends, keeps backslashes, and accepts an empty
    # host.
    scheme, separator, remainder = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise UrlRefused("it does not start with https://", *reasons)
    remainder, has_fragment, _ = remainder.partition("#")
    remainder, has_query, query = remainder.partition("?")
    authority, slash, path = remainder.partition("/")
    path = slash + path
    if has_fragment:
        reasons.append("it has a fragment (#)")
    if has_query and not allow_query:
        reasons.append("it has a query (?)")
    host, port = _split_authority(authority, reasons)
    reasons.extend(_path_reasons(path, query))
    host = _host(host, reasons)
    if scheme == "http" and not (loopback_http and _is_loopback(host)):
        reasons.append("it is http: only https is used" + (", except on loopback" if loopback_http else ""))
    # All of them at once, so that you do not learn of them one after another.
    if reasons:
        raise UrlRefused(*dict.fromkeys(reasons))
    return Url(
        scheme,
        host,
        None if port == _DEFAULT_PORTS[scheme] else port,
        path=path,
        query=query if has_query else None,
    )


def usable_url(text: str | None, *, loopback_http: bool = False) -> Url | None:
    """Return `text` as a `Url`, or None if it cannot be used."""
    try:
        return None if text is None else parse_url(text, loopback_http=loopback_http)
    except UrlRefused:
        return None


def same_site(first: Url, other: Url) -> bool:
    """Return whether one host is the other or within it, or both are this machine.

    Siblings are two sites: they may belong to two tenants of one provider.
    """
    if first.is_loopback and other.is_loopback:
        return True
    return (
        first.host == other.host
        or f".{first.host}".endswith(f".{other.host}")
        or f".{other.host}".endswith(f".{first.host}")
    )


def require_url(text: str, *, loopback_http: bool = True) -> Url:
    """Return `text` as a `Url`.

    Raises:
        UsageError: it cannot be used, with every reason.
    """
    try:
        return parse_url(text, loopback_http=loopback_http)
    except UrlRefused as refused:
        raise UsageError(f"The URL is refused: {refused}.", "Correct it.") from refused


def covers(resource: str, url: str) -> bool:
    """Return whether a token for `resource` may be sent to `url`.

    The rule is the one of RFC 9728 §3.3 as the MCP specification relaxes it: same scheme, host and port, and
    the path of the resource is a prefix of the path asked for, ending at a segment boundary, however a server
    reads it. What is for a whole origin covers every path of it.
    """
    return coverage(resource, url) is not None


def coverage(resource: str, url: str) -> int | None:
    """Return how many path segments `resource` shares with `url`, or None if it does not cover it."""
    wide, narrow = usable_url(resource, loopback_http=True), usable_url(url, loopback_http=True)
    if wide is None or narrow is None or wide.origin != narrow.origin:
        return None
    return below(wide.path, narrow.path)


def closest(
    records: Iterable[_Record], url: str, resources: Callable[[_Record], Iterable[str | None]]
) -> _Record | None:
    """Return the record that covers `url` most closely with one of its resources, of several the first."""
    best: tuple[int, _Record] | None = None
    for record in records:
        lengths = [coverage(resource, url) for resource in resources(record) if resource is not None]
        longest = max((length for length in lengths if length is not None), default=None)
        # Not >=: of two equally close ones the first stays, and the lists are newest first.
        if longest is not None and (best is None or longest > best[0]):
            best = longest, record
    return best[1] if best else None


def is_inner_name(url: Url) -> bool:
    """Return whether only the network of the server knows a host: a name without a dot, and no address."""
    return "." not in url.host and ":" not in url.host and url.host != "localhost"


def rewrite(url: str) -> str:
    """Return how to write a URL whose path servers read in different ways; empty for any other URL."""
    parsed = usable_url(url, loopback_http=True)
    if parsed is None or not is_ambiguous(parsed.path):
        return ""
    return (
        "Servers can read this path in different ways, and a login for a path above it is not used. Write it "
        "without //, %2f, %5c, %25 and parts that start with two dots."
    )


def _character_reasons(text: str) -> list[str]:
    reasons = []
    # A URL may become an argument of a program, such as a browser, which would take it for an option.
    if text.startswith("-"):
        reasons.append("it starts with '-'")
    if _URL_CHARACTERS.issuperset(text) and "%action" not in text:
        return reasons
    if not text.isascii():
        reasons.append("it has characters outside ASCII")
    if any(c <= " " or c == "\x7f" for c in text):
        reasons.append("it has a space or a control character")
    if "\\" in text:
        reasons.append("it has a backslash")
    if any("!" <= c <= "~" and c != "\\" and c not in _URL_CHARACTERS for c in text):
        reasons.append("it has a character that a URL may not have unescaped")
    if "%action" in text:  # the standard library's browser opener substitutes this word
        reasons.append("it has the word %action")
    return reasons


def _split_authority(authority: str, reasons: list[str]) -> tuple[str, int | None]:
    """Return the host as written, and the port; what is wrong goes to `reasons`."""
    # https://bank.example@evil.example: what looks like the host is a user name (RFC 3986 §7.6).
    userinfo, separator, authority = authority.rpartition("@")
    if separator or userinfo:
        reasons.append("it has a user name or password before the host (@)")
    bracket = authority.rfind("]")
    colon = authority.find(":", bracket + 1)
    if colon < 0:
        return authority, None
    host, digits = authority[:colon], authority[colon + 1 :]
    # int() would also take "+80", " 80" and digits of other scripts, and browsers read 080 as 80.
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 5 or digits.startswith("0"):
        reasons.append("its port is not a number from 1 to 65535")
        return host, None
    if int(digits) > 65_535:
        reasons.append("its port is not a number from 1 to 65535")
    return host, int(digits)


def _path_reasons(path: str, query: str) -> list[str]:
    reasons = []
    if "[" in path + query or "]" in path + query:
        reasons.append("it has a bracket outside the host")
    for component in (path, query):
        for piece in component.split("%")[1:]:
            if len(piece) < 2 or not _HEX.issuperset(piece[:2]):
                reasons.append("it has a percent sign without two hexadecimal digits")
            elif int(piece[:2], 16) < 0x20 or int(piece[:2], 16) == 0x7F:
                reasons.append("it has an escaped control character")
    # Browsers remove dot segments and escape them or not (WHATWG URL), so the URL shown is not the one
    # opened.
    if any(s.replace("%2e", ".").replace("%2E", ".") in (".", "..") for s in path.split("/")):
        reasons.append("its path has a '.' or '..' segment")
    return reasons


def _host(written: str, reasons: list[str]) -> str:
    """Return the host in canonical form; what is wrong goes to `reasons`."""
    host = written.lower()
    if host.startswith("["):
        return _ipv6(host, reasons)
    labels = host.split(".")
    if not host:
        reasons.append("it has no host")
    # The absolute form of a name is another host for cookies, certificates and comparison, and the same for
    # DNS.
    elif host.endswith("."):
        reasons.append("its host ends in a dot")
    # Browsers read 0x7f.1 and 2130706433 as 127.0.0.1; a filter that does not would be passed by.
    elif labels[-1].isdigit() or labels[-1].startswith("0x"):
        if not _is_ipv4(host):
            reasons.append("its host is an IPv4 address in an unusual form")
    elif len(host) > _MAX_HOST or not all(_is_label(label) for label in labels):
        reasons.append("its host is not a valid host name")
    return host


def _ipv6(host: str, reasons: list[str]) -> str:
    # RFC 9844 withdrew zones from URLs: a zone names an interface of this machine and means nothing
    # elsewhere.
    if "%" in host:
        reasons.append("its address has a zone identifier (%)")
        return host
    try:
        address = ipaddress.IPv6Address(host[1:-1] if host.endswith("]") else "")
    except ValueError:
        reasons.append("its host is not a valid IPv6 address")
        return host
    # Python's own text of a mapped address is in hexadecimal, which hides the IPv4 address in it.
    mapped = address.ipv4_mapped
    return f"[::ffff:{mapped}]" if mapped is not None else f"[{address.compressed}]"


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _is_label(label: str) -> bool:
    if not 1 <= len(label) <= _MAX_LABEL or not _LABEL_CHARACTERS.issuperset(label):
        return False
    if label.startswith("-") or label.endswith("-"):
        return False
    return not label.startswith("xn--") or _is_a_label(label)


def _is_a_label(label: str) -> bool:
    """Return whether a U-label can be made of it (RFC 5891 §5.4)."""
    import idna  # few names need it, and it is large

    try:
        idna.ulabel(label)
    except idna.IDNAError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "[::1]") or host.endswith(".localhost"):
        return True
    # A name such as 127.0.0.1.evil.example starts like this too.
    return host.startswith("127.") and _is_ipv4(host)
