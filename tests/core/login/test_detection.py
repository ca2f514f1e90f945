"""Detection: what an answer without a credential teaches, with plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authlens_core.login.facts import Options
from authlens_core.login.stage import StageResult
from authlens_core.login.stages.detection import DetectionStage
from authlens_core.oauth.check import Check, Severity, failures
from authlens_core.oauth.http_message import Request
from authlens_core.wire.exchange import FailureKind, WireFailure
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
    return STAGE.learn(replace(START, **changes), exchanges)  # type: ignore[arg-type]


def _check(learned: StageResult, name: str) -> Check:
    return next(c for c in learned.checks if c.name == name)


def _candidates(learned: StageResult) -> list[str]:
    return [url.text for url in learned.facts.metadata_candidates]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_method_that_was_chosen_is_the_only_one(method: str) -> None:
    """--method: a 405 does not change it."""
    chosen = replace(START, options=Options(method=method))  # type: ignore[arg-type]
    planned = STAGE.request(chosen, ())
    assert planned is not None
    assert planned.request.method == method
    assert not planned.server_supplied
    assert STAGE.request(chosen, (exchange(reply(405)),)) is None


@pytest.mark.parametrize("status", [405, 406])
def test_where_get_is_not_allowed_post_is_tried_once(status: int) -> None:
    """Design §9: a GET may give 405 or 406 without a challenge, and only a POST the 401."""
    first = exchange(reply(status))
    planned = STAGE.request(START, (first,))
    assert planned is not None
    assert planned.request.method == "POST"
    assert STAGE.request(START, (first, first)) is None
    learned = _learn(reply(status), reply(401, None, NAMED))
    assert learned.facts.method == "POST"
    assert str(status) in _check(learned, "detection.method").seen


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
    assert _check(learned, "detection.resource_metadata").severity is Severity.WARNING


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


def test_the_scope_of_the_challenge_is_kept_when_it_can_be_sent_back() -> None:
    """CH-12, CH-11: what is outside the allowed characters is not."""
    field = 'Bearer scope="files:read files:write"'
    assert (
        _learn(reply(401, None, ("WWW-Authenticate", field))).facts.challenge_scope
        == "files:read files:write"
    )
    for bad in ('Bearer scope="a\\"b"', 'Bearer scope=""', "Bearer", 'DPoP scope="a"'):
        assert _learn(reply(401, None, ("WWW-Authenticate", bad))).facts.challenge_scope is None


def test_invalid_token_without_a_token_is_no_fault_of_the_person() -> None:
    """CH-13: Cloudflare says it to who sent none; no word about a token of yours."""
    learned = _learn(reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"')))
    words = _check(learned, "detection.protection")
    assert words.severity is Severity.PASS
    assert "your token" not in f"{words.expected} {words.why} {words.cure}".lower()


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
