"""Failures that people met, as raw answers, and the diagnosis of each: cause, quoted lines, exact cure.

The rows are those of Cloudflare's published troubleshooting table, and what Access was seen to answer.
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.diagnose import diagnose, find_cause
from authlens_core.diagnosis.server_kind import ServerKind
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
from authlens_core.values.formats.error_response import OAuthError
from authlens_core.values.secret import Body
from authlens_core.values.stage import MACHINE_GRANTS, GrantType, Stage
from support.made_checks import failed, present

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
ACCESS, WAF, ORIGIN = "Cloudflare Access", "Cloudflare WAF", "origin"
QUOTED: Final = ("www-authenticate", "cf-mitigated", "cf-access-aud", "date")
JWT: Final = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2ln"
Texts = str | tuple[str, ...]
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


def _edge(status: int, *headers: tuple[str, str], body: object = None, reason: str = "") -> Response:
    return _reply(status, *headers, *EDGE, body=body, reason=reason)


def texts(one_or_more: Texts) -> tuple[str, ...]:
    return (one_or_more,) if isinstance(one_or_more, str) else one_or_more


def _oauth_error(error: str, description: str, status: int = 400) -> Response:
    return _reply(status, *EDGE, body={"error": error, "error_description": description})


@dataclass(frozen=True)
class Row:
    """One failure: what was sent and what came back, and what has to be said about it."""

    stage: str
    name: str
    cure: Texts
    reply: Response | None = None
    sent: tuple[tuple[str, str], ...] = ()
    also: Texts = ()
    error: tuple[str, str] = ("", "")
    check: str = ""
    seen: str = ""
    method: str = "GET"
    layer: str = ""

    @property
    def evidence(self) -> list[str]:
        """Return what has to be quoted: of the answer, of the callback, of the check, and `also`."""
        reply, (error, description) = self.reply, self.error
        lines = [self.seen, error and f"error={error}", description and f"error_description={description}"]
        if reply is not None:
            text = reply.body.reveal().decode()
            members = json.loads(text) if text.startswith("{") else {}
            lines += [
                f"HTTP/1.1 {reply.status} {reply.reason}".strip(),
                *(f"{key}: {value}" for key, value in reply.headers.fields if key in QUOTED),
                *(f'"{key}": "{members[key]}"' for key in ("error", "error_description") if members.get(key)),
            ]
        return [*filter(None, lines), *texts(self.also)]


probed = partial(Row, "probe")
opened = partial(Row, "access", sent=BEARER)


def refused(
    stage: str, name: str, cure: Texts, error: str, description: str, status: int = 400, **more: Any
) -> Row:
    """Return the refusal of a token endpoint, or of the one for registrations."""
    return Row(stage, name, cure, _oauth_error(error, description, status), **more)


def callback(name: str, cure: Texts, error: str, description: str = "", **more: Any) -> Row:
    """Return a refusal that the browser brought."""
    return Row("authorization", name, cure, error=(error, description), **more)


def checked(check: str, name: str, cure: Texts, seen: str, **more: Any) -> Row:
    """Return what a check found, without an answer."""
    return Row(check.partition(".")[0], name, cure, check=check, seen=seen, **more)


SEED: Final = (
    callback(
        "pkce_first_character",
        "starts with a letter or a digit",
        "invalid_request",
        "code_challenge_method must be S256 for public clients",
    ),
    refused("exchange", "code_expired", "Log in again", "invalid_grant", "Code expired"),
    refused("exchange", "code_refused", "Log in again", "invalid_grant", "Code already used"),
    probed("token_refused", "authlens refresh", _edge(401, CHALLENGE), BEARER, layer=ACCESS),
    Row("detection", "no_challenge", "send WWW-Authenticate", _reply(401, body="no"), layer=ORIGIN),
    Row(
        "resource_metadata",
        "no_resource_metadata",
        (OAUTH, "authlens login URL --cloudflared"),
        _reply(404),
        check="resource_metadata.found",
        seen="nothing at /x (404)",
    ),
    Row(
        "server_metadata",
        "no_registration_endpoint",
        (OAUTH, "--client-id"),
        _reply(200, body={"issuer": TEAM}),
        also='no "registration_endpoint" in it',
        check="server.registration_endpoint",
    ),
    checked(
        "registration.port",
        "port_taken",
        "use another port",
        "Port 8400 on this machine is in use by python.",
    ),
    checked(
        "registration.port_half",
        "port_taken_on_one_address",
        "127.0.0.1, where the port is free",
        "Port 8400 on this machine is in use by python, on ::1 only.",
    ),
)

AUTHORIZATION: Final = (  # §1.5
    callback("resource_missing", "--resource", "invalid_target", "No resource parameter found"),
    callback("resource_refused", ("exactly that of the resource metadata", OAUTH), "invalid_target"),
    callback(
        "resource_not_wanted",
        'authlens login URL --resource ""',
        "invalid_target",
        "AADSTS9010010: The resource parameter provided in the request",
    ),
    callback(
        "redirect_uri_not_in_application",
        ("Allow localhost clients", "Allowed redirect URIs", OAUTH, "register again"),
        "invalid_request",
        "Redirect URI not allowed by application configuration",
    ),
    callback("user_denied", (POLICIES, "cdn-cgi/access/logout"), "", "That account does not have access"),
    callback(
        "application_not_found",
        ("whole host", "cdn-cgi/access/logout"),
        "",
        "Unable to find your Access application!",
    ),
    callback(
        "stale_sign_in",
        ("open the link again", "cdn-cgi/access/logout"),
        "",
        "Invalid state: missing or invalid nonce",
    ),
    checked(
        "authorization.timeout",
        "no_answer_in_time",
        ("paste", "ssh", "logout", "WARP", "right account"),
        "nothing in 180 seconds",
    ),
    checked(
        "authorization.timeout",
        "state_missing",
        ("Ask the owner", "--any-state"),
        "nothing in 180 seconds; an answer without a state came: a code",
    ),
    refused(
        "exchange",
        "unknown_client",
        ("authlens login URL --new-client", "client id"),
        "invalid_client",
        "Client not found",
        401,
    ),
    callback("user_denied", POLICIES, "access_denied"),
    callback(
        "user_denied",
        "Log in again and allow it, if that was not meant",
        "access_denied",
        "The user denied the request",
    ),
)

REPORTED: Final = (  # §1.8
    refused(
        "registration",
        "redirect_uri_not_in_account",
        ("Allow localhost clients", "Allow loopback clients", OAUTH, "a minute", "--redirect-host"),
        "invalid_client_metadata",
        "redirect_uri is not allowed by the account configuration",
    ),
    refused("registration", "redirect_uri_refused", "--redirect-host", "invalid_redirect_uri", "no"),
    refused(
        "exchange",
        "client_document_refused",
        ("authlens client-metadata", "registers itself"),
        "invalid_client",
        "The client metadata document cannot be read",
        401,
    ),
    callback(
        "client_document_refused", ("authlens client-metadata", "registers itself"), "invalid_client_metadata"
    ),
    Row(
        "detection",
        "managed_oauth_off",
        (OAUTH, "authlens login URL --cloudflared", "oauth_configuration"),
        _edge(302, _login()),
        also=f"location: {TEAM}/cdn-cgi/access/login/wiki.example.com",
        layer=ACCESS,
    ),
    opened("oauth_turned_off", (OAUTH, "oauth_configuration"), _edge(302, _login()), layer=ACCESS),
    callback(
        "redirect_uri_changed",
        ("register again", "--port"),
        "invalid_request",
        "The redirect URI provided does not match any registered URI for this client.",
    ),
    Row(
        "resource_metadata",
        "browser_integrity_check",
        ("Browser Integrity Check", "Skip", "CF-Ray"),
        _edge(403, body="error code: 1010", reason="Forbidden"),
        also=("error code: 1010", f"cf-ray: {RAY[1]}"),
        check="resource_metadata.found",
        layer=WAF,
    ),
    opened("origin_down", "tunnel", _edge(530, body="error code: 1033"), layer=ORIGIN),
    Row("registration", "no_registration_endpoint", (OAUTH, "--client-id"), _reply(404)),
    Row("registration", "too_many_registrations", "Wait a minute", _reply(429)),
    refused(
        "refresh",
        "refresh_token_ended",
        ("Log in again", "Grant session duration"),
        "invalid_grant",
        "Grant expired",
    ),
    checked("revoke.endpoint", "no_revocation_endpoint", "expire", "none"),
)

SERVICE_TOKENS: Final = (  # §2
    probed(
        "service_token_ignored",
        ("action Service Auth", POLICIES, TOKENS),
        _edge(401, CHALLENGE),
        PAIR,
        layer=ACCESS,
    ),
    probed(
        "service_auth_missing",
        ("action Service Auth", "selector Service Token", POLICIES),
        _edge(302, _login(known=True)),
        PAIR,
        also='"service_token_status": true',
    ),
    probed(
        "service_token_unknown",
        (TOKENS, "rotate"),
        _edge(302, _login(known=False)),
        PAIR,
        also='"service_token_status": false',
    ),
    probed("service_token_not_authorised", (POLICIES, TOKENS), _edge(403, AUD), PAIR),
    probed("service_token_not_authenticated", (TOKENS, "Refresh an expired one"), _edge(401, AUD), PAIR),
    probed("service_token_half", "Send both", _edge(403, AUD), PAIR[:1], also="sent: service_token.half"),
    probed("service_token_twice", "once each", _edge(401, AUD), (*PAIR, *SINGLE)),
    probed(
        "service_token_swapped",
        ".access",
        _edge(403, AUD),
        (("CF-Access-Client-Id", SECRET), ("CF-Access-Client-Secret", ID)),
    ),
    probed(
        "waf_before_access",
        ("WAF custom rule", "Skip", "CF-Ray"),
        _edge(403, ("cf-mitigated", "challenge")),
        PAIR,
        layer=WAF,
    ),
    probed(
        "jwt_needs_allow_policy",
        ("every request", POLICIES),
        _edge(403, AUD),
        (("Cookie", f"CF_Authorization={JWT}"),),
    ),
    probed("jwt_as_bearer", "cf-access-token", _edge(302, _login()), (("Authorization", f"Bearer {JWT}"),)),
    probed(
        "jwt_refused",
        ("authlens login URL --cloudflared", "Binding Cookie"),
        _edge(302, _login()),
        (("cf-access-token", JWT),),
    ),
)

MATRIX: Final = (  # §4.1
    Row("detection", "public", "tell its owner", _edge(200, reason="OK"), layer=ORIGIN),
    Row(
        "detection",
        "access_required",
        "Add an application",
        _edge(403, body="error code: 1043"),
        also="error code: 1043",
        layer=ACCESS,
    ),
    Row(
        "detection",
        "service_tokens_only",
        ("authlens service-token add", POLICIES),
        _edge(403, AUD),
        layer=ACCESS,
    ),
    Row("detection", "service_tokens_only", POLICIES, _edge(403, body=FORBIDDEN), also='"status_code": 403'),
    probed("preflight_refused", "Cross-Origin Resource Sharing", _edge(403), method="OPTIONS"),
    opened("policy_refuses_token", (POLICIES, "Allow policy"), _edge(403, AUD), layer=ACCESS),
    opened(
        "fresh_token_refused",
        ("Wait a minute", "resource in the token request"),
        _edge(401, CHALLENGE),
        layer=ACCESS,
    ),
    opened("not_allowed_with_token", "owner of the service", _edge(403), layer=ORIGIN),
    opened(
        "token_not_enough",
        "--scope",
        _reply(403, ("www-authenticate", 'Bearer error="insufficient_scope", scope="a"')),
    ),
    opened(
        "browser_integrity_check", "Browser Integrity Check", _edge(403, body={"error_code": 1010}), layer=WAF
    ),
    Row(
        "detection",
        "zone_security",
        ("WAF custom rule", "CF-Ray"),
        _edge(403, body="error code: 1020"),
        also="error code: 1020",
        layer=WAF,
    ),
    opened("challenge_page", ("Skip", "CF-Ray"), _edge(403, ("cf-mitigated", "challenge")), layer=WAF),
    Row("detection", "other_login", "method it names", _reply(401, ("www-authenticate", 'Basic realm="x"'))),
    Row("detection", "method_not_allowed", "--method POST", _reply(405)),
    opened(
        "redirect_elsewhere",
        ("give its URL", "the path of the target at the host that you asked for"),
        _reply(307, ("location", "https://other.example/?q=canary")),
        also="location: https://other.example/",
    ),
    Row("detection", "forbidden", "Check the URL", _reply(403)),
    Row("detection", "not_found", "Check the path", _reply(404)),
    Row("access", "too_many_requests", "minute", _reply(429)),
    Row(
        "exchange",
        "server_failed",
        ("Try again", "these lines"),
        _reply(500, ("content-type", "text/html"), body="<h1>Oops</h1>"),
        also=("content-type: text/html", "starts with: <h1>Oops</h1>"),
    ),
)

CHECKS: Final = (
    Row(
        "resource_metadata",
        "metadata_of_another_resource",
        '"resource" in the metadata',
        _reply(200, body={"resource": "https://evil.example"}),
        also='"resource": "https://evil.example"',
        check="resource_metadata.resource",
    ),
    Row(
        "server_metadata",
        "issuer_mismatch",
        "authorization_servers",
        _reply(200, body={"issuer": "https://evil.example"}),
        also='"issuer": "https://evil.example"',
        check="server.issuer",
    ),
    Row(
        "server_metadata",
        "s256_missing",
        "code_challenge_methods_supported",
        _reply(200, body={"code_challenge_methods_supported": ["plain"]}),
        also='"code_challenge_methods_supported": ["plain"]',
        check="server.s256",
        seen="plain",
    ),
    Row(
        "server_metadata",
        "public_clients_not_listed",
        "token_endpoint_auth_methods_supported",
        _reply(200, body={}),
        also='no "token_endpoint_auth_methods_supported" in it',
        check="server.none",
    ),
    Row(
        "server_metadata",
        "no_server_metadata",
        "authorization_servers",
        _reply(404),
        check="server.document",
        seen="nothing at /y (404)",
    ),
    checked(
        "authorization.iss",
        "answer_of_another_server",
        "Do not trust",
        "https://evil.example",
        also="iss=https://evil.example",
    ),
    Row(
        "detection",
        "challenge_without_metadata",
        "resource_metadata=…",
        _reply(401, ("www-authenticate", "Bearer")),
        check="detection.metadata_guessed",
    ),
    Row(
        "exchange",
        "clocks_differ",
        "NTP",
        _reply(200, ("date", "Thu, 01 Jan 2026 01:00:00 GMT")),
        check="token.clock",
    ),
)

CONTRADICTIONS: Final = (
    opened(
        "token_for_another_resource",
        (),
        _reply(401, CHALLENGE),
        check="access.audience",
        seen="aud is https://other/mcp; this login asked for https://app/mcp",
    ),
    opened(
        "token_not_valid_now",
        (),
        _reply(401, CHALLENGE),
        check="access.lifetime",
        seen="exp is 2026-01-01 00:00:00 UTC",
    ),
    opened(
        "proof_wanted",
        (),
        _reply(401, ("www-authenticate", 'Bearer error="invalid_token", error_description="DPoP"')),
        check="access.proof",
    ),
    opened(
        "good_token_refused",
        ("--dpop", "owner of the resource"),
        _reply(401, CHALLENGE),
        check="access.unexplained",
    ),
    opened(
        "token_of_another_issuer",
        (),
        _reply(401, CHALLENGE),
        check="access.issuer",
        seen="iss is http://localhost",
    ),
    refused(
        "exchange",
        "verifier_compared_wrongly",
        (),
        "invalid_grant",
        "PKCE verification failed",
        check="exchange.verifier",
    ),
    refused(
        "exchange",
        "public_client_refused",
        (),
        "invalid_client",
        "",
        401,
        check="exchange.public_client",
        seen="the metadata lists none",
    ),
    callback(
        "scope_of_another_server",
        (),
        "invalid_scope",
        check="authorization.scope",
        seen="invalid_scope; asked for: api://other/read",
    ),
    callback("scope_refused", ("--scope SCOPE", "owner"), "invalid_scope"),
    callback("audience_wanted", "--audience URL", "invalid_request", "The audience is required"),
    callback(
        "resource_not_wanted",
        ('--resource ""', "owner"),
        "invalid_request",
        "extra fields not permitted: resource",
    ),
    refused(
        "registration",
        "registration_without_scope",
        ("--scope SCOPE", "owner"),
        "invalid_client_metadata",
        "scope is required",
    ),
    refused(
        "registration",
        "registration_auth_method",
        ("--client-auth client_secret_post", "owner"),
        "invalid_client_metadata",
        "token_endpoint_auth_method must be client_secret_post",
    ),
    refused(
        "registration",
        "loopback_name_refused",
        "--redirect-host 127.0.0.1",
        "invalid_redirect_uri",
        "localhost is not allowed",
    ),
    Row(
        "registration",
        "no_server_at_origin",
        "Only the owner of the resource",
        _reply(404),
        check="registration.at_origin",
    ),
    Row(
        "registration",
        "no_registration_endpoint",
        "Only the server's owner can help",
        _reply(403, body="<h1>Forbidden</h1>"),
    ),
)

ROWS: Final = (*SEED, *AUTHORIZATION, *REPORTED, *SERVICE_TOKENS, *MATRIX, *CHECKS, *CONTRADICTIONS)


def _diagnosed(row: Row, kind: ServerKind = ServerKind.ACCESS) -> Diagnosis | None:
    checks = (failed(row.check, "", row.seen),) if row.check else ()
    exchange = _exchange(row.reply, *row.sent, method=row.method) if row.reply else None
    error = OAuthError(*row.error) if any(row.error) else None
    return find_cause(Stage(row.stage), error=error, checks=checks, exchange=exchange, kind=kind)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.stage}: {row.name}")
def test_a_failure_that_people_met_has_its_cause_its_raw_lines_and_its_cure(row: Row) -> None:
    found = present(_diagnosed(row))
    assert found.name == row.name
    assert found.cause.endswith(".")
    assert found.source
    for line in row.evidence:
        assert any(line in one for one in found.evidence), found.evidence
    for part in texts(row.cure):
        assert part in str(found.cure)
    if row.layer:
        assert found.layer == row.layer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.stage}: {row.name}")
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
    return diagnose(Stage(stage), (failed(check, "", "", cure=""),), _exchange(response, *sent))


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
    found = present(_unknown(stage, answer, check))
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
    found = present(_unknown("access", _reply(418, body=body), "access.accepted", *BEARER))
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
    found = present(diagnose(Stage.EXCHANGE, (failed("token.status", ""),), exchange))
    assert "short1" not in repr(found)
    assert "plain-words" not in repr(found)


def test_what_a_body_holds_is_safe_and_bounded_in_the_evidence() -> None:
    """Control characters become visible, a megabyte becomes a line, and it is quick."""
    body = "\x1b]52;c;x\x07\u202e" + "a" * 1_000_000
    found = present(_unknown("access", _reply(418, body=body), "access.accepted"))
    assert len(found.evidence) > 1
    assert all(line.isprintable() and len(line) < 1000 for line in found.evidence)


def test_an_empty_answer_from_elsewhere_says_so() -> None:
    found = present(_unknown("access", _reply(418), "access.accepted"))
    assert found.evidence[1:] == ("no Content-Type", "an empty body")


def test_a_registered_error_code_without_a_row_has_its_own_meaning() -> None:
    """RFC 6749 §5.2: it is not shown as if nobody knew it."""
    found = present(_unknown("exchange", _oauth_error("unsupported_grant_type", "no"), "token.status"))
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
    assert diagnose(Stage.SERVER_METADATA, (failed("server.endpoints", ""),), _exchange(answer)) is None


_OF_A_USER = re.compile(r"\bcode\b|PKCE|verifier|redirect|browser|Zero Trust|Cloudflare", re.IGNORECASE)


@pytest.mark.parametrize("stage", [Stage.EXCHANGE, Stage.REFRESH])
@pytest.mark.parametrize(
    ("grant", "error", "cause"),
    [
        (GrantType.CLIENT_CREDENTIALS, "invalid_client", "program_not_authenticated"),
        (GrantType.CLIENT_CREDENTIALS, "unauthorized_client", "program_not_allowed"),
        (GrantType.CLIENT_CREDENTIALS, "invalid_scope", "program_scope_refused"),
        (GrantType.JWT_BEARER, "invalid_grant", "assertion_refused"),
        (GrantType.TOKEN_EXCHANGE, "access_denied", "provider_refuses"),
        (GrantType.TOKEN_EXCHANGE, "invalid_grant", "identity_refused"),
    ],
)
def test_a_refusal_is_about_what_the_program_sent(
    grant: GrantType, error: str, cause: str, stage: Stage
) -> None:
    sent = Body(urlencode({"grant_type": grant, "client_id": "job"}).encode())
    request = Request("POST", "https://as.example/token", Headers.of((("Content-Type", FORM_TYPE),)), sent)
    body = Body(json.dumps({"error": error}).encode())
    answer = Response(400, "", Headers.of((("content-type", "application/json"),)), body)
    found = find_cause(stage, exchange=Exchange(request, answer, None, datetime(2026, 1, 1, tzinfo=UTC), 0.1))
    assert found is not None
    assert found.name == cause


def test_no_cause_of_a_program_speaks_of_a_user_s_login() -> None:
    for cause in (cause for cause in CAUSES if cause.grants & MACHINE_GRANTS):
        assert _OF_A_USER.search(f"{cause.cause} {cause.cure}") is None
        # Either a command leads on, or the words say who alone can help.
        assert ": authlens login URL" in str(cause.cure) or "nly " in str(cause.cure)


@pytest.mark.parametrize(
    ("stage", "error"),
    [("exchange", "server_error"), ("authorization", "login_required"), ("detection", ""), ("pkce", "")],
)
def test_an_unknown_failure_is_not_explained(stage: str, error: str) -> None:
    """Better no cause than a wrong one: the meaning of the code is told elsewhere."""
    assert find_cause(Stage(stage), error=OAuthError(error)) is None


def test_the_evidence_says_what_it_was_told_from() -> None:
    found = present(find_cause(Stage.EXCHANGE, error=OAuthError("invalid_grant", "Code used")))
    assert found.evidence == ("error=invalid_grant", "error_description=Code used")
    checks = failed("other", ""), failed("authorization.timeout", "", "nothing in 60 seconds")
    timed_out = present(find_cause(Stage.AUTHORIZATION, checks=checks))
    assert timed_out.evidence == ("nothing in 60 seconds",)


@given(
    st.sampled_from(["exchange", "authorization", "registration"]), st.text(max_size=20), st.text(max_size=40)
)
def test_what_a_server_says_is_safe_in_the_evidence(stage: str, error: str, description: str) -> None:
    """Causes and cures are ours alone, evidence passes the gate."""
    found = find_cause(
        Stage(stage), error=OAuthError(error, f"{description} invalid nonce"), kind=ServerKind.ACCESS
    )
    assert found is not None
    assert all(line.isprintable() for line in (*found.evidence, found.cause, str(found.cure)))
