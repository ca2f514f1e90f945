"""Detection: what an answer without a credential teaches, with plain values."""

import json

import pytest
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import StageResult
from authlens_core.login.stages.detection_stage import DetectionStage
from authlens_core.oauth.mcp import McpCall, call_of, mcp_request
from authlens_core.values.check import Check, Severity, failures
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, Response, WireFailure
from authlens_core.values.fix import commands_of
from authlens_core.values.login_options import Options
from authlens_core.values.url import parse_url
from support.scripted_login import METADATA, RESOURCE, Answer, exchange, facts, reply

STAGE = DetectionStage()
START = facts(metadata_candidates=())
NAMED = ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"')


def _learn(*answers: Answer, peer: str | None = None, **changes: object) -> StageResult:
    methods = ["GET", "POST"][: len(answers)]
    exchanges = [
        exchange(answer, Request(method, RESOURCE), peer=peer)
        for answer, method in zip(answers, methods, strict=True)
    ]
    return STAGE.learn(replace(START, **changes), exchanges)


def _get(answer: Answer) -> Exchange:
    return replace(exchange(answer, Request("GET", RESOURCE)), purpose=Purpose.RESOURCE)


def _call(method: str, answer: Answer) -> Exchange:
    request = mcp_request(parse_url(RESOURCE), McpCall(method))
    return replace(exchange(answer, request), purpose=Purpose.RESOURCE)


def _document(answer: Answer) -> Exchange:
    return replace(exchange(answer, Request("GET", METADATA)), purpose=Purpose.RESOURCE_METADATA)


def _result(**result: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def _methods(start: Facts, *sent: Exchange) -> list[str]:
    planned = STAGE.request(start, sent)
    requests = [*(one.request for one in sent), *([planned.request] if planned else [])]
    return [call_of(request) or request.method for request in requests]


def _fact(learned: StageResult, name: str) -> object:
    return next(fact.value for fact in learned.display_facts if fact.name == name)


def _check(learned: StageResult, name: str) -> Check:
    return next(c for c in learned.checks if c.name == name)


def _candidates(learned: StageResult) -> list[str]:
    return [url.text for url in learned.facts.metadata_candidates]


def test_with_the_method_post_only_the_calls_of_an_mcp_client_are_sent() -> None:
    chosen = replace(START, options=Options(method="POST"))
    assert _methods(chosen) == ["server/discover"]
    assert _methods(chosen, _call("server/discover", reply(404))) == ["server/discover", "initialize"]


@pytest.mark.parametrize("status", [400, 404, 405, 406, 415])
def test_where_get_is_not_taken_the_calls_of_an_mcp_client_follow(status: int) -> None:
    """Express and Hono servers answer GET with 404; others with 405 or 406, and only a POST with 401."""
    refused = reply(401, None, NAMED)
    sent = (_get(reply(status)), _call("server/discover", refused))
    assert _methods(START, sent[0]) == ["GET", "server/discover"]
    assert STAGE.request(START, sent) is None
    learned = STAGE.learn(START, sent)
    assert (learned.facts.method, learned.facts.call) == ("POST", McpCall.DISCOVER)
    assert f"GET {status}, server/discover 401" in _check(learned, "detection.method").seen
    assert _fact(learned, "kind of resource") == "MCP server"


@pytest.mark.parametrize(
    "answer",
    [
        *(reply(400), reply(404), reply(500)),
        reply(200, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}}),
    ],
    ids=["400", "404", "500", "an error"],
)
def test_a_server_that_does_not_know_discover_is_asked_to_initialize(answer: Response) -> None:
    sent = (_get(reply(404)), _call("server/discover", answer))
    assert _methods(START, *sent) == ["GET", "server/discover", "initialize"]


def test_a_server_that_is_down_is_not_asked_again() -> None:
    assert _methods(START, _get(reply(404)), _call("server/discover", reply(503))) == [
        *("GET", "server/discover"),
    ]


def test_a_server_that_is_open_until_its_tools_are_asked_for_is_found_out() -> None:
    """`initialize` answers anybody; its session is named again, and `tools/list` wants a token."""
    opened = reply(200, _result(protocolVersion="2025-11-25"), ("Mcp-Session-Id", "s-1"))
    sent = [_get(reply(405)), _call("server/discover", reply(400)), _call("initialize", opened)]
    planned = STAGE.request(START, sent)
    assert planned is not None
    assert call_of(planned.request) is McpCall.LIST_TOOLS
    assert planned.request.headers.get("mcp-session-id") == "s-1"
    assert planned.request.headers.get("mcp-protocol-version") == "2025-11-25"
    learned = STAGE.learn(START, [*sent, _call("tools/list", reply(401, None, NAMED))])
    assert failures(learned.checks) == ()
    assert _candidates(learned) == [METADATA]
    assert _fact(learned, "kind of resource") == "MCP server, protocol 2025-11-25"


