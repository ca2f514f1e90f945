"""Cloudflare's names: the hosts that are authorization servers of Access, its metadata, and its pages.

What Access shows in the browser never comes back: a login that meets such a page waits until its time is
over, so the user has to hear what it means. The pages are from reports of users; no documentation has them.
"""

from __future__ import annotations

import string
from typing import Final

from msgspec import Struct

from authlens_core.values.url import Url, usable_url

WELL_KNOWN: Final = "/.well-known/cloudflare-access-protected-resource"
# The login page, on the team's host; below it is the host of the application.
LOGIN_PATH: Final = "/cdn-cgi/access/login"
LOGOUT: Final = "/cdn-cgi/access/logout on your team domain"
_ZONE: Final = ("cloudflareaccess", "com")
_LABEL: Final = frozenset(string.ascii_lowercase + string.digits + "-")


def is_login_page(path: str) -> bool:
    return path == LOGIN_PATH or path.startswith(f"{LOGIN_PATH}/")


def is_team_host(host: str) -> bool:
    """Return whether `host` is `<team>.cloudflareaccess.com` or `<team>.fed.cloudflareaccess.com`.

    Whole labels are compared: `evilcloudflareaccess.com` ends in the same letters and is another owner's.
    """
    labels = tuple(host.lower().split("."))
    if labels[-2:] != _ZONE:
        return False
    names = labels[:-3] if labels[-3:-2] == ("fed",) else labels[:-2]
    return bool(names) and all(label and _LABEL.issuperset(label) for label in names)


def for_team(text: str, host: str) -> str:
    """Return `text` with the address of the log-out page in it, where `host` is a team's."""
    page = LOGOUT.split(maxsplit=1)[0]
    return text.replace(LOGOUT, f"https://{host.lower()}{page}") if is_team_host(host) else text


def cloudflare_metadata_urls(resource: Url) -> tuple[Url, ...]:
    """Return where Access serves the resource metadata: with the path of the resource, then for the root."""
    urls = (
        usable_url(f"{resource.origin}{WELL_KNOWN}{path}", loopback_http=resource.is_loopback)
        for path in dict.fromkeys((resource.path or "/", "/"))
    )
    return tuple(url for url in urls if url is not None)  # the longer path may be over the limit of a URL


class BrowserRefusal(Struct, frozen=True):
    """A page that ends a sign-in in the browser.

    Attributes:
        phrase: what the page says, the part that stays the same.
    """

    phrase: str
    meaning: str
    cure: str
    brief: str


REPORTS: Final = "reports by Cloudflare Access users"
# The three that users report; the `brief` forms are side by side where there is little room.
BROWSER_REFUSALS: Final = (
    BrowserRefusal(
        "That account does not have access",
        "No policy of the application allows the account that signed in.",
        f"Open {LOGOUT} in that browser, then the link again with another account; or ask the owner for an "
        "Allow policy.",
        "sign in with another account",
    ),
    BrowserRefusal(
        "Unable to find your Access application!",
        "The application was removed or belongs to another team, or the browser holds an old session.",
        f"Open {LOGOUT} in that browser, then the link again. If it still fails, ask the owner for an "
        "application for this host.",
        "log out, then the link again",
    ),
    BrowserRefusal(
        "Invalid nonce",
        "The browser has cookies from an earlier login.",
        f"Open the same link in a private window, or open {LOGOUT} first.",
        "the same link in a private window",
    ),
)


def refusal_on(page: str) -> BrowserRefusal | None:
    text = page.casefold()
    return next((refusal for refusal in BROWSER_REFUSALS if refusal.phrase.casefold() in text), None)
