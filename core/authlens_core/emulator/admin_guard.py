"""Who may use the administration: programs of this machine, and no web page in a browser.

A page of another site can send simple requests here without asking (Fetch Standard, CORS-safelisted), and one
whose name is rebound to this machine counts as of the same origin. Both would steer a test, and the state
holds a service token.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

# What the server of the login listens on.
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
# Fetch Metadata §2.3: `none` is the user's own navigation. Without the field it is no browser, or an old one.
_OWN_SITES: Final = frozenset({"same-origin", "none"})
# A form of a page can send POST with three other media types (HTML §4.10.18.5), or with none.
_WITH_A_BODY: Final = frozenset({"POST", "PUT"})


def refusal(request: Request) -> JSONResponse | None:
    """Return the answer to a request that the administration does not take, or None for one that it takes."""
    hosts = request.headers.getlist("host")
    port = (request.scope.get("server") or ("", 0))[1]
    own = [f"{name}:{port}" for name in _NAMES]
    if len(hosts) != 1 or hosts[0].lower() not in own:
        return _refused(421, f"the administration is at http://{own[0]} and at no other name or port")
    origins, sites = request.headers.getlist("origin"), request.headers.getlist("sec-fetch-site")
    if [one for one in origins if one != f"http://{hosts[0].lower()}"] or not _OWN_SITES.issuperset(sites):
        return _refused(403, "a web page of another origin cannot use the administration")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in _WITH_A_BODY and media_type != "application/json":
        return _refused(415, "send Content-Type: application/json, also without a body")
    return None


def _refused(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)
