"""A token that cloudflared stores, as a value."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from authlens_core.access.cloudflared_lock import CloudflaredLock
from authlens_core.access.cloudflared_names import login_address
from authlens_core.quick_dataclass import dataclass

_LEEWAY: Final = timedelta(seconds=60)  # for a clock that is behind (RFC 7519 §4.1.5)


class CloudflaredKind(StrEnum):
    """What a token of cloudflared is for."""

    APPLICATION = "application"
    ORGANISATION = "organisation"
    """It opens no application; with it cloudflared gets application tokens without asking a user."""


@dataclass(frozen=True, slots=True)
class CloudflaredToken:
    """A token that cloudflared keeps, or is about to. Nothing in it is verified; every text is safe to show.

    Attributes:
        token_id: ours, made of the file name, so that it stays the same.
        host: the application's host, with its path where there is one (`/` is `-` in the file name, so a path
            cannot be distinguished from a host with hyphens); of an organisation its team domain.
        audience: the AUD of the application, or of the claims; empty where unknown.
        person: the e-mail address in the claims, else the common name of a service token; may be empty.
        team: the team's domain, `<team>.cloudflareaccess.com`; empty where unknown.
        issued_at: the claim `iat`, or None.
        expires_at: the claim `exp`, or None.
        not_before: the claim `nbf`, or None.
        is_foreign: the AUD in the file name is not among those of the claims; cloudflared since 2026.8.0 does
            not use such a token either.
        fingerprint: changes with what is in the file; tells nothing of it.
        pending_url: the login that a process waits for, or None.
        lock: who holds it, or None where no one does.
        problem: why there is no token to be used, one sentence; empty where there is one.
    """

    token_id: str
    kind: CloudflaredKind
    host: str
    path: Path
    audience: str = ""
    person: str = ""
    team: str = ""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None
    is_foreign: bool = False
    fingerprint: str = ""
    pending_url: str | None = None
    lock: CloudflaredLock | None = None
    problem: str = ""

    @property
    def url(self) -> str:
        """Where to log in for it: an address of the only host that its name can mean; else empty."""
        return login_address(self.host)

    def is_early(self, now: datetime) -> bool:
        """Return whether it is not valid yet at `now` (RFC 7519 §4.1.5); a clock may be a little off."""
        return self.not_before is not None and self.not_before - now > _LEEWAY

    def lasts(self, now: datetime) -> bool:
        """Return whether there is a token that may be sent at `now`, if only to its own application."""
        if self.problem or self.is_foreign or self.is_early(now):
            return False
        return self.expires_at is None or self.expires_at > now
