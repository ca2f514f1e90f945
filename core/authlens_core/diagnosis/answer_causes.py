"""Causes recognised by who answered, and to which credential: Access, the zone's security or the origin."""

from __future__ import annotations

from typing import Final

from authlens_core.cloudflare.credential import Credential
from authlens_core.diagnosis.cause import (
    AT_ACCESS,
    MANAGED_GUIDE,
    POLICIES,
    REPORTS,
    SERVICE_GUIDE,
    WITH_TOKEN,
    Cause,
    protected,
)
from authlens_core.diagnosis.protection import MANAGED_OAUTH, MEANINGS, Protection
from authlens_core.values.check import CheckId
from authlens_core.values.diagnosis import CauseId
from authlens_core.values.fix import again, fix, step
from authlens_core.values.stage import Stage

_BEFORE: Final = frozenset({Stage.DETECTION})
_DISCOVERY: Final = frozenset({Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA})
_ANY_RESOURCE: Final = _DISCOVERY | WITH_TOKEN
_FROM_A_TOOL: Final = (
    "If it was on before: Terraform and similar tools drop oauth_configuration when they update the "
    "application; name it there too."
)
# Of a service token or a token of Access itself (Cloudflare, Service tokens).
_TOKENS: Final = "Zero Trust → Access controls → Service credentials → Service Tokens"
_SERVICE_TOKEN: Final = frozenset({Credential.SERVICE_TOKEN})
_ADD_POLICY: Final = f"a policy with the action Service Auth and the selector Service Token: {POLICIES}"
_PERMISSION: Final = "Ask the owner of the service for permission; the login itself succeeded."
_HEADERS: Final = "CF-Access-Client-Id and CF-Access-Client-Secret"

AT_THE_EDGE: Final = (
    Cause(
        name=CauseId.BROWSER_INTEGRITY_CHECK,
        cause="Browser Integrity Check of the zone banned this client's User-Agent (error 1010). Access "
        "never saw the request; the login is not the cause.",
        cure="Ask the owner to turn it off for this host: Rules → Configuration Rules → Browser Integrity "
        "Check; or a WAF custom rule with the action Skip. Quote the CF-Ray.",
        source=REPORTS,
        phrases=("error 1010", "browser_signature_banned", "error code: 1010"),
        protections=frozenset({Protection.BLOCKED}),
    ),
    Cause(
        name=CauseId.WAF_BEFORE_ACCESS,
        cause="The zone's security answered before Access looked at the service token; the token is not "
        "the cause.",
        cure="Ask the owner for a WAF custom rule with the action Skip for this host and path, and for Super "
        "Bot Fight Mode and Browser Integrity Check too: Security → WAF → Custom rules. Quote the CF-Ray.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.BLOCKED}),
        credentials=frozenset({Credential.SERVICE_TOKEN}),
    ),
    Cause(
        name=CauseId.CHALLENGE_PAGE,
        cause="The zone requires a browser check (a challenge page), which a program cannot pass. Access "
        "never saw the request; the login is not the cause.",
        cure="Ask the owner for a WAF custom rule with the action Skip for this host, for Super Bot Fight "
        "Mode and Under Attack mode too: Security → WAF → Custom rules. Quote the CF-Ray.",
        source="Cloudflare, Challenges",
        phrases=("cf-mitigated: challenge",),
        protections=frozenset({Protection.BLOCKED}),
    ),
    protected(CauseId.ZONE_SECURITY, Protection.BLOCKED, "Cloudflare, WAF"),
    protected(
        CauseId.ACCESS_REQUIRED, Protection.REQUIRE_ACCESS_PROTECTION, "Cloudflare, Require Access protection"
    ),
    protected(CauseId.ORIGIN_DOWN, Protection.ORIGIN_DOWN, REPORTS),
)

