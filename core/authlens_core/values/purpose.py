"""What a request is for. Decisions go by these values; their texts are the labels of the record."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a request is for, as a label and as the value that is written to session files."""

    OTHER = ""
    RESOURCE = "resource without credential"
    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    REGISTRATION = "client registration"
    LINK = "the link, opened without a session"
    TOKEN = "token request"  # noqa: S105 - a label
    TOKEN_AGAIN = "token request again"  # noqa: S105 - a label
    ACCESS = "resource with token"
    CREDENTIAL = "resource with credential"
    SERVICE_TOKEN = "resource with service token"  # noqa: S105 - a label
    CLOUDFLARED_TOKEN = "resource with the token of cloudflared"  # noqa: S105 - a label
    APPLICATION = "which application is this? (no credential)"
    PUSHED_AUTHORIZATION = "pushed authorization request"
    DEVICE_AUTHORIZATION = "device authorization"
    DEVICE_TOKEN = "device token request"  # noqa: S105 - a label
    REFRESH = "refresh"
    REFRESH_AGAIN = "refresh again"
    REVOKE_ACCESS_TOKEN = "revoke access_token"  # noqa: S105 - a label
    REVOKE_REFRESH_TOKEN = "revoke refresh_token"  # noqa: S105 - a label
    SIGNING_KEYS = "signing keys"

    @property
    def again(self) -> Purpose:
        """The same request, sent a second time to see whether the server refuses it."""
        return _AGAIN.get(self, self)

    @property
    def revokes(self) -> bool:
        return self in {Purpose.REVOKE_ACCESS_TOKEN, Purpose.REVOKE_REFRESH_TOKEN}

    @property
    def repeats(self) -> bool:
        """True for a request that was sent a second time on purpose."""
        return self in _AGAIN.values()


_AGAIN = {Purpose.TOKEN: Purpose.TOKEN_AGAIN, Purpose.REFRESH: Purpose.REFRESH_AGAIN}
