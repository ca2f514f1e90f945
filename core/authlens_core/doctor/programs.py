"""Other programs that authlens can work with."""

from __future__ import annotations

from collections.abc import Mapping

from authlens_core.cloudflared.binary import CloudflaredMissing, find_cloudflared
from authlens_core.doctor.finding import Finding
from authlens_core.oauth.check import Severity

_ONLY_FOR = "It is only needed for: authlens login URL --cloudflared"


async def look_at_cloudflared(environ: Mapping[str, str] | None = None, *, limit: float = 5.0) -> Finding:
    """Say which cloudflared is on the path.

    Args:
        environ: the environment to look in; None is the process's own.
        limit: seconds that it may take to say its version.
    """
    topic = "cloudflared"
    try:
        found = await find_cloudflared(environ=environ, limit=limit)
    except CloudflaredMissing as missing:
        return Finding(topic, Severity.NOTICE, missing.cause, f"{_ONLY_FOR}     {missing.cure}")
    words = f"{found.path}, {found.shown}."
    if found.notes:
        return Finding(topic, Severity.WARNING, f"{words} {' '.join(found.notes)}", "Update cloudflared.")
    return Finding(topic, Severity.PASS, words)
