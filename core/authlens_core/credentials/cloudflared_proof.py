"""Using a token of cloudflared: it goes in `cf-access-token`, and the resource says whether it is good.

authlens keeps no copy of it. cloudflared has it on disk, reads it there, and deletes it when it has expired;
a second copy in the keyring would be a second truth. So the token is read at the moment it is needed, and
only what was found out is kept: the trace, and a line in the history.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from authlens_core.access.cloudflared_files import (
    CloudflaredKind,
    CloudflaredToken,
    cloudflared_fields,
    read_cloudflared_token,
)
from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.model import utc_now
from authlens_core.credentials.resource_call import ResourceAnswer, call_resource
from authlens_core.errors import LoginNeeded, UsageError
from authlens_core.secret import Secret
from authlens_core.wire.client import Wire

__all__ = ["prove_cloudflared", "prove_jwt"]


async def prove_cloudflared(
    credentials: Credentials,
    wire: Wire,
    token: CloudflaredToken,
    url: str | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
) -> ResourceAnswer:
    """Call the application with a token that cloudflared keeps.

    Args:
        credentials: where the trace and the line in the history are kept.
        wire: what sends.
        token: as it was found.
        url: the address to ask; None is that of the host in the file name, which is wrong for an application
            on a path or a wildcard.
        now: the clock, in UTC.

    Raises:
        UsageError: it is an organisation token, which opens no application, or its name tells no address.
        LoginNeeded: the file is gone, or holds no token any more.
    """
    if token.kind is not CloudflaredKind.APPLICATION:
        raise UsageError(
            "The organisation token opens no application.", "Test the token of an application instead."
        )
    if url is None and "*" in token.host:
        raise UsageError("This token is for a wildcard, so there is no one address to ask.", "Give the URL.")
    jwt = read_cloudflared_token(token)
    if jwt is None:
        raise LoginNeeded(
            "cloudflared has no usable token in this file any more.", "Run: authlens login URL --cloudflared"
        )
    return await prove_jwt(credentials, wire, url or token.url, jwt, token.token_id, now=now)


async def prove_jwt(
    credentials: Credentials,
    wire: Wire,
    url: str,
    jwt: Secret,
    token_id: str = "",
    *,
    now: Callable[[], datetime] = utc_now,
) -> ResourceAnswer:
    """Call `url` with a token of Access in `cf-access-token`; keep the trace where it belongs to a file.

    Raises:
        UsageError: the URL cannot be used; nothing was sent.
    """
    said = await call_resource(
        wire,
        url,
        cloudflared_fields(jwt),
        secret=jwt,
        purpose="resource with the token of cloudflared",
        now=now,
    )
    credentials.record("proven" if said.accepted else "not proven", token_id, said.answer.evidence[0])
    if token_id:
        credentials.traces.keep(token_id, said.trace)
    return said
