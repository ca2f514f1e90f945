"""The grant types with which a login can get its tokens, by their registered names."""

from __future__ import annotations

from enum import StrEnum


class GrantType(StrEnum):
    """What a login exchanges for tokens; each has its `Flow`. A refresh is no login and is not among them."""

    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
