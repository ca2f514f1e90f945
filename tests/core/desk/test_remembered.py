"""`--remember`: what was decided for a server, its next logins have again, and no other server's."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire
from support.scripted_login import (
    ISSUER,
    RESOURCE,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
)

OTHER = "https://app.example/other"
DECIDED = Options(port=0, wait=60, assume_pkce=True, resource="")


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with Session(Wire(), Credentials.memory()) as made:
        yield made


async def _log_in(
    session: Session, options: Options, url: str = RESOURCE, issuer: str = ISSUER, *, named: str = ""
) -> Login:
    """Log in where PKCE is not listed; at `issuer` and for `url`, all is as at the scripted server."""
    script: dict[str, Any] = honest(
        metadata=reply(200, {"resource": named or url, "authorization_servers": [issuer]}),
        server=reply(200, server_document(issuer, code_challenge_methods_supported=None)),
    )
    moved = {line.replace(ISSUER, issuer).replace(RESOURCE, url): answer for line, answer in script.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.wire, "send", ScriptedSender(moved).send)
        login = start_login(session, url, options)
        login.watch(come_back(login))
        await login.run_all()
        await login.aclose()
    return login


async def test_a_decision_is_for_one_login_by_default(session: Session) -> None:
    assert (await _log_in(session, DECIDED)).finished
    assert not (await _log_in(session, Options(port=0, wait=60))).finished


async def test_a_remembered_decision_is_in_the_next_login_and_its_record_says_so(session: Session) -> None:
    assert (await _log_in(session, replace(DECIDED, remember=True))).finished
    for _ in range(2):  # and in the one after it, whose grant replaces the first
        login = await _log_in(session, Options(port=0, wait=60))
        assert login.finished
        assert login.facts.resource == ""
        record = login.trace.latest(Stage.RESOURCE_METADATA)
        assert record is not None
        check = next(c for c in record.checks if c.name == "resource_metadata.remembered")
        assert check.seen.startswith("--resource, --assume-pkce")


async def test_a_decision_about_a_server_is_for_all_its_resources_and_one_about_a_resource_is_not(
    session: Session,
) -> None:
    await _log_in(session, replace(DECIDED, remember=True))
    login = await _log_in(session, Options(port=0, wait=60), OTHER)
    assert login.facts.options.assume_pkce
    assert login.facts.resource == OTHER


async def test_a_decision_is_for_no_other_server(session: Session) -> None:
    """A resource that names another server now does not get it to do without its checks."""
    await _log_in(session, replace(DECIDED, remember=True))
    login = await _log_in(session, Options(port=0, wait=60), RESOURCE, "https://evil.example")
    assert login.trace.records[-1].failures[0].name == "server.s256"
    assert not login.facts.options.assume_pkce


async def test_what_the_user_decides_now_counts_before_what_is_remembered(session: Session) -> None:
    await _log_in(session, replace(DECIDED, remember=True))
    login = await _log_in(session, Options(port=0, wait=60, resource=RESOURCE))
    assert login.facts.resource == RESOURCE


async def test_forgetting_the_login_forgets_the_decision(session: Session) -> None:
    login = await _log_in(session, replace(DECIDED, remember=True))
    await session.credentials.forget(login.facts.grant_id or "")
    assert not (await _log_in(session, Options(port=0, wait=60))).finished


async def test_a_resource_that_was_accepted_is_accepted_again_at_the_same_server_alone(
    session: Session,
) -> None:
    """It is decided before anything else is known of the server than that the resource names it."""
    named, plain = f"{RESOURCE}/", Options(port=0, wait=60)
    await _log_in(session, replace(DECIDED, resource=named, remember=True), named=named)
    assert (await _log_in(session, plain, named=named)).finished
    other = await _log_in(session, plain, issuer="https://evil.example", named=named)
    assert other.trace.records[-1].failures[0].name == "resource_metadata.resource"
