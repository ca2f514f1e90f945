"""Access: the proof that the token works, with plain values."""

import base64
import json

import pytest
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.stages.access_stage import AccessStage
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.oauth.mcp import LEGACY, McpCall, call_of, mcp_request
from authlens_core.oauth.token import TokenResponse
from authlens_core.trace.failure_reason import diagnosis_of
from authlens_core.values.check import Severity, failures
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, Response, WireFailure
from authlens_core.values.formats.duration import Lifetime
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
from authlens_core.values.url import parse_url
from support.scripted_login import BEGAN, ISSUER, RESOURCE, exchange, facts, reply

STAGE = AccessStage()
TOKENS = TokenResponse(Secret("oauth:canary-1"), "bearer", Lifetime(900), None, None, None, None)
START = facts(tokens=TOKENS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_goes_to_the_resource_in_the_header_and_nowhere_else(method: str) -> None:
    """BR-1, BR-3, TK-10: with the method that the resource answers to; the URL is the person's own."""
    planned = STAGE.request(replace(START, method=method), ())
    assert planned is not None
    request = planned.request
    assert (request.method, request.url) == (method, RESOURCE)
    assert request.headers.get_all("authorization") == ("Bearer oauth:canary-1",)
    assert "canary" not in request.url
    assert b"canary" not in request.body.reveal()
    assert request.headers.get("cookie") is None


def test_it_is_asked_once_and_not_without_a_token() -> None:
    """CH-14: no retry in a circle."""
    refused = reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
    assert STAGE.request(START, [exchange(refused)]) is None
    assert STAGE.request(replace(START, tokens=None), ()) is None
    assert failures(STAGE.learn(replace(START, tokens=None), ()).checks)


@pytest.mark.parametrize("status", [200, 204])
def test_a_success_is_the_proof(status: int) -> None:
    """RFC 6750."""
    learned = STAGE.learn(START, [exchange(reply(status))])
    assert [c.severity for c in learned.checks] == [Severity.PASS]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"')), "issued a moment ago"),
        (
            reply(403, None, ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="x"')),
            "scope is too narrow",
        ),
        (reply(403), "you may not use this address"),
        (
            reply(302, None, ("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/x")),
            "Managed OAuth",
        ),
        (reply(307, None, ("Location", "https://evil.example/")), "redirect"),
    ],
)
def test_a_refusal_is_a_failure_with_its_cause(answer: Response, word: str) -> None:
    """CH-14, BR-2: a redirect is never followed with the token."""
    [failed] = failures(STAGE.learn(START, [exchange(answer)]).checks)
    assert failed.name == "access.accepted"
    assert word in f"{failed.seen} {failed.cure}"
    assert not failed.overridable


@pytest.mark.parametrize("status", [400, 404, 429, 500, 530])
def test_another_problem_is_not_the_token_s_fault(status: int) -> None:
    """CH-14: the login is done; a warning says what stands behind it."""
    learned = STAGE.learn(START, [exchange(reply(status))])
    assert [c.severity for c in learned.checks] == [Severity.WARNING]
    assert str(status) in learned.checks[0].seen


def test_no_answer_is_no_proof() -> None:
    lost = WireFailure(FailureKind.CONNECT, "Nobody listens.", "Start it.")
    [failed] = failures(STAGE.learn(START, [exchange(lost)]).checks)
    assert (failed.seen, failed.cure) == ("Nobody listens.", "Start it.")


def _asked(call: McpCall | None, answer: Response) -> Exchange:
    request = Request("GET", RESOURCE) if call is None else mcp_request(parse_url(RESOURCE), call)
    return replace(exchange(answer, request), purpose=Purpose.ACCESS)


def _next(start: Facts, *sent: Exchange) -> McpCall | None:
    planned = STAGE.request(start, sent)
    assert planned is None or planned.request.headers.get("authorization") == "Bearer oauth:canary-1"
    return None if planned is None else call_of(planned.request)


@pytest.mark.parametrize("status", [405, 406])
def test_where_get_is_not_allowed_with_the_token_the_first_mcp_call_verifies_it(status: int) -> None:
    assert _next(START, _asked(None, reply(status))) is McpCall.DISCOVER
    assert (
        _next(START, _asked(None, reply(status)), _asked(McpCall.DISCOVER, reply(400))) is McpCall.INITIALIZE
    )


def test_where_the_list_of_tools_was_refused_it_is_asked_for_in_a_session_of_its_own() -> None:
    start = replace(START, method="POST", call=McpCall.LIST_TOOLS, mcp_version=LEGACY)
    opened = reply(200, {"jsonrpc": "2.0", "result": {"protocolVersion": LEGACY}}, ("Mcp-Session-Id", "s"))
    assert _next(start) is McpCall.INITIALIZE
    assert _next(start, _asked(McpCall.INITIALIZE, opened)) is McpCall.LIST_TOOLS
    assert _next(start, _asked(McpCall.LIST_TOOLS, reply(200))) is None


