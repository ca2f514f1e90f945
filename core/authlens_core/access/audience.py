"""Which application of Access answered: its AUD, as an answer to a request without a credential names it.

The redirect to the login page has it as `kid`, a refusal as `cf-access-aud`. Neither is signed: they name the
application of a host that is trusted already, and make no host trustworthy.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from authlens_core.access.team import LOGIN_PATH
from authlens_core.oauth.http_message import Headers, Request, Response
from authlens_core.oauth.url import Url, UrlRefused, parse_url
from authlens_core.quick_dataclass import dataclass

_LONGEST: Final = 16 * 1024  # characters of a URL that are looked at


@dataclass(frozen=True, slots=True)
class NamedApplication:
    """The application that an answer names.

    Attributes:
        team: the host of the login page; empty where the answer does not lead there.
    """

    audience: str
    team: str = ""


def naming_request(url: Url) -> Request:
    """Return a request without a credential, as a browser sends it.

    An application with Managed OAuth answers a program with a Bearer challenge, which has no AUD in it.
    """
    return Request("GET", url.text, Headers.of([("Accept", "text/html")]))


def application_named_in(response: Response) -> NamedApplication | None:
    if 300 <= response.status < 400:
        location = response.headers.get("location") or ""
        place, _, query = location[:_LONGEST].partition("#")[0].partition("?")
        try:
            target = parse_url(place, loopback_http=True)
            named = parse_qs(query, max_num_fields=50).get("kid", [])
        except (UrlRefused, ValueError):
            return None
        is_login = target.path.startswith(f"{LOGIN_PATH}/") and len(named) == 1
        return NamedApplication(named[0], target.host) if is_login else None
    named = list(response.headers.get_all("cf-access-aud"))
    return NamedApplication(named[0].strip()) if response.status in (401, 403) and len(named) == 1 else None
