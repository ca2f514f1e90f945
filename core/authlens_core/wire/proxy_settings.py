"""Which proxy a request goes through, as the environment and the operating system say.

HTTP libraries send requests for localhost to the proxy too, and show its password in their errors. Here
this machine is never proxied, the proxy is named on the exchange as `host:port`, and its password is a
`Secret` from the moment it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.wire.addresses import host_and_port, is_loopback

# The ports that a proxy has without one in its URL, by how it is spoken to.
_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class ProxyUnusable(Exception):
    """A proxy is set that cannot be used. The text names the variable and never the value."""


class Proxy(Struct, frozen=True):
    """An HTTP or SOCKS5 proxy.

    Attributes:
        scheme: `http`, `https`, `socks5` or `socks5h`: how the proxy itself is spoken to.
        host: its name or address; an IPv6 address without brackets.
        username: for the authentication to the proxy, or None.
    """

    scheme: str
    host: str
    port: int
    username: Secret | None = None
    password: Secret | None = None

    @property
    def display(self) -> str:
        """`host:port`, safe to show."""
        return safe_line(host_and_port(self.host, self.port))

    @property
    def url(self) -> str:
        """The proxy's URL without user and password."""
        return f"{self.scheme}://{host_and_port(self.host, self.port)}"


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies by scheme; a lower-case variable wins, and an empty one unsets."""
    proxies: dict[str, str] = {}
    # curl and Python agree on this order; CGI programs get HTTP_PROXY from a request's field `Proxy`.
    for name, value in sorted(environ.items(), key=lambda variable: variable[0].islower()):
        if name.lower().endswith("_proxy"):
            proxies[name[:-6].lower()] = value.strip()
    return {scheme: value for scheme, value in proxies.items() if value}


def _listed(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a `NO_PROXY` list names the host: `*`, a name, a domain, either with a port."""
    for entry in (item.strip().lower() for item in no_proxy.split(",")):
        if entry == "*":
            return True
        name = entry.removeprefix("*").lstrip(".")
        if name and any(
            candidate == name or candidate.endswith("." + name) for candidate in (host, f"{host}:{port}")
        ):
            return True
    return False


def _parse(text: str, variable: str) -> Proxy:
    unusable = ProxyUnusable(f"{variable} is not the URL of an HTTP or SOCKS5 proxy.")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise unusable from None
    if port is None or parts.scheme not in _PORTS or not parts.hostname or not parts.hostname.isascii():
        raise unusable
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ProxyUnusable(
            f"{variable} is a SOCKS proxy, which needs an extra of authlens: pip install 'authlens[socks]'."
        )
    # A user name without a password is sent with an empty one (RFC 7617 §2).
    username = None if parts.username is None else Secret(unquote(parts.username))
    password = None if username is None else Secret(unquote(parts.password or ""))
    return Proxy(parts.scheme, parts.hostname, port, username=username, password=password)


def is_never_proxied(host: str) -> bool:
    """Return whether `host`, in lower case and without brackets, is this machine.

    A proxy would connect to its own loopback, and see what is meant for this machine alone.
    """
    return host.rstrip(".") == "localhost" or host.endswith(".localhost") or is_loopback(host)


def proxy_for(scheme: str, host: str, port: int, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """Return the proxy for a URL, or None to connect directly.

    Args:
        host: its host, without brackets.
        environ: the variables to read. None reads the process's own and, on macOS and Windows, the
            settings of the operating system.

    Raises:
        ProxyUnusable: a proxy is set that is neither an HTTP nor a SOCKS5 proxy, or SOCKS is not installed.
    """
    host = host.strip("[]").lower()
    # A proxy would connect to its own loopback, and see a token that was for a server here.
    if is_never_proxied(host):
        return None
    if environ is None:
        from urllib.request import getproxies, proxy_bypass

        proxies = getproxies()
        # macOS and Windows keep the list in their settings, which Python asks.
        bypassed = bool(proxies) and bool(proxy_bypass(f"{host}:{port}"))
    else:
        proxies = _from_environment(environ)
        bypassed = _listed(host, port, proxies.get("no", ""))
    name = scheme if scheme in proxies else "all"
    if bypassed or not proxies.get(name):
        return None
    return _parse(proxies[name], f"{name.upper()}_PROXY")
