"""Registration: who asks, and what is made of the answer, with plain values."""

import json

import pytest
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.stages.registration_stage import RegistrationStage, requested_scope
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.check import failures
from authlens_core.values.exchange import FailureKind, WireFailure
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from support.driven_login import client_of
from support.scripted_login import exchange, facts, reply

STAGE = RegistrationStage()
START = facts(upto="server_metadata")
HERE = "http://localhost:8400/callback"
KNOWN = Client("known", HERE)


def _metadata(known: Facts, **changes: object) -> Facts:
    assert known.server_metadata is not None
    return replace(known, server_metadata=replace(known.server_metadata, **changes))


def test_a_public_native_client_is_registered_for_the_port_that_is_held() -> None:
    """RG-1, RG-2: once, and never again by itself (RG-12)."""
    planned = STAGE.request(replace(START, redirect_uri="http://localhost:7777/callback"), ())
    assert planned is not None
    asked = json.loads(planned.request.body.reveal())
    assert asked["redirect_uris"] == ["http://localhost:7777/callback"]
    assert asked["token_endpoint_auth_method"] == "none"
    lost = exchange(WireFailure(FailureKind.TIMEOUT, "late", may_have_arrived=True))
    assert STAGE.request(START, (lost,)) is None


@pytest.mark.parametrize(
    "known",
    [
        replace(START, stored_client=KNOWN),
        replace(START, options=Options(client_id="mine")),
        replace(
            _metadata(START, client_id_metadata_document_supported=True),
            options=Options(client_metadata_url="https://me.example/c.json"),
        ),
    ],
)
def test_a_client_that_is_at_hand_is_used_and_none_is_registered(known: Facts) -> None:
    """RG-12, RG-13, RG-14."""
    assert STAGE.request(known, ()) is None
    learned = STAGE.learn(known, ())
    assert failures(learned.checks) == ()
    assert client_of(learned.facts).redirect_uri == HERE


def test_a_known_client_without_the_grant_type_of_the_flow_is_registered_anew() -> None:
    """RFC 8628: a client of an earlier login with a link was not registered for codes."""
    by_code = replace(START, stored_client=KNOWN, options=Options(grant_type=GrantType.DEVICE_CODE))
    planned = STAGE.request(by_code, ())
    assert planned is not None
    assert GrantType.DEVICE_CODE in json.loads(planned.request.body.reveal())["grant_types"]
    able = replace(KNOWN, grant_types=(*KNOWN.grant_types, GrantType.DEVICE_CODE))
    assert STAGE.request(replace(by_code, stored_client=able), ()) is None


def test_a_given_id_comes_before_a_document_and_before_a_known_client() -> None:
    """RG-13: pre-registered, document, registered, ask."""
    metadata_url = "https://me.example/c.json"
    full = replace(
        _metadata(START, client_id_metadata_document_supported=True),
        stored_client=KNOWN,
        options=Options(client_id="mine", client_metadata_url=metadata_url),
    )
    order = []
    for options in (full.options, replace(full.options, client_id=None), Options()):
        client = STAGE.learn(replace(full, options=options), ()).facts.client
        order.append(client.client_id if client else None)
    assert order == ["mine", metadata_url, "known"]


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (None, "client_secret_basic"),
        (("client_secret_post",), "client_secret_post"),
        (("client_secret_post", "client_secret_basic"), "client_secret_basic"),
    ],
)
def test_a_secret_is_sent_as_the_server_wants(supported: tuple[str, ...] | None, method: str) -> None:
    """RFC 8414 §2: client_secret_basic is the default."""
    known = _metadata(START, token_endpoint_auth_methods_supported=supported)
    known = replace(known, options=Options(client_id="mine", client_secret=Secret("s")))
    client = STAGE.learn(known, ()).facts.client
    assert client is not None
    assert client.token_endpoint_auth_method == method


@pytest.mark.parametrize("endpoint", [None, "http://as.example/register", "not a url"])
def test_without_a_usable_endpoint_and_client_there_is_a_cure(endpoint: str | None) -> None:
    """AS-13, GEN-1: nothing is sent."""
    known = _metadata(START, registration_endpoint=endpoint)
    assert STAGE.request(known, ()) is None
    [failed] = failures(STAGE.learn(known, ()).checks)
    assert failed.name == "registration.endpoint"
    assert "--client-id" in str(failed.cure)


