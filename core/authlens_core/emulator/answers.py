"""What the endpoints of every profile share: reading a request, and answers in JSON, refusals, redirects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.issued import RegisteredClient
from authlens_core.emulator.origins import LONGEST_BODY

NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}


class Answered(Exception):
    """The request goes no further: `answer` is the response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def answered(_: Request, error: Any) -> Response:
    """Answer with what an `Answered` holds; the handler where it is raised."""
    response: Response = error.answer
    return response


def json_answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON, all ASCII."""
    body = json.dumps(data).encode("ascii")
    return Response(body, status, dict(headers or {}), media_type="application/json")


def refusal(_: Request, error: Any) -> Response:
    """Answer an `OAuthRefusal` in the form of RFC 6749 §5.2; the exception handler of the OAuth endpoints."""
    headers = dict(NO_STORE)
    # RFC 6749 §5.2: to a client that tried Basic the answer has to name the scheme.
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="OAuth"'
    return json_answer({"error": error.error, "error_description": error.description}, error.status, headers)


def callback(redirect_uri: str, answer: Mapping[str, str]) -> Response:
    """Send the browser to the redirect URI with a code or an error (RFC 6749 §4.1.2)."""
    # A registered redirect URI may have a query, which stays (RFC 6749 §3.1.2).
    joint = "&" if "?" in redirect_uri else "?"
    target = redirect_uri + joint + urlencode(answer)
    return Response(b"", 302, {**NO_STORE, "location": target})


async def read_body(request: Request) -> bytes:
    """Return the request body.

    Raises:
        HTTPException: there are more than 64 KiB of it; the answer is 413.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413)
    return body


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form of ours; of a name that comes twice, the last."""
    return dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))


def client_information(client: RegisteredClient, management_url: str) -> dict[str, Any]:
    """Return what a registration answers (RFC 7591 §3.2.1)."""
    answer: dict[str, Any] = {
        "client_id": client.client_id,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method,
        "registration_client_uri": management_url,
    }
    if client.secret:
        answer |= {"client_secret": client.secret, "client_secret_expires_at": 0}
    return answer
