"""What other programs pipe into the verbs: bytes of any kind."""

import io
import sys
from pathlib import Path

import pytest

from authlens_tui.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def machine(private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(private_environment / "keyring.json"),
    }.items():
        monkeypatch.setenv(name, value)


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="strict"))


@pytest.mark.parametrize("more", [b"\xe4\xff\x00", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"x" * 2_000_000])
def test_explain_reads_an_error_in_any_charset(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, more: bytes
) -> None:
    """H319: a message in Latin-1."""
    pipe_in(monkeypatch, b"HTTP 401 invalid_client " + more)
    assert main.run(["explain"]) == 0
    assert "does not know this client" in capsys.readouterr().out


def test_explain_takes_a_dash_for_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    pipe_in(monkeypatch, b"HTTP 401 invalid_client")
    assert main.run(["explain", "-"]) == 0
    assert "does not know this client" in capsys.readouterr().out


def test_a_refused_token_in_any_charset_is_only_not_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    pipe_in(monkeypatch, b"\xe4\xff\n")
    assert main.run(["token", "--refused", "https://wiki.example.com/"]) == 4
    assert "There is no login" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["store", "capability", "new"])
def test_git_gets_no_answer_to_an_operation_that_it_adds_later(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, action: str
) -> None:
    """gitcredentials(7)."""
    pipe_in(monkeypatch, b"protocol=https\nhost=good.example\n\n")
    assert main.run(["git-credential", action]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_git_is_told_on_one_line_why_it_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """H310: and goes on as without this helper."""
    pipe_in(monkeypatch, b"protocol=https\nhost=x\x0bhost=good.example\npath=\x1b[2J\n\n")
    assert main.run(["git-credential", "get"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "authlens gives git no token: host has an unprintable character.\n"
