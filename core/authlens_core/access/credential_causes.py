"""Causes where a service token or a token of Access itself was sent (Cloudflare, Service tokens)."""

from __future__ import annotations

from typing import Final

from authlens_core.access.cause import POLICIES, REPORTS, SERVICE_GUIDE, Cause
from authlens_core.access.credential import Credential
from authlens_core.access.protection import Protection
from authlens_core.oauth.check import CheckId

_TOKENS: Final = "Zero Trust → Access controls → Service credentials → Service Tokens"
_SERVICE_TOKEN: Final = frozenset({Credential.SERVICE_TOKEN})
_ADD_POLICY: Final = f"a policy with the action Service Auth and the selector Service Token: {POLICIES}"
_HEADERS: Final = "CF-Access-Client-Id and CF-Access-Client-Secret"

OTHER_CREDENTIALS: Final = (
    Cause(
        name="service_token_half",
        cause=(
            "Only half of the service token was sent: the id without the secret, or the secret without "
            "the id."
        ),
        cure=f"Send both {_HEADERS}.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_HALF}),
    ),
    Cause(
        name="service_token_twice",
        cause="The service token was sent twice: a header was repeated, or both header styles were used. "
        "In strict mode Access refuses that.",
        cure=f"Send {_HEADERS} once each, or only the single header.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_TWICE}),
    ),
    Cause(
        name="service_token_swapped",
        cause="The client id and the secret of the service token are swapped.",
        cure="Swap them: the client id is the one that ends with .access.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_SWAPPED}),
    ),
    Cause(
        name="service_auth_missing",
        cause="Access knows the service token but still shows the login page: no policy with the action "
        "Service Auth names it. An Allow policy is not enough.",
        cure=f"Ask the owner for {_ADD_POLICY}.",
        source=SERVICE_GUIDE,
        phrases=('"service_token_status": true',),
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name="service_token_unknown",
        cause="Access did not recognise the service token and shows the login page: it is unknown, "
        "expired or disabled, or its secret is wrong.",
        cure=f"Check id, secret and expiry: {_TOKENS}. Refresh an expired one there, or rotate it and store "
        f"the new secret. The application also needs {_ADD_POLICY}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name="service_token_not_authorised",
        cause="Access refuses the service token (403). In strict mode this means that the token is valid "
        "but no policy allows it. In an older organisation it may also be wrong, expired or "
        "disabled.",
        cure=f"Ask the owner for {_ADD_POLICY}. Then check id, secret and expiry: {_TOKENS}.",
        source=SERVICE_GUIDE,
        statuses=frozenset({403}),
        protections=frozenset({Protection.SERVICE_AUTH_ONLY}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name="service_token_ignored",
        cause="Access answered as if no service token had been sent. With Managed OAuth on, it does not "
        "say whether the token is wrong, expired, or missing from the policies.",
        cure=f"Ask the owner for {_ADD_POLICY}. Then check id, secret and expiry: {_TOKENS}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.OAUTH}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name="service_token_not_authenticated",
        cause="Access cannot authenticate the service token (401, strict mode): it is unknown, expired "
        "or disabled, its secret is wrong, or the pair was incomplete or repeated.",
        cure=f"Check id, secret and expiry: {_TOKENS}. Refresh an expired one there, or rotate it and store "
        "the new secret.",
        source=SERVICE_GUIDE,
        statuses=frozenset({401}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name="jwt_needs_allow_policy",
        cause="This application accepts only service tokens. A token that Access issued earlier (cookie "
        "or cf-access-token) does not replace them.",
        cure=f"Send {_HEADERS} with every request, or ask the owner for an Allow policy beside the Service "
        f"Auth one: {POLICIES}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.SERVICE_AUTH_ONLY}),
        credentials=frozenset({Credential.ACCESS_JWT}),
    ),
    Cause(
        name="jwt_refused",
        cause="Access asks for a new login although its own token was sent: it has expired, belongs to "
        "another application, or the application binds tokens to one browser (Binding Cookie).",
        cure="Log in again: authlens login --cloudflared URL. If a new token is refused too, ask the "
        "owner to turn the Binding Cookie off: Zero Trust → Access controls → Applications → (app) "
        "→ Advanced settings → Cookie settings.",
        source="Cloudflare, Authorization cookie",
        protections=frozenset({Protection.ACCESS_LOGIN, Protection.OAUTH}),
        credentials=frozenset({Credential.ACCESS_JWT}),
    ),
    Cause(
        name="jwt_as_bearer",
        cause="A JWT was sent as a bearer token, which Access does not accept: a bearer token of Managed "
        "OAuth starts with oauth:.",
        cure="Send the JWT in the header cf-access-token, or log in with authlens for a bearer token.",
        source=REPORTS,
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=frozenset({Credential.BEARER_JWT}),
    ),
)
