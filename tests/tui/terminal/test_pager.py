"""Reading a text in the user's own program."""

import asyncio
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authlens_tui.terminal.ordinary_screen import NoPager, program_of, read_outside
from authlens_tui.terminal.terminal_app import TerminalApp


@pytest.mark.parametrize(
    ("environ", "program"),
    [
        ({"PAGER": "less -R", "EDITOR": "vi"}, (["less", "-R"], False)),
        ({"VISUAL": "code --wait", "EDITOR": "vi"}, (["code", "--wait"], True)),
        ({"PAGER": "'", "EDITOR": "vi"}, (["vi"], True)),
    ],
)
def test_the_pager_comes_before_the_editor(environ: dict[str, str], program: tuple[list[str], bool]) -> None:
    assert program_of(environ) == program


def test_without_a_program_the_refusal_names_the_variables() -> None:
    with pytest.raises(NoPager, match="Set PAGER or EDITOR"):
        program_of({"PATH": ""})


class Suspendable(TerminalApp):
    """Can be left for another program, as on a terminal."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize("variable", ["PAGER", "EDITOR"])
async def test_a_program_gets_the_text_and_no_secret_in_its_environment(
    variable: str, tmp_path: Path
) -> None:
    script = tmp_path / "reader.py"
    script.write_text(
        "import os, sys\n"
        "text = open(sys.argv[2]).read() if len(sys.argv) > 2 else sys.stdin.read()\n"
        "open(sys.argv[1], 'w').write(text + os.environ.get('AUTHLENS_CLIENT_SECRET', '-'))\n"
    )
    read = tmp_path / "read"
    environ = {
        variable: shlex.join([sys.executable, str(script), str(read)]),
        "AUTHLENS_CLIENT_SECRET": "canary",
        "TMPDIR": str(tmp_path),
    }
    app = Suspendable({})
    async with app.run_test():
        async with asyncio.timeout(20):
            await read_outside(app, "•••• the body", environ)
    assert read.read_text() == "•••• the body-"
    assert not list(tmp_path.glob("authlens-*"))
