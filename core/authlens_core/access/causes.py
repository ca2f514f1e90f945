"""The known causes of failed logins, most particular first: when each fits, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authlens_core.access.protection import MANAGED_OAUTH, MEANINGS, Protection

__all__ = ["CAUSES", "Cause"]

_NONE: Final[frozenset[str]] = frozenset()
_AGENTS: Final = "Cloudflare, Authenticate coding agents, Troubleshooting"
_MANAGED: Final = "Cloudflare, Managed OAuth"
_REPORTS: Final = "reports of users of Cloudflare Access"
_SWITCHES: Final = (
    f"{MANAGED_OAUTH}: turn on “Allow localhost clients” (for http://localhost) or “Allow loopback clients” "
    "(for http://127.0.0.1), or list the URI under “Allowed redirect URIs”"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause. It fits when every condition that is not empty is met.

    Attributes:
        name: a stable identifier.
        cause: what happened and why.
        cure: what to do.
        source: where this is known from.
        stages: the stages it can happen in.
        errors: the OAuth error codes, lower case.
        phrases: texts of which one has to be in what the server said, lower case.
        statuses: HTTP statuses.
        protections: what the answer was classified as.
        checks: names of checks of which one has to have failed.
    """

    name: str
    cause: str
    cure: str
    source: str
    stages: frozenset[str] = _NONE
    errors: frozenset[str] = _NONE
    phrases: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    protections: frozenset[Protection] = frozenset()
    checks: frozenset[str] = _NONE


def _protected(
    name: str, protection: Protection, cause: str = "", cure: str = "", source: str = _MANAGED
) -> Cause:
    meaning = MEANINGS[protection]
    return Cause(
        name=name,
        cause=cause or meaning.summary,
        cure=cure or meaning.cure,
        source=source,
        protections=frozenset({protection}),
    )


_WITH_TOKEN: Final = frozenset({"access"})
_LATER: Final = frozenset({"probe"})
_REFRESH: Final = frozenset({"refresh"})

