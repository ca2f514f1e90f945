"""The known causes of failures, most particular first; here those that the server or a check names."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from authlens_core.cloudflare.team import LOGOUT
from authlens_core.diagnosis.answer_causes import AT_THE_EDGE, OTHER_CREDENTIALS, WHO_ANSWERED
from authlens_core.diagnosis.cause import (
    AGENTS_GUIDE,
    AT_ACCESS,
    REPORTS,
    Cause,
)
from authlens_core.diagnosis.machine_causes import MACHINE_CAUSES
from authlens_core.diagnosis.resource_causes import RESOURCE_CAUSES
from authlens_core.values.check import CheckId, ErrorCode
from authlens_core.values.diagnosis import CauseId
from authlens_core.values.fix import LOG_IN_AGAIN, WayOn, again, fix, step
from authlens_core.values.stage import Stage

_REGISTER_BEFOREHAND: Final = fix(
    "Ask the owner to {registration}.",
    step("Or use a pre-registered client", "authlens login URL --client-id ID"),
    step("If the server accepts client metadata documents, host one", "authlens client-metadata DOCUMENT"),
    step("If one is hosted", "authlens login URL --client-metadata-url DOCUMENT"),
)
_OTHER_FORM: Final = step("Or try the other form", "authlens login URL --redirect-host 127.0.0.1")

_CHECK_THE_BROWSER: Final = (
    "Check the browser. If it could not reach localhost, paste the address it shows, or forward the port to "
    "this machine (over SSH: ssh -L)."
)

# Recognised by a check of ours: what was missing, what did not match, who did not come.
_SEEN_HERE: Final = (
    Cause(
        name=CauseId.NO_ANSWER_IN_TIME,
        cause="The browser did not return. Some errors are shown only in the browser and never reach "
        "authlens: “That account does not have access”, “Unable to find your Access application!” "
        "or “Invalid nonce”. WARP can also redirect the login to the wrong place.",
        cure=f"{_CHECK_THE_BROWSER} If it shows an error, open {LOGOUT}, then sign in again with the right "
        "account. If WARP interfered, pause it, and ask the owner to give each hostname its own application.",
        source=REPORTS,
        kinds=AT_ACCESS,
        checks=frozenset({CheckId.AUTHORIZATION_TIMEOUT}),
    ),
    Cause(
        name=CauseId.NO_ANSWER_IN_TIME,
        cause="The browser did not return. Some errors are shown only in the browser and never reach "
        "authlens. For a redirect URI that the client does not have, it shows {page}.",
        cure=f"{_CHECK_THE_BROWSER} If it shows an error about the redirect URI, ask the owner to "
        "{redirect_uri}.",
        source="RFC 6749 §4.1.2.1",
        checks=frozenset({CheckId.AUTHORIZATION_TIMEOUT}),
    ),
    Cause(
        name=CauseId.PORT_TAKEN,
        cause="Another program uses the callback port, often a login that was never finished.",
        cure="Let that login end, or use another port.",
        source="RFC 8252 §7.3",
        checks=frozenset({CheckId.REGISTRATION_PORT}),
    ),
    Cause(
        name=CauseId.PORT_TAKEN_ON_ONE_ADDRESS,
        cause="Another program uses the callback port on ::1 only. A browser sent to localhost may reach "
        "that program.",
        cure="Redirect to 127.0.0.1, where the port is free, or use another port.",
        source="RFC 8252 §7.3, §8.3",
        checks=frozenset({CheckId.REGISTRATION_PORT_HALF}),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="This server does not allow clients to register themselves: its metadata has no "
        "registration_endpoint. Managed OAuth of Access or its dynamic client registration is off.",
        cure=fix(_REGISTER_BEFOREHAND, ways=(WayOn.CLOUDFLARED, WayOn.SERVICE_TOKEN)),
        source=AGENTS_GUIDE,
        kinds=AT_ACCESS,
        checks=frozenset({CheckId.SERVER_REGISTRATION}),
        quotes=("registration_endpoint",),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="This server does not allow clients to register themselves: its metadata has no "
        "registration_endpoint.",
        cure=_REGISTER_BEFOREHAND,
        source="RFC 7591 §3, RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_REGISTRATION}),
        quotes=("registration_endpoint",),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="The server's registration endpoint does not register this client: it registers none, or only "
        "with a token of the owner or from hosts that it trusts.",
        cure=_REGISTER_BEFOREHAND,
        source="RFC 7591 §3",
        stages=frozenset({Stage.REGISTRATION}),
        statuses=frozenset({401, 403, 404, 405, 501}),
    ),
    Cause(
        name=CauseId.TOO_MANY_REGISTRATIONS,
        cause="The server limits registrations (too many requests).",
        cure=fix(
            again("Wait a minute, then log in again"),
            "A registered client is used again while port and host of the redirect URI stay the same.",
        ),
        source="RFC 6585 §4",
        stages=frozenset({Stage.REGISTRATION}),
        statuses=frozenset({429}),
    ),
    Cause(
        name=CauseId.METADATA_OF_ANOTHER_RESOURCE,
        cause="The resource metadata describes another resource. A token for that resource could be "
        "misused, so authlens does not request one.",
        check_decides=True,
        cure="Check the URL. Ask the owner to make resource in the metadata the URL of this resource: "
        "its own origin, plus the path if there is one.",
        source="RFC 9728 §3.3",
        checks=frozenset({CheckId.METADATA_RESOURCE}),
        quotes=("resource",),
    ),
    Cause(
        name=CauseId.ISSUER_MISMATCH,
        cause="The server metadata names another issuer than the resource does. An impostor could get your "
        "code and your tokens that way (mix-up).",
        cure="Ask the owner to make issuer in the server metadata exactly equal to the URL in "
        "authorization_servers.",
        check_decides=True,
        source="RFC 8414 §3.3",
        checks=frozenset({CheckId.SERVER_ISSUER}),
        quotes=("issuer",),
    ),
    Cause(
        name=CauseId.S256_MISSING,
        cause="The server does not list PKCE with S256 in its metadata. Without PKCE, anyone who sees the "
        "code can use it.",
        cure="Ask the owner to support S256 and to list it under code_challenge_methods_supported.",
        check_decides=True,
        source="RFC 7636 §4.2, RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_S256}),
        quotes=("code_challenge_methods_supported",),
    ),
    Cause(
        name=CauseId.PUBLIC_CLIENTS_NOT_LISTED,
        cause="The server does not list “none” among its client authentication methods. Many servers "
        "accept public clients anyway, so authlens continues.",
        cure=fix(
            "If registration or the exchange fails, ask the owner to allow public clients and to list none "
            "under token_endpoint_auth_methods_supported.",
            step("Or give a client with a secret", "authlens login URL --client-id ID --client-secret"),
        ),
        source="RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_NONE}),
        quotes=("token_endpoint_auth_methods_supported",),
    ),
    Cause(
        name=CauseId.ANSWER_OF_ANOTHER_SERVER,
        cause="The callback does not name the server that was asked: iss is missing or names a different "
        "issuer, as in a mix-up attack. Its code is not used.",
        cure=fix(
            "Do not trust this response; start again. If it still fails, ask the owner to make iss on the "
            "callback equal to issuer in the server metadata.",
            step("If you know that the server is wrong", "authlens login URL --any-issuer"),
        ),
        source="RFC 9207 §2.4",
        checks=frozenset({CheckId.AUTHORIZATION_ISS}),
        quotes=("iss",),
    ),
    Cause(
        name=CauseId.CHALLENGE_WITHOUT_METADATA,
        cause="The resource asks for a token but does not say where its metadata is; authlens tried the "
        "well-known URLs.",
        cure="It may work anyway. Ask the owner to send WWW-Authenticate: Bearer resource_metadata=… "
        "with the 401.",
        source="RFC 9728 §5.1",
        checks=frozenset({CheckId.DETECTION_METADATA_GUESSED}),
    ),
    Cause(
        name=CauseId.NO_RESOURCE_METADATA,
        cause="The resource publishes no metadata at the well-known URLs, so it does not support this login.",
        cure=fix("Ask the owner to {resource}.", step("Until then", "authlens login URL --cloudflared")),
        source=AGENTS_GUIDE,
        kinds=AT_ACCESS,
        checks=frozenset({CheckId.METADATA_FOUND}),
    ),
    Cause(
        name=CauseId.NO_RESOURCE_METADATA,
        cause="The resource publishes no metadata at the well-known URLs, so nothing says where to log in.",
        cure=fix(
            step(
                "For an MCP server, its origin may be the authorization server, as in 2025-03-26",
                "authlens login URL --legacy-paths",
            ),
            "Ask the owner to publish resource metadata (RFC 9728).",
        ),
        source="RFC 9728 §3",
        checks=frozenset({CheckId.METADATA_FOUND}),
    ),
    Cause(
        name=CauseId.NO_SERVER_METADATA,
        cause="The authorization server that the resource names publishes no metadata.",
        cure="Ask the owner of the resource whether authorization_servers names the right server.",
        source="RFC 8414 §3",
        stages=frozenset({Stage.SERVER_METADATA}),
        statuses=frozenset({400, 401, 403, 404, 410}),
        checks=frozenset({CheckId.SERVER_DOCUMENT}),
    ),
    Cause(
        name=CauseId.CLOCKS_DIFFER,
        cause="The server's clock and this machine's clock differ, so tokens seem to expire too early or "
        "too late.",
        cure="Synchronise this machine's clock (NTP). If it is right, tell the server's owner.",
        source="RFC 6749 §5.1",
        checks=frozenset({CheckId.TOKEN_CLOCK}),
        quotes=("date",),
    ),
    Cause(
        name=CauseId.NO_REVOCATION_ENDPOINT,
        cause="The server offers no revocation, so authlens cannot revoke the token.",
        cure=fix(
            "Let it expire, or ask the owner to {sessions}.",
            step("Removing it here does not revoke it", "authlens forget URL"),
        ),
        source="RFC 7009 §2",
        checks=frozenset({CheckId.REVOKE_ENDPOINT}),
    ),
)


_DOCUMENT: Final = Cause(
    name=CauseId.CLIENT_DOCUMENT_REFUSED,
    cause="The client_id is the URL of a client metadata document, and the server could not fetch it or does "
    "not accept it.",
    cure=fix(
        "Check that the URL answers 200 with JSON, without a redirect or a login, and that client_id in the "
        "document is exactly this URL.",
        step("To print such a document", "authlens client-metadata DOCUMENT"),
        "Without one, authlens registers itself.",
    ),
    source="OAuth Client ID Metadata Document §4",
    errors=frozenset({ErrorCode.INVALID_CLIENT_METADATA}),
)
# Recognised by an OAuth error on the callback or in JSON, or by the words of a login page.
_WHAT_THE_SERVER_SAID: Final = (
    Cause(
        name=CauseId.PKCE_FIRST_CHARACTER,
        cause="Access misread the code challenge: one that starts with - or _ corrupts the next "
        "parameter, and the server then blames code_challenge_method.",
        cure=fix("A challenge of authlens starts with a letter or a digit: do not edit it.", LOG_IN_AGAIN),
        source=AGENTS_GUIDE,
        kinds=AT_ACCESS,
        phrases=("code_challenge_method must be s256",),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_CHANGED,
        cause="This client is registered with a different redirect URI: the port or path has changed "
        "since it was registered. A server that compares the port of a loopback URI breaks RFC 8252 §7.3.",
        cure=fix(
            step("Let authlens register again, or use the earlier port", "authlens login URL --port PORT"),
            step("Or give the redirect URI that the server has", "authlens login URL --redirect-uri URI"),
            ways=(WayOn.OTHER_HOST,),
        ),
        source="RFC 6749 §3.1.2.3",
        phrases=(
            "does not match any registered uri",
            "redirect uri is not registered",
            "redirect_uri is not registered",
        ),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_NOT_IN_APPLICATION,
        cause="The application does not allow the redirect URI.",
        cure=fix(
            "Ask the owner to {redirect_uri}. If it is already allowed, the client registration is old: "
            "register again.",
            _OTHER_FORM,
        ),
        source="RFC 6749 §3.1.2.3",
        stages=frozenset({Stage.AUTHORIZATION}),
        phrases=("redirect uri not allowed", "redirect_uri is not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_NOT_IN_ACCOUNT,
        cause="The server does not allow the redirect URI, so the client was not registered.",
        cure=fix("Ask the owner to {redirect_uri}.", _OTHER_FORM),
        source="RFC 7591 §3.2.2",
        phrases=("redirect_uri is not allowed", "redirect uri not allowed", "redirect_uri not allowed"),
    ),
    replace(
        _DOCUMENT,
        errors=_DOCUMENT.errors | {ErrorCode.INVALID_CLIENT, ErrorCode.INVALID_REQUEST},
        phrases=(
            "client metadata document",
            "client id metadata",
            "client_id metadata",
            "client-id metadata",
            "(cimd)",
            "cimd ",
        ),
    ),
    replace(_DOCUMENT, phrases=("client_id=https", 'client_id":"https', 'client_id": "https')),
    Cause(
        name=CauseId.REDIRECT_URI_REFUSED,
        cause="The server does not accept the redirect URI, or another part of the client metadata.",
        cure=fix("Ask the owner to {redirect_uri}.", _OTHER_FORM),
        source="RFC 7591 §3.2.2",
        stages=frozenset({Stage.REGISTRATION}),
        errors=frozenset({ErrorCode.INVALID_REDIRECT_URI, ErrorCode.INVALID_CLIENT_METADATA}),
    ),
    # Outside a registration, there is no other client metadata than a document.
    replace(_DOCUMENT, stages=frozenset({Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.REFRESH})),
    *RESOURCE_CAUSES,
    Cause(
        name=CauseId.STALE_SIGN_IN,
        cause="The browser mixed two logins: cookies or tabs of an earlier login remain (missing or "
        "invalid nonce).",
        cure="Close the other login tabs, {sign_out}, and open the link again.",
        source=REPORTS,
        kinds=AT_ACCESS,
        phrases=("invalid nonce", "missing or invalid nonce"),
    ),
    Cause(
        name=CauseId.APPLICATION_NOT_FOUND,
        cause="The login page did not find the application: a stale browser session, or an application that "
        "covers only a path and signs in by one-time PIN.",
        cure=f"Open {LOGOUT} and the link again. If it still fails, ask the owner to let the application "
        "cover the whole host.",
        source=REPORTS,
        kinds=AT_ACCESS,
        phrases=("unable to find your access application",),
    ),
    Cause(
        name=CauseId.USER_DENIED,
        cause="Access was denied: a policy of the application refused your account, or you chose Deny.",
        cure="Sign in with another account: {sign_out}, then the link again. Or ask the owner to {account}.",
        source="RFC 6749 §4.1.2.1",
        phrases=("that account does not have access",),
    ),
    Cause(
        name=CauseId.USER_DENIED,
        cause="The login was refused: a policy of the server refused it, or you chose Deny.",
        cure="Sign in with another account, or ask the owner to {account}.",
        source="RFC 6749 §4.1.2.1",
        errors=frozenset({ErrorCode.ACCESS_DENIED}),
    ),
    Cause(
        name=CauseId.UNKNOWN_CLIENT,
        cause="The server does not know this client: it was removed, or belongs to another server.",
        cure=fix(
            "If you gave a client id, check it and its secret.",
            step("To register another client", "authlens login URL --new-client"),
        ),
        source="RFC 6749 §5.2",
        errors=frozenset({ErrorCode.INVALID_CLIENT}),
    ),
    Cause(
        name=CauseId.REFRESH_TOKEN_ENDED,
        cause="The refresh token is no longer valid: the grant expired or was revoked, another program "
        "used the token, or the policy no longer allows you.",
        cure=fix(
            step("Log in again", "authlens login URL"),
            "If it happens too often, ask the owner to {lifetime}.",
        ),
        source="RFC 6749 §5.2",
        stages=frozenset({Stage.REFRESH}),
        errors=frozenset({ErrorCode.INVALID_GRANT}),
    ),
    Cause(
        name=CauseId.CODE_EXPIRED,
        cause="The code has expired: too much time passed between the sign-in and this request.",
        cure=fix("A code works once, for a few minutes.", LOG_IN_AGAIN),
        source="RFC 6749 §4.1.2",
        stages=frozenset({Stage.EXCHANGE}),
        errors=frozenset({ErrorCode.INVALID_GRANT}),
        phrases=("code expired", "code has expired", "expired code"),
    ),
    Cause(
        name=CauseId.CODE_REFUSED,
        cause="The code was already used, has expired, or does not match this verifier and redirect URI.",
        cure=fix("A code works once, for a few minutes, with the verifier of its login.", LOG_IN_AGAIN),
        source="RFC 6749 §5.2",
        errors=frozenset({ErrorCode.INVALID_GRANT}),
    ),
)


# The first that fits is shown, so what the server itself said comes before what its status lets us guess.
CAUSES: Final[tuple[Cause, ...]] = (
    MACHINE_CAUSES + _WHAT_THE_SERVER_SAID + AT_THE_EDGE + _SEEN_HERE + OTHER_CREDENTIALS + WHO_ANSWERED
)
