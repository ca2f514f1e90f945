"""The curl script runs, asks for the secrets, and shows none; what a server said never becomes a command."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.export.curl_commands import bash_remark, bash_word, curl_script
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Stage, Trace
from authlens_lab.emulator import Emulator, play_person
from support.driven_login import Recorded, record_login_at
from support.made_checks import present
from support.needs import needs, program
from support.waiting import PATIENCE


async def _run(script: str, *, user: str = "ada", wrong_state: bool = False) -> tuple[int, str, str]:
    """Run the script and be the person who opens the link and pastes what came back."""
    needs("curl", "openssl", "tr")
    process = await asyncio.create_subprocess_exec(
        program("bash"),
        "-c",
        script,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    words = b""
    async with asyncio.timeout(PATIENCE):
        while line := await present(process.stderr).readline():
            words += line
            if line.startswith(b"http"):
                played = await play_person(line.decode().strip(), user=user, deliver=False)
                pasted = played.callback_url or ""
                if wrong_state:
                    pasted = pasted.replace("state=", "state=x")
                present(process.stdin).write(pasted.encode() + b"\n")
                await present(process.stdin).drain()
                break
        out, more = await process.communicate()
    return process.returncode or 0, out.decode(), (words + more).decode()


async def test_the_script_of_a_login_reaches_the_protected_page() -> None:
    """Bar: run with bash against the emulator, it gets the protected page."""
    async with Emulator() as emulator:
        recorded = await record_login_at(emulator)
        code, out, words = await _run(curl_script(recorded.trace))
    assert (code, "Welcome, ada@example.com" in out) == (0, True), words


async def test_the_script_of_an_opened_session_runs_too() -> None:
    """Masks are enough: everything that is secret is made anew."""
    async with Emulator() as emulator:
        recorded = await record_login_at(emulator)
        opened = read_session(session_json(recorded.trace).encode())
        code, out, words = await _run(curl_script(opened))
    assert (code, "Welcome, ada@example.com" in out) == (0, True), words


async def test_an_answer_with_another_state_stops_the_script() -> None:
    """RFC 6749 §10.12 holds in the script as it does in authlens."""
    async with Emulator() as emulator:
        recorded = await record_login_at(emulator)
        code, out, words = await _run(curl_script(recorded.trace), wrong_state=True)
    assert code != 0
    assert out == ""
    assert "belongs to another login" in words


async def test_no_secret_is_an_argument_of_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments are for all on the machine to read: curl and openssl get the same ones at every run."""
    for name in ("curl", "openssl", "tr"):
        wrapper = tmp_path / name
        log = tmp_path / "arguments"
        wrapper.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{log}\nexec {program(name)} "$@"\n')
        wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with Emulator() as emulator:
        recorded = await record_login_at(emulator)
        code, _, words = await _run(curl_script(recorded.trace))
    assert code == 0, words
    arguments = set((tmp_path / "arguments").read_text().split("\n")) - {""}
    curl = (
        "--disable --silent --show-error --globoff --path-as-is --proto =http,https --max-time 60 "
        "--write-out \\n%{http_code} --config -"
    )
    told = {curl, "rand 32", "base64 -A", "dgst -sha256 -binary", "+/ -_", "-d =", "-d \\0"}
    assert arguments == told


def test_a_request_that_cannot_be_made_anew_asks_for_its_secrets(login: Recorded, tmp_path: Path) -> None:
    """A refresh, a revocation or a lone exchange is repeated with what the person gives, encoded."""
    record = present(login.trace.latest(Stage.EXCHANGE))
    curl = tmp_path / "curl"
    curl.write_text("#!/bin/sh\ncat\nprintf '\\n401'\n")
    curl.chmod(0o755)
    ran = subprocess.run(
        [program("bash"), "-c", curl_script(replace(login.trace, records=(record,)))],
        input=b"the code/1\nthe verifier&2\n",
        capture_output=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"code=the%20code%2F1&" in ran.stdout
    assert b"code_verifier=the%20verifier%262" in ran.stdout
    assert b"answered 401" in ran.stderr
    assert b"the code" not in ran.stderr


def test_a_hostile_trace_makes_a_script_that_bash_reads(hostile: Trace) -> None:
    """Quotes, substitutions and line ends of a server end no word."""
    text = curl_script(hostile)
    assert all(line.isprintable() for line in text.split("\n"))
    checked = subprocess.run([program("bash"), "-n"], input=text.encode(), capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_a_hostile_trace_makes_a_script_that_runs_nothing_of_the_server(
    hostile: Trace, tmp_path: Path
) -> None:
    """With a curl that only says what it was told, no command of the server is run."""
    curl = tmp_path / "curl"
    curl.write_text("#!/bin/sh\ncat\nprintf '\\n200'\n")
    curl.chmod(0o755)
    touched = tmp_path / "touched"
    text = curl_script(hostile).replace("$(id)", f"$(touch {touched})").replace("`id`", f"`touch {touched}`")
    path = f"{tmp_path}:{os.environ['PATH']}"
    ran = subprocess.run(
        [program("bash"), "-c", text],
        input=b"a-value\n" * 20,
        capture_output=True,
        env={"PATH": path},
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert not touched.exists()
    assert b"option" not in ran.stdout


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=20))
def test_a_word_of_bash_is_the_text_itself(texts: list[str]) -> None:
    script = f"printf '%s\\0' x {' '.join(bash_word(text) for text in texts)} # {bash_remark(repr(texts))}"
    done = subprocess.run([program("bash")], input=script.encode(), capture_output=True, check=True)
    assert done.stdout.split(b"\0")[1:-1] == [text.encode() for text in texts]


@pytest.mark.parametrize("value", ["a b/ü&=%+", 'quote " and \\ back', "new\nline"])
def test_the_script_encodes_as_python_does(value: str, login: Recorded) -> None:
    prelude = curl_script(login.trace).partition("\nsay ")[0]
    script = f'{prelude}\ndecoded "$(encoded {bash_word(value)})"'
    done = subprocess.run([program("bash"), "-c", script], capture_output=True)
    assert done.stdout.decode() == value, done.stderr
