"""The pages that the user's browser shows: constant and self-contained.

Nothing of a request ever enters a page. No script, image or font is loaded; the one style sheet is allowed by
its hash (CSP Level 3 §2.3.1), so even an injected tag could do nothing. The icon is empty and in the page, so
that no browser asks for one.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Final

from authlens_core.values.word_files import words


class Page(StrEnum):
    """The page that a browser is shown. The validator picks one of the first eight, the listener the rest."""

    SUCCESS = "success"
    DENIED = "denied"
    OUTDATED = "outdated"
    ERROR = "error"
    UNPROVEN = "unproven"
    NO_ANSWER = "no_answer"
    RECEIVED = "received"
    EXPIRED = "expired"
    NOT_EXPECTED = "not_expected"
    FORM_POST = "form_post"
    TEST = "test"
    REFUSED = "refused"
    BUSY = "busy"

    @property
    def status(self) -> int:
        """The HTTP status that goes with the page, unless the request itself was at fault."""
        return _STATUS.get(self, HTTPStatus.BAD_REQUEST)


_STATUS: Final = {
    Page.FORM_POST: HTTPStatus.METHOD_NOT_ALLOWED,
    Page.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    **dict.fromkeys((Page.SUCCESS, Page.DENIED, Page.RECEIVED, Page.TEST), HTTPStatus.OK),
}
STYLE: Final = (
    ":root{color-scheme:light dark;--ink:#1a1a1f;--soft:#45454f;--paper:#ffffff;--edge:#6b6b78}"
    "@media (prefers-color-scheme:dark){:root{--ink:#f0f0f4;--soft:#c9c9d3;--paper:#17171b;--edge:#9a9aa8}}"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1.125rem/1.6 system-ui,sans-serif}"
    "main{max-width:36rem;margin:12vh auto 2rem;padding:0 1.25rem}"
    "h1{font-size:1.75rem;line-height:1.25;margin:0 0 1rem}"
    "p{margin:0 0 1rem}"
    ".name{border-top:1px solid var(--edge);padding-top:1rem;color:var(--soft);font-size:1rem}"
)
# Named by its hash, this style is let in and none that got into a page otherwise (CSP Level 3, hash-source).
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    # The address of the page holds the code: it must go nowhere with a link (RFC 9700 §4.2.4), and stay in no
    # cache.
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@cache
def render(page: Page) -> bytes:
    # HTML as it is: what happened, then what to do.
    text = words("pages")[page]
    title, body = text["title"], "".join(f"<p>{each}</p>\n" for each in text["paragraphs"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        # An empty icon: without one, browsers ask the listener for /favicon.ico.
        f'<title>{title} · authlens</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{title}</h1>\n{body}<p class="name">authlens, on the machine where you started the login</p>\n'
        "</main>\n</body>\n</html>\n"
    ).encode()
