"""What is written down of a login that may be interrupted: enough to take it up, and no secret."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.emulator import Emulator
from authlens_core.login.login import Login
from authlens_core.login.other_processes import InterruptedLogin, from_text, to_text, unfinished
from authlens_core.login.tampering.experiments import experiments
from authlens_core.trace.events import AuthorizationReady
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
RECORD = InterruptedLogin(
    "https://wiki.example/",
    Stage.AUTHORIZATION,
    NOW - timedelta(minutes=3),
    Options(port=0, redirect_host="127.0.0.1", scope="read"),
    "http://127.0.0.1:41234/callback",
    needs_secret=True,
    why="the connection was lost",
)


def changed(**members: Any) -> str:
    """Return the record as text with other members."""
    return json.dumps({**json.loads(to_text(RECORD)), **members})


def test_what_is_written_is_read_again() -> None:
    """On one line, so that it can be looked at."""
    assert from_text(to_text(RECORD)) == RECORD
    assert "\n" not in to_text(RECORD)


def test_it_is_taken_up_with_the_port_that_it_had() -> None:
    """A client is known for its redirect URI, and port 0 would be another one."""
    assert RECORD.again == replace(RECORD.options, port=41234)
    pasted = replace(RECORD, options=Options(listen=False))
    assert pasted.again == pasted.options


@pytest.mark.parametrize(
    "options",
    [
        Options(anyway=True),
        Options(grant_type=GrantType.DEVICE_CODE),
        Options(dpop=True),
        Options(legacy_paths=True),
    ],
)
def test_a_way_to_log_in_that_was_chosen_is_taken_up_too(options: Options) -> None:
    """A login that asked for bound tokens must not be resumed for tokens that anyone can use."""
    chosen = replace(RECORD, options=options)
    assert from_text(to_text(chosen)) == chosen


def test_a_check_that_was_relaxed_is_asked_for_again() -> None:
    relaxed = replace(RECORD, options=replace(RECORD.options, any_issuer=True))
    assert from_text(to_text(relaxed)) == RECORD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "[" * 100_000,
        changed(version=2),
        changed(stage="detection"),
        changed(stage="nowhere"),
        changed(at="yesterday"),
        changed(at="2026-05-04T12:00:00"),
        changed(resource_url="file:///etc/passwd"),
        changed(redirect_uri=7),
        changed(redirect_uri="http://localhost:notaport/"),
        changed(options={}),
        changed(options={**json.loads(to_text(RECORD))["options"], "port": True}),
        changed(options={**json.loads(to_text(RECORD))["options"], "redirect_host": "evil.example"}),
        changed(why="x" * 70_000),
    ],
)
def test_what_is_no_such_record_is_none(text: str) -> None:
    """The file may be damaged, or another version's."""
    assert from_text(text) is None


async def test_a_login_is_worth_a_note_from_the_client_to_the_tokens() -> None:
    """Before there is a client nothing is lost, and afterwards the tokens are kept."""
    async with Emulator() as emulator, Wire() as wire:
        login = Login(emulator.resource_url, wire, options=Options(port=0, client_secret=Secret("c4n4ry")))
        seen = []
        for _ in range(5):
            seen.append(unfinished(login, NOW))
            await login.step()
        ready = asyncio.Event()
        login.watch(lambda event: ready.set() if isinstance(event, AuthorizationReady) else None)
        waiting = asyncio.create_task(login.step())
        await asyncio.wait_for(ready.wait(), 30)
        record = unfinished(login, NOW)
        facts = login.facts
        await login.aclose()
        await waiting

    assert [one and one.stage for one in seen] == [None, None, None, None, Stage.PKCE]
    assert record is not None
    assert (record.stage, record.at, record.needs_secret) == (Stage.AUTHORIZATION, NOW, True)
    text = to_text(record)
    assert from_text(text) == record
    assert facts.pkce is not None
    assert facts.state is not None
    for secret in ("c4n4ry", facts.state.reveal(), facts.pkce.code_verifier.reveal()):
        assert secret not in text


async def test_a_login_that_was_changed_on_purpose_is_not_noted() -> None:
    """What it earns is kept nowhere, so there is nothing to take up."""
    async with Emulator() as emulator, Wire() as wire:
        login = Login(emulator.resource_url, wire, options=Options(port=0))
        for _ in range(4):
            await login.step()
        assert unfinished(login, NOW) is not None
        login.arm(next(one for one in experiments() if one.stage is Stage.AUTHORIZATION))
        assert unfinished(login, NOW) is None
        await login.aclose()