OTHER_CREDENTIALS: Final = (
    Cause(
        name=CauseId.SERVICE_TOKEN_HALF,
        cause=(
            "Only half of the service token was sent: the id without the secret, or the secret without "
            "the id."
        ),
        cure=f"Send both {_HEADERS}.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_HALF}),
    ),
    Cause(
        name=CauseId.SERVICE_TOKEN_TWICE,
        cause="The service token was sent twice: a header was repeated, or both header styles were used. "
        "In strict mode Access refuses that.",
        cure=f"Send {_HEADERS} once each, or only the single header.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_TWICE}),
    ),
    Cause(
        name=CauseId.SERVICE_TOKEN_SWAPPED,
        cause="The client id and the secret of the service token are swapped.",
        cure="Swap them: the client id is the one that ends with .access.",
        source=SERVICE_GUIDE,
        checks=frozenset({CheckId.SERVICE_TOKEN_SWAPPED}),
    ),
    Cause(
        name=CauseId.SERVICE_AUTH_MISSING,
        cause="Access knows the service token but still shows the login page: no policy with the action "
        "Service Auth names it. An Allow policy is not enough.",
        cure=f"Ask the owner for {_ADD_POLICY}.",
        source=SERVICE_GUIDE,
        phrases=('"service_token_status": true',),
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name=CauseId.SERVICE_TOKEN_UNKNOWN,
        cause="Access did not recognise the service token and shows the login page: it is unknown, "
        "expired or disabled, or its secret is wrong.",
        cure=f"Check id, secret and expiry: {_TOKENS}. Refresh an expired one there, or rotate it and store "
        f"the new secret. The application also needs {_ADD_POLICY}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name=CauseId.SERVICE_TOKEN_NOT_AUTHORISED,
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
        name=CauseId.SERVICE_TOKEN_IGNORED,
        cause="Access answered as if no service token had been sent. With Managed OAuth on, it does not "
        "say whether the token is wrong, expired, or missing from the policies.",
        cure=f"Ask the owner for {_ADD_POLICY}. Then check id, secret and expiry: {_TOKENS}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.OAUTH}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name=CauseId.SERVICE_TOKEN_NOT_AUTHENTICATED,
        cause="Access cannot authenticate the service token (401, strict mode): it is unknown, expired "
        "or disabled, its secret is wrong, or the pair was incomplete or repeated.",
        cure=f"Check id, secret and expiry: {_TOKENS}. Refresh an expired one there, or rotate it and store "
        "the new secret.",
        source=SERVICE_GUIDE,
        statuses=frozenset({401}),
        credentials=_SERVICE_TOKEN,
    ),
    Cause(
        name=CauseId.JWT_NEEDS_ALLOW_POLICY,
        cause="This application accepts only service tokens. A token that Access issued earlier (cookie "
        "or cf-access-token) does not replace them.",
        cure=f"Send {_HEADERS} with every request, or ask the owner for an Allow policy beside the Service "
        f"Auth one: {POLICIES}.",
        source=SERVICE_GUIDE,
        protections=frozenset({Protection.SERVICE_AUTH_ONLY}),
        credentials=frozenset({Credential.ACCESS_JWT}),
    ),
    Cause(
        name=CauseId.JWT_REFUSED,
        cause="Access asks for a new login although its own token was sent: it has expired, belongs to "
        "another application, or the application binds tokens to one browser (Binding Cookie).",
        cure=fix(
            step("Log in again", "authlens login URL --cloudflared"),
            "If a new token is refused too, ask the owner to turn the Binding Cookie off: Zero Trust → "
            "Access controls → Applications → (app) → Advanced settings → Cookie settings.",
        ),
        source="Cloudflare, Authorization cookie",
        protections=frozenset({Protection.ACCESS_LOGIN, Protection.OAUTH}),
        credentials=frozenset({Credential.ACCESS_JWT}),
    ),
    Cause(
        name=CauseId.JWT_AS_BEARER,
        cause="A JWT was sent as a bearer token, which Access does not accept: a bearer token of Managed "
        "OAuth starts with oauth:.",
        cure="Send the JWT in the header cf-access-token, or log in with authlens for a bearer token.",
        source=REPORTS,
        protections=frozenset({Protection.ACCESS_LOGIN}),
        credentials=frozenset({Credential.BEARER_JWT}),
    ),
)

