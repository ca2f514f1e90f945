"""Have cloudflared log in, where a resource has no Managed OAuth, and ask the resource with its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from authlens_core.cloudflared.access_login import TIMEOUT as CLOUDFLARED_WAIT
from authlens_core.cloudflared.access_login import run_login
from authlens_core.credentials.inventory.cloudflared_target import probe_jwt
from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.desk.session import Session
from authlens_core.trace.events import CloudflaredEvent
from authlens_core.values.quick_dataclass import dataclass

__all__ = ["CLOUDFLARED_WAIT", "CloudflaredOutcome", "log_in_with_cloudflared"]


@dataclass(frozen=True, slots=True)
class CloudflaredOutcome:
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
    wait: float = CLOUDFLARED_WAIT,
    environ: Mapping[str, str] | None = None,
) -> CloudflaredOutcome:
    """Run `cloudflared access login`, then send a request with its token.

    If the call is cancelled, cloudflared is ended with everything that it started.

    Args:
        on_event: called with what happens, in order; the link is one of the events.
        wait: seconds for the user to log in.
        environ: the environment of cloudflared; None is the process's own.

    Raises:
        UsageError: there is no cloudflared, or it cannot use this URL.
        TimedOut, LoginNeeded, Refused, NetworkFailure, ServerMisconfigured: with the cause and what to do.
    """
    login = await run_login(url, timeout=wait, events=on_event, environ=environ)
    # Some versions store nothing, or elsewhere: then the token exists in this process alone.
    token_id = "" if login.file is None else login.file.token_id
    session.credentials.record(AccessKind.LOGIN, token_id, f"{url}, with cloudflared")
    probe = await probe_jwt(session.credentials, session.wire, url, login.token, token_id)
    return CloudflaredOutcome(login.kept_at, None if login.file is None else login.file.expires_at, probe)
