"""What a page means on which a sign-in ends in the browser, instead of the browser coming back."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.cloudflare.browser_refusals import BROWSER_REFUSALS, BrowserRefusal, refusal_on
from authlens_core.cloudflare.team import for_team
from authlens_core.diagnosis.server_kind import ServerKind, server_words


def page_meaning(page: str, host: str) -> BrowserRefusal | None:
    """Return what `page` means, or None if it is not a known one.

    Args:
        page: what the browser shows; text from outside.
        host: of the authorization server; a team's is named in the fix.
    """
    known = refusal_on(page)
    return None if known is None else replace(known, cure=for_team(known.cure, host))


def known_pages(kind: ServerKind, host: str) -> tuple[BrowserRefusal, ...]:
    """Return the pages that are known to end a sign-in at a server; each `phrase` is quoted already.

    Args:
        kind: which product the server is.
        host: of the server; a team's is named in each fix.
    """
    if kind is not ServerKind.ACCESS:
        told = server_words(kind)
        brief = "the client does not have this redirect URI"
        return (BrowserRefusal(told.page, brief, f"Ask the owner to {told.redirect_uri}.", brief),)
    return tuple(
        BrowserRefusal(
            f"“{known.phrase}”", known.meaning, for_team(known.cure, host), for_team(known.brief, host)
        )
        for known in BROWSER_REFUSALS
    )
