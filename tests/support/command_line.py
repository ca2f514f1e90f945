"""The command line in this process: what a verb answered and said, and a user at the browser beside it.

Servers and the browser run on a loop in a thread of their own: a verb has the loop of the main thread.
"""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from authlens_core.emulator import play_person
from authlens_core.trace.events import DeviceCodeReady, Event
from authlens_tui.cli import main
from authlens_tui.cli.login import login_console
from authlens_tui.cli.login.login_console import LoginConsole
from support.waiting import PATIENCE

__all__ = ["CommandLine", "Ran", "command_line"]

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
        """The JSON lines of its answer."""
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
        """Run something on the loop beside it, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def open_link(self, url: str, *_: object, **__: object) -> bool:
        """Have the user open a link."""
        if self.browse is not None:
            asyncio.run_coroutine_threadsafe(self.browse(url), self.loop)
        return True

    def watch(self, console: LoginConsole, event: Event) -> None:
        """Have the user enter the code of a login by device."""
        _on_event(console, event)
        if self.browse is not None and isinstance(event, DeviceCodeReady):
            page = event.device.verification_uri_complete or event.device.verification_uri
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
