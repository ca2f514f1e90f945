"""Server metadata: where it is asked for, and what stops the login, with plain values."""

from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.stages.server_metadata_stage import ServerMetadataStage
from authlens_core.values.check import failures
from authlens_core.values.exchange import Exchange, FailureKind, WireFailure
from authlens_core.values.url import parse_url
from support.scripted_login import ISSUER, Answer, exchange, facts, reply, server_document

STAGE = ServerMetadataStage()
START = facts(upto="resource_metadata", server_metadata=None)


def _failed(answer: Answer, **changes: Any) -> list[str]:
    learned = STAGE.learn(replace(START, **changes), [exchange(answer)])
    return [c.name for c in failures(learned.checks)]


def test_the_places_are_asked_in_order_and_only_a_client_error_moves_on() -> None:
    """AS-2: inserted, then appended; each attempt is shown."""
    start = replace(START, issuer=parse_url(f"{ISSUER}/tenant"))
    urls = []
    sent: list[Exchange] = []
    while (planned := STAGE.request(start, sent)) is not None:
        urls.append(planned.request.url)
        sent.append(exchange(reply(404), planned.request))
    assert urls[:3] == [
        f"{ISSUER}/.well-known/oauth-authorization-server/tenant",
        f"{ISSUER}/.well-known/openid-configuration/tenant",
        f"{ISSUER}/tenant/.well-known/openid-configuration",
    ]
    [failed] = failures(STAGE.learn(start, sent).checks)
    assert failed.name == "server.document"
    assert all(url in failed.seen for url in urls[:-2])
    # To see whether anything is there: their answers are as those of the other places.
    assert urls[-2:] == [f"{ISSUER}/authorize", f"{ISSUER}/.well-known/oauth-authorization-server"]
    assert not failed.overridable


@pytest.mark.parametrize("answer", [reply(500), reply(302), WireFailure(FailureKind.CONNECT, "refused")])
def test_another_failure_stops(answer: Answer) -> None:
    """AS-2: the next place might belong to somebody else."""
    assert STAGE.request(START, [exchange(answer)]) is None
    assert _failed(answer)


def test_without_an_issuer_nothing_is_asked() -> None:
    """GEN-11: nothing is guessed."""
    nowhere = replace(START, issuer=None)
    assert STAGE.request(nowhere, ()) is None
    assert [c.name for c in failures(STAGE.learn(nowhere, ()).checks)] == ["server.document"]


def test_the_schemeless_issuer_is_tolerated_at_a_team_and_nowhere_else() -> None:
    team = "https://acme.cloudflareaccess.com"
    bare = server_document(team) | {"issuer": "acme.cloudflareaccess.com"}
    assert _failed(reply(200, bare), issuer=parse_url(team)) == []
    assert _failed(reply(200, server_document() | {"issuer": "as.example"})) == ["server.issuer"]


@pytest.mark.parametrize(
    ("team", "failed"),
    [("localhost:9000", []), ("localhost:9001", ["server.issuer"]), (None, ["server.issuer"])],
)
def test_on_loopback_only_the_stated_team_domain_may_omit_its_scheme(
    team: str | None, failed: list[str]
) -> None:
    """AS-4: every program on this machine can listen on loopback."""
    issuer = "http://localhost:9000"
    known = START.resource_metadata
    assert known is not None
    bare = server_document(issuer) | {"issuer": "localhost:9000"}
    stated = replace(known, document={**known.document, "team_domain": team})
    changes = {"issuer": parse_url(issuer, loopback_http=True), "issuer_identifier": issuer}
    found = _failed(reply(200, bare), resource_metadata=stated, loopback_http=True, **changes)
    assert found == failed


@pytest.mark.parametrize("methods", [None, [], ["plain"]])
def test_without_s256_the_login_stops(methods: list[str] | None) -> None:
    """AS-7."""
    assert _failed(reply(200, server_document(code_challenge_methods_supported=methods))) == ["server.s256"]


def test_plain_http_is_allowed_only_from_loopback_to_loopback() -> None:
    """GEN-1: both the resource and the server have to be on this machine."""
    issuer = "http://localhost:9000"
    document = reply(200, server_document(issuer))
    here = facts(
        upto="resource_metadata",
        resource="http://127.0.0.1:8000/",
        server_metadata=None,
        issuer=parse_url(issuer, loopback_http=True),
    )
    allowed = STAGE.learn(replace(here, loopback_http=True), [exchange(document)])
    assert failures(allowed.checks) == ()
    refused = STAGE.learn(replace(here, loopback_http=False), [exchange(document)])
    assert failures(refused.checks)
    mixed = STAGE.learn(
        replace(here, loopback_http=True, issuer=parse_url(ISSUER)),
        [exchange(reply(200, server_document(token_endpoint="http://localhost:9000/token")))],
    )
    assert failures(mixed.checks)
