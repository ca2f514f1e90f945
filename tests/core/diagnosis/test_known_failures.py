"""Failures that people met, as raw answers, and the diagnosis of each: cause, quoted lines, exact cure.

The rows are those of Cloudflare's published troubleshooting table, and what Access was seen to answer.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pytest

from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.diagnose import diagnose, find_cause
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.oauth.error_response import OAuthError
from authlens_core.values.check import UNKNOWN, Diagnosis, Layer
from authlens_core.values.exchange import (
    FORM_TYPE,
    Exchange,
    FailureKind,
    Headers,
    Request,
    Response,
    WireFailure,
)
from authlens_core.values.secret import Body
from authlens_core.values.stage import Stage
from support.made_checks import failed

HOST: Final = "https://wiki.example.com"


TEAM: Final = "https://team.cloudflareaccess.com"


RAY: Final = ("cf-ray", "8c1f2e3d4a5b6c7d-FRA")


EDGE: Final = (("server", "cloudflare"), RAY)


PATH: Final = "Zero Trust → Access controls → Applications → (app)"


OAUTH: Final = f"{PATH} → Advanced settings → Managed OAuth"


POLICIES: Final = f"{PATH} → Policies"


TOKENS: Final = "Zero Trust → Access controls → Service credentials → Service Tokens"


METADATA: Final = f"{HOST}/.well-known/cloudflare-access-protected-resource/"


CHALLENGE: Final = (
    "www-authenticate",
    f'Bearer realm="OAuth", error="invalid_token", resource_metadata="{METADATA}"',
)


AUD: Final = ("cf-access-aud", "ab" * 32)


BEARER: Final = (("Authorization", "Bearer oauth:canary-bearer-1"),)


ID, SECRET = "0123456789abcdef" * 2 + ".access", "0123456789abcdef" * 4


PAIR: Final = (("CF-Access-Client-Id", ID), ("CF-Access-Client-Secret", SECRET))


SINGLE: Final = (
    ("Authorization", json.dumps({"cf-access-client-id": ID, "cf-access-client-secret": SECRET})),
)


JWT: Final = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2ln"


FORBIDDEN: Final = {
    "message": "Forbidden. You don't have permission to view this.",
    "status_code": 403,
    "aud": "ab" * 32,
    "ray_id": "8c1f2e3d4a5b6c7d",
}


def _login(*, known: bool | None = None) -> tuple[str, str]:
    claims = {"type": "meta"} if known is None else {"type": "meta", "service_token_status": known}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return "location", f"{TEAM}/cdn-cgi/access/login/wiki.example.com?kid=aud&meta=e30.{payload}.c2ln"


def _reply(status: int, *headers: tuple[str, str], body: object = None, reason: str = "") -> Response:
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    if isinstance(body, dict):
        headers = (*headers, ("content-type", "application/json"))
    return Response(status, reason, Headers.of(headers), Body(text.encode()))


def _exchange(response: Response | WireFailure, *sent: tuple[str, str], method: str = "GET") -> Exchange:
    answer, failure = (response, None) if isinstance(response, Response) else (None, response)
    return Exchange(
        Request(method, f"{HOST}/", Headers.of(sent)), answer, failure, datetime(2026, 1, 1, tzinfo=UTC), 0.1
    )


@dataclass(frozen=True)
class Row:
    """One failure: what was sent and what came back, and what has to be said about it."""

    row: str
    stage: str
    name: str
    evidence: tuple[str, ...]
    cure: tuple[str, ...]
    reply: Response | None = None
    sent: tuple[tuple[str, str], ...] = ()
    error: tuple[str, str] = ("", "")
    check: tuple[str, str] = ("", "")
    method: str = "GET"
    layer: str = ""


def _oauth_error(error: str, description: str, status: int = 400) -> Response:
    return _reply(status, *EDGE, body={"error": error, "error_description": description})


SEED: Final = (
    Row(
        "code_challenge_method must be S256 for public clients",
        "authorization",
        "pkce_first_character",
        ("error_description=code_challenge_method must be S256 for public clients",),
        ("starts with a letter or a digit",),
        error=("invalid_request", "code_challenge_method must be S256 for public clients"),
    ),
    Row(
        "invalid_grant on token exchange",
        "exchange",
        "code_expired",
        ("HTTP/1.1 400", '"error": "invalid_grant"', '"error_description": "Code expired"'),
        ("Log in again",),
        _oauth_error("invalid_grant", "Code expired"),
    ),
    Row(
        "invalid_grant on token exchange, code used",
        "exchange",
        "code_refused",
        ("HTTP/1.1 400", '"error": "invalid_grant"', '"error_description": "Code already used"'),
        ("Log in again",),
        _oauth_error("invalid_grant", "Code already used"),
    ),
    Row(
        "401 after using token, later",
        "probe",
        "token_refused",
        ("HTTP/1.1 401", f"www-authenticate: {CHALLENGE[1]}"),
        ("authlens refresh",),
        _reply(401, CHALLENGE, *EDGE),
        BEARER,
        layer="Cloudflare Access",
    ),
    Row(
        "No www-authenticate header",
        "detection",
        "no_challenge",
        ("HTTP/1.1 401",),
        ("send WWW-Authenticate",),
        _reply(401, body="no"),
        layer="origin",
    ),
    Row(
        "No www-authenticate header, no metadata either",
        "resource_metadata",
        "no_resource_metadata",
        ("HTTP/1.1 404", "nothing at /x (404)"),
        (OAUTH, "authlens login URL --cloudflared"),
        _reply(404),
        check=("resource_metadata.found", "nothing at /x (404)"),
    ),
    Row(
        "No registration_endpoint in AS metadata",
        "server_metadata",
        "no_registration_endpoint",
        ('no "registration_endpoint" in it',),
        (OAUTH, "--client-id"),
        _reply(200, body={"issuer": TEAM}),
        check=("server.registration_endpoint", "not stated"),
    ),
    Row(
        "Port 8400 already in use",
        "registration",
        "port_taken",
        ("Port 8400 on this machine is in use by python.",),
        ("use another port",),
        check=("registration.port", "Port 8400 on this machine is in use by python."),
    ),
    Row(
        "Port 8400 in use on ::1 only",
        "registration",
        "port_taken_on_one_address",
        ("Port 8400 on this machine is in use by python, on ::1 only.",),
        ("127.0.0.1, where the port is free",),
        check=("registration.port_half", "Port 8400 on this machine is in use by python, on ::1 only."),
    ),
)


AUTHORIZATION: Final = (  # §1.5
    Row(
        "§1.5 no resource",
        "authorization",
        "resource_missing",
        ("error=invalid_target", "error_description=No resource parameter found"),
        ("--resource",),
        error=("invalid_target", "No resource parameter found"),
    ),
    Row(
        "§1.5 another resource",
        "authorization",
        "resource_refused",
        ("error=invalid_target",),
        ("exactly that of the resource metadata", OAUTH),
        error=("invalid_target", ""),
    ),
    Row(
        "no resource parameter at Entra",
        "authorization",
        "resource_not_wanted",
        ("error=invalid_target",),
        ('authlens login URL --resource ""',),
        error=("invalid_target", "AADSTS9010010: The resource parameter provided in the request"),
    ),
    Row(
        "§1.5 list of the application",
        "authorization",
        "redirect_uri_not_in_application",
        ("error_description=Redirect URI not allowed by application configuration",),
        ("Allow localhost clients", "Allowed redirect URIs", OAUTH, "register again"),
        error=("invalid_request", "Redirect URI not allowed by application configuration"),
    ),
    Row(
        "§1.5 page: denied user",
        "authorization",
        "user_denied",
        ("error_description=That account does not have access",),
        (POLICIES, "cdn-cgi/access/logout"),
        error=("", "That account does not have access"),
    ),
    Row(
        "§1.5 page: no application",
        "authorization",
        "application_not_found",
        ("error_description=Unable to find your Access application!",),
        ("whole host", "cdn-cgi/access/logout"),
        error=("", "Unable to find your Access application!"),
    ),
    Row(
        "§1.5 page: nonce",
        "authorization",
        "stale_sign_in",
        ("error_description=Invalid state: missing or invalid nonce",),
        ("open the link again", "cdn-cgi/access/logout"),
        error=("", "Invalid state: missing or invalid nonce"),
    ),
    Row(
        "§1.5 silence: the three pages, WARP, no callback",
        "authorization",
        "no_answer_in_time",
        ("nothing in 180 seconds",),
        ("paste", "ssh", "logout", "WARP", "right account"),
        check=("authorization.timeout", "nothing in 180 seconds"),
    ),
    Row(
        "a server that sends no state back",
        "authorization",
        "state_missing",
        ("an answer without a state came: a code",),
        ("Ask the owner", "--any-state"),
        check=("authorization.timeout", "nothing in 180 seconds; an answer without a state came: a code"),
    ),
    Row(
        "§1.5 unknown client",
        "exchange",
        "unknown_client",
        ("HTTP/1.1 401", '"error": "invalid_client"'),
        ("authlens login URL --new-client", "client id"),
        _oauth_error("invalid_client", "Client not found", 401),
    ),
    Row(
        "§1.5 denied on the callback",
        "authorization",
        "user_denied",
        ("error=access_denied",),
        (POLICIES,),
        error=("access_denied", ""),
    ),
    Row(
        "§1.5 Deny pressed",
        "authorization",
        "user_denied",
        ("error=access_denied",),
        ("Log in again and allow it, if that was not meant",),
        error=("access_denied", "The user denied the request"),
    ),
)


REPORTED: Final = (  # §1.8
    Row(
        "§1.8 empty list of redirect URIs",
        "registration",
        "redirect_uri_not_in_account",
        (
            "HTTP/1.1 400",
            '"error": "invalid_client_metadata"',
            '"error_description": "redirect_uri is not allowed by the account configuration"',
        ),
        ("Allow localhost clients", "Allow loopback clients", OAUTH, "a minute", "--redirect-host"),
        _oauth_error("invalid_client_metadata", "redirect_uri is not allowed by the account configuration"),
    ),
    Row(
        "§1.8 other server refuses the URI",
        "registration",
        "redirect_uri_refused",
        ('"error": "invalid_redirect_uri"',),
        ("--redirect-host",),
        _oauth_error("invalid_redirect_uri", "no"),
    ),
    Row(
        "client metadata document that the server cannot read",
        "exchange",
        "client_document_refused",
        ("HTTP/1.1 401", '"error": "invalid_client"'),
        ("authlens client-metadata", "registers itself"),
        _oauth_error("invalid_client", "The client metadata document cannot be read", 401),
    ),
    Row(
        "client metadata document refused on the callback",
        "authorization",
        "client_document_refused",
        ("error=invalid_client_metadata",),
        ("authlens client-metadata", "registers itself"),
        error=("invalid_client_metadata", ""),
    ),
    Row(
        "§1.8 302 challenge, Managed OAuth dropped by a tool",
        "detection",
        "managed_oauth_off",
        ("HTTP/1.1 302", f"location: {TEAM}/cdn-cgi/access/login/wiki.example.com"),
        (OAUTH, "authlens login URL --cloudflared", "oauth_configuration"),
        _reply(302, _login(), *EDGE),
        layer="Cloudflare Access",
    ),
    Row(
        "§1.8 tool dropped it during the login",
        "access",
        "oauth_turned_off",
        ("HTTP/1.1 302",),
        (OAUTH, "oauth_configuration"),
        _reply(302, _login(), *EDGE),
        BEARER,
        layer="Cloudflare Access",
    ),
    Row(
        "§1.8 loopback port changed",
        "authorization",
        "redirect_uri_changed",
        ("error_description=The redirect URI provided does not match any registered URI for this client.",),
        ("register again", "--port"),
        error=(
            "invalid_request",
            "The redirect URI provided does not match any registered URI for this client.",
        ),
    ),
    Row(
        "§1.8 user agent banned at discovery",
        "resource_metadata",
        "browser_integrity_check",
        ("HTTP/1.1 403 Forbidden", "error code: 1010", f"cf-ray: {RAY[1]}"),
        ("Browser Integrity Check", "Skip", "CF-Ray"),
        _reply(403, *EDGE, body="error code: 1010", reason="Forbidden"),
        check=("resource_metadata.found", "nothing"),
        layer="Cloudflare WAF",
    ),
    Row(
        "§1.8 530 after a good token",
        "access",
        "origin_down",
        ("HTTP/1.1 530",),
        ("tunnel",),
        _reply(530, *EDGE, body="error code: 1033"),
        BEARER,
        layer="origin",
    ),
    Row(
        "§1.8 registration is off",
        "registration",
        "no_registration_endpoint",
        ("HTTP/1.1 404",),
        (OAUTH, "--client-id"),
        _reply(404),
    ),
    Row(
        "§1.8 too many registrations",
        "registration",
        "too_many_registrations",
        ("HTTP/1.1 429",),
        ("Wait a minute",),
        _reply(429),
    ),
    Row(
        "§1.6 refresh token ended",
        "refresh",
        "refresh_token_ended",
        ('"error": "invalid_grant"',),
        ("Log in again", "Grant session duration"),
        _oauth_error("invalid_grant", "Grant expired"),
    ),
    Row(
        "§1.6 no revocation endpoint",
        "revoke",
        "no_revocation_endpoint",
        ("none",),
        ("expire",),
        check=("revoke.endpoint", "none"),
    ),
)


SERVICE_TOKENS: Final = (  # §2
    Row(
        "§2 ignored: Managed OAuth on",
        "probe",
        "service_token_ignored",
        ("HTTP/1.1 401", f"www-authenticate: {CHALLENGE[1]}"),
        ("action Service Auth", POLICIES, TOKENS),
        _reply(401, CHALLENGE, *EDGE),
        PAIR,
        layer="Cloudflare Access",
    ),
    Row(
        "§2 Service Auth missing",
        "probe",
        "service_auth_missing",
        ("HTTP/1.1 302", '"service_token_status": true'),
        ("action Service Auth", "selector Service Token", POLICIES),
        _reply(302, _login(known=True), *EDGE),
        PAIR,
    ),
    Row(
        "§2 wrong or expired, classic, with Allow",
        "probe",
        "service_token_unknown",
        ("HTTP/1.1 302", '"service_token_status": false'),
        (TOKENS, "rotate"),
        _reply(302, _login(known=False), *EDGE),
        PAIR,
    ),
    Row(
        "§2 wrong, classic, Service Auth only; or no policy, strict",
        "probe",
        "service_token_not_authorised",
        ("HTTP/1.1 403", f"cf-access-aud: {AUD[1]}"),
        (POLICIES, TOKENS),
        _reply(403, AUD, *EDGE),
        PAIR,
    ),
    Row(
        "§2 strict: cannot authenticate",
        "probe",
        "service_token_not_authenticated",
        ("HTTP/1.1 401", f"cf-access-aud: {AUD[1]}"),
        (TOKENS, "Refresh an expired one"),
        _reply(401, AUD, *EDGE),
        PAIR,
    ),
    Row(
        "§2 half a pair",
        "probe",
        "service_token_half",
        ("HTTP/1.1 403", "sent: service_token.half"),
        ("Send both",),
        _reply(403, AUD, *EDGE),
        PAIR[:1],
    ),
    Row(
        "§2 both styles at once",
        "probe",
        "service_token_twice",
        ("HTTP/1.1 401",),
        ("once each",),
        _reply(401, AUD, *EDGE),
        (*PAIR, *SINGLE),
    ),
    Row(
        "§2 swapped",
        "probe",
        "service_token_swapped",
        ("HTTP/1.1 403",),
        (".access",),
        _reply(403, AUD, *EDGE),
        (("CF-Access-Client-Id", SECRET), ("CF-Access-Client-Secret", ID)),
    ),
    Row(
        "§2 WAF before Access",
        "probe",
        "waf_before_access",
        ("HTTP/1.1 403", "cf-mitigated: challenge"),
        ("WAF custom rule", "Skip", "CF-Ray"),
        _reply(403, ("cf-mitigated", "challenge"), *EDGE),
        PAIR,
        layer="Cloudflare WAF",
    ),
    Row(
        "§2 the cookie does not replace the headers",
        "probe",
        "jwt_needs_allow_policy",
        ("HTTP/1.1 403",),
        ("every request", POLICIES),
        _reply(403, AUD, *EDGE),
        (("Cookie", f"CF_Authorization={JWT}"),),
    ),
    Row(
        "§2 JWT as a bearer token",
        "probe",
        "jwt_as_bearer",
        ("HTTP/1.1 302",),
        ("cf-access-token",),
        _reply(302, _login(), *EDGE),
        (("Authorization", f"Bearer {JWT}"),),
    ),
    Row(
        "§4.4 Binding Cookie",
        "probe",
        "jwt_refused",
        ("HTTP/1.1 302",),
        ("authlens login URL --cloudflared", "Binding Cookie"),
        _reply(302, _login(), *EDGE),
        (("cf-access-token", JWT),),
    ),
)


MATRIX: Final = (  # §4.1
    Row(
        "§4.1 public, no app",
        "detection",
        "public",
        ("HTTP/1.1 200 OK",),
        ("tell its owner",),
        _reply(200, *EDGE, reason="OK"),
        layer="origin",
    ),
    Row(
        "§4.1 no app, Access required",
        "detection",
        "access_required",
        ("HTTP/1.1 403", "error code: 1043"),
        ("Add an application",),
        _reply(403, *EDGE, body="error code: 1043"),
        layer="Cloudflare Access",
    ),
    Row(
        "§4.1 only Service Auth",
        "detection",
        "service_tokens_only",
        ("HTTP/1.1 403", f"cf-access-aud: {AUD[1]}"),
        ("authlens service-token add", POLICIES),
        _reply(403, AUD, *EDGE),
        layer="Cloudflare Access",
    ),
    Row(
        "§4.1 page of Access without its fields",
        "detection",
        "service_tokens_only",
        ("HTTP/1.1 403", '"status_code": 403'),
        (POLICIES,),
        _reply(403, *EDGE, body=FORBIDDEN),
    ),
    Row(
        "§4.1 preflight",
        "probe",
        "preflight_refused",
        ("HTTP/1.1 403",),
        ("Cross-Origin Resource Sharing",),
        _reply(403, *EDGE),
        method="OPTIONS",
    ),
    Row(
        "§4.1 no longer allowed, 403",
        "access",
        "policy_refuses_token",
        ("HTTP/1.1 403", f"cf-access-aud: {AUD[1]}"),
        (POLICIES, "Allow policy"),
        _reply(403, AUD, *EDGE),
        BEARER,
        layer="Cloudflare Access",
    ),
    Row(
        "§4.1 no longer allowed, 401",
        "access",
        "fresh_token_refused",
        ("HTTP/1.1 401",),
        ("Wait a minute", "resource in the token request"),
        _reply(401, CHALLENGE, *EDGE),
        BEARER,
        layer="Cloudflare Access",
    ),
    Row(
        "§4.1 the origin's own 403",
        "access",
        "not_allowed_with_token",
        ("HTTP/1.1 403",),
        ("owner of the service",),
        _reply(403, *EDGE),
        BEARER,
        layer="origin",
    ),
    Row(
        "§4.1 scope",
        "access",
        "token_not_enough",
        ('www-authenticate: Bearer error="insufficient_scope", scope="a"',),
        ("--scope",),
        _reply(403, ("www-authenticate", 'Bearer error="insufficient_scope", scope="a"')),
        BEARER,
    ),
    Row(
        "§4.1 1010 with a token",
        "access",
        "browser_integrity_check",
        ("HTTP/1.1 403",),
        ("Browser Integrity Check",),
        _reply(403, *EDGE, body={"error_code": 1010}),
        BEARER,
        layer="Cloudflare WAF",
    ),
    Row(
        "§4.1 1020",
        "detection",
        "zone_security",
        ("HTTP/1.1 403", "error code: 1020"),
        ("WAF custom rule", "CF-Ray"),
        _reply(403, *EDGE, body="error code: 1020"),
        layer="Cloudflare WAF",
    ),
    Row(
        "§4.1 challenge page, with a token",
        "access",
        "challenge_page",
        ("HTTP/1.1 403", "cf-mitigated: challenge"),
        ("Skip", "CF-Ray"),
        _reply(403, ("cf-mitigated", "challenge"), *EDGE),
        BEARER,
        layer="Cloudflare WAF",
    ),
    Row(
        "§4.1 another login",
        "detection",
        "other_login",
        ('www-authenticate: Basic realm="x"',),
        ("method it names",),
        _reply(401, ("www-authenticate", 'Basic realm="x"')),
    ),
    Row(
        "method not allowed",
        "detection",
        "method_not_allowed",
        ("HTTP/1.1 405",),
        ("--method POST",),
        _reply(405),
    ),
    Row(
        "a redirect elsewhere",
        "access",
        "redirect_elsewhere",
        ("HTTP/1.1 307", "location: https://other.example/"),
        ("give its URL",),
        _reply(307, ("location", "https://other.example/?q=canary")),
        BEARER,
    ),
    Row("403 of nobody known", "detection", "forbidden", ("HTTP/1.1 403",), ("Check the URL",), _reply(403)),
    Row("nothing there", "detection", "not_found", ("HTTP/1.1 404",), ("Check the path",), _reply(404)),
    Row("too many requests", "access", "too_many_requests", ("HTTP/1.1 429",), ("minute",), _reply(429)),
    Row(
        "an error page of the server",
        "exchange",
        "server_failed",
        ("HTTP/1.1 500", "content-type: text/html", "starts with: <h1>Oops</h1>"),
        ("Try again", "these lines"),
        _reply(500, ("content-type", "text/html"), body="<h1>Oops</h1>"),
    ),
)


CHECKS: Final = (
    Row(
        "metadata of another resource",
        "resource_metadata",
        "metadata_of_another_resource",
        ('"resource": "https://evil.example"',),
        ('"resource" in the metadata',),
        _reply(200, body={"resource": "https://evil.example"}),
        check=("resource_metadata.resource", "x"),
    ),
    Row(
        "metadata of another issuer",
        "server_metadata",
        "issuer_mismatch",
        ('"issuer": "https://evil.example"',),
        ("authorization_servers",),
        _reply(200, body={"issuer": "https://evil.example"}),
        check=("server.issuer", "x"),
    ),
    Row(
        "no S256",
        "server_metadata",
        "s256_missing",
        ('"code_challenge_methods_supported": ["plain"]',),
        ("code_challenge_methods_supported",),
        _reply(200, body={"code_challenge_methods_supported": ["plain"]}),
        check=("server.s256", "plain"),
    ),
    Row(
        "no public clients",
        "server_metadata",
        "public_clients_not_listed",
        ('no "token_endpoint_auth_methods_supported" in it',),
        ("token_endpoint_auth_methods_supported",),
        _reply(200, body={}),
        check=("server.none", "x"),
    ),
    Row(
        "no server metadata",
        "server_metadata",
        "no_server_metadata",
        ("HTTP/1.1 404", "nothing at /y (404)"),
        ("authorization_servers",),
        _reply(404),
        check=("server.document", "nothing at /y (404)"),
    ),
    Row(
        "a mix-up",
        "authorization",
        "answer_of_another_server",
        ("iss=https://evil.example",),
        ("Do not trust",),
        check=("authorization.iss", "https://evil.example"),
    ),
    Row(
        "a guess",
        "detection",
        "challenge_without_metadata",
        ("www-authenticate: Bearer",),
        ("resource_metadata=…",),
        _reply(401, ("www-authenticate", "Bearer")),
        check=(
            "detection.metadata_guessed",
            "no resource_metadata; the well-known URLs are tried in order",
        ),
    ),
    Row(
        "clocks",
        "exchange",
        "clocks_differ",
        ("date: Thu, 01 Jan 2026 01:00:00 GMT",),
        ("NTP",),
        _reply(200, ("date", "Thu, 01 Jan 2026 01:00:00 GMT")),
        check=("token.clock", "an hour"),
    ),
)


CONTRADICTIONS: Final = (
    Row(
        "seen-newcomers B1",
        "access",
        "token_for_another_resource",
        ("HTTP/1.1 401", "aud is https://other/mcp; this login asked for https://app/mcp"),
        (),
        _reply(401, CHALLENGE),
        BEARER,
        check=("access.audience", "aud is https://other/mcp; this login asked for https://app/mcp"),
    ),
    Row(
        "local time in exp",
        "access",
        "token_not_valid_now",
        ("HTTP/1.1 401", "exp is 2026-01-01"),
        (),
        _reply(401, CHALLENGE),
        BEARER,
        check=("access.lifetime", "exp is 2026-01-01 00:00:00 UTC"),
    ),
    Row(
        "a proof that no metadata asks for",
        "access",
        "proof_wanted",
        ("HTTP/1.1 401",),
        (),
        _reply(401, ("www-authenticate", 'Bearer error="invalid_token", error_description="DPoP"')),
        BEARER,
        check=("access.proof", "a bearer token was sent"),
    ),
    Row(
        "a good token without a reason",
        "access",
        "good_token_refused",
        ("HTTP/1.1 401",),
        ("--dpop", "owner of the resource"),
        _reply(401, CHALLENGE),
        BEARER,
        check=("access.unexplained", "its aud is this resource"),
    ),
    Row(
        "iss of another spelling",
        "access",
        "token_of_another_issuer",
        ("HTTP/1.1 401", "iss is http://localhost"),
        (),
        _reply(401, CHALLENGE),
        BEARER,
        check=("access.issuer", "iss is http://localhost"),
    ),
    Row(
        "a verifier that is right",
        "exchange",
        "verifier_compared_wrongly",
        ('"error": "invalid_grant"',),
        (),
        _oauth_error("invalid_grant", "PKCE verification failed"),
        check=("exchange.verifier", "the link has its hash"),
    ),
    Row(
        "seen-newcomers B2",
        "exchange",
        "public_client_refused",
        ('"error": "invalid_client"', "the metadata lists none"),
        (),
        _oauth_error("invalid_client", "", 401),
        check=("exchange.public_client", "the metadata lists none"),
    ),
    Row(
        "scopes of another resource",
        "authorization",
        "scope_of_another_server",
        ("error=invalid_scope", "asked for: api://other/read"),
        (),
        error=("invalid_scope", ""),
        check=("authorization.scope", "invalid_scope; asked for: api://other/read"),
    ),
    Row(
        "a scope that the user gave",
        "authorization",
        "scope_refused",
        ("error=invalid_scope",),
        ("--scope SCOPE", "owner"),
        error=("invalid_scope", ""),
    ),
    Row(
        "an audience wanted",
        "authorization",
        "audience_wanted",
        ("error_description=The audience is required",),
        ("--audience URL",),
        error=("invalid_request", "The audience is required"),
    ),
    Row(
        "no resource parameter at all",
        "authorization",
        "resource_not_wanted",
        ("error_description=extra fields not permitted: resource",),
        ('--resource ""', "owner"),
        error=("invalid_request", "extra fields not permitted: resource"),
    ),
    Row(
        "a registration without localhost",
        "registration",
        "loopback_name_refused",
        ('"error_description": "localhost is not allowed"',),
        ("--redirect-host 127.0.0.1",),
        _oauth_error("invalid_redirect_uri", "localhost is not allowed"),
    ),
    Row(
        "an origin that is no server",
        "registration",
        "no_server_at_origin",
        ("HTTP/1.1 404",),
        ("Only the owner of the resource",),
        _reply(404),
        check=("registration.at_origin", "https://app/register answers 404"),
    ),
    Row(
        "a registration that a firewall refuses",
        "registration",
        "no_registration_endpoint",
        ("HTTP/1.1 403",),
        ("Only the server's owner can help",),
        _reply(403, body="<h1>Forbidden</h1>"),
    ),
)


ROWS: Final = (*SEED, *AUTHORIZATION, *REPORTED, *SERVICE_TOKENS, *MATRIX, *CHECKS, *CONTRADICTIONS)


def _diagnosed(row: Row, kind: ServerKind = ServerKind.ACCESS) -> Diagnosis | None:
    name, seen = row.check
    checks = (failed(name, "", seen),) if name else ()
    exchange = _exchange(row.reply, *row.sent, method=row.method) if row.reply else None
    error = OAuthError(*row.error) if any(row.error) else None
    return find_cause(Stage(row.stage), error=error, checks=checks, exchange=exchange, kind=kind)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_a_failure_that_people_met_has_its_cause_its_raw_lines_and_its_cure(row: Row) -> None:
    found = _diagnosed(row)
    assert found is not None
    assert found.name == row.name
    assert found.cause.endswith(".")
    assert found.source
    for line in row.evidence:
        assert any(line in one for one in found.evidence), found.evidence
    for words in row.cure:
        assert words in str(found.cure)
    if row.layer:
        assert found.layer == row.layer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_no_secret_that_was_sent_is_in_a_diagnosis(row: Row) -> None:
    """Neither a token nor the half of a pair, nor what the login URL carries."""
    told = repr(_diagnosed(row))
    for secret in (SECRET, JWT, "canary", "meta="):
        assert secret not in told


def test_every_cause_in_the_table_has_a_row_here() -> None:
    """A cause that no failure reaches is dead."""
    by_users = {cause.name for cause in CAUSES if not cause.grants}
    assert by_users == {row.name for row in ROWS}


def _unknown(stage: str, response: Response, check: str, *sent: tuple[str, str]) -> Diagnosis | None:
    return diagnose(
        Stage(stage),
        (failed(check, "", "", cure=""),),
        _exchange(response, *sent),
    )


@pytest.mark.parametrize(
    ("stage", "check"),
    [
        ("detection", "detection.protection"),
        ("resource_metadata", "resource_metadata.status"),
        ("registration", "registration.status"),
        ("exchange", "token.status"),
        ("access", "access.accepted"),
        ("probe", "probe.accepted"),
    ],
)
def test_an_answer_that_nobody_knows_is_shown_whole(stage: str, check: str) -> None:
    """Status, content type, CF-Ray and first bytes; never "unknown error"."""
    answer = _reply(418, ("content-type", "text/plain"), RAY, body="short and stout\n" * 50, reason="Teapot")
    found = _unknown(stage, answer, check)
    assert found is not None
    assert found.name == UNKNOWN
    assert found.evidence[:3] == ("HTTP/1.1 418 Teapot", "content-type: text/plain", f"cf-ray: {RAY[1]}")
    assert found.evidence[3].startswith("starts with: short and stout short and stout")
    assert len(found.evidence[3]) < 200
    assert "unknown" not in f"{found.cause} {found.cure}".lower()
    assert found.cure


@pytest.mark.parametrize(
    ("body", "secret"),
    [
        ('{"access_token": "canary-value-1"}', "canary-value-1"),
        ("you sent oauth:canary-bearer-1", "canary-bearer-1"),
        ("code=canary12345&state=x", "canary12345"),
        ("Bearer " + "c4nary" * 10, "c4naryc4nary"),
    ],
)
def test_the_first_bytes_of_an_answer_give_no_secret_away(body: str, secret: str) -> None:
    """By what was sent, by name and by shape."""
    found = _unknown("access", _reply(418, body=body), "access.accepted", *BEARER)
    assert found is not None
    assert secret not in repr(found)
    assert "••••" in found.evidence[-1]


def test_a_secret_of_a_form_is_masked_where_the_answer_repeats_it() -> None:
    """A server may print back what it was sent, in words that no rule knows."""
    request = Request(
        "POST",
        f"{TEAM}/token",
        Headers.of([("Content-Type", FORM_TYPE)]),
        Body(b"grant_type=authorization_code&code=short1&code_verifier=plain-words"),
    )
    response = _reply(418, body="bad short1 and plain-words")
    exchange = Exchange(request, response, None, datetime(2026, 1, 1, tzinfo=UTC), 0.1)
    found = diagnose(Stage.EXCHANGE, (failed("token.status", ""),), exchange)
    assert found is not None
    assert "short1" not in repr(found)
    assert "plain-words" not in repr(found)


def test_what_a_body_holds_is_safe_and_bounded_in_the_evidence() -> None:
    """Control characters become visible, a megabyte becomes a line, and it is quick."""
    body = "\x1b]52;c;x\x07\u202e" + "a" * 1_000_000
    found = _unknown("access", _reply(418, body=body), "access.accepted")
    assert found is not None
    assert len(found.evidence) > 1
    assert all(line.isprintable() and len(line) < 1000 for line in found.evidence)


def test_an_empty_answer_from_elsewhere_says_so() -> None:
    found = _unknown("access", _reply(418), "access.accepted")
    assert found is not None
    assert found.evidence[1:] == (
        "no Content-Type",
        "an empty body",
    )


def test_a_registered_error_code_without_a_row_has_its_own_meaning() -> None:
    """RFC 6749 §5.2: it is not shown as if nobody knew it."""
    found = _unknown("exchange", _oauth_error("unsupported_grant_type", "no"), "token.status")
    assert found is not None
    assert (found.name, found.evidence[1]) == ("unsupported_grant_type", '"error": "unsupported_grant_type"')


def test_no_answer_at_all_is_a_matter_of_the_network() -> None:
    """The words are those of the wire, the layer is named, the query is not."""
    lost = WireFailure(FailureKind.CONNECT, "Nobody listens.", "Start it.")
    found = diagnose(Stage.ACCESS, (failed("access.accepted", ""),), _exchange(lost))
    assert found == Diagnosis(
        "no_answer",
        "Nobody listens.",
        "Start it.",
        (f"connect failure: GET {HOST}/",),
        layer=Layer.NETWORK,
    )


def test_a_check_that_says_it_all_needs_no_diagnosis() -> None:
    """A document that does not fit is explained where the specification is known."""
    answer = _reply(200, body={"resource": HOST})
    assert (
        diagnose(
            Stage.SERVER_METADATA,
            (failed("server.endpoints", ""),),
            _exchange(answer),
        )
        is None
    )
