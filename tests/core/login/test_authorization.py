"""Authorization: the link, and what is learned from the answer, with plain values."""

from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from authlens_core.login.stages.authorization_stage import (
    AuthorizationStage,
    expected_response,
    learn_response,
    no_callback,
)
from authlens_core.oauth.authorization import read_authorization_response
from authlens_core.values.check import failures
from authlens_core.values.secret import Secret
from authlens_core.values.url import parse_url
from support.scripted_login import ISSUER, RESOURCE, facts

STAGE = AuthorizationStage()
START = facts(upto="pkce")


def _parameters(url: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url or "").query)


def test_the_link_holds_every_parameter_once() -> None:
    """AZ-1, AZ-2, AZ-4."""
    learned = STAGE.learn(replace(START, challenge_scope="a b"), ())
    assert learned.checks == ()
    assert _parameters(learned.facts.authorization_url) == {
        "response_type": ["code"],
        "client_id": ["client-1"],
        "redirect_uri": ["http://localhost:8400/callback"],
        "state": ["the-state"],
        "code_challenge": ["c" * 43],
        "code_challenge_method": ["S256"],
        "resource": [RESOURCE],
        "scope": ["a b"],
    }
    assert learned.facts.scope == "a b"
    assert STAGE.request(START, ()) is None


def test_offline_access_asks_for_consent() -> None:
    """OpenID Connect Core §11: it is ignored without a person who was asked."""
    learned = STAGE.learn(replace(START, challenge_scope="a offline_access"), ())
    assert _parameters(learned.facts.authorization_url)["prompt"] == ["consent"]


def test_an_endpoint_whose_query_stands_in_the_way_is_refused() -> None:
    """AZ-6."""
    assert START.server_metadata is not None
    metadata = replace(START.server_metadata, authorization_endpoint=f"{ISSUER}/a?client_id=evil")
    [failed] = failures(STAGE.learn(replace(START, server_metadata=metadata), ()).checks)
    assert failed.name == "authorization.endpoint"


@pytest.mark.parametrize("missing", ["server_metadata", "client", "pkce", "state"])
def test_a_link_needs_every_earlier_stage(missing: str) -> None:
    start = replace(START, **{missing: None})
    [failed] = failures(STAGE.learn(start, ()).checks)
    assert failed.name == "authorization.ready"
    if missing != "pkce":
        with pytest.raises(ValueError, match="no authorization request"):
            expected_response(start)


def test_the_issuer_of_the_validated_metadata_is_what_an_answer_is_held_against() -> None:
    """AZ-8, RFC 9207 §2.4: recorded with verifier and state."""
    expected = expected_response(START)
    assert (expected.issuer, expected.state, expected.iss_required) == (ISSUER, Secret("the-state"), False)


def test_a_code_is_learned_and_an_error_is_explained() -> None:
    """AR-4."""
    good = read_authorization_response(Secret("code=x&state=the-state"), expected_response(START))
    assert learn_response(START, good).facts.code == Secret("x")
    refused = read_authorization_response(
        Secret("error=access_denied&state=the-state"), expected_response(START)
    )
    learned = learn_response(replace(START, code=Secret("old")), refused)
    assert learned.facts.code is None
    assert [c.name for c in failures(learned.checks)] == ["authorization.error"]
    assert learned.diagnosis is not None


def test_an_error_without_a_known_cause_has_no_diagnosis() -> None:
    odd = read_authorization_response(Secret("error=x_odd&state=the-state"), expected_response(START))
    assert learn_response(START, odd).diagnosis is None


@pytest.mark.parametrize(
    ("ignored", "words"), [(0, "300 seconds"), (1, "1 other request"), (2, "2 other requests")]
)
def test_a_wait_in_vain_says_how_long_and_who_else_came(ignored: int, words: str) -> None:
    """LB-8."""
    assert words in no_callback(START, 300, ignored).seen


def test_a_page_that_the_browser_was_seen_to_show_explains_the_wait_with_the_address_of_the_team() -> None:
    issuer = parse_url("https://acme.cloudflareaccess.com")
    page = "That account does not have access · Log out"
    check = no_callback(replace(START, issuer=issuer), 12, 0, stopped=True, page=page)
    assert f"the browser shows “{page}”" in check.seen
    assert check.why == "No policy of the application allows the account that signed in."
    assert "https://acme.cloudflareaccess.com/cdn-cgi/access/logout" in str(check.cure)
