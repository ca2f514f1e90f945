"""The command line in this process: what a verb answered and said, and a user at the browser beside it.

Servers and the browser run on a loop in a thread of their own: a verb has the loop of the main thread.
"""

import asyncio
import io
import json
import re
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from authlens_core.trace.events import DeviceCodeReady, Event
from authlens_lab.emulator import play_person
from authlens_tui.cli import main
from authlens_tui.cli.login import login_console
from authlens_tui.cli.login.login_console import LoginConsole
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.verbs import VERBS
from support.waiting import PATIENCE

_T = TypeVar("_T")
_on_event = LoginConsole.on_event


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code, its answer and its words."""

    code: int
    answer: str
    words: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.answer.splitlines() if line.startswith("{")]


class CommandLine:
    """Runs `authlens` here, with a loop beside it for servers and for the browser.

    Attributes:
        browse: opens the link of a login, on the loop beside it; None if nobody does.
        variables: of the environment, set anew for each command: a verb takes secrets out of it.
    """

    def __init__(self) -> None:
        """Start the loop beside it; only `command_line` makes these."""
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.browse: Callable[[str], Coroutine[Any, Any, object]] | None = play_person
        self.variables: dict[str, str] = {}

    def beside(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def open_link(self, url: str, *_: object, **__: object) -> bool:
        if self.browse is not None:
            asyncio.run_coroutine_threadsafe(self.browse(url), self.loop)
        return True

    def watch(self, console: LoginConsole, event: Event) -> None:
        """Have the user enter the code of a login by device."""
        _on_event(console, event)
        if self.browse is not None and isinstance(event, DeviceCodeReady):
            page = event.verification_uri_complete or event.verification_uri
            asyncio.run_coroutine_threadsafe(play_person(page.text, deliver=False), self.loop)

    def run(self, *arguments: str, typed: str = "") -> Ran:
        """Run one command to its end, with `typed` on its standard input."""
        # A file, because some verbs ask for its descriptor.
        stdin = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
        stdin.write(typed)
        stdin.seek(0)
        answer, words = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdout", answer)
            patch.setattr(sys, "stderr", words)
            patch.setattr(sys, "stdin", stdin)
            # argparse ends the interpreter where the arguments are wrong.
            try:
                code = main.run(list(arguments))
            except SystemExit as ended:
                code = int(ended.code or 0)
        stdin.close()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        return Ran(code, _written(answer), _written(words))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextmanager
def command_line(home: Path) -> Iterator[CommandLine]:
    """Yield the command line, on a machine whose browser is a played user's and whose secrets go to a file.

    Args:
        home: where its state is.
    """
    line = CommandLine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLENS_HOME", str(home))
        patch.setenv("BROWSER", "played")
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setattr(login_console, "open_browser", line.open_link)
        patch.setattr(LoginConsole, "on_event", lambda self, event: line.watch(self, event))  # noqa: PLW0108
        try:
            assert line.run("store", "--move", "file", "--yes").code == 0
            yield line
        finally:
            line.close()


_NAMED: Final = re.compile(rf"\bauthlens (?:{'|'.join(VERBS)})\b|(?<![\w-])--[a-z][a-z-]+")
_OWNER: Final = re.compile(r"\bowner\b")
_WAITS: Final = re.compile(r"\b[Tt]ry again\b|\b[Ww]ait\b")
_MAY_FAIL: Final = re.compile(r"^(?:Or|If|For an? |To continue anyway)\b")
"""What a condition is named for: where it does not hold, the next message leads on, or names the owner."""
_MOST_STEPS: Final = 3
_NEEDS_A_TERMINAL: Final = "--paste-only"
_PLACEHOLDER: Final = re.compile(r"[A-Z]{2,}")
_NO_DECISION: Final = re.compile(r"--json|--timeout \d+")


def fixes_in(ran: Ran) -> list[str]:
    return [line.removeprefix("  → ") for line in ran.words.splitlines() if line.startswith("  → ")]


def commands_in(fixes: Sequence[str]) -> list[str]:
    return [fix[fix.index(": authlens ") + 2 :] for fix in fixes if ": authlens " in fix]


def words_of_cloudflare(ran: Ran) -> list[str]:
    """Return what only makes sense at Cloudflare Access, of all that was said."""
    return [
        word for word in ("Cloudflare", "CF-Ray", "Zero Trust", "Managed OAuth", "WARP") if word in ran.words
    ]


@dataclass
class Follower:
    """Somebody who does what messages say.

    Attributes:
        line: where the commands are run.
        ends: makes the cause go away: the owner mends it, or time passes.
        given: what stands for the words in capitals, such as ID.
        typed: what is piped into a verb, by its first words.
    """

    line: CommandLine
    ends: Callable[[], None]
    given: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    _worked: set[str] = field(default_factory=set)

    def dead_ends(self, command: str, ran: Ran, step: int = 1) -> Iterator[str]:
        """Yield what does not lead on in the message that `command` left."""
        fixes = fixes_in(ran)
        named = commands_in(fixes)
        for fix in fixes:
            for loose in _NAMED.findall(fix.partition(": authlens ")[0]):
                yield f"names {loose} outside of a command: {fix}"
        conditional = commands_in([fix for fix in fixes if _MAY_FAIL.search(fix)])
        for one in named:
            if not _is_same(one, command):
                yield from self._followed(one, step if one in conditional else _MOST_STEPS)
        again = [one for one in named if _is_same(one, command)]
        said = " ".join(fixes)
        if again or _OWNER.search(said) or _WAITS.search(said):
            self.ends()
            yield from self._followed(next(iter(again), command), _MOST_STEPS)
        elif not named:
            yield f"names neither a command nor the owner: {said or ran.words}"

    def _followed(self, command: str, step: int) -> Iterator[str]:
        words = [self.given.get(word, word) for word in shlex.split(command)[1:]]
        try:
            build_parser(words[0]).parse_args(words)
        except SystemExit:
            yield f"is no command: {command}"
            return
        if any(_PLACEHOLDER.fullmatch(word) for word in words):
            yield f"names what this user does not have: {command}"
            return
        if command in self._worked or _NEEDS_A_TERMINAL in words:  # tests/e2e/test_link_taken.py
            return
        typed = next((text for verb, text in self.typed.items() if command.startswith(verb)), "")
        ran = self.line.run(*words, typed=typed)
        if ran.code == 0:
            self._worked.add(command)
            return
        # Another test has the usual port of the callback at the moment.
        free = re.search(rf"{re.escape(command)} --port \d+", " ".join(fixes_in(ran)))
        if free is not None:
            yield from self._followed(free[0], step)
            return
        if step < _MOST_STEPS:
            if not _OWNER.search(" ".join(fixes_in(ran))):
                yield from self.dead_ends(command, ran, step + 1)
        else:
            yield f"fails ({ran.code}): {command}\n{ran.words[-800:]}"


def _is_same(one: str, other: str) -> bool:
    plain = (sorted(_NO_DECISION.sub("", command).split()) for command in (one, other))
    return next(plain) == next(plain)
