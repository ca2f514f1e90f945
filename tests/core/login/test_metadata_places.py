"""What "not here" means at a place of metadata: not "too many requests"; a page, where we only guess."""

import pytest

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from support.driven_login import at, closed_login, failed, login_to, run_to, stopped_login
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    Answer,
    ScriptedSender,
    honest,
    reply,
    server_document,
)

ROOT = "https://app.example/.well-known/oauth-protected-resource"
SERVER = f"{ISSUER}/.well-known/oauth-authorization-server"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
BUSY = reply(429, None, ("Retry-After", "30"))
PAGE = reply(200, None, ("Content-Type", "text/html; charset=utf-8"), text="<html>Welcome</html>")
GOOD = reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER]})
BARE = reply(401, None, ("WWW-Authenticate", "Bearer"))


def _places(named: bool, first: Answer, root: Answer | None = None) -> ScriptedSender:
    script = honest(metadata=first) if named else honest(resource=BARE, metadata=first)
    if root is not None:
        script[f"GET {ROOT}"] = root
    return ScriptedSender(script)


@pytest.mark.parametrize("named", [True, False])
async def test_a_resource_that_is_busy_is_not_asked_elsewhere(named: bool) -> None:
    """AS-2, RFC 6585 §4: 429 says nothing about the place; a second request makes it worse."""
    sender = _places(named, BUSY, GOOD)
    login = await closed_login(sender)
    record = login.trace.records[-1]
    assert failed(record) == "resource_metadata.status"
    assert "429" in record.failures[0].seen
    assert len(record.exchanges) == 1
    assert sender.count(f"GET {ROOT}") == 0


@pytest.mark.parametrize("named", [True, False])
async def test_a_resource_that_is_busy_does_not_become_its_own_server(named: bool) -> None:
    """RFC 9728 §7.6: the person is not offered to type a password at the origin because of a rate limit."""
    async with stopped_login(_places(named, BUSY)) as login:
        assert not [c for c in login.trace.records[-1].failures if c.overridable]
        assert await login.override("resource_metadata.found") is None
        assert at(login) is Stage.RESOURCE_METADATA
        assert login.facts.issuer is None


async def test_a_busy_second_place_is_no_absence_either() -> None:
    login = await closed_login(_places(False, reply(404), BUSY))
    record = login.trace.records[-1]
    assert len(record.exchanges) == 2
    assert failed(record) == "resource_metadata.status"


async def test_a_server_that_is_busy_is_not_asked_elsewhere() -> None:
    """AS-2, RFC 6585 §4."""
    script = honest(server=BUSY)
    script[f"GET {OPENID}"] = reply(200, server_document())
    sender = ScriptedSender(script)
    async with login_to(sender) as login:
        await run_to(login, Stage.SERVER_METADATA)
        record = await login.step()
        assert failed(record) == "server.status"
        assert "429" in record.failures[0].seen
        assert not [c for c in record.failures if c.overridable]
        assert (sender.count(f"GET {SERVER}"), sender.count(f"GET {OPENID}")) == (1, 0)


async def test_a_page_at_a_place_that_nobody_named_moves_on() -> None:
    """PR-2, H021: an app that answers everything with its start page has the document at the root."""
    sender = _places(False, PAGE, GOOD)
    async with login_to(sender) as login:
        await run_to(login, Stage.SERVER_METADATA)
        assert [e.request.url for e in login.trace.records[-1].exchanges] == [METADATA, ROOT]
        assert login.facts.issuer_identifier == ISSUER


@pytest.mark.parametrize("resource", ["https://app.example", "https://app.example/"])
async def test_a_page_at_the_only_place_that_nobody_named_is_no_document(resource: str) -> None:
    """PR-2: a resource without a path has one well-known place; it is a guess all the same."""
    sender = ScriptedSender({f"GET {resource}": BARE, f"GET {ROOT}": PAGE})
    login = Login(resource, sender, options=Options(port=0, wait=60))
    try:
        await login.run_all()
        record = login.trace.records[-1]
        assert failed(record) == "resource_metadata.found"
        assert record.failures[0].overridable
    finally:
        await login.aclose()


async def test_a_page_at_the_place_that_the_challenge_names_is_the_answer() -> None:
    """PR-2: exactly that URL is used, and nothing is taken in its place."""
    sender = _places(True, PAGE, GOOD)
    login = await closed_login(sender)
    record = login.trace.records[-1]
    assert failed(record).startswith("resource_metadata.")
    assert failed(record) != "resource_metadata.found"
    assert not [c for c in record.failures if c.overridable]
    assert len(record.exchanges) == 1
    assert sender.count(f"GET {ROOT}") == 0


async def test_a_challenge_that_comes_later_names_the_place_after_all() -> None:
    """A guess of the first look is not a guess of the second."""
    sender = _places(False, PAGE, PAGE)
    async with stopped_login(sender) as login:
        login.back()
        sender.script = _places(True, PAGE, GOOD).script
        await login.run_all()
        assert len(login.trace.records[-1].exchanges) == 1
        assert failed(login.trace.records[-1]) != "resource_metadata.found"
