"""The first module of `authlens`: a stored token is printed before the rest of the program is loaded."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from authlens_core.desk.stored_token import stored_token
from authlens_tui.cli import INTERRUPTED, READER_GONE, has_borrowed_rights

if TYPE_CHECKING:
    from types import ModuleType

# Loading modules makes many objects and no garbage: to look for any takes a fifth of the time that it takes.
# What runs for longer than that sets a threshold of its own.
_NEW_OBJECTS = 1_000_000


def main() -> None:
    """Run `authlens` with the arguments of the process and exit with its code."""
    gc.set_threshold(_NEW_OBJECTS)
    argv = sys.argv[1:]
    # The one call that scripts make a hundred times a day. With any option the whole program decides.
    if len(argv) == 2 and argv[0] == "token" and not argv[1].startswith("-") and not has_borrowed_rights():
        _try_token(argv[1])
    from authlens_tui.cli.main import main as run_everything

    run_everything()


def _try_token(url: str) -> None:
    """Print the token for `url` and exit, if it only has to be read."""
    try:
        token = stored_token(url, loads=_prepare)
        # It needs a refresh, a passphrase or words: that is for the rest of the program.
        if token is None:
            return
        _output().answer_secret(token)
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = READER_GONE
    except Exception as error:
        from authlens_core.values.errors import AuthlensError  # not before the keyring's helper has started

        if not isinstance(error, AuthlensError):
            raise
        _output().report_error(error)
        code = error.exit_code
    # Ending the interpreter in order takes as long as all of the above.
    os._exit(code)


def _prepare() -> None:
    """Load the printing module, and forbid core dumps before a secret is read."""
    from authlens_core.values.secret import forbid_core_dump

    forbid_core_dump()
    _output()


def _output() -> ModuleType:
    """Import the printing module; it loads while the keyring's helper starts."""
    from authlens_tui.cli.terminal import output

    return output
