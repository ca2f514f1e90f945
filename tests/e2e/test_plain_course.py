"""The course by `--plain`, from outside: a pipe in, lines out, and whatever ends the process in between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from authlens_lab.learning.attempt import attempt_of
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.moves import Move, moves_of
from support.lesson_letters import lettered, secrets_of
from support.preloaded import Preloaded
from support.waiting import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PASSED, NOT_PASSED, REFUSED = 0, 12, 13
MOVES: Final[dict[str, tuple[Move, ...]]] = {
    name: moves_of(lessons()[name].solution.split("\n"))
    for name in ("read-a-refusal", "code-not-key", "stolen-code")
}
STOLEN: Final = "stolen-code"
SEED: Final = 1
LINES: Final = {
    name: [move.text for move in lettered(lessons()[name], moves, SEED)] for name, moves in MOVES.items()
}


class Session:
    """One `authlens --plain learn`, with pipes for its streams."""

    def __init__(self, program: Preloaded, home: Path, arguments: tuple[str, ...]) -> None:
        given, typed = os.pipe()
        read, written = os.pipe()
        environ = {**os.environ, "AUTHLENS_HOME": str(home)}
        seed = () if arguments[0] == "progress" else ("--seed", str(SEED))
        verb = ("--plain", "learn", *arguments, *seed)
        self.process = program.start(verb, environ, stdin=given, stdout=written, stderr=written)
        for end in (given, written):
            os.close(end)
        self._in, self._out = open(typed, "wb"), open(read, "rb")  # noqa: SIM115 - closed by `kill`

    def type(self, *lines: str) -> None:
        self._in.write("".join(f"{line}\n" for line in lines).encode())
        self._in.flush()

    def until(self, start: str) -> list[str]:
        """Return the lines up to one that starts so."""
        lines: list[str] = []
        while not (lines and lines[-1].startswith(start)):
            read = self._out.readline()
            assert read, "\n".join(lines)
            lines.append(read.decode().rstrip("\n"))
        return lines

    def rest(self) -> tuple[int, str]:
        """Type no more; return the exit code and everything that was not read yet."""
        self._in.close()
        out = self._out.read().decode()
        return self.process.wait(PATIENCE), out

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
        with suppress(BrokenPipeError):
            self._in.close()
        self._out.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


Plain = Callable[..., Session]


@pytest.fixture
def plain(program: Preloaded, home: Path) -> Iterator[Plain]:
    """Start a session; each is killed at the end if it still runs."""
    started: list[Session] = []

    def start(*arguments: str) -> Session:
        started.append(Session(program, home, arguments))
        return started[-1]

    yield start
    for session in started:
        session.kill()


def stored(home: Path) -> dict[str, Any]:
    entries = map(json.loads, (home / "learn.jsonl").read_text().splitlines())
    lesson: dict[str, Any] = next(entry for entry in entries if entry["lesson"] == STOLEN)
    return lesson


def test_the_first_three_lessons_pass_by_a_pipe_without_an_escape_or_a_secret(
    plain: Plain, home: Path
) -> None:
    """Check 14, and check 13: of the credentials of all runs, whose seeds are in the file."""
    session = plain("play")
    session.type("1", *LINES["read-a-refusal"], "next", *LINES["code-not-key"], "next", *LINES[STOLEN])
    code, seen = session.rest()
    assert code == PASSED, seen
    assert seen.count("OK: You passed: 5 of 5") == 3
    assert [character for character in seen if not character.isprintable() and character != "\n"] == []
    file = (home / "learn.jsonl").read_text()
    seen += file + plain("progress", "--json").rest()[1]
    secrets: set[str] = set()
    for entry in map(json.loads, file.splitlines()):
        lesson, moves = lessons()[entry["lesson"]], MOVES[entry["lesson"]]
        made = asyncio.run(attempt_of(lesson, moves, seed=entry.get("seed", 1)))
        secrets |= secrets_of(made.trace())
    assert len(secrets) >= 12
    assert [secret for secret in secrets if secret in seen] == []


@pytest.mark.parametrize("lines", [[], LINES[STOLEN][:5], ["predict b", "dance", "quit"]], ids=len)
def test_a_lesson_that_ends_before_it_is_passed_is_exit_code_12(lines: list[str], plain: Plain) -> None:
    session = plain(STOLEN)
    session.type(*lines)
    assert session.rest()[0] == NOT_PASSED


@pytest.mark.parametrize("made", [1, 2, 3, 4, 5, 6, 8])
def test_a_killed_process_goes_on_in_the_same_phase_with_the_same_verdict(made: int, plain: Plain) -> None:
    """Check 12: in each phase, and within the attack and the questions."""
    first = plain(STOLEN)
    for number, line in enumerate(LINES[STOLEN][:made], 1):
        first.type(line)
        first.until(f"Move {number}.")
    first.type("verdict")
    before = first.until("Phase questions: ")
    first.kill()
    second = plain(STOLEN)
    second.until(f"Move {made}. {LINES[STOLEN][made - 1]}")
    second.type("verdict")
    assert _verdict(second.until("Phase questions: ")) == _verdict(before)
    second.kill()
    third = plain(STOLEN)
    third.type(*LINES[STOLEN][made:])
    assert third.rest()[0] == PASSED


def _verdict(lines: list[str]) -> list[str]:
    return lines[lines.index("Phase predict: made.") :]


def test_a_process_that_is_killed_while_it_stores_loses_no_earlier_move(plain: Plain, home: Path) -> None:
    """The lines come all at once, so the kill is within a move, or its writing."""
    most = 0
    for _ in range(4):
        session = plain(STOLEN)
        session.type(*LINES[STOLEN][most:])
        session.until(f"Move {most + 1}.")
        session.kill()
        moves = stored(home)["moves"]
        assert len(moves) > most
        most = len(moves)
        if most == len(LINES[STOLEN]):
            return
    last = plain(STOLEN)
    last.type(*LINES[STOLEN][most:])
    assert last.rest()[0] == PASSED


def test_two_processes_at_one_lesson_leave_one_whole_attempt(plain: Plain, home: Path) -> None:
    one, other = plain(STOLEN), plain(STOLEN)
    for session in (one, other):
        session.until("Type a letter")
    for session, option in ((one, "a"), (other, "b")):
        session.type(f"predict {option}")
    for session in (one, other):
        session.until("Type login")
    assert stored(home)["moves"] in (["predict a"], ["predict b"])


MANY: Final = ["redeem verifier=wrong"] * 7
UP_TO_THE_ATTACK: Final = [
    "predict a",
    "login",
    "point 6 form.code_verifier",
]


@pytest.mark.parametrize(
    ("moves", "refused"),
    [
        (["predict a", "answer q1 a"], "Move 2: "),
        (["predict a", "predict b"], "Move 2: "),
        ([*UP_TO_THE_ATTACK, "call token=$token"], "Move 4: you do not hold $token"),
        ([*UP_TO_THE_ATTACK, *MANY], "Move 10: the attack takes at most 6 moves"),
    ],
    ids=["answer before the run", "second prediction", "not held", "too many"],
)
def test_a_move_that_cannot_be_made_is_refused_with_its_number(
    moves: list[str], refused: str, home: Path
) -> None:
    """Check 8."""
    verb = (sys.executable, "-m", "authlens_tui", "learn", "run", STOLEN, "--json")
    done = subprocess.run(
        verb,
        input=json.dumps({"format": 1, "lesson": STOLEN, "moves": moves}).encode(),
        env={**os.environ, "AUTHLENS_HOME": str(home)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (REFUSED, b"")
    assert done.stderr.decode().startswith(f"✖ {refused}")
