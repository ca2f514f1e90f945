"""What other programs print, and what it means."""

from __future__ import annotations

import pytest

from authlens_core.access.pasted_error import explain_text

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Error: redirect_uri is not allowed by organization settings", "redirect_uri_not_in_application"),
        ('HTTP 400: {"error":"invalid_client","error_description":"unknown"}', "unknown_client"),
        ("http://localhost:8400/callback?error=access_denied&state=x", "user_denied"),
        ("SSE error: Unexpected content type: text/html; charset=utf-8", "login_page_for_an_answer"),
        (
            "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
            "login_page_for_an_answer",
        ),
        ("McpError: code_challenge_method must be S256 for public clients", "pkce_first_character"),
        ("listen EADDRINUSE: address already in use 127.0.0.1:8400", "port_taken"),
        (
            "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
            "git_cannot_ask",
        ),
        (
            "Incompatible auth server: does not support dynamic client registration",
            "no_registration_endpoint",
        ),
        ("error code: 1010", "browser_integrity_check"),
        ("unable to get local issuer certificate", "certificate_not_trusted"),
        ("oauth: invalid_grant", "code_refused"),
        ("Streamable HTTP error: Error POSTing to endpoint (HTTP 401): ", "token_refused"),
        ('Bearer error="invalid_token"', "token_refused"),
        ("<html><title>Sign in</title> https://team.cloudflareaccess.com/", "login_page_for_an_answer"),
        ("Unable to find your Access application!", "application_not_found"),
    ],
)
def test_messages_of_clients_are_explained(text: str, name: str) -> None:
    """The most particular cause comes first, with the line that shows it."""
    found = explain_text(f"12:00:01 starting\n{text}\n12:00:02 done")
    assert name in {one.name for one in found}
    assert found[0].cure


CURL = """\
* Connected to wiki.example.com
> GET / HTTP/2
> Host: wiki.example.com
>
< HTTP/2 302
< location: https://team.cloudflareaccess.com/cdn-cgi/access/login/wiki.example.com?meta=x
< cf-ray: 8f1-FRA
<
"""


def test_a_transcript_of_curl_is_classified_as_an_answer_of_our_own() -> None:
    """The redirect to the login page, told from the header fields."""
    names = [one.name for one in explain_text(CURL)]
    assert names
    assert any("login" in name for name in names)
    plain = "HTTP/1.1 403 Forbidden\r\ncf-access-aud: abc\r\ncf-access-domain: w.example\r\n\r\nForbidden."
    assert any("service" in one.cause.lower() for one in explain_text(plain))


def test_what_looks_like_a_secret_is_masked_in_the_quoted_line() -> None:
    """A log that was pasted may hold a token."""
    (found,) = explain_text(f"invalid_client for token {JWT}")
    assert JWT not in str(found)
    assert found.evidence


@pytest.mark.parametrize("text", ["", "all is well", "HTTP/1.1 200 OK\n\nhello", "x" * 1_000_000])
def test_a_text_without_a_known_failure_is_not_explained(text: str) -> None:
    """Nothing is guessed."""
    assert explain_text(text) == ()
