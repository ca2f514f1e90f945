"""`authlens doctor`: one line for each thing, its cure below it, and a code for scripts."""

import json
from pathlib import Path

import pytest

from authlens_core.credentials.records.index import Index
from authlens_core.values.check import Severity
from authlens_tui.cli import main
from authlens_tui.cli.doctor import look_at_browser, look_at_terminal


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTHLENS_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)


def test_each_thing_has_a_line_and_each_trouble_a_cure(capsys: pytest.CaptureFixture[str]) -> None:
    """Design §6: what is found and what to do; 9 without a place for secrets."""
    assert main.run(["doctor"]) == 9

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    for topic in ("state", "keyring", "port 8400", "tls trust", "proxy", "browser", "terminal"):
        assert any(line[2:].startswith(f"{topic} ") for line in lines), topic
    at = next(number for number, line in enumerate(lines) if line.startswith("✖ keyring"))
    assert lines[at + 1].strip().startswith("→ ")


@pytest.mark.parametrize("place", ["keyring", "encrypted-file", "file"])
def test_store_and_doctor_agree_whether_the_secret_store_works(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the keyring nor the encrypted file is usable here; the plain file is."""
    index = Index(tmp_path / "index.sqlite3")
    index.set_fact("place", place)
    index.close()
    main.run(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    keyring = next(finding for finding in findings if finding["topic"] == "keyring")
    usable = keyring["severity"] != "failure"

    for arguments in (["store"], ["store", "--json"]):
        assert main.run(arguments) == (0 if usable else 9)
        out, err = capsys.readouterr()
        if usable:
            assert not err
        else:
            assert err.startswith(f"✖ {keyring['found']}\n  → ")
        if arguments[1:]:
            assert json.loads(out) == {"store": place, "usable": usable, "kept": {}}
        else:
            assert out.startswith(place)


async def test_the_browser_is_named_and_not_started(tmp_path: Path) -> None:
    """BROWSER is honoured; looking opens nothing."""
    program, started = tmp_path / "my-browser", tmp_path / "started"
    program.write_text(f"#!/bin/sh\ntouch {started}\n")
    program.chmod(0o700)

    finding = await look_at_browser({"BROWSER": str(program), "PATH": "/usr/bin:/bin"})

    assert finding.severity is Severity.PASS
    assert "my-browser" in finding.words
    assert not started.exists()


async def test_a_text_browser_is_none() -> None:
    """Without a terminal of its own it would show nothing."""
    finding = await look_at_browser({"BROWSER": "w3m", "PATH": "/usr/bin:/bin"})

    assert finding.severity is Severity.WARNING
    assert "BROWSER" in str(finding.cure)


def test_what_is_no_terminal_says_what_works_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line needs no full screen."""
    monkeypatch.setenv("TERM", "dumb")

    finding = look_at_terminal({"TERM": "dumb"})

    assert (finding.severity, finding.code) == (Severity.WARNING, 0)
    assert "authlens login URL" in str(finding.cure)
