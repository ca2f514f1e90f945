"""`service-token`, `headers`, `list`, `token` and `login --cloudflared`, as a script calls them."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authlens_lab.emulator import Emulator
from authlens_tui.cli import main
from support.cloudflared_stub import AUD, jwt, stub_in
from support.server_process import child
from support.verb_process import authlens
from support.waiting import PATIENCE, runs

Captured = pytest.CaptureFixture[str]
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
TESTS = Path(__file__).parents[2]


@pytest.fixture
def machine(private_environment: Path) -> dict[str, str]:
    """A person's machine with a keyring of the tests."""
    return {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(private_environment / "keyring.json"),
    }


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(faults=("service-auth-only",)) as running:
        yield running


async def test_a_service_token_from_its_first_day_to_its_last(
    machine: dict[str, str], emulator: Emulator
) -> None:
    """Added from stdin, tested, used, replaced and removed; the secret in no answer but `headers`."""
    url, (client_id, secret) = emulator.resource_url, emulator.service_token
    added = await authlens(machine, "service-token", "add", url, typed=f"{client_id}\n{secret}\n")
    assert (added.code, added.answer) == (0, "")
    assert "✔" in added.words
    assert secret not in added.words

    listed = await authlens(machine, "list", "--json")
    (record,) = json.loads(listed.answer)
    assert (record["kind"], record["client_id"], record["state"]) == ("service-token", client_id, "live")
    assert secret not in listed.answer

    fields = await authlens(machine, "headers", url)
    assert json.loads(fields.answer) == {"CF-Access-Client-Id": client_id, "CF-Access-Client-Secret": secret}
    assert fields.words == ""

    asked = await authlens(machine, "token", url)
    assert asked.code == 2
    assert "authlens headers" in asked.words

    for verb, cure in (("refresh", "service-token edit"), ("revoke", "service-token remove")):
        asked = await authlens(machine, verb, url)
        assert asked.code == 2
        assert "is a service token" in asked.words
        assert cure in asked.words

    refused = await authlens(machine, "service-token", "replace", url, "--json", typed="0" * 64)
    assert refused.code == 5
    assert json.loads(refused.answer)["replaced"] is False
    edited = await authlens(
        machine, "service-token", "edit", url, "--expires", "2999-03-31", "--label", "ci", "--json"
    )
    assert edited.code == 0
    record = json.loads(edited.answer)
    assert (record["label"], record["expires_at"]) == ("ci", "2999-03-31T00:00:00+00:00")
    edited = await authlens(machine, "service-token", "edit", url, "--expires", "never", "--json")
    assert (json.loads(edited.answer)["label"], json.loads(edited.answer)["expires_at"]) == ("ci", None)
    assert (await authlens(machine, "service-token", "edit", url)).code == 2
    tested = await authlens(machine, "service-token", "test", "--all", "--json")
    assert (tested.code, json.loads(tested.answer)[0]["accepted"]) == (0, True)

    removed = await authlens(machine, "service-token", "remove", url)
    assert removed.code == 0
    assert Path(machine["FAKE_KEYRING"]).read_text() == "{}"


@pytest.fixture
def stub_on_path(tmp_path: Path, private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a cloudflared on the path, with a home of its own; return its directory of tokens."""
    stub = stub_in(tmp_path, host="wiki.example.invalid")
    monkeypatch.setenv("PATH", stub.environ["PATH"])
    monkeypatch.setenv("HOME", str(stub.home))
    return stub.tokens


def test_a_login_by_cloudflared_shows_the_link_and_tells_the_proof(
    stub_on_path: Path, capsys: Captured
) -> None:
    """The events as JSON lines; nobody answers at that host, and that is said of the proof alone."""
    code = main.run(["login", "https://wiki.example.invalid/", "--cloudflared", "--json"])
    out, _ = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [one["event"] for one in events if one["event"] != "cloudflared said"] == [
        "cloudflared started",
        "link",
        "not verified",
    ]
    assert code == 6
    assert events[-1]["kept_at"] == str(stub_on_path / f"wiki.example.invalid-{AUD}-token")
    assert "eyJ" not in out


def test_without_cloudflared_the_exit_code_is_that_of_this_machine(
    private_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """2: the machine does not allow it; the words say where to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main.run(["login", "https://wiki.example.com/", "--cloudflared"]) == 2
    assert "Install it" in capsys.readouterr().err


def test_all_kinds_stand_in_one_list(private_environment: Path, capsys: Captured) -> None:
    """Cloudflared's tokens, too; no token in the answer."""
    directory = private_environment / ".cloudflared"
    directory.mkdir()
    token = jwt(exp=int(time.time()) + 3_600)
    (directory / f"wiki.example.com-{AUD}-token").write_text(token)
    (directory / "team.cloudflareaccess.com-org-token").write_text("garbage")
    assert main.run(["list", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["token"], one["state"]) for one in records] == [
        ("cloudflared", "organisation", "cannot be read"),
        ("cloudflared", "application", "live"),
    ]
    assert main.run(["list"]) == 0
    out, err = capsys.readouterr()
    assert "cloudflared application, ada@example.com" in out
    assert token not in out + err


@pytest.mark.parametrize("ends", [3_600, -3_600])
@pytest.mark.parametrize(
    ("verb", "cure"),
    [("refresh", "login https://wiki.example.com/ --cloudflared"), ("revoke", "Users → Action → Revoke")],
)
def test_of_a_token_of_cloudflared_it_is_said_what_renews_or_ends_it(
    private_environment: Path, ends: int, verb: str, cure: str, capsys: Captured
) -> None:
    """Not that somebody has to log in by OAuth, which that resource may not have; also once it has ended."""
    directory = private_environment / ".cloudflared"
    directory.mkdir()
    (directory / f"wiki.example.com-{AUD}-token").write_text(jwt(exp=int(time.time()) + ends))
    assert main.run([verb, "https://wiki.example.com/"]) == 2
    err = capsys.readouterr().err
    assert "a cloudflared token" in err
    assert cure in err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "No Client ID came on standard input"),
        ("a.access\n", "No client secret came on standard input"),
        (f"{'b' * 64}\n{'a' * 32}.access\n", "look swapped"),
    ],
)
def test_what_is_missing_or_swapped_is_said_with_code_2(
    private_environment: Path,
    typed: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    """Checked locally, before the store is written; the secret is not repeated."""
    for name, value in {
        "PYTHONPATH": str(TESTS),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(private_environment / "keyring.json"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    assert main.run(["service-token", "add", "https://wiki.example.com/"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "b" * 64 not in err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
async def test_ctrl_c_ends_cloudflared_and_what_it_started(machine: dict[str, str], tmp_path: Path) -> None:
    """Killed on cancel; the exit code is that of the signal."""
    stub = stub_in(tmp_path, "slow", host="wiki.example.invalid")
    machine |= {"PATH": stub.environ["PATH"], "HOME": str(stub.home)}
    async with (
        child(
            *(AUTHLENS, "login", "https://wiki.example.invalid/", "--cloudflared"),
            env=machine,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        asyncio.timeout(PATIENCE),
    ):
        assert process.stderr is not None
        await process.stderr.readuntil(stub.link.encode())  # it was shown, and then it waits
        while (pid := stub.grandchild()) is None:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
        while runs(pid):
            await asyncio.sleep(0.02)
    assert (process.returncode, out) == (130, b"")