_WHAT_THE_SERVER_SAID: Final = (
    Cause(
        name="pkce_first_character",
        cause="Access misread the code challenge: one that begins with - or _ corrupts the parameter after "
        "it, and the server then blames code_challenge_method.",
        cure="Start a new login: authlens draws until the challenge begins with a letter or a digit. "
        "Do not edit the challenge.",
        source=_AGENTS,
        phrases=("code_challenge_method must be s256",),
    ),
    Cause(
        name="redirect_uri_not_in_application",
        cause="The application does not allow our redirect URI. Access looks at the list of the application "
        "again at every login, and at what this client registered.",
        cure=f"Ask the owner: {_SWITCHES}; it takes about a minute. If it is allowed already, the client is "
        "an old one: register again. Or try the other form: --redirect-host 127.0.0.1 or localhost.",
        source=_MANAGED,
        stages=frozenset({"authorization"}),
        phrases=("redirect uri not allowed", "redirect_uri is not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name="redirect_uri_not_in_account",
        cause="No application of the account allows our redirect URI, so the client was not registered.",
        cure=f"Ask the owner: {_SWITCHES}; it takes about a minute. Or try the other form: "
        "--redirect-host 127.0.0.1 or localhost; they are two different switches.",
        source=_MANAGED,
        phrases=("redirect_uri is not allowed", "redirect uri not allowed", "redirect_uri not allowed"),
    ),
    Cause(
        name="redirect_uri_refused",
        cause="The server does not accept the redirect URI, or another part of what the client said about "
        "itself.",
        cure=f"With Cloudflare Access, ask the owner: {_SWITCHES}. Elsewhere, allow the URI at the server, "
        "or try --redirect-host 127.0.0.1 or localhost.",
        source="RFC 7591 §3.2.2",
        stages=frozenset({"registration"}),
        errors=frozenset({"invalid_redirect_uri", "invalid_client_metadata"}),
    ),
    Cause(
        name="resource_missing",
        cause="The request carried no resource parameter, and Access needs one to know the application.",
        cure="Give it: authlens login URL --resource with the resource that the resource metadata names.",
        source=_MANAGED,
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
        cure="Close the other login tabs, open https://<team>.cloudflareaccess.com/cdn-cgi/access/logout, "
        "and open the link once more, in one clean pass.",
        source=_REPORTS,
        phrases=("invalid nonce", "missing or invalid nonce"),
    ),
    Cause(
        name="application_not_found",
        cause="The login page did not find the application: a stale browser session, or an application that "
        "covers only a path and signs in by one-time PIN.",
        cure="Open https://<team>.cloudflareaccess.com/cdn-cgi/access/logout and the link once more. If it "
        "stays, ask the owner to let the application cover the whole host.",
        source=_REPORTS,
        phrases=("unable to find your access application",),
    ),
    Cause(
        name="user_denied",
        cause="Your account is not admitted: the policy of the application said no, or you did.",
        cure="Sign in with another account (log out first at "
        "https://<team>.cloudflareaccess.com/cdn-cgi/access/logout), or ask the owner to admit yours: Zero "
        "Trust → Access controls → Applications → (app) → Policies.",
        source="RFC 6749 §4.1.2.1",
        phrases=("that account does not have access",),
    ),
    Cause(
        name="user_denied",
        cause="The login was refused: the policy of the application said no, or you did.",
        cure="Sign in with another account, or ask the owner to admit yours: Zero Trust → Access controls → "
        "Applications → (app) → Policies.",
        source="RFC 6749 §4.1.2.1",
        errors=frozenset({"access_denied"}),
    ),
    Cause(
        name="unknown_client",
        cause="The server does not know this client, or no longer: it was removed, or belongs to another "
        "server.",
        cure="Forget it and log in again, so that authlens registers anew: authlens forget URL. With "
        "--client-id, check the id and its secret.",
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
        source=_MANAGED,
        stages=_REFRESH,
        errors=frozenset({"invalid_grant"}),
    ),
    Cause(
        name="code_refused",
        cause="The code was used already, had expired, or does not belong to this verifier and redirect URI.",
        cure="Log in again: a code lives a few minutes and works once, and a new login draws a new verifier.",
        source=_AGENTS,
        errors=frozenset({"invalid_grant"}),
    ),
)

_ON_OUR_SIDE: Final = (
    Cause(
        name="no_answer_in_time",
        cause="Nothing came back from the browser. A refusal is shown there only and never reaches "
        "authlens: “That account does not have access”, “Unable to find your Access application!” or "
        "“Invalid nonce”.",
        cure="Look at the browser. If it could not reach localhost, paste the address it shows, or forward "
        "the port with the ssh line. If it shows a refusal, open "
        "https://<team>.cloudflareaccess.com/cdn-cgi/access/logout, then sign in again with the right "
        "account.",
        source=_REPORTS,
        checks=frozenset({"authorization.timeout"}),
    ),
    Cause(
        name="port_taken",
        cause="Another program listens on the port of the callback, often a login that was never finished.",
        cure="Stop that program, or use another port: --port. Another port is another redirect URI, so the "
        "client is registered again.",
        source=_AGENTS,
        checks=frozenset({"registration.port", "authorization.port"}),
    ),
    Cause(
        name="no_registration_endpoint",
        cause="The server does not let clients register themselves: it names no registration_endpoint. At "
        "Access, Managed OAuth or its dynamic client registration is off.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}. Or use a client registered beforehand: "
        "authlens login URL --client-id ID.",
        source=_AGENTS,
        checks=frozenset({"server.registration_endpoint"}),
    ),
    Cause(
        name="no_registration_endpoint",
        cause="The server registers no clients at the endpoint that it names.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}. Or use a client registered beforehand: "
        "authlens login URL --client-id ID.",
        source=_AGENTS,
        stages=frozenset({"registration"}),
        statuses=frozenset({404, 405, 501}),
    ),
    Cause(
        name="too_many_registrations",
        cause="The server wants fewer registrations.",
        cure="Wait a minute. authlens reuses a client it has registered; keep the same --port and "
        "--redirect-host.",
        source="RFC 6585 §4",
        stages=frozenset({"registration"}),
        statuses=frozenset({429}),
    ),
)

_WHO_ANSWERED: Final = (
    Cause(
        name="browser_integrity_check",
        cause="Browser Integrity Check of the zone banned this client's User-Agent (error 1010). Access "
        "never saw the request; the login is not at fault.",
        cure="Ask the owner to turn it off for this host: Rules → Configuration Rules → Browser Integrity "
        "Check; or a WAF custom rule with the action Skip. Quote the CF-Ray.",
        source=_REPORTS,
        phrases=("error 1010", "browser_signature_banned", "error code: 1010"),
    ),
    _protected("zone_security", Protection.BLOCKED, source="Cloudflare, WAF"),
    _protected(
        "access_required",
        Protection.REQUIRE_ACCESS_PROTECTION,
        source="Cloudflare, Require Access protection",
    ),
    _protected("origin_down", Protection.ORIGIN_DOWN, source=_REPORTS),
    Cause(
        name="origin_down",
        cause=MEANINGS[Protection.ORIGIN_DOWN].summary,
        cure=MEANINGS[Protection.ORIGIN_DOWN].cure,
        source=_REPORTS,
        statuses=frozenset({*range(520, 528), 530}),
    ),
    _protected("service_tokens_only", Protection.SERVICE_AUTH_ONLY, source="Cloudflare, Service tokens"),
    Cause(
        name="token_not_enough",
        cause="The token is good and does not allow enough (insufficient_scope).",
        cure="Log in again with the scope that the challenge names: --scope.",
        source="RFC 6750 §3.1",
        stages=_WITH_TOKEN | _LATER,
        phrases=("insufficient_scope",),
    ),
    Cause(
        name="oauth_turned_off",
        cause="Access sends to its login page although a token was sent: Managed OAuth is off for this "
        "application, or the token belongs to another.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}.",
        source=_MANAGED,
        stages=_WITH_TOKEN | _LATER,
        protections=frozenset({Protection.ACCESS_LOGIN}),
    ),
    _protected("managed_oauth_off", Protection.ACCESS_LOGIN),
    Cause(
        name="token_expired",
        cause="The access token has expired; at Access it lives 15 minutes.",
        cure="Refresh it: authlens refresh URL. “Access token lifetime” sets how long it lives: "
        + MANAGED_OAUTH
        + ".",
        source=_AGENTS,
        stages=_WITH_TOKEN | _LATER,
        statuses=frozenset({401}),
        checks=frozenset({"token.expired"}),
    ),
    Cause(
        name="token_refused",
        cause="The stored access token is refused: it has expired or was withdrawn.",
        cure="Refresh it: authlens refresh URL. If the fresh one is refused too, log in again.",
        source=_AGENTS,
        stages=_LATER,
        statuses=frozenset({401}),
    ),
    Cause(
        name="fresh_token_refused",
        cause="A token that was issued a moment ago is refused: the owner revoked the tokens of this "
        "application or user within the last minute, or the token was issued for another resource.",
        cure="Wait a minute and log in again. If it stays, compare resource in the token request with the "
        "resource metadata (--resource), and ask the owner about the policies of the application.",
        source=_REPORTS,
        stages=_WITH_TOKEN,
        statuses=frozenset({401}),
    ),
    Cause(
        name="not_allowed_with_token",
        cause="The token was not called invalid, yet this address is not allowed to you; the refusal has "
        "no sign of Access, so it comes from the origin.",
        cure="Ask the owner of the service itself for the permission; the login itself went through.",
        source="RFC 9110 §15.5.4",
        stages=_WITH_TOKEN | _LATER,
        statuses=frozenset({403}),
    ),
    _protected("no_challenge", Protection.UNAUTHORIZED_BARE, source=_AGENTS),
)

CAUSES: Final[tuple[Cause, ...]] = _WHAT_THE_SERVER_SAID + _ON_OUR_SIDE + _WHO_ANSWERED
