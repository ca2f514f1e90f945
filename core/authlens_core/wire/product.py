"""What authlens calls itself in a request."""

from __future__ import annotations

from typing import Final

from authlens_core.version import VERSION

# The product of the User-Agent (RFC 9110 §10.1.5).
PRODUCT: Final = f"authlens/{VERSION}"
