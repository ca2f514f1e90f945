"""A message as text to hand on: what was sent, byte for byte but for masks, with no words of ours in it."""

from __future__ import annotations

from authlens_core.export.redaction import Redactor, redacted_request, redacted_response
from authlens_core.oauth.http_message import Request, Response
from authlens_core.safe_text import safe_text


def raw_message(message: Request | Response, redactor: Redactor) -> str:
    """Return start line, header fields and body, secrets masked and control characters made visible.

    It is meant for the clipboard, and what is pasted into a terminal must not steer it.
    """
    if isinstance(message, Request):
        request = redacted_request(message, redactor)
        first, headers, body = f"{request.method} {request.url}", request.headers, request.body.text
    else:
        response = redacted_response(message, redactor)
        first = f"{response.http_version} {response.status} {response.reason}".rstrip()
        headers, body = response.headers, response.body.text
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    return safe_text("\n".join([*lines, "", body] if body else lines))
