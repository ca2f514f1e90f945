"""Pushed authorization requests: the parameters go to the server, the browser gets a reference."""

import json

import pytest

from authlens_core.oauth.authorization import RepeatedParameter
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.pushed_authorization import (
    PushedAuthorization,
    pushed_authorization_request,
    pushed_authorization_url,
    read_pushed_authorization,
)
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Headers, Request, Response
from authlens_core.values.formats.form import FormRefused, decode_form
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url

ENDPOINT = parse_url("https://as.example/par")
PARAMETERS = (("response_type", "code"), ("client_id", "me"), ("state", Secret("st4te")), ("scope", ""))
GOOD = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"


def answer(status: int = 201, **document: object) -> Response:
    headers = Headers.of([("Content-Type", "application/json")])
    return Response(status, headers=headers, body=Body(json.dumps(document).encode()))


def form_of(request: Request) -> list[tuple[str, str]]:
    return sorted(decode_form(request.body.reveal().decode()))


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_the_client_is_named_once_whatever_its_authentication(method: str) -> None:
    """PAR-1: with HTTP Basic too, client_id is a parameter of the request."""
    secret = None if method == "none" else Secret("s3cret")
    request = pushed_authorization_request(ENDPOINT, Client("me", "x", method, secret), PARAMETERS)
    form = form_of(request)
    assert [value for name, value in form if name == "client_id"] == ["me"]
    assert ("state", "st4te") in form
    assert (request.headers.get("authorization") is not None) == (method == "client_secret_basic")
    assert "st4te" not in repr(request)


def test_a_request_uri_is_never_pushed() -> None:
    """PAR-1."""
    with pytest.raises(FormRefused, match="request_uri"):
        pushed_authorization_request(ENDPOINT, Client("me", "x"), [("request_uri", GOOD)])


def test_200_and_a_missing_lifetime_are_noticed_and_accepted() -> None:
    """PAR-2: servers do that, and nothing is less safe for it."""
    reading = read_pushed_authorization(answer(200, request_uri=GOOD))
    assert reading.value == PushedAuthorization(GOOD, None)
    notices = {check.name for check in reading.checks if check.severity is Severity.NOTICE}
    assert notices == {"pushed.status", "pushed.expires_in"}


@pytest.mark.parametrize("uri", [None, "", "no-scheme", "urn:", "a b:c", "urn:\x1b[2J", "x" * 2000, 7])
def test_a_reference_that_is_no_uri_is_refused(uri: object) -> None:
    """PAR-2."""
    assert read_pushed_authorization(answer(request_uri=uri, expires_in=60)).value is None


def test_a_refusal_is_told_with_the_servers_reason() -> None:
    """PAR-3: the same codes as at the authorization endpoint."""
    reading = read_pushed_authorization(answer(400, error="invalid_request", error_description="no st4te"))
    assert reading.value is None
    assert "invalid_request" in reading.checks[0].seen


def test_the_link_holds_only_client_and_reference() -> None:
    """PAR-4."""
    url = pushed_authorization_url("https://as.example/authorize?tenant=1", client_id="me", request_uri=GOOD)
    head, _, query = url.partition("?")
    assert head == "https://as.example/authorize"
    assert decode_form(query) == (("tenant", "1"), ("client_id", "me"), ("request_uri", GOOD))


def test_an_endpoint_that_brings_the_parameters_itself_is_refused() -> None:
    """PAR-4, GEN-6."""
    with pytest.raises(RepeatedParameter):
        pushed_authorization_url("https://as.example/a?client_id=you", client_id="me", request_uri=GOOD)
