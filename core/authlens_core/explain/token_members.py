"""Every member of a JSON Web Token that a login is likely to meet, and of a set of keys."""

from __future__ import annotations

from typing import Final

from authlens_core.explain.meaning import CLOUDFLARE, OPENID, Explanation, Members, table

# RFC 7515 §4.1: the header.
JOSE_HEADER: Final[Members] = {
    "alg": Explanation("How it is signed.", "RFC 7515 §4.1.1"),
    "kid": Explanation("Which key of the set signed it.", "RFC 7515 §4.1.4"),
    "typ": Explanation("The type; at+jwt is an access token.", "RFC 7515 §4.1.9"),
    "cty": Explanation("The content type.", "RFC 7515 §4.1.10"),
    "crit": Explanation(
        "Extensions that a receiver must support, or else refuse the token.", "RFC 7515 §4.1.11"
    ),
    "jku": Explanation("Where the sender says its keys are; never trust it.", "RFC 7515 §4.1.2"),
    "jwk": Explanation("A key included by the sender; never trust it.", "RFC 7515 §4.1.3"),
    "x5u": Explanation("Where the sender says its certificate is.", "RFC 7515 §4.1.5"),
    "x5c": Explanation("The sender's certificate.", "RFC 7515 §4.1.6"),
    "x5t": Explanation("A fingerprint of the sender's certificate.", "RFC 7515 §4.1.7"),
    "enc": Explanation("How the content is encrypted.", "RFC 7516 §4.1.2"),
}
_REGISTERED: Final = {
    "iss": Explanation("Who issued it.", "RFC 7519 §4.1.1"),
    "sub": Explanation("Whom it is about.", "RFC 7519 §4.1.2"),
    "aud": Explanation("The intended recipients; all others must refuse it.", "RFC 7519 §4.1.3"),
    "exp": Explanation("When it expires.", "RFC 7519 §4.1.4"),
    "nbf": Explanation("When it becomes valid; refuse it before.", "RFC 7519 §4.1.5"),
    "iat": Explanation("When it was issued.", "RFC 7519 §4.1.6"),
    "jti": Explanation("Its unique id.", "RFC 7519 §4.1.7"),
    "cnf": Explanation("The key that the sender must show it holds.", "RFC 7800 §3.1"),
    "client_id": Explanation("The client that it was issued to.", "RFC 9068 §2.2"),
    "scope": Explanation("The scope.", "RFC 9068 §2.2.3"),
    "act": Explanation("Who acts for the user.", "RFC 8693 §4.1"),
}
_OPENID: Final = {
    **table(
        f"{OPENID} §2",
        {
            "auth_time": "When the user signed in.",
            "nonce": "The nonce of the link; ties it to this login.",
            "acr": "How strong the sign-in was.",
            "amr": "How the user signed in.",
            "azp": "The client that it was issued to.",
            "at_hash": "Ties it to the access token.",
        },
    ),
    **table(
        f"{OPENID} §5.1",
        {
            "email": "The user's e-mail address.",
            "email_verified": "Whether the server verified the e-mail address.",
            "name": "The user's name.",
            "preferred_username": "The user's preferred name.",
        },
    ),
}
_ACCESS: Final = table(
    CLOUDFLARE,
    {
        "type": "app: for one application; org: for the team; meta: about a visit that is not logged in.",
        "identity_nonce": "The key of the user's identity record at Access.",
        "country": "The country of the user's connection.",
        "common_name": "The client id of a service token, or the name in a client certificate.",
        "custom": "Claims from the identity provider that the application asked for.",
        "policy_id": "The policy that allowed the user.",
        "hostname": "The host that was asked for.",
        "redirect_url": "Where the browser goes after the login.",
        "service_token_status": "Whether a service token was recognised; false with one sent: it was not.",
        "service_token_id": "The service token that was recognised.",
        "is_warp": "Whether the visit came through WARP.",
        "is_gateway": "Whether the visit came through Gateway.",
        "auth_status": "How far the login got; NONE: no login.",
        "mtls_auth": "What Access knows of a client certificate.",
        "real_country": "The country that the visit came from.",
        "device_id": "The device, as WARP knows it.",
        "app_session_hash": "Ties it to the session of the application.",
        "auth_domain": "The team where you log in.",
    },
)

# RFC 7519 §4.1, RFC 9068, OpenID Connect, and what Access adds.
CLAIMS: Final[Members] = {**_ACCESS, **_OPENID, **_REGISTERED}

# RFC 9449 §4.2: header and claims of a proof.
DPOP_PROOF: Final[Members] = {
    **JOSE_HEADER,
    **table(
        "RFC 9449 §4.2",
        {
            "typ": "dpop+jwt: a proof that the client holds its key.",
            "jwk": "The public key; its thumbprint is the jkt that the token is bound to.",
            "jti": "The proof's own number: the server refuses it the second time.",
            "htm": "The method of this request.",
            "htu": "The URL of this request, without its query.",
            "iat": "When it was signed; it is good for a minute or so.",
            "ath": "The hash of the access token beside it.",
            "nonce": "The server's own value, so that no proof can be made in advance.",
        },
    ),
}

# RFC 7517 §5: a set of keys, and what Access adds.
KEY_SET_MEMBERS: Final[Members] = {
    "keys": Explanation("The public keys; each has a kid by which a token names it.", "RFC 7517 §5"),
    "public_cert": Explanation("The signing key as a certificate.", CLOUDFLARE),
    "public_certs": Explanation(
        "The signing keys as certificates; the older one is valid 7 days.", CLOUDFLARE
    ),
}