def test_a_call_of_2026_07_28_names_version_and_method_in_fields_and_in_its_parameters() -> None:
    planned = STAGE.request(START, (_get(reply(405)),))
    assert planned is not None
    fields = planned.request.headers
    assert (fields.get("mcp-protocol-version"), fields.get("mcp-method")) == ("2026-07-28", "server/discover")
    meta = json.loads(planned.request.body.reveal())["params"]["_meta"]
    assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"


def test_where_nothing_is_refused_and_metadata_is_published_a_login_is_offered() -> None:
    sent = [_get(reply(200, None, ("Content-Type", "text/html"), text="<p>Hello"))]
    planned = STAGE.request(START, sent)
    assert planned is not None
    assert planned.purpose is Purpose.RESOURCE_METADATA
    assert not planned.server_supplied
    sent.append(_document(reply(200, {"resource": RESOURCE})))
    assert STAGE.request(START, sent) is None
    offered = STAGE.learn(START, sent)
    [check] = failures(offered.checks)
    assert (check.name, check.overridable) == ("detection.protection", True)
    assert "--anyway" in str(check.cure)
    assert offered.diagnosis is not None
    assert "--anyway" in str(offered.diagnosis.cure)
    chosen = STAGE.learn(replace(START, options=Options(anyway=True)), sent)
    assert failures(chosen.checks) == ()
    assert chosen.facts.anonymous
    assert METADATA in _candidates(chosen)


@pytest.mark.parametrize(
    ("named", "is_meant"),
    [
        ("https://app.example/elsewhere", True),
        ("https://other.example/mcp", False),
        ("https://app.example/", False),
        (RESOURCE, False),
        ("javascript:alert(1)", False),
        (7, False),
    ],
)
def test_an_address_beside_the_resource_of_the_metadata_is_asked_about(named: object, is_meant: bool) -> None:
    """Seen-newcomers B10: did you mean the address that the metadata is about?"""
    sent = [_get(reply(404)), _document(reply(200, {"resource": named}))]
    [check] = failures(STAGE.learn(START, sent).checks)
    assert (f"authlens login {named}" in str(check.cure)) is is_meant
    assert ("--anyway" in str(check.cure)) is not is_meant
    assert check.overridable is not is_meant


def test_anyway_without_published_metadata_stays_refused() -> None:
    sent = [_get(reply(200)), _document(reply(404)), _document(reply(200, None, text="<html>"))]
    learned = STAGE.learn(replace(START, options=Options(anyway=True)), sent)
    assert [check.name for check in failures(learned.checks)] == ["detection.protection"]


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("text/html; charset=utf-8", "web page"),
        ("application/json", "API"),
        ("text/event-stream", "event stream, as an MCP server sends it"),
    ],
)
def test_what_the_resource_is_is_shown(media_type: str, kind: str) -> None:
    answer = reply(200, None, ("Content-Type", media_type), text="{}")
    assert _fact(STAGE.learn(START, [_get(answer)]), "kind of resource") == kind


def test_a_405_with_a_challenge_needs_no_post() -> None:
    """CH-9: the field is read on any status."""
    assert STAGE.request(START, (exchange(reply(405, None, NAMED)),)) is None
    assert _candidates(_learn(reply(405, None, NAMED))) == [METADATA]


def test_the_url_in_the_challenge_is_the_only_candidate() -> None:
    """PR-2: if the challenge gives the URL, exactly that is used."""
    learned = _learn(reply(401, None, NAMED))
    assert _candidates(learned) == [METADATA]
    assert failures(learned.checks) == ()


def test_without_a_url_the_form_with_the_path_comes_before_the_root() -> None:
    """PR-2, CH-10: in that order, with a warning that it is a guess."""
    learned = _learn(reply(401))
    assert _candidates(learned) == [METADATA, "https://app.example/.well-known/oauth-protected-resource"]
    assert _check(learned, "detection.metadata_guessed").severity is Severity.WARNING


def test_behind_cloudflare_its_own_places_are_tried_last() -> None:
    """PR-2: only where the answer came through its edge."""
    candidates = _candidates(_learn(reply(401, None, ("CF-Ray", "8c1f2e3d4a5b6c7d-FRA"))))
    assert len(candidates) == 4
    assert ["cloudflare-access" in url for url in candidates] == [False, False, True, True]


def test_a_url_in_the_body_is_second_to_the_header_and_counts_on_the_same_origin_only() -> None:
    """Design §4: header first, body second, well-known last; a body is easier to slip in."""
    body = {"resource_metadata": "https://app.example/by-body"}
    assert _candidates(_learn(reply(401, body))) == ["https://app.example/by-body"]
    assert _candidates(_learn(reply(401, body, NAMED))) == [METADATA]
    foreign = _learn(reply(401, {"resource_metadata": "https://evil.example/x"}))
    assert "https://evil.example/x" not in _candidates(foreign)
    assert failures(foreign.checks) == ()


