"""The words for an answer to a credential: those of its diagnosis, which knows what was sent."""

from __future__ import annotations

import pytest

from authlens_core.credentials.lifecycle.probe_call import call_resource, probe_grant
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.made_checks import present
from support.rotating_server import RotatingServer, Scripted

AUD = "a" * 64
ACCESS = (("cf-access-aud", AUD), ("cf-access-domain", "wiki.example.com"))
LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/wiki.example.com"
BEARER = ("WWW-Authenticate", 'Bearer error="invalid_token"')
SCOPE = ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="write"')

TABLE = [
    (Scripted(401, None, (BEARER,)), False, "token_refused", "The stored access token is refused"),
    (Scripted(401), False, "token_refused", "The stored access token is refused"),
    (Scripted(403, None, ACCESS), False, "policy_refuses_token", "Access knows the token and refuses it"),
    (Scripted(403), False, "not_allowed_with_token", "you may not use this address"),
    (Scripted(403, None, (SCOPE,)), False, "token_not_enough", "its scope is too narrow"),
    (Scripted(302, None, (("Location", LOGIN),)), False, "oauth_turned_off", "although a token was sent"),
    (Scripted(307, None, (("Location", "https://x.example/"),)), None, "redirect_elsewhere", "It redirects"),
    (Scripted(404), None, "not_found", "Nothing was found at this address"),
    (Scripted(405), None, "method_not_allowed", "this request method"),
    (Scripted(429), None, "too_many_requests", "limits requests"),
    (Scripted(500), None, "server_failed", "The server failed with an internal error"),
    (Scripted(530, headers=(("cf-ray", "1-EMU"),)), None, "origin_down", "cannot reach the server behind it"),
    (Scripted(418), None, "unknown", "authlens does not recognise this response: HTTP/1.0 418"),
]


@pytest.mark.parametrize(("answer", "accepted", "name", "words"), TABLE)
async def test_the_answer_to_a_token_is_told_as_that_and_not_as_the_answer_to_nobody(
    credentials: Credentials,
    wire: Wire,
    saved: Grant,
    server: RotatingServer,
    answer: Scripted,
    accepted: bool | None,
    name: str,
    words: str,
) -> None:
    """A probe says what stage 8 says of the same answer, cause and cure, and the record says it too."""
    server.answers("/mcp", answer, answer)  # a refused GET is followed by the call of an MCP client
    proven = (await probe_grant(credentials, wire, saved.grant_id)).result
    assert (proven.accepted, present(proven.diagnosis).name) == (accepted, name)
    assert words in proven.summary
    assert proven.cure
    (check,) = present(proven.trace).records[0].checks
    assert (check.cure, proven.summary in check.seen) == (proven.cure, True)


@pytest.mark.parametrize(("answer", "accepted", "name", "words"), TABLE[7:])
async def test_an_answer_about_something_else_has_the_same_words_for_every_kind_of_credential(
    wire: Wire, server: RotatingServer, answer: Scripted, accepted: bool | None, name: str, words: str
) -> None:
    """One place judges; what was sent makes a difference only where the answer is about it."""
    server.answers("/mcp", answer)
    fields = (("X-Key", "key-canary"),)
    said = await call_resource(wire, f"{server.base}/mcp", fields, secret=Secret("key-canary"))
    assert (said.accepted, present(said.diagnosis).name) == (accepted, name)
    assert words in said.summary
