"""The clipboard of this machine, filled by pyperclip in a process of its own.

pyperclip lets the program that it runs (`xclip`, `wl-copy`, `pbcopy`) write on our terminal, over the screen,
and does not look at its exit code: a program that failed counts as one that copied. So the child, which is
this module run with `python -P -m`, has its input, output and errors elsewhere and looks at the codes itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from authlens_core.values.secret import for_children

# Ways of pyperclip that are not taken: one puts the text on a command line, which other users can read; what
# the other copied would be gone with the child.
_UNFIT: Final = frozenset({"copy_klipper", "copy_qt"})
_COMMAND: Final = (sys.executable, "-P", "-m", "authlens_tui.terminal.system_clipboard")


class NotCopied(Exception):
    """The clipboard does not have the text: there is no program for it, or it failed, or it hung."""


def fill(environ: Mapping[str, str], limit: float, text: str) -> None:
    """Put `text` into the clipboard of this machine; blocks until it is there.

    The child leads a session of its own: a terminal that closes does not take the clipboard with it, which on
    X11 and Wayland lives in a program that stays behind.

    Args:
        limit: seconds until what hangs is ended, so that it cannot fill the clipboard later.

    Raises:
        NotCopied: it is not there.
    """
    child = subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=for_children(environ),
        # A session of its own, so that the child and what it started can be ended together.
        start_new_session=True,
    )
    try:
        child.communicate(text.encode("utf-8", "replace"), timeout=limit)
    except subprocess.TimeoutExpired:
        _end(child)
        raise NotCopied from None
    if child.returncode:
        raise NotCopied


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and the program that it waits for."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _main() -> int:
    import pyperclip

    started: list[subprocess.Popen[Any]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    # Looked at before it is called: which program it would be decides whether the text may be given to it.
    copy, _ = pyperclip.determine_clipboard()
    if getattr(copy, "__name__", "") in _UNFIT:
        return 1
    # pyperclip looks at no exit code; its programs are noted here, so that `_main` can.
    subprocess.Popen = Noted  # type: ignore[misc]
    copy(sys.stdin.buffer.read().decode("utf-8"))
    return 1 if any(program.returncode for program in started) else 0


if __name__ == "__main__":
    sys.exit(_main())
