"""`authlens learn` in a process of its own: what a referee has, who sees no screen."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.preloaded import Preloaded


class Learn:
    """Runs `authlens learn`, each time in another process.

    Attributes:
        home: where it stores what it stores.
    """

    def __init__(self, program: Preloaded, home: Path) -> None:
        """Take the program to fork from; the fixture `learn` makes these."""
        self.home = home
        self._program = program

    def __call__(
        self, *arguments: str, moves: dict[str, Any] | None = None, environ: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr.

        Args:
            moves: written to standard input.
            environ: variables besides those of this process.
        """
        env = {**os.environ, "AUTHLENS_HOME": str(self.home), **(environ or {})}
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(json.dumps(moves or {}).encode())
            given.seek(0)
            process = self._program.start(
                ("learn", *arguments), env, stdin=given.fileno(), stdout=out.fileno(), stderr=err.fileno()
            )
            code = process.wait(60)
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    def json(self, *arguments: str) -> Any:
        """Return what it prints with `--json`, whatever its exit code."""
        return json.loads(self(*arguments, "--json")[1])
