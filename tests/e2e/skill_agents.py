"""Two agents that know nothing but the text of `authlens skill`, and the user beside them.

One follows the whole text, the other its first 30 lines. Their commands are taken from the text as they are
written there; only the words that it has in capitals are filled in.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, Literal

from authlens_lab.emulator import play_person
from support.preloaded import Forked, Preloaded
from support.waiting import PATIENCE, wait_until

_LINK: Final = re.compile(r"^(https?://\S+[?&]client_id=\S+)$", re.MULTILINE)
_FIX: Final = re.compile(r"^\s*(?:→|->) .*?(authlens .+)$", re.MULTILINE)
_FREE_PORT: Final = re.compile(r"(authlens login .* --port \d+)$", re.MULTILINE)
_AGAIN: Final = re.compile(r"again: (authlens login .*)$", re.MULTILINE)
_MOST_TRIES: Final = 5
_SHELL: Final = re.compile(r"[|$]|^(?!authlens )")
_SKIMMED: Final = 30
_PIECE: Final = re.compile(r"[A-Za-z]+|\d{1,3}|\s+|[^\sA-Za-z\d]+")


def most_tokens(text: str) -> int:
    """Return how many tokens a text has at most, in an encoding of 65,000 pieces and more.

    A word of prose is one token or two, and what is drawn at random has one for every two or three
    characters. Of what the agents read, those of GPT-4, GPT-4o and Claude 2 made 86 to 100 % of this.
    """
    tokens = 0
    for piece in _PIECE.findall(text):
        is_word = piece.isalpha() and (piece.islower() or piece.istitle())
        if piece.isspace():
            tokens += "\n" in piece
        else:
            tokens += -(-len(piece) // (8 if is_word else 2))
    return tokens


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and both outputs as they came."""

    code: int
    text: str


@dataclass
class Machine:
    """A machine on which the agent and the user work.

    Attributes:
        env: its environment.
        directory: for what commands leave, and for `authlens` on PATH.
    """

    env: dict[str, str]
    directory: Path
    program: Preloaded
    _numbers: Iterator[int] = field(default_factory=count)

    def run(self, command: str, env: Mapping[str, str], typed: str = "") -> Ran:
        with self.started(command, env, typed) as (process, text):
            return Ran(process.wait(PATIENCE), text())

    @contextmanager
    def started(
        self, command: str, env: Mapping[str, str], typed: str = ""
    ) -> Iterator[tuple[Forked | subprocess.Popen[bytes], _Text]]:
        """Start a command of a shell; yield it and what it has written so far; end it with the block."""
        number = next(self._numbers)
        stdin, output = (self.directory / f"{number}.{end}" for end in ("in", "out"))
        stdin.write_text(typed)
        with stdin.open() as reading, output.open("ab") as writing:
            stdin_at, out = reading.fileno(), writing.fileno()
            at = {**self.env, **env}
            if _SHELL.search(command):
                process: Forked | subprocess.Popen[bytes] = subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    env=at,
                    cwd=self.directory,
                    stdin=stdin_at,
                    stdout=out,
                    stderr=out,
                )
            else:
                words = shlex.split(command)[1:]
                where = str(self.directory)
                process = self.program.start(words, at, stdin=stdin_at, stdout=out, stderr=out, cwd=where)
        try:
            yield process, _Text(output)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


@dataclass(frozen=True)
class _Text:
    path: Path

    def __call__(self) -> str:
        return self.path.read_text(errors="replace")


@dataclass
class User:
    """Somebody who runs a line that is shown to them, in a terminal of their own, and signs in.

    Attributes:
        env: what their terminal has besides.
        accounts: with which they sign in, one login after another; the last one from then on.
        choice: what they press.
        placeholders: what they know that a line has in capitals.
        typed: what they type in answer to a question.
    """

    machine: Machine
    env: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=lambda: ["ada"])
    choice: Literal["sign in", "deny"] = "sign in"
    placeholders: dict[str, str] = field(default_factory=dict)
    typed: str = ""
    ran: list[str] = field(default_factory=list)

    def runs(self, line: str) -> Ran:
        """Run a line as it is; then what it names, if another test has its port or another login ended."""
        for name, value in self.placeholders.items():
            line = re.sub(rf"(?<= ){name}(?= |$)", value, line)
        self.ran.append(line)
        for _ in range(_MOST_TRIES):
            done = self._once(line)
            following = _FREE_PORT.search(done.text) or _AGAIN.search(done.text)
            if done.code not in (2, 4) or following is None:
                break
            line = following[1]
        return done

    def _once(self, line: str) -> Ran:
        with self.machine.started(line, self.env, self.typed) as (process, text):
            link = link_in(process, text)
            if link and self.signs_in(link) is None:
                # The browser shows why, and the terminal waits on.
                process.send_signal(signal.SIGINT)
            return Ran(process.wait(PATIENCE), text())

    def signs_in(self, link: str, *, deliver: bool = True) -> str | None:
        """Open a link; return the address on which the browser ends, or None if it never comes back."""
        account = self.accounts.pop(0) if len(self.accounts) > 1 else self.accounts[0]
        seen = asyncio.run(play_person(link, user=account, choice=self.choice, deliver=deliver))
        return seen.callback_url

    def follows(self, quoted: str) -> Ran | None:
        """Run the first command of quoted lines; None if there is none that this user can complete."""
        for line in _FIX.findall(quoted):
            if set(re.findall(r"(?<= )[A-Z]{2,}(?= |$)", line)) <= set(self.placeholders):
                return self.runs(line)
        return None


