"""How a client says who it is: in one way at a time."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from authlens_core.oauth.client_authentication import (
    Client,
    form_request,
    wants_empty_secret,
    with_empty_secret,
)
from authlens_core.oauth.formats.form import decode_form
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url

REDIRECT = "http://localhost:8400/callback"


def _client(method: str, secret: str | None = None, client_id: str = "me") -> Client:
    return Client(client_id, REDIRECT, method, None if secret is None else Secret(secret))


def sent(client: Client, *pairs: tuple[str, str]) -> tuple[tuple[tuple[str, str], ...], str | None]:
    """Return the form that a client sends with these pairs, and its Authorization field."""
    request = form_request(parse_url("https://as.example/t"), client, pairs)
    return decode_form(request.body.reveal().decode()), request.headers.get("authorization")


def test_a_public_client_names_itself_in_the_body_only() -> None:
    """TK-2: client_id in the body, and no Authorization header."""
    assert sent(_client("none"), ("a", "1")) == ((("a", "1"), ("client_id", "me")), None)


def test_a_public_client_does_not_send_a_secret_it_was_given() -> None:
    """TK-2, H054: the method that was registered decides."""
    assert sent(_client("none", "s3cret")) == ((("client_id", "me"),), None)


def test_basic_authentication_is_in_the_header_only() -> None:
    """TK-2, H054: never in both places."""
    pairs, authorization = sent(_client("client_secret_basic", "s3cret"), ("a", "1"))
    assert pairs == (("a", "1"),)
    assert authorization == "Basic " + base64.b64encode(b"me:s3cret").decode()


def test_post_authentication_is_in_the_body_only() -> None:
    """TK-2."""
    pairs, authorization = sent(_client("client_secret_post", "s3cret"))
    assert pairs == (("client_id", "me"), ("client_secret", "s3cret"))
    assert authorization is None


def test_the_halves_of_basic_are_form_encoded() -> None:
    """RFC 6749 §2.3.1: a colon in the id does not move into the secret."""
    _, authorization = sent(_client("client_secret_basic", "p:w+é", "a:b"))
    assert authorization is not None
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"a%3Ab:p%3Aw%2B%C3%A9"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_without_a_secret_can_only_name_itself(method: str) -> None:
    """TK-2."""
    assert sent(_client(method)) == ((("client_id", "me"),), None)


def test_an_unknown_method_is_refused() -> None:
    """Nothing is sent in a form that the server did not register."""
    with pytest.raises(ValueError, match="method"):
        sent(_client("private_key_jwt"))


def test_a_form_request_is_a_post_that_asks_for_json() -> None:
    """TK-1, AS-8: the endpoint's query stays in the URL."""
    request = form_request(parse_url("https://as.example/t?x=1"), _client("none"), [("a", "1")])
    assert (request.method, request.url) == ("POST", "https://as.example/t?x=1")
    assert request.headers.get("accept") == "application/json"
    assert request.headers.get("content-type") == "application/x-www-form-urlencoded"
    assert request.headers.get("authorization") is None
    assert decode_form(request.body.reveal().decode()) == (("a", "1"), ("client_id", "me"))


def test_no_representation_shows_a_secret() -> None:
    """Nothing that a log or a traceback prints gives it away."""
    client = _client("client_secret_basic", "s3cret")
    request = form_request(parse_url("https://as.example/t"), client, [("token", Secret("t0ken"))])
    encoded = base64.b64encode(b"me:s3cret").decode()
    for shown in (repr(client), repr(request), repr(request.headers)):
        assert "s3cret" not in shown
        assert "t0ken" not in shown
        assert encoded not in shown


def test_an_empty_secret_is_sent_only_to_a_server_that_asks_for_the_field() -> None:
    """Design §9: some servers want an empty client_secret, some refuse one."""
    public = Client(client_id="c", redirect_uri="http://localhost:8400/callback")
    confidential = replace(public, token_endpoint_auth_method="client_secret_post", client_secret=Secret("s"))

    assert wants_empty_secret(public, 400, "client_secret: Field required")
    assert not wants_empty_secret(public, 400, "token: Field required")
    assert not wants_empty_secret(public, 503, "client_secret: Field required")
    assert not wants_empty_secret(confidential, 400, "client_secret: Field required")


def test_the_empty_secret_is_added_to_the_form_and_changes_nothing_else() -> None:
    """RFC 6749 §2.3: the field is there and has no value."""
    request = Request("POST", "https://as.example/revoke", Headers.of([("A", "b")]), Body(b"token=t"))

    again = with_empty_secret(request)

    assert again.body.reveal() == b"token=t&client_secret="
    assert (again.method, again.url, again.headers) == (request.method, request.url, request.headers)
