"""Log in with `cloudflared`, at a resource without Managed OAuth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.records.index import AccessKind
from authlens_core.desk.session import Session
from authlens_core.trace.events import CloudflaredEvent
from authlens_core.values.errors import TimedOut
from authlens_core.values.fix import step
from authlens_core.values.login_options import BROWSER_WAIT

__all__ = ["CloudflaredEvent", "CloudflaredOutcome", "log_in_with_cloudflared"]


class CloudflaredOutcome(Struct, frozen=True):
    """A login by cloudflared that gave a token.

    Attributes:
        kept_at: the file in which cloudflared keeps the token; None if it does not, and the token is lost.
        expires_at: when that token expires, UTC, if it is kept and says so.
        probe: how the resource answered the token.
    """

    kept_at: Path | None
    expires_at: datetime | None
    probe: ProbeResult


async def log_in_with_cloudflared(
    session: Session,
    url: str,
    *,
    on_event: Callable[[CloudflaredEvent], None] = lambda _event: None,
    wait: float = BROWSER_WAIT,
    environ: Mapping[str, str] | None = None,
) -> CloudflaredOutcome:
    """Run `cloudflared access login`, then send a request with its token.

    If the call is cancelled, cloudflared is ended with everything that it started.

    Args:
        on_event: called with what happens, in order; the link is one of the events.
        wait: seconds for the login and that request together.
        environ: the environment of cloudflared; None is the process's own.

    Raises:
        UsageError: there is no cloudflared, or it cannot use this URL.
        TimedOut, LoginNeeded, Refused, NetworkFailure, ServerMisconfigured: with the cause and what to do.
    """
    # Most logins need no other program.
    from authlens_core.credentials.lifecycle.cloudflared_target import probe_jwt
    from authlens_core.login.cloudflared.access_login import run_login

    ends = asyncio.get_running_loop().time() + wait
    login = await run_login(url, timeout=wait, events=on_event, environ=environ)
    # Some versions store nothing, or elsewhere: then the token exists in this process alone.
    token_id = "" if login.file is None else login.file.token_id
    session.credentials.record(AccessKind.LOGIN, token_id, f"{url}, with cloudflared")
    try:
        async with asyncio.timeout_at(ends):
            probe = await probe_jwt(session.credentials, session.wire, url, login.token, token_id)
    except TimeoutError:
        raise TimedOut(
            f"cloudflared has logged in, and the resource did not answer within the {wait:g} seconds.",
            step("To send the request again", "authlens probe URL"),
        ) from None
    return CloudflaredOutcome(login.kept_at, None if login.file is None else login.file.expires_at, probe)
