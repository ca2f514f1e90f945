"""The forms that a service token is sent in (Cloudflare, Service tokens)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# The field that Cloudflare's guide names for the single-header form; an application may name another.
DEFAULT_HEADER: Final = "Authorization"


class TokenForm(StrEnum):
    """How a service token is sent."""

    TWO_HEADERS = "two-header"
    """`CF-Access-Client-Id` and `CF-Access-Client-Secret`."""
    SINGLE_HEADER = "single-header"
    """Both as a JSON object in one field, where the application has `read_service_tokens_from_header`."""
