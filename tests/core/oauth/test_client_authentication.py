"""How a client says who it is: in one way at a time."""

import base64

import pytest
from msgspec.structs import replace

from authlens_core.oauth.client_adaptation import adapted
from authlens_core.oauth.client_authentication import (
    Client,
    form_request,
)
from authlens_core.values.exchange import Response
from authlens_core.values.formats.form import decode_form
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Need
from authlens_core.values.url import parse_url
from support.made_checks import present
from support.scripted_login import reply

REDIRECT = "http://localhost:8400/callback"


def _client(method: str, secret: str | None = None, client_id: str = "me") -> Client:
    return Client(client_id, REDIRECT, method, None if secret is None else Secret(secret))


def sent(client: Client, *pairs: tuple[str, str]) -> tuple[tuple[tuple[str, str], ...], str | None]:
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
    assert base64.b64decode(present(authorization).removeprefix("Basic ")) == b"a%3Ab:p%3Aw%2B%C3%A9"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_without_a_secret_can_only_name_itself(method: str) -> None:
    """TK-2."""
    assert sent(_client(method)) == ((("client_id", "me"),), None)


def test_an_unknown_method_is_refused() -> None:
    """Nothing is sent in a form that the server did not register."""
    with pytest.raises(ValueError, match="method"):
        sent(_client("private_key_jwt"))


def test_no_representation_shows_a_secret() -> None:
    client = _client("client_secret_basic", "s3cret")
    request = form_request(parse_url("https://as.example/t"), client, [("token", Secret("t0ken"))])
    encoded = base64.b64encode(b"me:s3cret").decode()
    for shown in (repr(client), repr(request), repr(request.headers)):
        assert "s3cret" not in shown
        assert "t0ken" not in shown
        assert encoded not in shown


PUBLIC = _client("none")
BASIC = _client("client_secret_basic", "p+q/%")


def _refusal(status: int, error: str | None, description: str = "") -> Response:
    document = {} if error is None else {"error": error, "error_description": description}
    return reply(status, document)


@pytest.mark.parametrize(
    ("client", "refusal", "needs"),
    [
        (PUBLIC, _refusal(400, "invalid_request", "client_secret: Field required"), [Need.EMPTY_SECRET]),
        (PUBLIC, _refusal(400, "invalid_request", "token: Field required"), None),
        (PUBLIC, _refusal(503, "invalid_request", "client_secret: Field required"), None),
        (BASIC, _refusal(400, "invalid_request", "client_secret: Field required"), None),
        (BASIC, _refusal(400, "invalid_request", "client_id is missing"), [Need.CLIENT_ID]),
        (BASIC, _refusal(401, "invalid_client"), [Need.RAW_BASIC]),
        (BASIC, _refusal(401, None), [Need.RAW_BASIC]),
        (BASIC, _refusal(400, "invalid_grant"), None),
        (_client("client_secret_basic", "plain"), _refusal(401, "invalid_client"), None),
        (_client("client_secret_basic", "p+q", "a:b"), _refusal(401, "invalid_client"), None),
        (replace(BASIC, needs=(Need.RAW_BASIC,)), _refusal(401, "invalid_client"), None),
    ],
)
def test_a_refusal_says_what_the_server_needs_besides(
    client: Client, refusal: Response, needs: list[Need] | None
) -> None:
    """Issue 23, 13: each difference once; a refusal of something else changes nothing."""
    other = adapted(client, refusal)
    assert (None if other is None else list(other.needs)) == needs


@pytest.mark.parametrize(
    "said",
    [
        "AADSTS90014: The required field 'scope' is missing from the credential.",
        "AADSTS900144: The request body must contain the following parameter: 'scope'.",
    ],
)
def test_only_a_refresh_is_sent_again_with_scope(said: str) -> None:
    """Issue 23, 3; RFC 6749 §6: what was granted, and nothing where that is not known."""
    refusal = _refusal(400, "invalid_request", said)
    other = present(adapted(PUBLIC, refusal, scope="read"))
    assert other.needs == (Need.SCOPE,)
    assert adapted(PUBLIC, refusal) is None


@pytest.mark.parametrize(
    ("methods", "method"),
    [(("client_secret_post",), "client_secret_post"), ((), "client_secret_basic")],
)
def test_a_confidential_client_that_none_was_asked_for_uses_its_secret(
    methods: tuple[str, ...], method: str
) -> None:
    """Issue 23, 7: the server gave a secret, and refuses the client without it."""
    other = present(adapted(_client("none", "given"), _refusal(401, "invalid_client"), methods=methods))
    assert other.token_endpoint_auth_method == method


def test_basic_without_the_form_encoding_has_the_characters_themselves() -> None:
    """Issue 23, 13: for servers that do not decode."""
    _, authorization = sent(replace(BASIC, needs=(Need.RAW_BASIC,)))
    assert base64.b64decode(present(authorization).removeprefix("Basic ")) == b"me:p+q/%"


def test_the_empty_secret_is_a_field_of_the_form() -> None:
    """RFC 6749 §2.3: the field is there and has no value."""
    request = form_request(
        parse_url("https://as.example/revoke"),
        replace(PUBLIC, needs=(Need.EMPTY_SECRET,)),
        [("token", "t")],
    )
    assert request.body.reveal() == b"token=t&client_id=me&client_secret="
