"""Texts that are no error, or not the one that a word in them names: no particular cause is told of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authlens_core.diagnosis.causes import client_messages, server_messages
from authlens_core.explain.pasted_error import explain_text
from authlens_core.values.check import ErrorCode

GENERAL = {
    *(cause.name for cause in (*server_messages(), *client_messages()) if cause.general),
    *ErrorCode,
    "log.nothing_failed",
    "log.browser",
}

CHANGES = [
    "- Fix invalid_grant errors when the refresh token expired (#123)",
    "* Added support for insufficient_scope step-up",
    "fix(auth): handle AADSTS50011 and redirect_uri_mismatch",
    "feat: retry on ECONNREFUSED and ETIMEDOUT",
    "chore: mention jwt expired in the log",
    "- Handle `invalid_client` from the token endpoint by registering again",
    "Fixed a crash when the server sends error code: 1020",
    "- Support for DPoP proof nonces",
]
SOURCE = [
    'if err.Error() == "invalid_grant" {',
    'if "redirect_uri_mismatch" in str(error):',
    "except jwt.ExpiredSignatureError:",
    "raise InvalidGrantError('Refresh token expired')",
    "if (error.code === 'ECONNREFUSED') {",
    "} else if (e.code == 'CERT_HAS_EXPIRED') {",
    "const UNAUTHORIZED = 'access_denied';",
    'case "incorrect_client_credentials":',
    'return fmt.Errorf("oauth2: cannot fetch token: invalid_grant")',
    "// unable to verify the first certificate",
    'assert response.json()["error"] == "invalid_scope"',
    'throw new Error("jwt malformed");',
    'logger.error("could not resolve host %s", host)',
]
DOCUMENTATION = [
    "The server returns `invalid_grant` when the code has expired.",
    "The error jwt expired occurs when the clock is wrong.",
    "`ECONNREFUSED` means that nothing listens on the port.",
    "If you see AADSTS65001, grant consent.",
    "When the server returns invalid_client, the client is registered anew.",
    "| invalid_scope | The requested scope is unknown. |",
    "| `E0000011` | Invalid token provided |",
]
LOGS = [
    "2026-11-28T10:00:00Z INFO listening on 127.0.0.1:8080",
    '127.0.0.1 - - [28/Nov/2026:10:00:00 +0000] "GET /mcp HTTP/1.1" 200 512',
    "INFO token refreshed, expires in 3600 s",
    "DEBUG discovered the authorization server of https://wiki.example",
    "Connected to Streamable HTTP transport",
    "http: 3 requests, 0 errors, 200 OK",
    "scope=openid profile; redirect_uri=http://localhost:8400/callback",
    "Certificate valid until 2027-01-01, issuer CN=Example CA",
    "keyring backend: SecretService, priority 5",
    "git fetch origin: 12 objects, done",
    "array id: 5, x-ray id: 1-5759e988-bd862e3fe1be46a994272793",
    "CF_Authorization=abc; Path=/; Secure",
    "cloudflared: websocket closed with code 1006",
    "FileNotFoundError: [Errno 2] No such file or directory: 'token.json'",
    "ResourceNotFoundException: Requested resource not found",
    "CodePipeline execution started",
    "token issuer: https://id.example, token audience: wiki",
    "Webhook signature verification failed",
    "Terraform: state mismatch, run terraform refresh",
    "TimeoutError: page.waitForSelector: Timeout 30000ms exceeded.",
    "gtk: cannot open display: :0",
    "[HPM] Proxy error: could not proxy the request",
    "support for TLS 1.3 is already in use",
    "Device or resource is already being used",
    "client_id=abc, 3 files not found",
    "Dependency resolution failed: unsupported engine",
    "docker: layer is already being used by another process",
    "permission to enter denied to anonymous",
    "CSRF token is valid",
    "role_type admin is not allowed",
    "claim file not found in token store",
    "an entity had no session: session not active",
    "OPA: policy evaluation failed",
    "postgres: role migration of the table finished with a warning\n" * 6
    + "WARNING: grant not found, skipped",
    "kernel: device 3 answered on the bus within the time that it has\n" * 6
    + "driver: client mismatch in slot 4",
    "build: step 4 of 9 wrote its files to the folder of the packages\n" * 6
    + "lint: duplicate parameter in line 8",
]


@pytest.mark.parametrize("text", CHANGES + SOURCE + DOCUMENTATION + LOGS)
def test_what_only_mentions_an_error_has_no_particular_cause(text: str) -> None:
    assert {told.name for told in explain_text(text)} <= GENERAL


@pytest.mark.parametrize(
    "text",
    [
        "Error Code: 1045. Access denied for user 'root'@'localhost' (using password: YES)",
        "ERROR 1005 (HY000): Can't create table",
        "Error code: 1006",
        "AMQP error 530: vhost not found",
        "<html><title>Sign in</title></html>",
        "302 Found\nlocation: https://wiki.example/login",
        "error code: 5",
        "Ray ID",
        "HTTP/1.1 403 Forbidden\nserver: nginx\n\n<html>403 Forbidden</html>",
        "forbidden by policy",
        "Status: 522",
    ],
)
def test_nothing_is_said_of_cloudflare_where_no_mark_of_it_is(text: str) -> None:
    for told in explain_text(text):
        words = re.sub("“[^”]*”", "", f"{told.cause} {told.cure}")  # what is quoted is the text's
        assert not re.search(r"(?i)cloudflare|zero trust|\bwarp\b|ray id|(?-i:\bAccess\b)", words)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # The network stopped a step whose name is in the text, too.
        ("Token refresh failed: getaddrinfo ENOTFOUND auth.example", "name_unknown"),
        ("Dynamic client registration: connect ECONNREFUSED 10.0.0.1:443", "connection_refused"),
        ("oauth2: cannot fetch token: 503 Service Unavailable", "http.bad_gateway"),
        ("Failed to connect to MCP server: Request failed with status code 403", "forbidden"),
        ("invalid_grant: AADSTS70099: something new", "entra.any_other"),
        ("net::ERR_CONNECTION_REFUSED https://wiki.example/", "connection_refused"),
        ("request failed with status 418", None),
        ("the token exchange answered 200", None),
    ],
)
def test_the_particular_cause_is_the_one_that_the_text_gives(text: str, name: str | None) -> None:
    assert next((told.name for told in explain_text(text)), None) == name


def test_a_sentence_that_the_terminal_broke_is_found() -> None:
    text = "│ Error: Incompatible auth server: does not │\n│ support dynamic client registration       │"
    assert explain_text(text)[0].name == "no_registration_endpoint"


def test_a_message_that_a_log_escaped_is_found() -> None:
    text = r'msg="{\"error\":\"access_denied\",\"error_description\":\"Unauthorized\"}"'
    assert explain_text(text)[0].name == "auth0.secret_wrong"


def test_hardly_a_line_of_a_changelog_has_a_particular_cause() -> None:
    """Ours speaks of all of them."""
    lines = (Path(__file__).parents[3] / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if not {told.name for told in explain_text(line)} <= GENERAL]
    assert len(told) <= len(lines) // 100, told
