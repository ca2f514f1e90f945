"""`--plain`: what a screen reader reads aloud, and what a log keeps."""

import asyncio
import re
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest

from authlens_core.values.errors import TimedOut
from authlens_core.values.fix import fix
from authlens_tui.cli import main
from authlens_tui.cli.stored.credential_list import list_credentials
from authlens_tui.cli.terminal.flags import is_plain, without_flags
from authlens_tui.cli.terminal.output import answer_line, report_error, say
from support.cloudflared_stub import AUD, jwt

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_PLAIN", "1")


@pytest.fixture
def cloudflared_tokens(private_environment: Path) -> Path:
    """Store a token of cloudflared; return the directory of its files."""
    directory = private_environment / ".cloudflared"
    directory.mkdir()
    token = jwt(exp=int(time.time()) + 3_600)
    (directory / f"wiki.example.com-{AUD}-token").write_text(token)
    return directory


@pytest.mark.parametrize("argv", [["--plain", "list"], ["list", "--plain"], ["list", "--watch", "--plain"]])
def test_plain_may_be_anywhere(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_PLAIN", "")
    assert "--plain" not in without_flags(argv)
    assert is_plain()


def test_what_follows_two_dashes_is_for_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_PLAIN", "")
    argv = ["curl", "https://wiki.example.com/", "--", "--plain"]
    assert without_flags(argv) == argv
    assert not is_plain()


@pytest.mark.usefixtures("plain")
def test_signs_are_words(capsys: Captured) -> None:
    say("✔ Stored.")
    say("  → Log in again.")
    say("! Zero Trust → Access")
    answer_line("✖ No.")
    out, err = capsys.readouterr()
    assert err == "OK: Stored.\n  To do: Log in again.\nWarning: Zero Trust → Access\n"
    assert out == "Failed: No.\n"


@pytest.mark.usefixtures("plain")
def test_several_fixes_are_numbered(capsys: Captured) -> None:
    cure = fix("Try again.", "More time: --timeout 900")
    report_error(TimedOut("No one came.", cure, stage="Authorization"))
    assert capsys.readouterr().err == (
        "Failed: Authorization: No one came.\n  Fix 1: Try again.\n  Fix 2: More time: --timeout 900\n"
    )


@pytest.mark.usefixtures("plain", "cloudflared_tokens")
def test_a_credential_is_one_numbered_sentence(capsys: Captured) -> None:
    assert main.run(["list"]) == 0
    line = r"1\. https://wiki\.example\.com/: live, expires in \d+ min \d+ s, cloudflared application.*\n"
    assert re.fullmatch(line, capsys.readouterr().out)


@pytest.mark.usefixtures("plain")
def test_each_finding_of_doctor_has_a_number_and_a_word(private_environment: Path, capsys: Captured) -> None:
    main.run(["doctor"])
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("  ")]
    words = r"\d+\. [^,]+, (OK|note|warning|failed): .+"
    assert [line for line in lines if not re.fullmatch(words, line)] == []
    assert [line.partition(".")[0] for line in lines] == [str(n) for n in range(1, len(lines) + 1)]


@pytest.mark.usefixtures("plain")
async def test_a_watched_list_prints_a_block_with_the_time_when_something_changed(
    cloudflared_tokens: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """On a terminal, too: nothing is cleared, and nothing repeated."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    watching = asyncio.create_task(list_credentials(Namespace(json=False, watch=0.01)))
    shown = ""

    async def blocks(count: int) -> None:
        nonlocal shown
        async with asyncio.timeout(30):
            while len(re.findall(r"^At \d\d:\d\d:\d\d:$", shown, re.MULTILINE)) < count:
                await asyncio.sleep(0.01)
                shown += capsys.readouterr().out

    await blocks(1)
    token = jwt(exp=int(time.time()) + 7_200)
    (cloudflared_tokens / f"git.example.com-{AUD}-token").write_text(token)
    await blocks(2)
    watching.cancel()
    assert "\x1b" not in shown
    assert len(re.findall("wiki", shown)) == 2
    assert len(re.findall("git", shown)) == 1
