"""Answers on stdout, words on stderr, whatever the encoding and whoever has gone."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.errors import LoginNeeded
from authlens_core.values.secret import Secret
from authlens_tui.cli.terminal.output import (
    AnswerLost,
    answer_json,
    answer_line,
    answer_secret,
    answer_sentence,
    report_error,
    say,
)


def stream(encoding: str) -> tuple[io.BytesIO, io.TextIOWrapper]:
    raw = io.BytesIO()
    return raw, io.TextIOWrapper(raw, encoding=encoding, errors="strict")


def test_an_error_says_stage_cause_and_cure(capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, and what to do."""
    report_error(LoginNeeded("It is over.", "Log in again.", stage="Exchange"))

    assert capsys.readouterr().err == "✖ Exchange: It is over.\n  → Log in again.\n"


def test_a_terminal_ends_no_line_within_a_word_or_a_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words, command = "Log in with the account of the site", "authlens login https://wiki.example/"
    monkeypatch.setenv("COLUMNS", "40")
    answer_sentence(f"  → {words}: {command}", whole=command)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    answer_sentence(f"  → {words}: {command}", whole=command)

    assert capsys.readouterr().out.splitlines() == [
        f"  → {words}: {command}",
        f"  → {words}:",
        f"    {command}",
    ]


@given(st.text())
def test_no_control_character_of_data_reaches_the_terminal(text: str) -> None:
    """V-5: only line ends that are ours."""
    raw, fake = stream("utf-8")
    before = sys.stderr
    sys.stderr = fake
    try:
        say(text)
    finally:
        sys.stderr = before

    written = raw.getvalue().decode()
    assert written.replace("\n", "").isprintable()
    assert written.endswith("\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_no_encoding_stops_the_words(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """H167: a terminal without UTF-8 gets plain signs and no UnicodeEncodeError."""
    raw, fake = stream(encoding)
    monkeypatch.setattr(sys, "stderr", fake)

    say("✔ → … ● § 日本 \ud800 \x1b[31m")

    assert b"\x1b" not in raw.getvalue()
    assert b"?" not in raw.getvalue()


@given(st.text())
def test_json_is_ascii_on_one_line_and_reads_back(text: str) -> None:
    """Nothing in it can steer a terminal, and nothing is lost."""
    raw, fake = stream("ascii")
    before = sys.stdout
    sys.stdout = fake
    try:
        answer_json({"text": text})
    finally:
        sys.stdout = before

    line = raw.getvalue().decode("ascii")
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert json.loads(line) == {"text": text}


def test_an_answer_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk must not look like success."""
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(AnswerLost, match="No space"):
            answer_secret(Secret("token"))
        monkeypatch.undo()


def test_no_stdout_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`authlens token URL >&-`."""
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(AnswerLost):
        answer_line("x")
