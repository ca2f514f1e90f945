"""The client, and how it says who it is at the token and revocation endpoints (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote_plus

from msgspec import Struct

from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Headers, Request
from authlens_core.values.formats.form import FormPair, encode_form
from authlens_core.values.secret import Body, Secret
from authlens_core.values.stage import AUTH_METHODS, Need
from authlens_core.values.url import Url

PRIVATE_KEY_JWT: Final = "private_key_jwt"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Client(Struct, frozen=True):
    """A client as an authorization server knows it (RFC 7591 §3.2.1).

    Attributes:
        client_id: the identifier, unique at one issuer only.
        redirect_uri: where codes are sent, byte for byte as it was registered.
        token_endpoint_auth_method: one of `AUTH_METHODS`, or `PRIVATE_KEY_JWT` with a key that the user gave.
        client_secret: None for a public client.
        client_secret_expires_at: seconds since the epoch; 0 is never, None is not stated.
        registration_client_uri: where the registration can be managed (RFC 7592), or None.
        registration_access_token: the token for that place only, or None.
        scope: what the client may ask for, space-separated, or None.
        issued_at: seconds since the epoch, or None.
        needs: what its server wants besides, as its refusals said.
        unanswered: how many logins with it in a row got no answer from the browser. After the first, a new
            client is registered instead; that starts with two, because the next one is not to blame.
        client_key: the private key of `private_key_jwt`; its owner registered the public one.
        assertion: one that was signed for the request at hand.
    """

    client_id: str
    redirect_uri: str
    token_endpoint_auth_method: str = "none"  # noqa: S105 - a method, not a password
    client_secret: Secret | None = None
    client_secret_expires_at: int | None = None
    registration_client_uri: str | None = None
    registration_access_token: Secret | None = None
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: str | None = None
    issued_at: int | None = None
    needs: tuple[Need, ...] = ()
    unanswered: int = 0
    client_key: Secret | None = None
    assertion: Secret | None = None

    @property
    def authenticates(self) -> bool:
        """Whether it proves who it is with its secret."""
        return self.token_endpoint_auth_method != "none" and self.client_secret is not None  # noqa: S105

    @property
    def sends_basic(self) -> bool:
        return self.authenticates and self.token_endpoint_auth_method == "client_secret_basic"  # noqa: S105

    @property
    def other_auth_method(self) -> str | None:
        """Another method of a client with a secret; None for one with a key."""
        _, basic, post = AUTH_METHODS
        if self.token_endpoint_auth_method not in AUTH_METHODS:
            return None
        return post if self.sends_basic else basic


def form_request(
    endpoint: Url, client: Client, form_pairs: Iterable[FormPair], *, names_client: bool = False
) -> Request:
    """Return the form request of `client` to `endpoint`, with never more than one kind of authentication.

    A public client names itself in the body. A client with a secret uses the method it was registered with;
    without a secret it can only name itself.

    Args:
        names_client: whether its id is a parameter of the request too, which Basic leaves out of the body.

    Raises:
        ValueError: the client was registered with a method that is not one of `AUTH_METHODS`.
    """
    pairs = list(form_pairs)
    fields = [("Accept", JSON_TYPE), ("Content-Type", FORM_TYPE)]
    method, secret = client.token_endpoint_auth_method, client.client_secret
    proof = client.assertion if method == PRIVATE_KEY_JWT else None
    if method not in AUTH_METHODS and proof is None:
        raise ValueError("the client is registered with an authentication method that authlens does not have")
    if client.sends_basic:
        # Without the client_id in the body: RFC 6749 §2.3 forbids two ways at once, and strict servers count
        # it.
        fields.append(("Authorization", f"Basic {_basic(client)}"))
    # RFC 6749 §3.2.1: a client that does not authenticate sends its client_id, and any other may.
    if names_client or not client.sends_basic or Need.CLIENT_ID in client.needs:
        pairs.append(("client_id", client.client_id))
    if method == "client_secret_post" and secret is not None:
        pairs.append(("client_secret", secret))
    if proof is not None:
        pairs += [("client_assertion_type", _ASSERTION_TYPE), ("client_assertion", proof)]
    body = encode_form(pairs)
    if Need.EMPTY_SECRET in client.needs:
        # A pair without a value is left out of a form otherwise.
        # There is no secret to reveal, so appending text to the encoded form is safe.
        body = Body(body.reveal() + b"&client_secret=")
    return Request("POST", endpoint.text, Headers.of(fields), body)


def _basic(client: Client) -> str:
    """Return the credentials of Basic; their halves are form-encoded, so a colon in one splits nothing."""
    parts = halves(client)
    if Need.RAW_BASIC not in client.needs:
        # RFC 6749 §2.3.1 asks for it; plain Basic (RFC 7617) does not, hence the servers that decode nothing.
        parts = [quote_plus(half) for half in parts]
    return base64.b64encode(":".join(parts).encode()).decode("ascii")


def halves(client: Client) -> list[str]:
    """Return id and secret, as they are."""
    return [client.client_id, client.client_secret.reveal() if client.client_secret else ""]


def secret_method(methods: Sequence[str] | None) -> str:
    """Return the default of RFC 8414 §2, client_secret_basic, unless a server names only the other."""
    listed = methods or ()
    only_post = "client_secret_post" in listed and "client_secret_basic" not in listed
    return "client_secret_post" if only_post else "client_secret_basic"
