"""The history of access: what is told of it, and that no secret is in it."""

import json
from datetime import timedelta

from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.credentials import access_events
from authlens_core.desk.session import Session
from support.grants import grant, keep


async def test_events_come_newest_first_with_the_resource_they_are_about() -> None:
    """A credential is named by what it opens, not by a number."""
    credentials = Credentials.memory()
    await keep(credentials, grant("wiki"))
    credentials.record("login", "id-wiki", "https://wiki.example.com/mcp at https://team")
    credentials.record(AccessKind.REVEALED, "id-wiki", "access token")
    credentials.record(AccessKind.COPIED, "id-wiki", "access token")
    found = access_events(Session(None, credentials))
    assert [event.kind for event in found] == ["copied", "revealed", "login"]
    assert {event.resource for event in found} == {"wiki.example.com/mcp"}
    assert utc_now() - found[0].at < timedelta(minutes=1)
    await credentials.aclose()


async def test_json_lines_are_one_object_a_line_in_plain_ascii() -> None:
    """Nothing in them can steer a terminal or break a line."""
    credentials = Credentials.memory()
    credentials.record("login", "id-x", "a\nb\x1b[31m \u202e é")
    lines = [event.json_line for event in access_events(Session(None, credentials))]
    assert len(lines) == 1
    assert lines[0].count("\n") == 1
    assert lines[0].isascii()
    event = json.loads(lines[0])
    assert list(event) == ["at", "event", "credential", "resource", "detail"]
    assert event["event"] == "login"
    await credentials.aclose()


async def test_no_token_is_in_the_history() -> None:
    """Not even of what was revealed or copied."""
    credentials = Credentials.memory()
    await keep(credentials, grant("wiki"))
    credentials.record(AccessKind.COPIED, "id-wiki", "access token")
    assert not any("canary" in event.json_line for event in access_events(Session(None, credentials)))
    await credentials.aclose()
