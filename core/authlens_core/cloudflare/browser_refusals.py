"""What Access shows in the browser and never sends back: the program in the terminal can only name it.

Source: reports of users of Cloudflare Access; its documentation has none of them. A login that meets such a
page waits until its time is over, so the user has to hear what each of them means.
"""

from __future__ import annotations

from typing import Final

from authlens_core.cloudflare.team import LOGOUT
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class BrowserRefusal:
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
