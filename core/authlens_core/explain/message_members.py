"""Every member and parameter of the messages of a login: registration, authorization, tokens, revocation."""

from __future__ import annotations

from typing import Final

from authlens_core.explain.meaning import CLOUDFLARE, OPENID, Explanation, Members, table

# RFC 7591 §2 and §3.2.1: what a client says of itself, and what the server answers.
CLIENT_MEMBERS: Final[Members] = {
    **table(
        "RFC 7591 §2",
        {
            "redirect_uris": "The only addresses the server may send a code to.",
            "token_endpoint_auth_method": (
                "How the client authenticates at the token endpoint; none: it has no secret."
            ),
            "grant_types": "What the client may exchange for tokens.",
            "response_types": "What the client may request from the sign-in page.",
            "client_name": "The name shown on the consent page.",
            "client_uri": "A page about the client.",
            "logo_uri": "A picture for the consent page.",
            "scope": "Scopes that the client may ask for.",
            "contacts": "How to contact the client's developers.",
            "tos_uri": "The client's terms of service.",
            "policy_uri": "How the client uses the data.",
            "jwks_uri": "Where the client publishes its public keys.",
            "jwks": "The client's public keys.",
            "software_id": "Which software it is, the same for every installation.",
            "software_version": "The version of that software.",
        },
    ),
    "software_statement": Explanation(
        "Facts about the client in a JWT signed by a third party.", "RFC 7591 §2.3"
    ),
    **table(
        "RFC 7591 §3.2.1",
        {
            "client_id": "The server's identifier for the client; not a secret.",
            "client_secret": "The client's password; a program on your own machine cannot keep it secret.",
            "client_id_issued_at": "When the client was registered, in seconds since 1970.",
            "client_secret_expires_at": (
                "When the client's secret expires, in seconds since 1970; 0 is never."
            ),
        },
    ),
    **table(
        "RFC 7592 §3",
        {
            "registration_client_uri": "Where the registration can be read, changed and deleted.",
            "registration_access_token": "The credential for that; it is a secret.",
        },
    ),
    "application_type": Explanation(
        "native or web; native clients may use loopback addresses.", "OpenID Connect Registration §2"
    ),
    "resource": Explanation("The resource that the client is registered for.", CLOUDFLARE),
}

# RFC 6749 §5.1: a token answer.
TOKEN_MEMBERS: Final[Members] = {
    **table(
        "RFC 6749 §5.1",
        {
            "access_token": "The token for the resource; anyone who has it can use it.",
            "token_type": "How to send it; bearer means in the Authorization header, as it is.",
            "expires_in": "Lifetime in seconds, counted from the response.",
            "refresh_token": "Gets the next access token without a sign-in; valid for longer.",
            "scope": "What the token allows; absent means exactly what was asked for.",
        },
    ),
    "resource": Explanation("The resource that the token is for.", "RFC 8707 §2.2"),
    "id_token": Explanation(
        "Who signed in, as a signed JWT for this client; never sent to a resource.", f"{OPENID} §2"
    ),
    "issued_token_type": Explanation("The kind of token that the exchange returned.", "RFC 8693 §2.2.1"),
    "authorization_details": Explanation("Fine-grained permissions of the token.", "RFC 9396 §7"),
    "refresh_token_expires_in": Explanation("Lifetime of the refresh token in seconds.", "not standardised"),
}

# RFC 6749 §5.2, RFC 7591 §3.2.2, RFC 7009 §2.2.1 and RFC 6750 §3: refusals.
ERROR_MEMBERS: Final[Members] = {
    **table(
        "RFC 6749 §5.2",
        {
            "error": "The error code, from a fixed list.",
            "error_description": "The server's own words for developers; never evidence.",
            "error_uri": "A page about the error.",
        },
    ),
    "resource_metadata": Explanation("Where the metadata of the resource is.", "RFC 9728 §5.1"),
    "scope": Explanation("The scope that the resource requires.", "RFC 6750 §3"),
    "state": Explanation("The state of the request, sent back unchanged.", "RFC 6749 §4.1.2.1"),
    "iss": Explanation("Which server answers.", "RFC 9207 §2"),
    **table(
        CLOUDFLARE,
        {
            "message": "Why Access refused.",
            "status_code": "The status of the response, repeated.",
            "aud": "The application that refused, by its audience tag (AUD).",
            "ray_id": "The number of the request; Cloudflare's support asks for it.",
        },
    ),
}

