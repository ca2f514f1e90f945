"""What the proxy lets in: whose program may connect, and which requests are passed on.

The secret path alone is not enough: another account of this machine can read it in the arguments of a client
(`ps`), and connect. A request is judged by its method, where it comes from, and where it goes.

"""

from __future__ import annotations

import os
import shlex
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.forwarding import Mapping, alias_of_a_credential, is_hidden
from authlens_core.gateway.refusal import ASK_AT_ITS_URL, ProxyRefusal, login_command
from authlens_core.grammars.http_framing import is_read_as, names_a_place
from authlens_core.values.formats.fetch_metadata import is_from_another_origin, is_service_worker
from authlens_core.values.formats.linux_sockets import (
    LONGEST_ANSWER,
    NETLINK_SOCK_DIAG,
    NotAnAnswer,
    owner_question,
    read_owner,
)
from authlens_core.values.url import rewrite, usable_url
from authlens_core.wire.streaming import RawField

# TRACE and Microsoft's TRACK repeat the request, with the credential in it; CONNECT opens a tunnel (RFC 9110
# §9.3.6, §9.3.8). Some servers read a method in any case.
_REFUSED_METHODS: Final = frozenset({"TRACE", "TRACK", "CONNECT"})
_METHOD_FIELDS: Final = frozenset({b"x-http-method", b"x-http-method-override", b"x-method-override"})
_ALLOWED: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def admit(
    method: str,
    target: tuple[bytes, bytes],
    fields: list[RawField],
    mapping: Mapping,
    credential: RequestCredential,
) -> ProxyRefusal | bytes:
    """Return path and query for the resource, or why the request is not let in.

    Args:
        target: raw path and raw query.
    """
    refusal = _wrong_method(method, fields) or _wrong_sender(fields, mapping)
    if refusal is not None:
        return refusal
    # CGI and WSGI turn "-" and "_" into one character: X_Y of a client would replace our X-Y behind a
    # gateway.
    if any(alias_of_a_credential(name) for name, _ in fields):
        cause = "The request has a header field that a server may take for a credential."
        return ProxyRefusal(400, "bad_request", cause, "Leave it out: the proxy adds the credential.")
    # 404, not 403: a wrong path does not say that there is a right one.
    at_resource = mapping.target(*target)
    if at_resource is None:
        return ProxyRefusal(404, "not_found", "Nothing was found at this address (404).")
    for path in (_path(at_resource), *_other_places(fields, mapping)):
        refusal = _wrong_place(path, credential)
        if refusal is not None:
            return refusal
    return at_resource


def _wrong_method(method: str, fields: list[RawField]) -> ProxyRefusal | None:
    # CONNECT has an authority for a target, so none of the rules on paths would apply to it.
    if method == "CONNECT":
        return ProxyRefusal(
            405, "method_refused", "There are no tunnels here.", ASK_AT_ITS_URL, allow=_ALLOWED
        )
    # A server that honours X-HTTP-Method-Override runs the method in it, not the one in the first line.
    overrides = [value.decode("latin-1") for name, value in fields if is_read_as(name, _METHOD_FIELDS)]
    methods = ",".join((method, *overrides)).upper().split(",")
    if not _REFUSED_METHODS.isdisjoint(each.strip() for each in methods):
        cause = "The method is refused: the resource could answer with the credential."
        return ProxyRefusal(405, "method_refused", cause, "Use another method.", allow=_ALLOWED)
    if method == "OPTIONS" and b"0" in _values(fields, b"max-forwards"):  # RFC 9110 §7.6.2
        return ProxyRefusal(200, "max_forwards", "This is the authlens proxy.", allow=_ALLOWED)
    return None


