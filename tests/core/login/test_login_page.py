"""A redirect to Access's login page: what the metadata beside it says decides, not the redirect."""

import pytest
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import StageResult
from authlens_core.login.stages.detection_stage import DetectionStage
from authlens_core.values.check import Severity, failures
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, WireFailure
from support.scripted_login import METADATA, RESOURCE, Answer, exchange, facts, reply

STAGE = DetectionStage()
START = facts(metadata_candidates=())
LOGIN = ("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/app.example")


def _redirect(metadata: str = METADATA) -> Exchange:
    field = ("WWW-Authenticate", f'Cloudflare-Access resource_metadata="{metadata}"')
    return replace(exchange(reply(302, None, LOGIN, field)), purpose=Purpose.RESOURCE)


def _document(answer: Answer) -> Exchange:
    return replace(exchange(answer, Request("GET", METADATA)), purpose=Purpose.RESOURCE_METADATA)


def _learn(document: Answer, start: Facts = START) -> StageResult:
    return STAGE.learn(start, [_redirect(), _document(document)])


def test_the_metadata_that_the_redirect_names_is_asked_for_once() -> None:
    """CH-9, CF-2."""
    planned = STAGE.request(START, [_redirect()])
    assert planned is not None
    assert (planned.request.method, planned.request.url) == ("GET", METADATA)
    assert STAGE.request(START, [_redirect(), _document(reply(404))]) is None


@pytest.mark.parametrize("metadata", ["https://evil.example/m", "http://app.example/m", "/m", ""])
def test_metadata_elsewhere_is_not_asked_for(metadata: str) -> None:
    """H014."""
    assert STAGE.request(START, [_redirect(metadata)]) is None


def test_a_redirect_without_a_challenge_asks_for_nothing() -> None:
    """H005."""
    bare = replace(exchange(reply(302, None, LOGIN)), purpose=Purpose.RESOURCE)
    assert STAGE.request(START, [bare]) is None


def test_the_login_goes_on_where_the_methods_have_oauth() -> None:
    """CF-2: a request that looks like a browser's is redirected although Managed OAuth is on."""
    learned = _learn(reply(200, {"authentication_methods": [{"name": "cloudflared"}, {"name": "oauth"}]}))
    assert failures(learned.checks) == ()
    assert learned.checks[0].severity is Severity.WARNING
    assert [url.text for url in learned.facts.metadata_candidates] == [METADATA]


def test_managed_oauth_is_off_only_where_the_methods_lack_it() -> None:
    """CF-2."""
    learned = _learn(reply(200, {"authentication_methods": [{"name": "cloudflared"}]}))
    [check] = failures(learned.checks)
    assert "Managed OAuth is off" in check.seen
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == "managed_oauth_off"


@pytest.mark.parametrize(
    "answer",
    [
        reply(404),
        reply(200, text="<html>"),
        reply(200, {"resource": RESOURCE}),
        reply(200, {"authentication_methods": "oauth"}),
        reply(302, None, LOGIN),
        WireFailure(FailureKind.TIMEOUT, "It did not answer."),
    ],
)
def test_metadata_without_methods_says_that_it_is_not_known(answer: Answer) -> None:
    """CF-2: the owner is asked, and the user may look further."""
    learned = _learn(answer)
    [check] = failures(learned.checks)
    assert check.overridable
    assert "is off" not in check.seen
    assert learned.diagnosis is not None
    assert learned.diagnosis.name == "login_page"


def test_the_user_may_look_further_all_the_same() -> None:
    learned = _learn(reply(404), replace(START, approved=frozenset({"detection.protection"})))
    assert METADATA in [url.text for url in learned.facts.metadata_candidates]


def test_hostile_names_of_methods_are_no_method() -> None:
    listed = [{"name": ["oauth"]}, "oauth", {"name": "OAuth"}, {}, None]
    assert failures(_learn(reply(200, {"authentication_methods": listed})).checks)
