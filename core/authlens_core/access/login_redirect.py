"""What the redirect to the login page of Access says about a service token that was sent."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import parse_qs

from authlens_core.oauth.json_document import JsonRefused, load_object

_LONGEST: Final = 16 * 1024  # characters of a URL that are looked at


def service_token_line(location: str) -> str:
    """Return `"service_token_status": false` or `… true` as the `meta` token of a login URL has it.

    The token is a JWT. It is read and not verified, which is enough for a hint, and nothing else of it is
    shown. Empty where there is none.
    """
    query = location[:_LONGEST].partition("?")[2]
    try:
        meta = parse_qs(query, max_num_fields=50).get("meta", [""])[0]
        payload = meta.split(".")[1]
        claims = load_object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, JsonRefused):
        return ""
    status = claims.get("service_token_status")
    return f'"service_token_status": {str(status).lower()}' if isinstance(status, bool) else ""
