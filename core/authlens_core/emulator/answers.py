"""What the endpoints of every profile share: reading a form and its client, answering an error."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.edge import NO_STORE, json_answer, read_body
from authlens_core.emulator.grants import OAuthRefusal


def refusal(error: OAuthRefusal) -> Response:
    """Return an error in the form of RFC 6749 §5.2."""
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="OAuth"'
    return json_answer({"error": error.error, "error_description": error.description}, error.status, headers)


async def read_form(request: Request) -> dict[str, str]:
    """Return the parameters of a form.

    Raises:
        OAuthRefusal: the body is not a form, or has a parameter twice.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    if media_type != "application/x-www-form-urlencoded" or len(form) != len(pairs):
        raise OAuthRefusal("invalid_request", "The body is not a form, or has a parameter twice")
    return form


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Return the client id and secret of a Basic field (RFC 6749 §2.3.1), or None."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return unquote_plus(client_id), unquote_plus(secret)
