"""What the endpoints of every profile share: reading a request, and answers.

They are JSON, refusals, redirects, and pages for a browser: self-contained, and readable without style or
script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator import randomness
from authlens_lab.emulator.issued import OAuthRefusal
from authlens_lab.emulator.origins import LONGEST_BODY
from authlens_lab.emulator.profile import TABLE, USERS, FaultAnswer

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}
NOTICE: Final = "authlens demo: this is a local emulator, not Cloudflare"
STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 8vh auto; padding: 0 1.25rem; }
.notice { border: 2px dashed; border-radius: .5rem; padding: .5rem .75rem; font-weight: 600; }
fieldset { border: 1px solid; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
label { display: block; padding: .4rem 0; }
button { font: inherit; padding: .5rem 1.25rem; margin-right: .75rem; }
button { border: 1px solid; border-radius: .5rem; }
code { overflow-wrap: anywhere; }
"""


class Answered(Exception):
    """The request goes no further: `answer` is the response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def answered(_: Request, error: Any) -> Response:
    """Answer with what an `Answered` holds; the handler where it is raised."""
    response: Response = error.answer
    return response


def bite(emulator: Emulator, point: str) -> None:
    """Let the faults of today answer a request at a point of the server.

    Raises:
        Answered: a fault has an answer there.
        OAuthRefusal: a fault refuses it there.
    """
    for fault in emulator.ordered_faults:
        answer = TABLE.answers.get(fault, {}).get(point)
        if answer is not None:
            raise Answered(_response(answer))
        refusal = TABLE.refusals.get(fault, {}).get(point)
        if refusal is not None:
            raise OAuthRefusal(*refusal)


def _response(answer: FaultAnswer) -> Response:
    if answer.page:
        return page(answer.page, answer.content, status=answer.status, headers=answer.headers)
    if answer.json is not None:
        return json_answer(answer.json, answer.status, answer.headers)
    media_type = "text/plain" if answer.text else None
    return Response(answer.text, answer.status, dict(answer.headers), media_type)


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


def redirect(url: str, status: int = 302) -> Response:
    """Send the browser to a URL, which no cache stores."""
    return Response(b"", status, {**NO_STORE, "location": quote(url, safe=":/%#?=@[]!$&'()*+,;")})


def callback(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    """Send the browser to the redirect URI with a code or an error (RFC 6749 §4.1.2)."""
    # A registered redirect URI may have a query, which stays (RFC 6749 §3.1.2).
    joint = "&" if "?" in redirect_uri else "?"
    return redirect(redirect_uri + joint + urlencode(parameters))


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


async def read_json(request: Request) -> Any:
    """Return the JSON of the request body, or None for anything else."""
    try:
        return json.loads(await read_body(request))
    except (ValueError, RecursionError):
        return None


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form of ours; of a name that comes twice, the last."""
    return dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))


def page(
    title: str, content: str = "", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page.

    There is no `form-action` in the policy: browsers apply it to the redirects after a form too, and this
    form's redirects end at a callback on any port.

    Args:
        content: HTML that follows the heading; the caller escapes text from outside.
    """
    nonce = randomness.token_urlsafe(16)
    html = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)} · authlens demo</title>\n<style nonce="{nonce}">{STYLE}</style>\n</head>\n'
        f'<body>\n<main>\n<p class="notice">{NOTICE}</p>\n<h1>{escape(title)}</h1>\n{content}\n'
        "</main>\n</body>\n</html>\n"
    )
    # The pages show names that a client chose. No form-action: Chromium applies it to the redirect behind a
    # form.
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
    fields = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        **(headers or {}),
    }
    return Response(html.encode("utf-8", "replace"), status, fields, media_type="text/html")


def login_page(host: str, *, nonce: str, client: str) -> Response:
    """Return the page on which the user picks a demo account, or denies.

    Args:
        nonce: must come back with the form and equal the session cookie.
        client: who asks, as it called itself at registration; may be empty.
    """
    choices = "\n".join(
        f'<label><input type="radio" name="user" value="{escape(user)}"{"" if index else " checked"}> '
        f"{escape(user)}</label>"
        for index, user in enumerate(USERS)
    )
    asks = f"<p><strong>{escape(client)}</strong> asks to act for you.</p>\n" if client else ""
    form = (
        f"{asks}<p>Sign in to <code>{escape(host)}</code>. The users are made up and have no password.</p>\n"
        f'<form method="post">\n<input type="hidden" name="nonce" value="{escape(nonce)}">\n'
        f"<fieldset>\n<legend>Who are you?</legend>\n{choices}\n</fieldset>\n"
        '<button type="submit" name="choice" value="sign in">Sign in</button>\n'
        '<button type="submit" name="choice" value="deny">Deny</button>\n</form>'
    )
    return page("Sign in", form)
