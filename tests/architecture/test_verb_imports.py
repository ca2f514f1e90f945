"""What the verbs that scripts call most may load: a verb imports what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

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
        "authlens_core.credentials.store.keyring_reader",
        "authlens_core.credentials.store.secret_store",
        "authlens_core.values.store_kind",
        "authlens_core.values.errors",
        "authlens_core.grammars",
        "authlens_core.grammars.url_path",
        "authlens_core.values.safe_text",
        "authlens_core.state",
        "authlens_core.state.paths",
        "authlens_tui",
        "authlens_tui.cli",
        "authlens_tui.cli.start",
        "authlens_tui.cli.terminal",
        "authlens_tui.cli.terminal.charset",
        "authlens_tui.cli.terminal.output",
        "authlens_tui.cli.terminal.plain",
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


def loaded(environ: dict[str, str], *words: str) -> tuple[frozenset[str], frozenset[str]]:
    """Run a verb; return our modules that it loaded, and the top-level names of the others."""
    command = [sys.executable, "-X", "importtime", "-m", "authlens_tui", *words]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    names = re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)
    ours = frozenset(name for name in names if name.startswith("authlens_"))
    return ours, frozenset(name.partition(".")[0] for name in names) - {"authlens_core", "authlens_tui"}


def test_a_stored_token_needs_few_modules(environ: dict[str, str]) -> None:
    ours, others = loaded(environ, "token", grant().resource_url)

    assert ours - TOKEN == set(), LATER
    assert others & HEAVY == set(), LATER


NOT_TO_SHOW = frozenset(
    {
        "authlens_core.login",
        "authlens_core.emulator",
        "authlens_core.desk.doctor",
        "authlens_core.cloudflared",
    }
)
"""What neither a list of credentials nor a header needs."""


@pytest.mark.parametrize(("verb", "most", "rooms"), [("list", 96, ("wire.client",)), ("headers", 147, ())])
def test_showing_what_is_stored_loads_no_login(
    environ: dict[str, str], verb: str, most: int, rooms: tuple[str, ...]
) -> None:
    words = [verb] if verb == "list" else [verb, grant().resource_url]
    ours, others = loaded(environ, *words)

    assert len(ours) <= most, "\n".join((f"{len(ours)} modules, {most} allowed. {LATER}", *sorted(ours)))
    assert not ours & (NOT_TO_SHOW | {f"authlens_core.{room}" for room in rooms})
    assert others & {"cryptography", "httpx", "keyring", "rich", "textual"} == set()


def test_the_first_paint_needs_the_records_and_the_dashboard_alone(environ: dict[str, str]) -> None:
    program = "import sys, authlens_tui.app.authlens_app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    ours = {name for name in done.stdout.split() if name.startswith("authlens_")}

    assert len(ours) <= 110, "\n".join((f"{len(ours)} modules, 110 allowed. {LATER}", *sorted(ours)))
    assert not ours & (NOT_TO_SHOW | {"authlens_core.wire", "authlens_core.credentials.vault"})
    assert not any(name.startswith("authlens_core.export") for name in ours)
    assert not set(done.stdout.split()) & {"authlens_core.diagnosis.causes", "http.cookies", "idna"}


def modules_after(environ: dict[str, str], *names: str) -> set[str]:
    """Import modules in a new interpreter; return the names of all that it has then."""
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return set(done.stdout.split())


def test_a_login_tries_its_keyring_before_its_stages_are_loaded(environ: dict[str, str]) -> None:
    found = modules_after(environ, "authlens_tui.cli.parser", "authlens_tui.cli.login.login_start")
    later = {
        "authlens_core.login",
        "authlens_core.callback",
        "authlens_core.wire.client",
        "authlens_core.agents",
    }

    assert found & (later | {"h11", "httpx", "anyio", "filelock", "importlib.metadata"}) == set(), LATER
    ours = sorted(name for name in found if name.startswith("authlens_"))
    assert len(ours) <= 95, "\n".join((f"{len(ours)} modules, 95 allowed. {LATER}", *ours))


def test_a_login_loads_what_writes_its_trace_and_what_sends_later(environ: dict[str, str]) -> None:
    found = modules_after(environ, "authlens_tui.cli.login.plain_login", "authlens_core.desk.log_in")

    assert (
        found & {"httpx", "filelock", "authlens_core.export.session_file", "cryptography", "joserfc"} == set()
    )
