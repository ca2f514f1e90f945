"""What a page means on which a sign-in ends in the browser, instead of the browser coming back."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.cloudflare.browser_refusals import BROWSER_REFUSALS, BrowserRefusal, refusal_on
from authlens_core.cloudflare.team import for_team


def page_meaning(page: str, host: str) -> BrowserRefusal | None:
    """Return what `page` means, or None if it is not a known one.

    Args:
        page: what the browser shows; text from outside.
        host: of the authorization server; a team's is named in the fix.
    """
    known = refusal_on(page)
    return None if known is None else replace(known, cure=for_team(known.cure, host))


def known_pages(host: str) -> tuple[BrowserRefusal, ...]:
    """Return the pages that are known to end a sign-in, with a team's `host` in each fix."""
    return tuple(
        replace(known, cure=for_team(known.cure, host), brief=for_team(known.brief, host))
        for known in BROWSER_REFUSALS
    )