WHO_ANSWERED: Final = (
    Cause(
        name=CauseId.POLICY_REFUSES_TOKEN,
        cause="Access knows the token and refuses it (403): no policy of the application allows you, or "
        "the application accepts only service tokens.",
        cure=fix(
            f"Ask the owner to allow your account with an Allow policy: {POLICIES}.",
            again("Then log in again"),
            "Quote the CF-Ray.",
        ),
        source=MANAGED_GUIDE,
        stages=WITH_TOKEN,
        protections=frozenset({Protection.SERVICE_AUTH_ONLY}),
    ),
    protected(CauseId.SERVICE_TOKENS_ONLY, Protection.SERVICE_AUTH_ONLY, SERVICE_GUIDE),
    protected(CauseId.PREFLIGHT_REFUSED, Protection.PREFLIGHT, "Cloudflare, CORS"),
    Cause(
        name=CauseId.TOKEN_NOT_ENOUGH,
        cause="The token is valid but its scope is too narrow (insufficient_scope).",
        cure=step("Log in with the scope that the challenge names", "authlens login URL --scope SCOPE"),
        source="RFC 6750 §3.1",
        stages=WITH_TOKEN,
        phrases=("insufficient_scope",),
    ),
    Cause(
        name=CauseId.OAUTH_TURNED_OFF,
        cause="Access redirects to its login page although a token was sent: Managed OAuth is off for "
        "this application, or the token belongs to another.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}. {_FROM_A_TOOL}",
        source=MANAGED_GUIDE,
        stages=WITH_TOKEN,
        protections=frozenset({Protection.ACCESS_LOGIN}),
    ),
    Cause(
        name=CauseId.MANAGED_OAUTH_OFF,
        cause=f"{MEANINGS[Protection.ACCESS_LOGIN].summary} Managed OAuth is off for this application.",
        cure=fix(MEANINGS[Protection.ACCESS_LOGIN].cure, _FROM_A_TOOL),
        source=MANAGED_GUIDE,
        protections=frozenset({Protection.ACCESS_LOGIN}),
    ),
    Cause(
        name=CauseId.TOKEN_REFUSED,
        cause="The stored access token is refused: it expired or was revoked.",
        cure=fix(
            step("Refresh it", "authlens refresh URL"), again("If the new one is refused too, log in again")
        ),
        source="RFC 6750 §3.1",
        stages=frozenset({Stage.PROBE}),
        statuses=frozenset({401}),
    ),
    Cause(
        name=CauseId.FRESH_TOKEN_REFUSED,
        cause="A token issued a moment ago is refused: the owner revoked the tokens of this application "
        "or user within the last minute, or the token was issued for another resource.",
        cure=fix(
            step("Wait a minute, then log in again", "authlens login URL"),
            "If it still fails, ask the owner to {account}.",
            "{audience}",
        ),
        source="RFC 6750 §3.1",
        stages=frozenset({Stage.ACCESS}),
        statuses=frozenset({401}),
    ),
    Cause(
        name=CauseId.NOT_ALLOWED_WITH_TOKEN,
        cause="The token was not rejected, but you may not use this address. The refusal shows no sign "
        "of Access, so it comes from the origin.",
        cure=_PERMISSION,
        source="RFC 9110 §15.5.4",
        stages=WITH_TOKEN,
        statuses=frozenset({403}),
        kinds=AT_ACCESS,
    ),
    Cause(
        name=CauseId.NOT_ALLOWED_WITH_TOKEN,
        cause="The token was not rejected, but you may not use this address.",
        cure=_PERMISSION,
        source="RFC 9110 §15.5.4",
        stages=WITH_TOKEN,
        statuses=frozenset({403}),
    ),
    protected(CauseId.PUBLIC, Protection.PUBLIC, "RFC 9110 §15.3.1", _BEFORE),
    protected(CauseId.OTHER_LOGIN, Protection.BASIC, "RFC 9110 §11.6.1", _ANY_RESOURCE),
    protected(CauseId.NO_CHALLENGE, Protection.UNAUTHORIZED_BARE, "RFC 9110 §15.5.2", _DISCOVERY),
    protected(CauseId.METHOD_NOT_ALLOWED, Protection.METHOD_NOT_ALLOWED, "RFC 9110 §15.5.6", _ANY_RESOURCE),
    protected(CauseId.REDIRECT_ELSEWHERE, Protection.REDIRECT_ELSEWHERE, "RFC 9110 §15.4", _ANY_RESOURCE),
    protected(CauseId.FORBIDDEN, Protection.FORBIDDEN, "RFC 9110 §15.5.4", _ANY_RESOURCE),
    protected(CauseId.NOT_FOUND, Protection.NOT_FOUND, "RFC 9110 §15.5.5", _ANY_RESOURCE),
    protected(CauseId.TOO_MANY_REQUESTS, Protection.RATE_LIMITED, "RFC 6585 §4"),
    Cause(
        name=CauseId.SERVER_FAILED,
        cause="The server failed with an internal error (5xx), not with an OAuth error.",
        cure="Try again in a minute. If it continues, give the server's owner the time and these lines.",
        source="RFC 9110 §15.6",
        errors=frozenset({""}),
        statuses=frozenset(range(500, 600)),
    ),
)