def _wrong_sender(fields: list[RawField], mapping: Mapping) -> ProxyRefusal | None:
    host = mapping.local.partition("://")[2]
    # Against DNS rebinding: a page whose name leads to 127.0.0.1 sends that name as its host.
    if host and _values(fields, b"host") != [host.encode()]:
        cause = f"This proxy serves only the host {host}."
        return ProxyRefusal(421, "wrong_host", cause, "Use the URL that authlens proxy printed.")
    if is_service_worker(fields):
        cause = (
            "Service workers are refused: one would outlive this proxy and take over the next on its port."
        )
        return ProxyRefusal(
            403,
            "service_worker",
            cause,
            "Most pages work without one; others cannot be used through this proxy.",
        )
    # A page of the resource that came through the proxy has this origin. Any other page could only be an
    # attack, because every request gets the credential (CSRF).
    own_pages = {mapping.local.encode()}
    if _values(fields, b"sec-fetch-site") == [b"same-origin"]:
        own_pages.add(b"null")  # from the form of a page with the policy `no-referrer`
    if any(value not in own_pages for value in _values(fields, b"origin") if value):
        cause = "Requests of web pages from other origins are refused."
        return ProxyRefusal(403, "wrong_origin", cause, "A program that is no browser can leave Origin out.")
    if is_from_another_origin(fields):
        cause = "A page of another origin led the browser here."
        return ProxyRefusal(403, "wrong_origin", cause, "Type or paste the address into the address bar.")
    return None


def _other_places(fields: list[RawField], mapping: Mapping) -> Iterator[str]:
    """Yield the paths that a server may use as well as the request's own, or instead of it."""
    origin = mapping.upstream.origin.encode("ascii")
    for name, value in fields:
        if names_a_place(name):
            yield _path(b"/" + mapping.to_upstream(value).removeprefix(origin).removeprefix(b"/"))


def _path(target: bytes) -> str:
    return target.partition(b"?")[0].decode("latin-1")


def _wrong_place(path: str, credential: RequestCredential) -> ProxyRefusal | None:
    if is_hidden(path):
        return ProxyRefusal(404, "not_found", "OAuth is hidden here: the proxy adds the credential.")
    if credential.serves(path):
        return None
    readable_path = unquote(path)
    if credential.covers(path):
        return ProxyRefusal(
            403,
            "not_served",
            f"This proxy serves {credential.url} and what is below it; {readable_path} is not.",
            "Stop it, then start one for everything that the credential covers.",
            command=f"authlens proxy {shlex.quote(credential.widest)}",
        )
    cause = f"The credential is not for {readable_path}."
    # The command is copied into a shell, so a path that has two readings is never put into it.
    elsewhere = usable_url(f"{credential.resource.origin}{path}", loopback_http=True)
    if elsewhere is None or (how := rewrite(elsewhere.text)):
        return ProxyRefusal(403, "not_covered", cause, how if elsewhere else "Use a plain path.")
    return ProxyRefusal(
        403,
        "not_covered",
        cause,
        "Log in there, and start a proxy for it.",
        command=login_command(elsewhere.text),
    )


def _values(fields: list[RawField], field: bytes) -> list[bytes]:
    return [value for name, value in fields if name.lower() == field]


_ROOT: Final = 0
_UCRED: Final = struct.Struct("=iII")  # pid, uid, gid (unix(7), SO_PEERCRED)
_CURE: Final = "Use a Unix socket: authlens proxy URL --socket PATH"


def refused_peer(connection: socket.socket) -> ProxyRefusal | None:
    """Return why the other end is not served, or None for a program of this account, or of root.

    Root can read the memory of this process anyway. Linux says whose a socket is; where it does not, no one
    is served. Other systems do not say, and there everyone is who knows the secret path.
    """
    if sys.platform != "linux":
        return None
    return judged(account_of_peer(connection), os.geteuid())


def judged(account: int | None, process_account: int) -> ProxyRefusal | None:
    """Return why a program of `account` is not served by a process of `process_account`; None if it is."""
    if account is None:
        cause = "The system does not report which account this connection is from."
        return ProxyRefusal(403, "unknown_account", cause, _CURE)
    if account in (process_account, _ROOT):
        return None
    cause = "This connection is from another account on this machine."
    return ProxyRefusal(403, "other_account", cause, "Run authlens login and authlens proxy in that account.")


def account_of_peer(connection: socket.socket) -> int | None:
    """Return the user id of the program at the other end; None if the system does not say."""
    try:
        if connection.family == socket.AF_UNIX:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            return int(_UCRED.unpack(credentials)[1])
        # TCP has no SO_PEERCRED: the kernel is asked who owns the other end of this very connection.
        peer, local_end = connection.getpeername(), connection.getsockname()
    except OSError:
        return None  # it is closed already
    with suppress(OSError, NotAnAnswer), _kernel() as kernel:
        kernel.settimeout(1.0)
        kernel.send(owner_question(peer, local_end))
        return read_owner(kernel.recv(LONGEST_ANSWER))
    return None


def _kernel() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)
