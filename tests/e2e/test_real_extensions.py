"""npm's oidc-provider with its extensions: bound tokens, pushed requests, device login, client documents."""

import json

import pytest

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome, RevokeOutcome
from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.desk.forget import forget_client, registered_clients
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.login.callback.binding import redirect_uri
from authlens_core.oauth.registration import client_document
from authlens_core.trace.record import Outcome, Stage, Trace
from authlens_core.values.exchange import Purpose
from authlens_core.values.login_options import Options
from authlens_core.values.stage import GrantType
from e2e.conftest import StartServer
from e2e.real_login import log_in, story
from support.server_process import ServerProcess

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("servers")]
FORMATS = ("opaque", "jwt")


async def logged_in(session: Session, server: ServerProcess, **options: object) -> Trace:
    """Log in and expect that it ends well."""
    chosen = Options(port=0, wait=30.0, **options)  # type: ignore[arg-type]
    trace, _ = await log_in(start_login(session, server.resource, chosen))
    last = trace.records[-1]
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED), story(trace)
    return trace


@pytest.mark.parametrize("token_format", FORMATS)
async def test_bound_tokens_live_through_refresh_and_revocation(
    session: Session, start_oidc_provider: StartServer, token_format: str
) -> None:
    """RFC 9449, with a nonce at the server and another at the resource."""
    options = {"token_format": token_format, "dpop": True, "par": "required"}
    server = start_oidc_provider(json.dumps(options))
    await logged_in(session, server)
    grant = session.credentials.list()[0]
    assert grant.token_type == "DPoP"
    done = await refresh(session.credentials, session.wire, grant.grant_id, RefreshOptions(force=True))
    assert done.outcome is RefreshOutcome.REFRESHED, done.summary
    proven = await probe_grant(session.credentials, session.wire, grant.grant_id)
    assert proven.result.accepted is True, proven.result.summary
    ended = await revoke(session.credentials, session.wire, grant.grant_id, pauses=())
    expected = RevokeOutcome.REVOKED if token_format == "opaque" else RevokeOutcome.RENEWAL_ENDED
    assert ended.outcome is expected, ended.summary


async def test_the_user_may_ask_for_bound_tokens_where_the_resource_does_not(
    session: Session, start_oidc_provider: StartServer
) -> None:
    """This resource takes no bound tokens, and the login says so at its last stage."""
    server = start_oidc_provider("{}")
    trace, _ = await log_in(start_login(session, server.resource, Options(port=0, wait=30.0, dpop=True)))
    assert trace.records[-1].stage is Stage.ACCESS, story(trace)
    assert session.credentials.list()[0].token_type == "DPoP"


@pytest.mark.parametrize("token_format", FORMATS)
async def test_a_server_that_requires_pushed_requests_gets_one(
    session: Session, start_oidc_provider: StartServer, token_format: str
) -> None:
    """RFC 9126."""
    server = start_oidc_provider(json.dumps({"token_format": token_format, "par": "required"}))
    trace = await logged_in(session, server)
    authorization = trace.latest(Stage.AUTHORIZATION)
    assert authorization is not None
    assert authorization.exchanges[0].purpose is Purpose.PUSHED_AUTHORIZATION


@pytest.mark.parametrize("dpop", [False, True])
@pytest.mark.parametrize("token_format", FORMATS)
async def test_a_code_that_is_entered_elsewhere_gets_the_tokens(
    session: Session, start_oidc_provider: StartServer, token_format: str, dpop: bool
) -> None:
    """RFC 8628."""
    server = start_oidc_provider(json.dumps({"token_format": token_format, "dpop": dpop}))
    await logged_in(session, server, grant_type=GrantType.DEVICE_CODE)
    assert session.credentials.list()[0].has_refresh_token


@pytest.mark.parametrize("token_format", FORMATS)
async def test_a_client_that_is_a_document_needs_no_registration(
    session: Session, start_oidc_provider: StartServer, token_format: str
) -> None:
    """OAuth Client ID Metadata Document, with the document that authlens makes."""
    url = "https://client.example/authlens.json"
    uris = [redirect_uri("localhost", 8400), redirect_uri("127.0.0.1", 8400)]
    documents = {url: client_document(url, client_name="authlens", redirect_uris=uris)}
    server = start_oidc_provider(json.dumps({"token_format": token_format, "documents": documents}))
    trace = await logged_in(session, server, client_metadata_url=url)
    registration = trace.latest(Stage.REGISTRATION)
    assert registration is not None
    assert registration.exchanges == ()


async def test_an_id_token_of_openid_is_verified(session: Session, start_oidc_provider: StartServer) -> None:
    """OpenID Connect Core §3.1.3.7."""
    server = start_oidc_provider("{}")
    trace = await logged_in(session, server, scope="openid read")
    exchange = trace.latest(Stage.EXCHANGE)
    assert exchange is not None
    subjects = {c.subject for c in exchange.checks if c.name.startswith("id_token.")}
    assert {"signature", "iss", "aud", "exp", "nonce"} <= subjects
    assert exchange.failures == ()


async def test_a_registration_is_deleted_at_the_server(
    session: Session, start_oidc_provider: StartServer
) -> None:
    """RFC 7592 §2.3."""
    server = start_oidc_provider("{}")
    await logged_in(session, server)
    await revoke(session.credentials, session.wire, session.credentials.list()[0].grant_id, pauses=())
    (client,) = registered_clients(session)
    done = await forget_client(session, client)
    assert done.good, done.summary
    assert "401" in done.summary
    assert session.credentials.clients.list() == ()
