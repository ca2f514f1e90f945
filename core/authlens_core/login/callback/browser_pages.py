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
from typing import Final


class Page(StrEnum):
    """Which page a browser is shown. A judge names one of the first eight; the rest are the listener's."""

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
        return _TEXTS[self][0]


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

_BACK: Final = "You can close this tab and go back to the terminal."
# Status, heading, and the paragraphs: what happened, then what to do. They are HTML as they are.
_TEXTS: Final[dict[Page, tuple[int, str, tuple[str, ...]]]] = {
    Page.SUCCESS: (
        200,
        "Signed in",
        ("authlens received the response and finishes the login in the terminal.", _BACK),
    ),
    Page.DENIED: (
        200,
        "The login was not allowed",
        (
            "The server says that access was denied, by you or by a policy. Nothing was stored.",
            "Close this tab and go back to the terminal: it shows the reason and how to retry.",
        ),
    ),
    Page.OUTDATED: (
        400,
        "This login is outdated",
        (
            "This answer belongs to an older or a different login, so it was ignored. Nothing was changed.",
            "Close this tab and use the newest link in the terminal; it is still waiting.",
        ),
    ),
    Page.ERROR: (
        400,
        "The login did not work",
        (
            "The server's answer could not be used. Nothing was stored.",
            "Close this tab and go back to the terminal: it shows what was wrong and what to do.",
        ),
    ),
    Page.UNPROVEN: (
        400,
        "An error that cannot be checked",
        (
            (
                "This answer says that a login failed, but nothing in it shows which one (no state), so it "
                "was ignored. The terminal names the error."
            ),
            "If this is how your login ended, stop the wait in the terminal.",
        ),
    ),
    Page.NO_ANSWER: (
        400,
        "No answer arrived",
        (
            "The server sent nothing that authlens can read here. Nothing was changed.",
            (
                "If the address of this page goes on behind a # with code or error, copy the whole address "
                "and paste it into the terminal."
            ),
        ),
    ),
    Page.FORM_POST: (
        405,
        "The answer came in the wrong form",
        (
            (
                "It was sent as a form (response_mode=form_post), which authlens does not read, so it was "
                "ignored."
            ),
            "Close this tab and go back to the terminal, which is still waiting.",
        ),
    ),
    Page.RECEIVED: (
        200,
        "This response was already received",
        ("The first answer counts; this second one was ignored.", _BACK),
    ),
    Page.EXPIRED: (
        400,
        "This login has expired",
        (
            "The answer came too late, so it was ignored.",
            "Close this tab and start the login again in the terminal.",
        ),
    ),
    Page.NOT_EXPECTED: (
        400,
        "No login is waiting",
        (
            "authlens is not waiting for an answer, so this one was ignored.",
            "Close this tab and start the login in the terminal.",
        ),
    ),
    Page.TEST: (
        200,
        "The tunnel works",
        ("Your browser can reach authlens on the other machine.", _BACK),
    ),
    Page.REFUSED: (
        400,
        "This request was refused",
        (
            (
                "The request did not come from a browser returning from a login, so it was ignored. "
                "Nothing was changed."
            ),
            "If you were logging in, open the link in the terminal again.",
        ),
    ),
    Page.BUSY: (
        503,
        "Too many connections at once",
        ("authlens has more connections open than it serves at one time.", "Reload this page in a moment."),
    ),
}


@cache
def render(page: Page) -> bytes:
    _, title, paragraphs = _TEXTS[page]
    body = "".join(f"<p>{each}</p>\n" for each in paragraphs)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        # An empty icon: without one, browsers ask the listener for /favicon.ico.
        f'<title>{title} · authlens</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{title}</h1>\n{body}<p class="name">authlens, on the machine where you started the login</p>\n'
        "</main>\n</body>\n</html>\n"
    ).encode()
