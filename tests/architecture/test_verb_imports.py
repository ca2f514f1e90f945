"""What the verbs that scripts call most may load: a verb imports what it needs."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import grant
from support.waiting import PATIENCE

TOKEN = frozenset(
    {
        "authlens_core",
        "authlens_core.values",
        "authlens_core.values.secret",
        "authlens_core.desk",
        "authlens_core.desk.stored_token",
        "authlens_core.credentials",
        "authlens_core.credentials.vault",
        "authlens_core.credentials.vault.plain_token",
        "authlens_core.credentials.records",
        "authlens_core.credentials.records.lifetime",
        "authlens_core.credentials.records.owner",
        "authlens_core.credentials.records.schema",
        "authlens_core.credentials.store",
        "authlens_core.credentials.store.chunked_secret",
        "authlens_core.credentials.store.helper_pipes",
        "authlens_core.credentials.store.secret_store",
        "authlens_core.values.store_kind",
        "authlens_core.values.errors",
        "authlens_core.values.formats",
        "authlens_core.values.formats.url_path",
        "authlens_core.values.safe_text",
        "authlens_core.state",
        "authlens_core.state.account_choice",
        "authlens_core.state.paths",
        "authlens_tui",
        "authlens_tui.cli",
        "authlens_tui.cli.start",
        "authlens_tui.cli.terminal",
        "authlens_tui.cli.terminal.abilities",
        "authlens_tui.cli.terminal.output",
        "authlens_tui.cli.terminal.flags",
    }
)
"""Every module of ours that prints a stored token."""


HEAVY = frozenset(
    {
        "asyncio",
        "argparse",
        "cryptography",
        "dataclasses",
        "h11",
        "httpx",
        "keyring",
        "rich",
        "ssl",
        "textual",
    }
)

LATER = "Import what not every call needs inside the function that needs it."


@pytest.fixture
async def environ(tmp_path: Path) -> dict[str, str]:
    environ = {
        **os.environ,
        "AUTHLENS_HOME": str(tmp_path / "state"),
        "FAKE_KEYRING": str(tmp_path / "keyring.json"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
    }
    credentials = Credentials.open(KeyringStore(environ=environ), tmp_path / "state")
    now = utc_now()
    kept = replace(grant(), obtained_at=now, refreshed_at=now, expires_at=now + timedelta(hours=1))
    await credentials.save(kept, GrantSecrets(Secret("canary")))
    await credentials.aclose()
    return environ


def loaded(environ: dict[str, str], *arguments: str) -> dict[str, str]:
    """Run Python with these arguments; return each module that it loaded, and which one imported it."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    importers: dict[str, str] = {}
    around: list[tuple[int, str]] = []
    # A module is written after those that it imported, which are indented.
    for indent, name in reversed(re.findall(r"^import time:.*\| ( *)(\S+)$", done.stderr, re.MULTILINE)):
        while around and around[-1][0] >= len(indent):
            around.pop()
        importers[name] = around[-1][1] if around else "the command itself"
        around.append((len(indent), name))
    return importers


def of_ours(importers: Iterable[str]) -> set[str]:
    return {name for name in importers if name.startswith("authlens_")}


SPARE = 3
"""Modules that a start may load beside those of `start_up.toml`."""


def check_budget(start: str, importers: dict[str, str]) -> None:
    """Fail if a start loads more of our modules than it may; name the new ones, and who imports them."""
    rooms: dict[str, str] = tomllib.loads(Path(__file__).with_name("start_up.toml").read_text())[start]
    known = {f"{room}.{name}".rstrip(".") for room, names in rooms.items() for name in ("", *names.split())}
    ours = of_ours(importers)
    new = (f"{name}, imported by {importers[name]}" for name in sorted(ours - known))
    most = len(known) + SPARE
    assert len(ours) <= most, "\n".join(
        (f"{start}: {len(ours)} modules, {most} allowed. {LATER} Those that are not in start_up.toml:", *new)
    )


def test_a_stored_token_needs_few_modules(environ: dict[str, str]) -> None:
    importers = loaded(environ, "-m", "authlens_tui", "token", grant().resource_url)

    assert of_ours(importers) - TOKEN == set(), LATER
    assert {name.partition(".")[0] for name in importers} & HEAVY == set(), LATER


NOT_TO_SHOW = frozenset(
    {
        "authlens_core.login",
        "authlens_lab.emulator",
        "authlens_core.desk.doctor",
    }
)
"""What neither a list of credentials nor a header needs."""


@pytest.mark.parametrize(("verb", "rooms"), [("list", ("wire.client",)), ("headers", ())])
def test_showing_what_is_stored_loads_no_login(
    environ: dict[str, str], verb: str, rooms: tuple[str, ...]
) -> None:
    words = [verb] if verb == "list" else [verb, grant().resource_url]
    importers = loaded(environ, "-m", "authlens_tui", *words)

    check_budget(verb, importers)
    assert not importers.keys() & (NOT_TO_SHOW | {f"authlens_core.{room}" for room in rooms})
    assert importers.keys() & {"cryptography", "httpx", "keyring", "rich", "textual"} == set()


def test_the_first_paint_needs_the_records_and_the_dashboard_alone(environ: dict[str, str]) -> None:
    importers = loaded(environ, "-c", "import authlens_tui.app.authlens_app")

    check_budget("first-paint", importers)
    assert not importers.keys() & (NOT_TO_SHOW | {"authlens_core.wire", "authlens_core.credentials.vault"})
    assert not any(name.startswith("authlens_core.export") for name in importers)
    assert not importers.keys() & {"authlens_core.diagnosis.causes", "http.cookies", "idna"}


def test_a_login_that_succeeds_reads_no_causes_of_failures(environ: dict[str, str]) -> None:
    importers = loaded(environ, "-c", "import authlens_core.login.login")
    assert "authlens_core.login.stages.authorization_stage" in importers
    assert "authlens_core.diagnosis.causes" not in importers


def test_a_login_on_the_screen_needs_nothing_that_exports_or_compares(environ: dict[str, str]) -> None:
    """These, and the tables of `html` and of Python's own IDNA codec, took 3 MiB of every program."""
    program = (
        "import asyncio, authlens_tui.app.controller, authlens_core.wire.transport as wire; "
        "asyncio.run(wire.Connections()._addresses('localhost', 80))"
    )
    importers = loaded(environ, "-c", program)

    later = {"authlens_core.export.formats", "authlens_tui.screens.trace"}
    assert importers.keys() & (later | {"xml", "html.entities", "encodings.idna"}) == set(), LATER


def test_a_login_tries_its_keyring_before_its_stages_are_loaded(environ: dict[str, str]) -> None:
    importers = loaded(environ, "-c", "import authlens_tui.cli.parser, authlens_tui.cli.login.login_verb")
    later = {
        "authlens_core.login",
        "authlens_core.wire.client",
        "authlens_core.gateway",
    }

    check_budget("login", importers)
    assert importers.keys() & (later | {"h11", "httpx", "anyio", "filelock", "importlib.metadata"}) == set()


def test_a_login_loads_what_writes_its_trace_and_what_sends_later(environ: dict[str, str]) -> None:
    importers = loaded(environ, "-c", "import authlens_tui.cli.login.plain_login, authlens_core.desk.log_in")
    later = {"httpx", "filelock", "authlens_core.export.session_file", "cryptography", "joserfc"}

    assert importers.keys() & later == set(), LATER