def link_in(process: Forked | subprocess.Popen[bytes], text: _Text) -> str:
    """Wait for the link of a login, or for the end of the process; return the link, or nothing."""
    wait_until(lambda: bool(_LINK.search(text())) or process.poll() is not None, "a link or the end")
    found = _LINK.search(text())
    return "" if found is None or process.poll() is not None else found[1]


@dataclass(frozen=True)
class Ended:
    """How an agent ended: with the page, or with what it quotes to the user."""

    page: str = ""
    quoted: str = ""


@dataclass
class Agent:
    """An agent.

    Attributes:
        text: what it has read of the skill.
        whole: whether that is all of it.
        env: what is in its environment besides.
        read: everything that it reads.
    """

    machine: Machine
    user: User
    text: str
    url: str
    whole: bool
    env: dict[str, str] = field(default_factory=dict)
    read: str = ""

    def __post_init__(self) -> None:
        if not self.whole:
            self.text = "".join(self.text.splitlines(keepends=True)[:_SKIMMED])
        self.read = self.text

    # -- what it finds in the text --------------------------------------------------------------------------

    def step(self, number: int) -> str:
        found = re.search(rf"^{number}\. .*?`(authlens [^`]+)`$", self.text, re.MULTILINE)
        assert found is not None, number
        return self._filled(found[1])

    def advice(self, code: int) -> str:
        """Return what the table says of an exit code; nothing where it is not in what was read."""
        rows = re.findall(r"^\| ([\d, ]+) \| (.+) \|$", self.text, re.MULTILINE)
        return next((says for codes, says in rows if str(code) in codes.split(", ")), "")

    def under(self, label: str) -> list[str]:
        found = re.search(rf"^(?:- |## )(?={label}).*?(?=\n- |\n## |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, label
        return [self._filled(command) for command in re.findall(r"`([^`\n]+ [^`\n]+)`", found[0])]

    def _filled(self, command: str) -> str:
        assert "'URL'" in command or "URL" not in command, "the URL is quoted"
        return command.replace("'URL'", shlex.quote(self.url))

    # -- what it does ---------------------------------------------------------------------------------------

    def run(self, command: str) -> Ran:
        done = self.machine.run(command, self.env)
        self.read += f"{done.text}\n{done.code}\n"
        return done

    def show(self, line: str) -> Ran:
        """Show the user a line, and hear how it ended: a failure in its own words."""
        done = self.user.runs(line)
        said = "" if done.code == 0 else done.text.replace("\nx ", "\n✖ ").rpartition("\n✖ ")[2] or done.text
        self.read += f"{said}\n{done.code}\n"
        return Ran(done.code, said)

    def fetch(self) -> Ended:
        """Get the page, or a reason why there is none."""
        waits = True
        for _ in range(3):
            done = self.run(self.step(1))
            advice = self.advice(done.code)
            if done.code == 0 or "the login works" in advice:
                return Ended(page=done.text)
            if done.code == 4 and (advice or "step 2") == "step 2":
                done = self.show(self.step(2))
                if done.code == 0:
                    continue
                advice = self.advice(done.code) or "quote and stop"
            if "once more" in advice and waits:
                waits = False
                continue
            return self._stop(done)
        raise AssertionError("it goes round in circles")

    def _stop(self, done: Ran) -> Ended:
        """Quote the reason; the one that only skims asks for it, as step 3 says."""
        if not self.whole:
            done = self.run(self.step(3))
        lines = [line for line in done.text.splitlines() if line.strip()]
        return Ended(quoted="\n".join(lines))

    def in_the_background(self) -> Ran:
        """Log in as the section on it says, for a user whose browser does not reach this machine."""
        login = next(command for command in self.under("Logging in") if "--no-browser" in command)
        for _ in range(_MOST_TRIES):
            done = self._waiting(login)
            free = _FREE_PORT.search(done.text) if done.code == 2 else None
            if free is None:
                break
            login = free[1]
        self.read += f"{done.text}\n{done.code}\n"
        return done

    def _waiting(self, login: str) -> Ran:
        deliver = next(command for command in self.under("Browser on another") if "ADDRESS" in command)
        with self.machine.started(login, self.env) as (process, text):
            link = link_in(process, text)
            address = self.user.signs_in(link, deliver=False) if link else None
            if address is not None:
                self.run(deliver.replace("ADDRESS", address))
            return Ran(process.wait(PATIENCE), text())
