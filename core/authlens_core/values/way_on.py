"""What can be changed, or used instead, after a failure: as a value, which each face words for itself."""

from __future__ import annotations

from enum import StrEnum

from authlens_core.values.quick_dataclass import dataclass


class WayOn(StrEnum):
    """Something that leads on from a failure: an option of the login, or another way to the resource."""

    OTHER_HOST = "other_host"
    """`localhost` instead of `127.0.0.1` in the redirect URI, or the reverse."""
    OTHER_PORT = "other_port"
    CLIENT_ID = "client_id"
    RESOURCE = "resource"
    SCOPE = "scope"
    CLOUDFLARED = "cloudflared"
    SERVICE_TOKEN = "service_token"  # noqa: S105 - the name of a way, not a secret


@dataclass(frozen=True, slots=True)
class CureOption:
    """A way that leads on.

    Attributes:
        words: those of the fix that name it as the command line does, such as `--port`; empty if the fix
            does not mention it.
    """

    way: WayOn
    words: str = ""
