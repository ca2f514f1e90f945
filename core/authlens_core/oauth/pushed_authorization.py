"""Pushed authorization requests (RFC 9126): send the parameters to the server, then open a short link."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from authlens_core.oauth.authorization import link_to, url_parameters
from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.values.check import Check, Reading, Severity, requirement
from authlens_core.values.exchange import Request, Response, is_visible
from authlens_core.values.formats.duration import MISSING, parse_expires_in
from authlens_core.values.formats.error_response import is_usable, read_answer
from authlens_core.values.formats.form import FormPair, FormRefused
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.url import Url

_SPEC: Final = "RFC 9126 §2.2"
_URI_LIMIT: Final = 1_024  # characters


class PushedAuthorization(Struct, frozen=True):
    """What a pushed request returned.

    Attributes:
        request_uri: the reference to it, printable ASCII; good for one authorization.
        expires_in: seconds until the reference expires; None if the server did not say.
    """

    request_uri: str
    expires_in: int | None


def pushed_authorization_request(endpoint: Url, client: Client, parameters: Iterable[FormPair]) -> Request:
    """Return the request that pushes the parameters of an authorization request (§2.1).

    Raises:
        FormRefused: `request_uri` is among the parameters, or a name would be sent twice.
    """
    pairs = [(name, value) for name, value in parameters if name != "client_id"]
    if any(name == "request_uri" for name, _ in pairs):
        raise FormRefused("request_uri may not be pushed (RFC 9126 §2.1)")
    return form_request(endpoint, client, pairs, names_client=True)


def read_pushed_authorization(response: Response) -> Reading[PushedAuthorization]:
    """Read the response of the pushed authorization request endpoint."""
    answer = read_answer(response, stage="pushed", spec=_SPEC, expected=201, tolerated=200)
    if answer.value is None:
        return Reading(None, answer.checks)
    request_uri = answer.value.get("request_uri")
    lifetime = parse_expires_in(answer.value.get("expires_in", MISSING))
    checks = (*answer.checks, _request_uri_check(request_uri), _expiry_check(lifetime.seconds, lifetime.note))
    if not is_usable(checks):
        return Reading(None, checks)
    return Reading(PushedAuthorization(str(request_uri), lifetime.seconds), checks)


def pushed_authorization_url(endpoint: str, *, client_id: str, request_uri: str) -> str:
    """Return the URL that the browser opens (§4).

    Raises:
        RepeatedParameter: the endpoint's own query has one of the two parameters.
    """
    return link_to(endpoint, [("client_id", client_id), ("request_uri", request_uri)])


def refers_to_pushed(url: str) -> bool:
    """Return whether an authorization URL refers to a pushed request instead of carrying the parameters."""
    return any(name == "request_uri" for name, _ in url_parameters(url))


def _request_uri_check(value: JsonValue) -> Check:
    check = requirement("pushed.request_uri", limit=_URI_LIMIT)
    if isinstance(value, str) and len(value) <= _URI_LIMIT and is_visible(value):
        scheme, colon, remainder = value.partition(":")
        if colon and remainder and scheme[:1].isalpha():
            return check.passed(value)
    return check.failed("missing" if value is None else "malformed")


def _expiry_check(seconds: int | None, note: str) -> Check:
    check = requirement("pushed.expires_in")
    if seconds:
        return check.passed(str(seconds))
    severity = Severity.FAILURE if seconds == 0 else Severity.NOTICE
    return check.judged(severity, note or "missing", "not_positive")