def test_an_answer_that_came_without_a_token_too_is_said_to_prove_nothing() -> None:
    learned = STAGE.learn(replace(START, anonymous=True), [exchange(reply(200))])
    assert failures(learned.checks) == ()
    assert "access.anonymous" in {check.name for check in learned.checks}


def _jwt(**claims: object) -> Secret:
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256"}, claims))
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return Secret(".".join((*encoded, "c2ln")))


REFUSED = reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
LATER = BEGAN.timestamp() + 900
OTHER = "https://other.example/mcp"


@pytest.mark.parametrize(
    ("claims", "options", "name"),
    [
        ({"aud": "https://other.example/mcp", "exp": LATER}, {}, "access.audience"),
        ({"aud": ["https://other.example/mcp", 7], "exp": LATER}, {}, "access.audience"),
        ({"exp": LATER}, {}, "access.audience"),
        ({"aud": RESOURCE, "exp": LATER - 1000}, {}, "access.lifetime"),
        ({"aud": RESOURCE, "nbf": LATER, "exp": LATER + 900}, {}, "access.lifetime"),
        ({"aud": [RESOURCE, "x"], "exp": LATER}, {}, "access.unexplained"),
        ({"aud": "https://api/", "exp": LATER}, {"audience": "https://api/"}, "access.unexplained"),
        ({"aud": RESOURCE, "exp": LATER, "iss": f"{ISSUER}/"}, {}, "access.issuer"),
        ({"aud": RESOURCE, "exp": LATER, "iss": ISSUER}, {}, "access.unexplained"),
    ],
)
def test_a_refused_token_is_read_for_why(
    claims: dict[str, object], options: dict[str, str], name: str
) -> None:
    """Seen-newcomers B1: both values are named, and "wait a minute" is not the first advice."""
    start = replace(
        START,
        tokens=replace(TOKENS, access_token=_jwt(**claims)),
        options=Options(**options),  # type: ignore[arg-type]
    )
    learned = STAGE.learn(start, [exchange(REFUSED)])
    assert [c.name for c in failures(learned.checks)] == ["access.accepted", name]
    reason = diagnosis_of(Stage.ACCESS, learned.checks, [exchange(REFUSED)])
    assert reason is not None
    assert "inute" not in str(reason.cure)
    if "aud" in claims and name == "access.audience":
        assert any("other.example/mcp; this login asked for" in line for line in reason.evidence)


@pytest.mark.parametrize(
    ("named", "way"), [(RESOURCE, f"--resource {RESOURCE}"), (OTHER, "resource_server_url (Python)")]
)
def test_a_token_for_the_resource_that_was_chosen_is_for_another_than_the_url(named: str, way: str) -> None:
    """The user alone named another one, or its metadata did; the resource compares aud with its URL."""
    body = {"error": "invalid_token", "error_description": "wrong audience"}
    start = replace(
        START,
        tokens=replace(TOKENS, access_token=_jwt(aud=OTHER, exp=LATER)),
        options=Options(resource=OTHER),
        resource_metadata=ResourceMetadata(named, (ISSUER,), None, {}),
    )
    sent = [exchange(reply(401, body))]
    reason = diagnosis_of(Stage.ACCESS, STAGE.learn(start, sent).checks, sent)
    assert reason is not None
    seen = f"aud is {OTHER}, for which this login asked; the URL that you gave is {RESOURCE}"
    assert {seen, '"error_description": "wrong audience"'} <= set(reason.evidence)
    assert way in str(reason.cure)
    assert "--dpop" not in str(reason.cure)


@pytest.mark.parametrize("answer", [reply(200), reply(404), reply(500)])
def test_a_token_that_is_not_refused_is_not_read(answer: Response) -> None:
    wrong = replace(START, tokens=replace(TOKENS, access_token=_jwt(aud="https://other.example/")))
    assert not [c for c in STAGE.learn(wrong, [exchange(answer)]).checks if c.name != "access.accepted"]


def test_a_resource_that_speaks_of_dpop_wants_a_proof() -> None:
    said = reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token", error_description="DPoP"'))
    names = [c.name for c in failures(STAGE.learn(START, [exchange(said)]).checks)]
    assert names == ["access.accepted", "access.proof"]
    bound = replace(START, options=Options(dpop=True))
    assert len(failures(STAGE.learn(bound, [exchange(said)]).checks)) == 1
