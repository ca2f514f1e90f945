"""The device authorization grant (RFC 8628): log in with a browser on another device.

The client shows a URL and a short code and polls the token endpoint until the user has entered the code. When
the next request may be sent is a value (`DevicePolling`), so the caller only sleeps and sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.values.check import Check, CheckId, ErrorCode, Reading, Severity, requirement
from authlens_core.values.exchange import Request, Response
from authlens_core.values.formats.duration import MISSING, parse_expires_in, retry_after
from authlens_core.values.formats.error_response import error_of, is_usable, members_of, read_answer
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, UrlRefused, parse_url, same_site, usable_url

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
LONGEST_LOGIN: Final = 3_600  # seconds; a code that lives longer is polled for no longer
_SPEC: Final = "RFC 8628 §3.2"
_DEFAULT_INTERVAL: Final = 5  # seconds, if the server names none (§3.2)
# Seconds; a server that asks for more would let the code expire.
_LONGEST_INTERVAL: Final = 300
_SLOWER: Final = 5  # seconds that slow_down adds, for this and all later requests (§3.5)
_LAST: Final = 1.0  # seconds before the codes expire: the last request has to arrive while they are valid
_CODE_LIMIT: Final = 8 * 1024  # characters
# Characters; more is not typed on another device.
_USER_CODE_LIMIT: Final = 64


class DeviceAuthorization(Struct, frozen=True):
    """The response of the device authorization endpoint.

    Attributes:
        user_code: what the user enters; letters, digits, dashes and spaces, at most 64 characters.
        verification_uri_complete: the same page with the code filled in, for a QR code; None if there is none
            on the same origin.
        expires_in: seconds until both codes expire, at most an hour.
        interval: seconds between two requests to the token endpoint.
    """

    device_code: Secret
    user_code: str
    verification_uri: Url
    verification_uri_complete: Url | None
    expires_in: int
    interval: int


def device_authorization_request(
    endpoint: Url, client: Client, *, scope: str | None, resource: str | None, audience: str | None = None
) -> Request:
    """Return the request that starts a login (§3.1), authenticated as the client was registered."""
    pairs = [("scope", scope or ""), ("resource", resource or ""), ("audience", audience or "")]
    # RFC 8628 §3.1 has it in the request, and many servers look for it there alone.
    return form_request(endpoint, client, pairs, names_client=True)


def device_token_request(
    token_endpoint: Url, client: Client, *, device_code: Secret, resource: str | None
) -> Request:
    """Return the request that asks whether the user has finished (§3.4)."""
    return form_request(
        token_endpoint,
        client,
        [("grant_type", GRANT_TYPE), ("device_code", device_code), ("resource", resource or "")],
        names_client=True,
    )


def read_device_authorization(response: Response, *, loopback_http: bool) -> Reading[DeviceAuthorization]:
    """Read the response of the device authorization endpoint; every problem is reported."""
    answer = read_answer(response, stage="device", spec=_SPEC)
    if answer.value is None:
        return Reading(None, answer.checks)
    document = answer.value
    device_code, user_code = document.get("device_code"), document.get("user_code")
    page, page_check = _verification_uri(document, loopback_http=loopback_http)
    complete, complete_checks = _complete_uri(document, page, loopback_http=loopback_http)
    expires_in, expiry_check = _expires_in(document)
    interval, interval_check = _interval(document)
    checks = (
        *answer.checks,
        _text_check("device_code", device_code, _CODE_LIMIT),
        _user_code_check(user_code),
        page_check,
        *complete_checks,
        expiry_check,
        interval_check,
    )
    if page is None or not is_usable(checks):
        return Reading(None, checks)
    value = DeviceAuthorization(
        Secret(str(device_code)),
        str(user_code),
        page,
        verification_uri_complete=complete,
        expires_in=expires_in,
        interval=interval,
    )
    return Reading(value, checks)


def _text_check(name: str, value: JsonValue, limit: int) -> Check:
    check = requirement(f"device.{name}", "device.text", limit=limit, member=name)
    if isinstance(value, str) and 0 < len(value) <= limit and value.isprintable():
        return check.passed(f"{len(value)} characters")
    return check.failed("missing" if value is None else "malformed")


def _user_code_check(value: JsonValue) -> Check:
    check = _text_check("user_code", value, _USER_CODE_LIMIT)
    # RFC 8628 §6.1 suggests letters without vowels; servers use digits and dashes too. An address in it would
    # be that of another page, past the check of its site.
    characters = str(value).replace("-", "").replace("_", "").replace(" ", "")
    if check.severity is Severity.FAILURE or characters.isalnum():
        return check
    return requirement("device.user_code").failed("another character")


def _verification_uri(document: Mapping[str, JsonValue], *, loopback_http: bool) -> tuple[Url | None, Check]:
    check = requirement("device.verification_uri")
    value = document.get("verification_uri")
    old = value is None
    if old:
        value = document.get("verification_url")  # the name in the drafts, which some servers kept
    if not isinstance(value, str):
        return None, check.failed("missing", "missing")
    try:
        page = parse_url(value, loopback_http=loopback_http)
    except UrlRefused as refused:
        return None, check.failed(f"{value}: {refused}", "invalid")
    if old:
        return page, check.noticed(f"{page.origin}, in the draft's member verification_url")
    # Not the whole page: it may hold the code, which is shown only once its site is known to be right.
    return page, check.passed(page.origin)


def page_site_check(page: Url, server: Url) -> Check:
    """Return whether the page to enter the code on is on the site of `server`, which gives the tokens.

    A hostile server can start a login at an honest one and relay its code and page: a user who enters it
    there gives the attacker access. Its own metadata is in order, so only the page tells.
    """
    check = requirement(CheckId.DEVICE_PAGE_SITE, page=page.authority, server=server.authority)
    if same_site(page, server):
        return check.passed(page.authority)
    return check.failed(
        f"page on {page.authority}, token endpoint on {server.authority}",
        cure=f"Continue only if you started this login, and {page.authority} and {server.authority} belong "
        "to the same owner.",
        overridable=True,
        host=page.host,
    )


def _complete_uri(
    document: Mapping[str, JsonValue], page: Url | None, *, loopback_http: bool
) -> tuple[Url | None, tuple[Check, ...]]:
    value = document.get("verification_uri_complete")
    if value is None or page is None:
        return None, ()
    check = requirement("device.verification_uri_complete")
    complete = usable_url(value, loopback_http=loopback_http) if isinstance(value, str) else None
    if complete is not None and complete.origin == page.origin:
        return complete, (check.passed(complete.origin),)
    actual = f"{complete.origin}; ignored" if complete is not None else "no valid URL; ignored"
    return None, (check.warned(actual),)


def _expires_in(document: Mapping[str, JsonValue]) -> tuple[int, Check]:
    check = requirement("device.expires_in")
    lifetime = parse_expires_in(document.get("expires_in", MISSING))
    if not lifetime.seconds:
        return 0, check.failed(lifetime.note or "missing")
    if lifetime.seconds > LONGEST_LOGIN:
        return LONGEST_LOGIN, check.noticed(f"{lifetime.seconds}; authlens waits at most an hour")
    return lifetime.seconds, check.passed(str(lifetime.seconds))


def _interval(document: Mapping[str, JsonValue]) -> tuple[int, Check]:
    check = requirement("device.interval", longest=_LONGEST_INTERVAL)
    value = document.get("interval")
    if value is None:
        return _DEFAULT_INTERVAL, check.passed(f"none: {_DEFAULT_INTERVAL} seconds")
    seconds = parse_expires_in(value).seconds
    if seconds and seconds <= _LONGEST_INTERVAL:
        return seconds, check.passed(str(seconds))
    substitute = _LONGEST_INTERVAL if seconds else _DEFAULT_INTERVAL
    return substitute, check.noticed(f"{value}, treated as {substitute}"[:200])


class PollResult(StrEnum):
    """What one response of the token endpoint says about the login (§3.5)."""

    TOKENS = "tokens"
    PENDING = "pending"
    SLOW_DOWN = "slow down"
    DENIED = "denied"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        return self not in (PollResult.PENDING, PollResult.SLOW_DOWN, PollResult.UNAVAILABLE)


_ERRORS: Final[Mapping[str, PollResult]] = {
    ErrorCode.AUTHORIZATION_PENDING: PollResult.PENDING,
    ErrorCode.SLOW_DOWN: PollResult.SLOW_DOWN,
    ErrorCode.ACCESS_DENIED: PollResult.DENIED,
    ErrorCode.EXPIRED_TOKEN: PollResult.EXPIRED,
}


def poll_result(response: Response | None) -> PollResult:
    """Return what a response to `device_token_request` says; None is a connection that failed or timed out.

    With TOKENS the response is read like that of any other grant. A code that no specification names is
    REFUSED: it ends the login.
    """
    # RFC 8628 §3.5: a timeout says nothing about the login, so polling goes on, only slower.
    if response is None or response.status == 429 or response.status >= 500:
        return PollResult.UNAVAILABLE
    # GitHub sends its errors with 200, "authorization_pending" too: only a document without one has tokens.
    error = error_of(members_of(response), response.status)
    if error is not None:
        return _ERRORS.get(error.error, PollResult.REFUSED)
    return PollResult.TOKENS if 200 <= response.status < 300 else PollResult.REFUSED


class DevicePolling(Struct, frozen=True):
    """When the token endpoint may be asked next; all times are seconds of one monotonic clock.

    Attributes:
        interval: seconds between two requests, as the server has asked for them so far.
        expires_at: when the codes expire, or the wait is over; no request is sent from then on.
    """

    interval: float
    next_at: float
    expires_at: float

    @classmethod
    def start(cls, interval: float, now: float, expires_at: float) -> DevicePolling:
        """Start polling; `now` is when the codes arrived, and `expires_at` when the wait for them is over."""
        # The interval is between two requests (§3.2): the first comes sooner where the codes live no longer.
        first = now + max(0, min(interval, expires_at - now - _LAST))
        return cls(interval, _planned(first, interval, expires_at), expires_at)

    def wait(self, now: float) -> float | None:
        """Return the seconds until the next request, or None when the codes expire before it."""
        # A machine that slept through the end wakes up here: one more request would be refused as expired.
        if max(now, self.next_at) >= self.expires_at:
            return None
        return max(0.0, self.next_at - now)

    def after(self, result: PollResult, now: float, response: Response | None = None) -> DevicePolling:
        """Return the polling after a response that was not final and arrived at `now`.

        slow_down adds five seconds for good. After a failed connection or a server error the interval doubles
        (§3.5), and Retry-After is honoured.
        """
        interval = self.interval
        if result is PollResult.SLOW_DOWN:
            interval += _SLOWER
        elif result is PollResult.UNAVAILABLE:
            # RFC 8628 §3.5 recommends exponential backoff after a timeout; never less than the interval
            # before.
            interval = min(interval * 2, max(interval, _LONGEST_INTERVAL))
        delay = retry_after(response, None) if response is not None else None
        next_at = _planned(now + max(interval, delay or 0), interval, self.expires_at)
        return replace(self, interval=interval, next_at=next_at)


def _planned(earliest: float, interval: float, expires_at: float) -> float:
    """Return when to send a request that may be sent from `earliest` on.

    The server must not be asked sooner than the interval says. Where no other request fits in behind this
    one, it waits until shortly before the end: a code that is entered in the last interval counts, too.
    """
    last = expires_at - _LAST
    # The request after this one would come too late, so this one waits for the last moment instead.
    return last if earliest <= last < earliest + interval else earliest
