"""Every member of the documents that a resource and an authorization server publish about themselves."""

from __future__ import annotations

from typing import Final

from authlens_core.explain.meaning import CIMD, CLOUDFLARE, DISCOVERY, Explanation, Members, table

# RFC 9728 §2, and what Cloudflare adds.
RESOURCE_MEMBERS: Final[Members] = {
    **table(
        "RFC 9728 §2",
        {
            "resource": "What the resource calls itself; it must cover the requested URL.",
            "authorization_servers": "The issuers whose tokens the resource accepts.",
            "jwks_uri": "Where the resource publishes its own public keys, for answers that it signs.",
            "scopes_supported": "Scopes that a client may ask for to use this resource.",
            "bearer_methods_supported": "How the token may be sent: in the header, a form body or the URL.",
            "resource_signing_alg_values_supported": "Algorithms with which the resource signs its answers.",
            "resource_name": "The human-readable name of the resource.",
            "resource_documentation": "A page for developers.",
            "resource_policy_uri": "A page on how a client may use the data.",
            "resource_tos_uri": "The terms of service.",
            "tls_client_certificate_bound_access_tokens": (
                "Whether tokens are bound to the client's TLS certificate, so that a stolen one is useless."
            ),
            "authorization_details_types_supported": "Kinds of fine-grained permission that it knows.",
            "dpop_signing_alg_values_supported": "Algorithms for proofs that a client holds its key (DPoP).",
            "dpop_bound_access_tokens_required": "Whether every token has to be bound to a key (DPoP).",
        },
    ),
    "signed_metadata": Explanation(
        "The same members as a signed JWT; it overrides the unsigned members.", "RFC 9728 §2.2"
    ),
    **table(
        CLOUDFLARE,
        {
            "protected": "Whether an Access application covers this path.",
            "team_domain": "The Cloudflare Access team where you log in.",
            "authentication_methods": "Ways to log in; oauth is listed when Managed OAuth is on.",
            "authentication_method": "The way to log in without OAuth; authentication_methods is newer.",
            "authentication_method_description": "How to use it, for people.",
            "authentication_method_documentation": "A page about it.",
        },
    ),
}
_ENDPOINTS: Final = table(
    "RFC 8414 §2",
    {
        "issuer": "The server's identifier; it must be exactly what the resource named.",
        "authorization_endpoint": "The page where the user signs in and consents.",
        "token_endpoint": "Where a code or a refresh token is exchanged for tokens.",
        "registration_endpoint": "Where a client registers and gets a client_id.",
        "revocation_endpoint": "Where a token is revoked.",
        "introspection_endpoint": "Where a resource asks whether a token is valid.",
        "jwks_uri": "The server's public keys, with which its signed tokens are verified.",
    },
)
_ABILITIES: Final = table(
    "RFC 8414 §2",
    {
        "scopes_supported": "Scopes that a client may ask for; the list need not be complete.",
        "response_types_supported": "What the sign-in page can send back; a login like this needs code.",
        "response_modes_supported": "How it is sent back; absent means query and fragment.",
        "grant_types_supported": "What can be exchanged for tokens; a login needs authorization_code.",
        "token_endpoint_auth_methods_supported": (
            "How a client authenticates at the token endpoint; none is for public clients like this one."
        ),
        "token_endpoint_auth_signing_alg_values_supported": (
            "Algorithms for clients that authenticate with a signature."
        ),
        "revocation_endpoint_auth_methods_supported": "How a client authenticates when it revokes a token.",
        "revocation_endpoint_auth_signing_alg_values_supported": "Algorithms for those signatures.",
        "introspection_endpoint_auth_methods_supported": (
            "How a resource authenticates at the introspection endpoint."
        ),
        "introspection_endpoint_auth_signing_alg_values_supported": "Algorithms for those signatures.",
        "code_challenge_methods_supported": "PKCE methods; S256 is needed, plain protects nothing.",
        "service_documentation": "A page for developers.",
        "ui_locales_supported": "Languages of its pages.",
        "op_policy_uri": "A page on how a client may use the data.",
        "op_tos_uri": "The terms of service.",
    },
)
_EXTENSIONS: Final = {
    "signed_metadata": Explanation(
        "The same members as a signed JWT; it overrides the unsigned members.", "RFC 8414 §2.1"
    ),
    "authorization_response_iss_parameter_supported": Explanation(
        "Whether the answer of the sign-in page names its server (iss), so that servers cannot be mixed up.",
        "RFC 9207 §3",
    ),
    **table(
        "RFC 9126 §5",
        {
            "pushed_authorization_request_endpoint": (
                "Where a client may push the parameters first, so that the link has only a reference."
            ),
            "require_pushed_authorization_requests": "Whether pushing them is required.",
        },
    ),
    "client_id_metadata_document_supported": Explanation(
        "Whether a URL may be the client_id: the server then reads the client's description there.", CIMD
    ),
    "device_authorization_endpoint": Explanation(
        "Where a device without a browser starts a login.", "RFC 8628 §4"
    ),
    "dpop_signing_alg_values_supported": Explanation(
        "Algorithms for proofs that a client holds its key (DPoP).", "RFC 9449 §5.1"
    ),
    "protected_resources": Explanation("Resources that this server is used by.", "RFC 9728 §4"),
    "authorization_details_types_supported": Explanation(
        "Kinds of fine-grained permission that it knows.", "RFC 9396 §10"
    ),
    "tls_client_certificate_bound_access_tokens": Explanation(
        "Whether it can bind tokens to the client's TLS certificate.", "RFC 8705 §3.3"
    ),
    "mtls_endpoint_aliases": Explanation(
        "Other endpoints for clients with a TLS certificate.", "RFC 8705 §5"
    ),
    "require_signed_request_object": Explanation(
        "Whether the parameters have to come as a signed JWT.", "RFC 9101 §10.5"
    ),
}
_OPENID: Final = {
    **table(
        DISCOVERY,
        {
            "userinfo_endpoint": "Where an access token returns facts about the user.",
            "subject_types_supported": "Whether each client gets a different identifier for the same user.",
            "id_token_signing_alg_values_supported": "Algorithms with which it signs id_tokens.",
            "claims_supported": "Facts about a user that it may return.",
            "acr_values_supported": "Strengths of sign-in that a client may ask for.",
            "display_values_supported": "Shapes of its pages.",
            "request_parameter_supported": "Whether parameters may come as a JWT in request.",
            "request_uri_parameter_supported": "Whether parameters may come as a JWT at a URL.",
            "claims_parameter_supported": "Whether a client may ask for single claims.",
        },
    ),
    "end_session_endpoint": Explanation(
        "Where a user is signed out.", "OpenID Connect RP-Initiated Logout §2.1"
    ),
    "prompt_values_supported": Explanation("What prompt may ask for.", "OpenID Connect Prompt Create §4.2"),
}

# RFC 8414 §2, its extensions, and the essentials of OpenID Connect Discovery.
SERVER_MEMBERS: Final[Members] = {**_OPENID, **_EXTENSIONS, **_ABILITIES, **_ENDPOINTS}