@pytest.mark.parametrize("text", ["[]", "{", '{"resource_metadata": 1}', "\xff"])
def test_a_body_that_is_no_object_is_no_source(text: str) -> None:
    """PR-3: it changes nothing."""
    answer = reply(401, None, ("Content-Type", "application/json"), text=text)
    assert _candidates(_learn(answer)) == _candidates(_learn(reply(401)))


def test_a_url_on_another_origin_needs_a_yes() -> None:
    """PR-13, H014."""
    learned = _learn(
        reply(401, None, ("WWW-Authenticate", 'Bearer resource_metadata="https://evil.example/x"'))
    )
    [failed] = failures(learned.checks)
    assert (failed.name, failed.overridable) == ("resource_metadata.location", True)
    assert failures(learned.checks, {failed.name}) == ()


@pytest.mark.parametrize(
    "url", ["http://app.example/x", "https://app.example/x#f", "file:///etc/passwd", "/x"]
)
def test_a_url_that_cannot_be_used_stops(url: str) -> None:
    """GEN-1, GEN-8: and no guess is made in its place."""
    learned = _learn(reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{url}"')))
    assert [c.overridable for c in failures(learned.checks)] == [False]
    assert _candidates(learned) == []


def test_two_urls_are_refused() -> None:
    """CH-6: a URL from a server is fetched only if it can mean one thing."""
    two = ("WWW-Authenticate", 'Bearer resource_metadata="https://app.example/1"')
    other = ("WWW-Authenticate", 'Bearer resource_metadata="https://app.example/2"')
    assert failures(_learn(reply(401, None, two, other)).checks)


@pytest.mark.parametrize(
    ("answer", "overridable"),
    [
        (reply(200, text="hello"), True),
        (reply(404), True),
        (reply(302, None, ("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/x")), True),
        (reply(403, None, ("cf-access-aud", "a" * 64)), False),
        (reply(401, None, ("WWW-Authenticate", 'Basic realm="x"')), False),
        (reply(503), False),
        (WireFailure(FailureKind.NAME, "There is no such name."), False),
    ],
)
def test_what_does_not_ask_for_a_bearer_token_stops_the_login(answer: Answer, overridable: bool) -> None:
    """Where the dead end is only suspected, the person may look for metadata all the same."""
    learned = _learn(answer)
    [failed] = failures(learned.checks)
    assert (failed.name, failed.overridable) == ("detection.protection", overridable)
    assert _candidates(learned) == []
    if overridable:
        approved = _learn(answer, approved=frozenset({"detection.protection"}))
        assert METADATA in _candidates(approved)


@pytest.mark.parametrize("location", [f"{RESOURCE}/", "/mcp/"])
def test_a_resource_that_redirects_to_itself_with_a_slash_is_logged_in_to_there(location: str) -> None:
    """As frameworks answer that mount an application below a path."""
    learned = _learn(reply(307, None, ("Location", location)))
    [failed] = failures(learned.checks)
    assert commands_of(failed.cure) == [f"authlens login {RESOURCE}/"]
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == "other_address"


def test_a_page_to_sign_in_is_for_the_owner_to_take_away() -> None:
    learned = _learn(reply(302, None, ("Location", "/login?next=/mcp")))
    [failed] = failures(learned.checks)
    assert "only the owner of the resource can help" in str(failed.cure)


def test_the_scope_of_the_challenge_is_kept_when_it_can_be_sent_back() -> None:
    """CH-12, CH-11: what is outside the allowed characters is not."""
    for scheme in ("Bearer", "DPoP"):
        field = f'{scheme} scope="files:read files:write"'
        learned = _learn(reply(401, None, ("WWW-Authenticate", field)))
        assert learned.facts.challenge_scope == "files:read files:write"
    for bad in ('Bearer scope="a\\"b"', 'Bearer scope=""', "Bearer", 'Other scope="a"'):
        assert _learn(reply(401, None, ("WWW-Authenticate", bad))).facts.challenge_scope is None


@pytest.mark.parametrize(
    ("peer", "public"),
    [
        ("93.184.216.34:443", True),
        ("[2606:4700::1111]:443", True),
        ("10.1.2.3:443", False),
        ("[fe80::1%eth0]:443", False),
        ("127.0.0.1:443", False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_a_resource_is_public_where_it_answered_from_a_public_address(peer: str | None, public: bool) -> None:
    """GEN-3."""
    assert _learn(reply(401), peer=peer).facts.resource_is_public is public
