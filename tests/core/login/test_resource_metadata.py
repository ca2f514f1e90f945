"""Resource metadata: which document is taken, and which server is chosen, with plain values."""

from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.login_stage import StageResult
from authlens_core.login.stages.resource_metadata_stage import ResourceMetadataStage
from authlens_core.values.check import failures
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, WireFailure
from authlens_core.values.login_options import Options
from authlens_core.values.url import parse_url
from support.scripted_login import ISSUER, METADATA, RESOURCE, Answer, exchange, facts, reply

STAGE = ResourceMetadataStage()
ROOT = "https://app.example/.well-known/oauth-protected-resource"
START = facts(metadata_candidates=(parse_url(METADATA), parse_url(ROOT)), resource_metadata=None, issuer=None)


def _document(**changes: Any) -> Answer:
    return reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER], **changes})


def _learn(*answers: Answer, **options: Any) -> StageResult:
    known = replace(START, options=replace(Options(), **options))
    return STAGE.learn(known, [exchange(answer) for answer in answers])


def _failed(learned: StageResult) -> list[tuple[str, bool]]:
    return [(c.name, c.overridable) for c in failures(learned.checks)]


def test_the_candidates_are_asked_in_order_until_one_has_the_document() -> None:
    """PR-2: path form, then root form; a client error or a redirect to a login page moves on."""
    urls = []
    sent: list[Exchange] = []
    for answer in (reply(302), reply(404)):
        planned = STAGE.request(START, sent)
        assert planned is not None
        assert planned.server_supplied
        assert planned.purpose is Purpose.RESOURCE_METADATA
        urls.append(planned.request.url)
        sent.append(exchange(answer))
    assert urls == [METADATA, ROOT]


@pytest.mark.parametrize(
    "answer", [_document(), reply(200, text="<html>"), reply(500), WireFailure(FailureKind.TLS, "x")]
)
def test_an_answer_that_is_there_is_the_answer(answer: Answer) -> None:
    """PR-2, AS-2: a failure of the server or of the network is not "not here"."""
    named = replace(START, metadata_candidates=(parse_url(METADATA),))
    assert STAGE.request(named, [exchange(answer)]) is None


def test_of_several_servers_the_first_is_taken_after_a_yes() -> None:
    """PR-6, RFC 9728 §7.6: the person types a password there."""
    two = _document(authorization_servers=[ISSUER, "https://other.example"])
    name = "resource_metadata.authorization_server"
    learned = _learn(two)
    assert _failed(learned) == [(name, True)]
    assert learned.facts.issuer == parse_url(ISSUER)
    chosen = _learn(two, issuer="https://other.example")
    assert _failed(chosen) == []
    assert chosen.facts.issuer == parse_url("https://other.example")


@pytest.mark.parametrize("named", [[ISSUER], [ISSUER, "https://b.example"]])
def test_a_server_that_the_resource_does_not_name_is_not_asked(named: list[str]) -> None:
    """RFC 9728 §7.6: tokens of one that the resource does not trust are of no use to it."""
    learned = _learn(_document(authorization_servers=named), issuer="https://mine.example")
    assert _failed(learned) == [("resource_metadata.authorization_server", False)]
    # A hostile resource would choose it.
    assert "--issuer" not in str(learned.checks[-1].cure)


@pytest.mark.parametrize("resource", ["https://evil.example/mcp", "https://app.example/other"])
def test_a_document_of_another_resource_is_not_used(resource: str) -> None:
    """PR-5: whoever asks."""
    learned = _learn(_document(resource=resource))
    assert _failed(learned) == [("resource_metadata.resource", False)]
    assert learned.facts.resource_metadata is None


def test_without_a_document_the_origin_stands_for_the_server_after_a_yes() -> None:
    """MCP 2025-03-26: servers of then have no resource metadata."""
    for answers in ((), (reply(404), reply(404))):
        learned = _learn(*answers)
        assert _failed(learned) == [("resource_metadata.found", True)]
        assert learned.facts.issuer == parse_url("https://app.example")
        assert learned.facts.resource is None


def test_no_answer_is_no_reason_to_guess() -> None:
    """AS-2: a transport failure stops with its own cause and cure."""
    learned = _learn(WireFailure(FailureKind.TLS, "The certificate is of another name.", "Ask the owner."))
    [failed] = failures(learned.checks)
    assert (failed.name, failed.seen, failed.cure, failed.overridable) == (
        "resource_metadata.answer",
        "The certificate is of another name.",
        "Ask the owner.",
        False,
    )
    assert learned.facts.issuer is None
