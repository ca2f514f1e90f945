"""Causes recognised by what the server said: an OAuth error on the callback or in JSON, or a login page."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from authlens_core.cloudflare.team import LOGOUT
from authlens_core.diagnosis.cause import (
    AGENTS_GUIDE,
    MANAGED_GUIDE,
    OTHER_HOST,
    POLICIES,
    REPORTS,
    SWITCHES,
    Cause,
)
from authlens_core.diagnosis.protection import MANAGED_OAUTH
from authlens_core.values.cause_id import CauseId
from authlens_core.values.error_code import ErrorCode
from authlens_core.values.stage import Stage
from authlens_core.values.way_on import CureOption, WayOn

_DOCUMENT: Final = Cause(
    name=CauseId.CLIENT_DOCUMENT_REFUSED,
    cause="The client_id is the URL of a client metadata document, and the server could not fetch it or does "
    "not accept it.",
    cure="Check that the URL answers 200 with JSON, without a redirect or a login, and that client_id in the "
    "document is exactly this URL: authlens client-metadata prints such a document. Or omit "
    "--client-metadata-url; authlens then registers itself.",
    source="OAuth Client ID Metadata Document §4",
    errors=frozenset({ErrorCode.INVALID_CLIENT_METADATA}),
)
WHAT_THE_SERVER_SAID: Final = (
    Cause(
        name=CauseId.PKCE_FIRST_CHARACTER,
        cause="Access misread the code challenge: one that starts with - or _ corrupts the next "
        "parameter, and the server then blames code_challenge_method.",
        cure="Start a new login: authlens generates challenges until one starts with a letter or a "
        "digit. Do not edit the challenge.",
        source=AGENTS_GUIDE,
        phrases=("code_challenge_method must be s256",),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_CHANGED,
        cause="This client is registered with a different redirect URI: the port or path has changed "
        "since it was registered.",
        cure="Go back to Registration and register again, or use the earlier port: --port.",
        options=(CureOption(WayOn.OTHER_HOST), CureOption(WayOn.OTHER_PORT, "--port")),
        source=REPORTS,
        phrases=(
            "does not match any registered uri",
            "redirect uri is not registered",
            "redirect_uri is not registered",
        ),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_NOT_IN_APPLICATION,
        cause="The application does not allow the redirect URI. At every login Access checks the "
        "application's list and what this client registered.",
        cure=f"Ask the owner: {SWITCHES}; it takes about a minute. If it is already allowed, the client "
        "registration is old: register again. Or try the other form: --redirect-host 127.0.0.1 or "
        "localhost.",
        options=(OTHER_HOST,),
        source=MANAGED_GUIDE,
        stages=frozenset({Stage.AUTHORIZATION}),
        phrases=("redirect uri not allowed", "redirect_uri is not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name=CauseId.REDIRECT_URI_NOT_IN_ACCOUNT,
        cause="No application of the account allows the redirect URI, so the client was not registered.",
        cure=f"Ask the owner: {SWITCHES}; it takes about a minute. Or try the other form: "
        "--redirect-host 127.0.0.1 or localhost; they are two different switches.",
        options=(OTHER_HOST,),
        source=MANAGED_GUIDE,
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
        cure=f"With Cloudflare Access, ask the owner: {SWITCHES}. Elsewhere, allow the URI at the server, "
        "or try --redirect-host 127.0.0.1 or localhost.",
        options=(OTHER_HOST,),
        source="RFC 7591 §3.2.2",
        stages=frozenset({Stage.REGISTRATION}),
        errors=frozenset({ErrorCode.INVALID_REDIRECT_URI, ErrorCode.INVALID_CLIENT_METADATA}),
    ),
    # Outside a registration, there is no other client metadata than a document.
    replace(_DOCUMENT, stages=frozenset({Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.REFRESH})),
    Cause(
        name=CauseId.RESOURCE_MISSING,
        cause="The request had no resource parameter; Access needs it to find the application.",
        cure="Add it: authlens login URL --resource with the value from the resource metadata.",
        options=(CureOption(WayOn.RESOURCE, "--resource"),),
        source=MANAGED_GUIDE,
        errors=frozenset({ErrorCode.INVALID_TARGET}),
        phrases=("no resource parameter",),
    ),
    Cause(
        name=CauseId.RESOURCE_REFUSED,
        cause="The server does not issue tokens for the resource in the request. The value must match "
        "exactly; one extra slash is enough to fail.",
        cure="Use exactly the value from the resource metadata, or its origin: --resource. With Access, "
        f"check that Managed OAuth is on for this application: {MANAGED_OAUTH}.",
        options=(CureOption(WayOn.RESOURCE, "--resource"),),
        source="RFC 8707 §2",
        errors=frozenset({ErrorCode.INVALID_TARGET}),
    ),
    Cause(
        name=CauseId.STALE_SIGN_IN,
        cause="The browser mixed two logins: cookies or tabs of an earlier login remain (missing or "
        "invalid nonce).",
        cure=f"Close the other login tabs, open {LOGOUT}, and open the link again.",
        source=REPORTS,
        phrases=("invalid nonce", "missing or invalid nonce"),
    ),
    Cause(
        name=CauseId.APPLICATION_NOT_FOUND,
        cause="The login page did not find the application: a stale browser session, or an application that "
        "covers only a path and signs in by one-time PIN.",
        cure=f"Open {LOGOUT} and the link again. If it still fails, ask the owner to let the application "
        "cover the whole host.",
        source=REPORTS,
        phrases=("unable to find your access application",),
    ),
    Cause(
        name=CauseId.USER_DENIED,
        cause="Access was denied: a policy of the application refused your account, or you chose Deny.",
        cure=f"Sign in with another account (log out first at {LOGOUT}), or ask the owner to allow yours: "
        f"{POLICIES}.",
        source="RFC 6749 §4.1.2.1",
        phrases=("that account does not have access",),
    ),
    Cause(
        name=CauseId.USER_DENIED,
        cause="The login was refused: a policy of the application refused it, or you chose Deny.",
        cure=f"Sign in with another account, or ask the owner to allow yours: {POLICIES}.",
        source="RFC 6749 §4.1.2.1",
        errors=frozenset({ErrorCode.ACCESS_DENIED}),
    ),
    Cause(
        name=CauseId.UNKNOWN_CLIENT,
        cause="The server does not know this client: it was removed, or belongs to another server.",
        cure="Log in again: authlens login URL registers a new client. With --client-id, check the id and "
        "its secret. An Access for SaaS client id is not valid here.",
        options=(CureOption(WayOn.CLIENT_ID, "--client-id"),),
        source="RFC 6749 §5.2",
        errors=frozenset({ErrorCode.INVALID_CLIENT}),
    ),
    Cause(
        name=CauseId.REFRESH_TOKEN_ENDED,
        cause="The refresh token is no longer valid: the grant expired or was revoked, another program "
        "used the token, or the policy no longer allows you.",
        cure="Log in again. “Grant session duration” sets how long a grant lasts: " + MANAGED_OAUTH + ".",
        source=MANAGED_GUIDE,
        stages=frozenset({Stage.REFRESH}),
        errors=frozenset({ErrorCode.INVALID_GRANT}),
    ),
    Cause(
        name=CauseId.CODE_EXPIRED,
        cause="The code has expired: too much time passed between the sign-in and this request.",
        cure="Log in again: a code works once, for a few minutes.",
        source="RFC 6749 §4.1.2",
        stages=frozenset({Stage.EXCHANGE}),
        errors=frozenset({ErrorCode.INVALID_GRANT}),
        phrases=("code expired", "code has expired", "expired code"),
    ),
    Cause(
        name=CauseId.CODE_REFUSED,
        cause="The code was already used, has expired, or does not match this verifier and redirect URI.",
        cure="Log in again: a code works once, for a few minutes, and a new login has a new verifier.",
        source=AGENTS_GUIDE,
        errors=frozenset({ErrorCode.INVALID_GRANT}),
    ),
)