def test_the_answer_makes_the_client() -> None:
    """RG-3, RG-4, RG-11: the issuer is never taken from it."""
    answer = reply(201, {"client_id": "new", "redirect_uris": [HERE], "issuer": "https://evil.example"})
    learned = STAGE.learn(START, [exchange(answer)])
    assert failures(learned.checks) == ()
    assert client_of(learned.facts).client_id == "new"
    assert learned.facts.server_metadata == START.server_metadata


def test_a_refusal_is_explained_with_the_redirect_uri_that_was_sent() -> None:
    """RG-6."""
    answer = reply(400, {"error": "invalid_redirect_uri", "error_description": "no"})
    learned = STAGE.learn(START, [exchange(answer)])
    assert failures(learned.checks)
    assert learned.diagnosis is not None
    assert HERE in learned.diagnosis.cause
    assert learned.facts.client is None


def test_an_answer_that_was_lost_leaves_no_client_and_says_what_is_unknown() -> None:
    """RG-16, H058: partial failure leaves nothing."""
    for may, words in ((True, "unknown"), (False, "")):
        lost = WireFailure(FailureKind.TIMEOUT, "late", "again", may_have_arrived=may)
        [failed] = failures(STAGE.learn(START, [exchange(lost)]).checks)
        assert (failed.name, failed.seen, failed.cure) == ("registration.answer", "late", "again")
        assert words in failed.why
        assert bool(failed.why) is may


def test_the_scope_of_the_challenge_is_asked_for_whatever_the_resource_supports() -> None:
    """CH-12, PR-8: the person's choice, the challenge's, the resource's, or none."""
    assert START.resource_metadata is not None
    both = replace(
        START,
        challenge_scope="a b",
        resource_metadata=replace(START.resource_metadata, scopes_supported=("x", "y")),
    )
    assert requested_scope(replace(both, options=Options(scope="mine"))) == "mine"
    assert requested_scope(replace(both, options=Options(scope=""))) is None
    assert requested_scope(both) == "a b"
    assert requested_scope(replace(both, challenge_scope=None)) == "x y"
    assert requested_scope(START) is None


def test_offline_access_is_added_where_the_server_knows_it_and_a_scope_is_asked_for() -> None:
    """Design §9: a refresh token may need it."""
    known = _metadata(START, scopes_supported=("offline_access", "a"))
    assert requested_scope(replace(known, challenge_scope="a")) == "a offline_access"
    assert requested_scope(replace(known, challenge_scope="offline_access")) == "offline_access"
    assert requested_scope(known) is None
    assert requested_scope(replace(known, options=Options(scope="a"))) == "a"


CONFIDENTIAL = {"client_id": "first", "token_endpoint_auth_method": "client_secret_post"}


def test_a_client_that_was_stored_as_confidential_is_registered_again_without_the_member() -> None:
    """A client of none that got no secret is of no use; the second one gets it, before the browser."""
    first = exchange(reply(201, CONFIDENTIAL))
    planned = STAGE.request(START, [first])
    assert planned is not None
    assert "token_endpoint_auth_method" not in json.loads(planned.request.body.reveal())
    second = exchange(reply(201, {**CONFIDENTIAL, "client_id": "second", "client_secret": "s"}))
    assert STAGE.request(START, [first, second]) is None
    client = STAGE.learn(START, [first, second]).facts.client
    assert client is not None
    assert (client.client_id, client.token_endpoint_auth_method) == ("second", "client_secret_post")


def test_the_first_client_is_taken_where_the_second_is_refused() -> None:
    first, refused = exchange(reply(201, CONFIDENTIAL)), exchange(reply(400, {"error": "invalid_request"}))
    assert STAGE.request(START, [first, refused]) is None
    learned = STAGE.learn(START, [first, refused])
    assert failures(learned.checks) == ()
    assert client_of(learned.facts).client_id == "first"
