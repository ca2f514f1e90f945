"""The kinds of credential that this machine can have."""

from __future__ import annotations

from enum import StrEnum


class CredentialKind(StrEnum):
    """A kind of credential, by its word on the command line and in JSON."""

    OAUTH = "oauth"
    MACHINE = "machine"
    """OAuth, too: a program got it, and no user logged in."""
    SERVICE_TOKEN = "service-token"  # noqa: S105 - a kind, not a token
    CLOUDFLARED = "cloudflared"

    @property
    def label(self) -> str:
        """Its word in a table or a sentence."""
        return "OAuth" if self is CredentialKind.OAUTH else self.value.replace("-", " ")
