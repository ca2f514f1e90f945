"""Causes told by what the server said: an OAuth error on the callback or in JSON, or a page of the login."""

from __future__ import annotations

from typing import Final

from authlens_core.access.cause import (
    AGENTS_GUIDE,
    LOGOUT,
    MANAGED_GUIDE,
    POLICIES,
    REPORTS,
    SWITCHES,
    Cause,
)
from authlens_core.access.protection import MANAGED_OAUTH

WHAT_THE_SERVER_SAID: Final = (
    Cause(
        name="pkce_first_character",
        cause="Access misread the code challenge: one that begins with - or _ corrupts the parameter after "
        "it, and the server then blames code_challenge_method.",
        cure="Start a new login: authlens draws until the challenge begins with a letter or a digit. "
        "Do not edit the challenge.",
        source=AGENTS_GUIDE,
        phrases=("code_challenge_method must be s256",),
    ),
    Cause(
        name="redirect_uri_changed",
        cause="Our redirect URI is not one that this client registered: a client keeps the port and path it "
        "was registered with, and the port is another one now.",
        cure="Go back to Registration and register again, or use the port of before: --port.",
        source=REPORTS,
        phrases=(
            "does not match any registered uri",
            "redirect uri is not registered",
            "redirect_uri is not registered",
        ),
    ),
    Cause(
        name="redirect_uri_not_in_application",
        cause="The application does not allow our redirect URI. Access looks at the list of the application "
        "again at every login, and at what this client registered.",
        cure=f"Ask the owner: {SWITCHES}; it takes about a minute. If it is allowed already, the client is "
        "an old one: register again. Or try the other form: --redirect-host 127.0.0.1 or localhost.",
        source=MANAGED_GUIDE,
        stages=frozenset({"authorization"}),
        phrases=("redirect uri not allowed", "redirect_uri is not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name="redirect_uri_not_in_account",
        cause="No application of the account allows our redirect URI, so the client was not registered.",
        cure=f"Ask the owner: {SWITCHES}; it takes about a minute. Or try the other form: "
        "--redirect-host 127.0.0.1 or localhost; they are two different switches.",
        source=MANAGED_GUIDE,
        phrases=("redirect_uri is not allowed", "redirect uri not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name="redirect_uri_refused",
        cause="The server does not accept the redirect URI, or another part of what the client said about "
        "itself.",
        cure=f"With Cloudflare Access, ask the owner: {SWITCHES}. Elsewhere, allow the URI at the server, "
        "or try --redirect-host 127.0.0.1 or localhost.",
        source="RFC 7591 §3.2.2",
        stages=frozenset({"registration"}),
        errors=frozenset({"invalid_redirect_uri", "invalid_client_metadata"}),
    ),
    Cause(
        name="resource_missing",
        cause="The request carried no resource parameter, and Access needs one to know the application.",
        cure="Give it: authlens login URL --resource with the resource that the resource metadata names.",
        source=MANAGED_GUIDE,
        errors=frozenset({"invalid_target"}),
        phrases=("no resource parameter",),
    ),
    Cause(
        name="resource_refused",
        cause="The server issues no tokens for the resource that was named. It is compared letter by "
        "letter, and an added slash is enough.",
        cure="Name it exactly as the resource metadata does, or by its origin: --resource. With Access, "
        f"check that Managed OAuth is on for this very application: {MANAGED_OAUTH}.",
        source="RFC 8707 §2",
        errors=frozenset({"invalid_target"}),
    ),
    Cause(
        name="stale_sign_in",
        cause="The browser mixed two logins: left-over cookies or tabs of an earlier one (missing or invalid "
        "nonce).",
        cure=f"Close the other login tabs, open {LOGOUT}, and open the link once more, in one clean pass.",
        source=REPORTS,
        phrases=("invalid nonce", "missing or invalid nonce"),
    ),
    Cause(
        name="application_not_found",
        cause="The login page did not find the application: a stale browser session, or an application that "
        "covers only a path and signs in by one-time PIN.",
        cure=f"Open {LOGOUT} and the link once more. If it stays, ask the owner to let the application cover "
        "the whole host.",
        source=REPORTS,
        phrases=("unable to find your access application",),
    ),
    Cause(
        name="user_denied",
        cause="Your account is not admitted: the policy of the application said no, or you did.",
        cure=f"Sign in with another account (log out first at {LOGOUT}), or ask the owner to admit yours: "
        f"{POLICIES}.",
        source="RFC 6749 §4.1.2.1",
        phrases=("that account does not have access",),
    ),
    Cause(
        name="user_denied",
        cause="The login was refused: the policy of the application said no, or you did.",
        cure=f"Sign in with another account, or ask the owner to admit yours: {POLICIES}.",
        source="RFC 6749 §4.1.2.1",
        errors=frozenset({"access_denied"}),
    ),
    Cause(
        name="unknown_client",
        cause="The server does not know this client, or no longer: it was removed, or belongs to another "
        "server.",
        cure="Forget it and log in again, so that authlens registers anew: authlens forget URL. With "
        "--client-id, check the id and its secret. The client id of Access for SaaS is not valid here.",
        source="RFC 6749 §5.2",
        errors=frozenset({"invalid_client"}),
    ),
    Cause(
        name="refresh_token_ended",
        cause="The refresh token is no longer good: the grant ran out, was revoked, was refreshed "
        "elsewhere, or the policy no longer admits you.",
        cure="Log in again. How long a grant lasts is set by “Grant session duration”: "
        + MANAGED_OAUTH
        + ".",
        source=MANAGED_GUIDE,
        stages=frozenset({"refresh"}),
        errors=frozenset({"invalid_grant"}),
    ),
    Cause(
        name="code_refused",
        cause="The code was used already, had expired, or does not belong to this verifier and redirect URI.",
        cure="Log in again: a code lives a few minutes and works once, and a new login draws a new verifier.",
        source=AGENTS_GUIDE,
        errors=frozenset({"invalid_grant"}),
    ),
)
