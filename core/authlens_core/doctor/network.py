"""The network: the callback port, SSH, whom TLS is trusted to, the proxy."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import replace

from authlens_core.callback.binding import NoLoopback, bind_loopback
from authlens_core.callback.listener import DEFAULT_PORT, why_not_bound
from authlens_core.callback.ssh_forward import forward_line_to_here
from authlens_core.callback.user_screen import UserScreen
from authlens_core.doctor.finding import Finding, from_error
from authlens_core.values.check import Severity
from authlens_core.values.errors import AuthlensError, UsageError
from authlens_core.wire.proxy import ProxyUnusable, proxy_for
from authlens_core.wire.trust import TrustUnusable, trusted

# A proxy is chosen by the host; this one stands for any team's.
_ANY_HOST = "team.cloudflareaccess.com"


async def look_at_port(port: int = DEFAULT_PORT) -> Finding:
    """Return whether a login could listen on `port`, or who has it; the port is given back at once."""
    topic = f"port {port}"
    try:
        bound = bind_loopback("localhost", port)
    except NoLoopback as error:
        return from_error(topic, error)
    except OSError as error:
        reason = await why_not_bound(error, "localhost", port)
        if isinstance(reason, AuthlensError):
            stopped = from_error(topic, reason)
            return replace(stopped, cure=f"{stopped.cure} The option for that: --port N")
        found = f"authlens cannot listen on it: {error.strerror or type(error).__name__}."
        return Finding(topic, Severity.FAILURE, found, "Use another one with --port.", UsageError.exit_code)
    bound.close()
    found = " ".join(
        (f"Free for the callback from the browser, {' and '.join(bound.families)}.", *bound.notes)
    )
    return Finding(topic, Severity.PASS, found)


def look_at_ssh(environ: Mapping[str, str], port: int = DEFAULT_PORT) -> Finding:
    """Return whether this session came in over SSH, and which line brings the callback here."""
    topic = "ssh"
    screen = UserScreen(environ)
    if not screen.over_ssh:
        return Finding(topic, Severity.PASS, "This is not an SSH session.")
    line = forward_line_to_here(screen, port)
    found = "This is an SSH session: the browser is on another machine."
    paste = "you can paste the address the browser ends on."
    cure = (
        f"Forward the port from there: {line}     Or: {paste}"
        if line
        else f"Without a forwarded port: {paste}"
    )
    return Finding(topic, Severity.NOTICE, found, cure)


async def look_at_trust(environ: Mapping[str, str] | None = None) -> Finding:
    """Say which authorities a server's certificate may come from."""
    topic = "tls trust"
    try:
        _, source = await asyncio.to_thread(trusted, environ)
    except TrustUnusable as error:
        cure = "Set it to a readable PEM file, or unset it to use the operating system's store."
        return Finding(topic, Severity.FAILURE, str(error), cure, UsageError.exit_code)
    return Finding(topic, Severity.PASS, f"Certificates are checked against {source}.")


async def look_at_proxy(environ: Mapping[str, str] | None = None) -> Finding:
    """Say through which proxy requests to Cloudflare Access would go. Nothing is sent."""
    topic = "proxy"
    try:
        proxy = await asyncio.to_thread(proxy_for, "https", _ANY_HOST, 443, environ)
    except ProxyUnusable as error:
        cure = "Set it to an HTTP proxy, such as http://proxy.example:3128, or unset it."
        return Finding(topic, Severity.FAILURE, str(error), cure, UsageError.exit_code)
    if proxy is None:
        return Finding(topic, Severity.PASS, "None: requests are sent directly.")
    found = f"Requests to {_ANY_HOST} go through {proxy.display}; those to this machine never do."
    cure = f"To reach a host directly: export NO_PROXY={shlex.quote('wiki.example.com')}"
    return Finding(topic, Severity.NOTICE, found, cure)