# RFC 6749 §4.1.1 and its extensions: the parameters of the link.
AUTHORIZATION_PARAMETERS: Final[Members] = {
    "response_type": Explanation("What to return: code, to be exchanged for tokens.", "RFC 6749 §3.1.1"),
    "client_id": Explanation("The client that asks.", "RFC 6749 §2.2"),
    "redirect_uri": Explanation(
        "Where the browser returns with the code; it must be registered.", "RFC 6749 §3.1.2"
    ),
    "scope": Explanation("The scope that the client asks for.", "RFC 6749 §3.3"),
    "state": Explanation("A random value that must come back with the code.", "RFC 6749 §10.12"),
    "code_challenge": Explanation("The SHA-256 of the code_verifier, which stays here.", "RFC 7636 §4.3"),
    "code_challenge_method": Explanation("How it was computed; only S256 protects.", "RFC 7636 §4.3"),
    "resource": Explanation("Which resource the token is meant for.", "RFC 8707 §2.1"),
    "response_mode": Explanation("How the answer is sent back.", "OAuth 2.0 Multiple Response Types §2.1"),
    "request": Explanation("The parameters as a signed JWT.", "RFC 9101 §5"),
    "request_uri": Explanation("A reference to parameters that were pushed earlier.", "RFC 9126 §4"),
    "authorization_details": Explanation("Fine-grained permissions that are asked for.", "RFC 9396 §2"),
    "dpop_jkt": Explanation("The key that the code will be bound to.", "RFC 9449 §10"),
    **table(
        f"{OPENID} §3.1.2.1",
        {
            "prompt": "Whether the user must sign in (login) or consent again.",
            "nonce": "A random value that must be in the id_token.",
            "login_hint": "The expected account.",
            "max_age": "How many seconds ago the user may have signed in.",
            "acr_values": "How strong the sign-in must be.",
            "ui_locales": "Languages that the user prefers.",
            "display": "The shape of the page.",
            "id_token_hint": "An earlier id_token, for the expected account.",
        },
    ),
}

# RFC 6749 §4.1.2: what the browser brings back.
RESPONSE_PARAMETERS: Final[Members] = {
    "code": Explanation("Works once, for this client, and expires soon.", "RFC 6749 §4.1.2"),
    "state": Explanation(
        "Must match the state in the link, or the response belongs to another login.", "RFC 6749 §10.12"
    ),
    "iss": Explanation("The server that answers; it must be the one that was asked.", "RFC 9207 §2"),
}

# RFC 6749 §4.1.3 and §6, RFC 7636 §4.5, RFC 8707 §2.2: the form of a token request.
TOKEN_PARAMETERS: Final[Members] = {
    "grant_type": Explanation("What is exchanged for tokens.", "RFC 6749 §4.1.3"),
    "code": Explanation("The code from the callback; it works once.", "RFC 6749 §4.1.3"),
    "redirect_uri": Explanation("The same as in the link, or the code is refused.", "RFC 6749 §4.1.3"),
    "client_id": Explanation("The client that asks.", "RFC 6749 §3.2.1"),
    "code_verifier": Explanation(
        "Shows that the client that sends the code also started the login: its SHA-256 is the "
        "code_challenge.",
        "RFC 7636 §4.5",
    ),
    "refresh_token": Explanation("Gets the next access token.", "RFC 6749 §6"),
    "scope": Explanation("A part of the granted scope, if less is enough.", "RFC 6749 §6"),
    "resource": Explanation("Which resource the token is meant for, as in the link.", "RFC 8707 §2.2"),
    "client_secret": Explanation("The client's password.", "RFC 6749 §2.3.1"),
    "client_assertion": Explanation("A JWT that the client signed, instead of a password.", "RFC 7523 §2.2"),
    "client_assertion_type": Explanation("Which kind of assertion that is.", "RFC 7521 §4.2"),
    "subject_token": Explanation("The token that is exchanged for another.", "RFC 8693 §2.1"),
    "device_code": Explanation("The code of a device that waits for the user.", "RFC 8628 §3.4"),
}

# RFC 7009 §2.1: the form of a revocation.
REVOCATION_PARAMETERS: Final[Members] = {
    "token": Explanation(
        "The token to end; with a refresh token, servers end the whole grant.", "RFC 7009 §2.1"
    ),
    "token_type_hint": Explanation("Which kind it is, so that the server finds it faster.", "RFC 7009 §2.1"),
    "client_id": Explanation("The client; it can revoke only its own tokens.", "RFC 7009 §2.1"),
    "client_secret": Explanation("The client's password.", "RFC 6749 §2.3.1"),
}

# The redirect of Access to the login page of a team.
LOGIN_REDIRECT_PARAMETERS: Final[Members] = table(
    CLOUDFLARE,
    {
        "kid": "The application, by its audience tag (AUD).",
        "meta": "Details of this visit, as a JWT valid for five minutes.",
        "redirect_url": "Where the browser goes after the login.",
    },
)
