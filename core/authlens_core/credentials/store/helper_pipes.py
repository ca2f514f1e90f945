"""Starting the keyring's helper process without an event loop: the first thing that a quick call does.

This imports next to nothing, so that the helper loads its backend while the caller loads the rest.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from authlens_core.values.secret import for_children

if TYPE_CHECKING:
    from collections.abc import Mapping

# -P: a module in the current directory must not be imported into the process that sees the secrets.
# By `-c`: for `-m`, Python would load modules of its own that look for the module to run.
HELPER = (
    sys.executable,
    "-P",
    "-c",
    "from authlens_core.credentials.store.keyring_helper import main; main()",
)


def helper_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as the helper may have it: no part of PYTHONPATH names the current directory.

    Not `-I`, which would also leave out the user's own site-packages, where authlens may be installed.
    """
    variables = for_children(environ)
    if path := variables.pop("PYTHONPATH", ""):
        absolute = [part for part in path.split(os.pathsep) if os.path.isabs(part)]  # noqa: PTH117 - pathlib is not loaded here
        if absolute:
            variables["PYTHONPATH"] = os.pathsep.join(absolute)
    return variables


class HelperPipes:
    """The ends of the two pipes to a helper: descriptors to write requests to and to read answers from."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests = requests
        self.answers = answers

    def close(self) -> None:
        """Close both: the helper ends when its call is answered, and is never killed in one."""
        os.close(self.requests)
        os.close(self.answers)


def start_helper() -> HelperPipes | None:
    """Start the helper and return its pipes; None where the platform cannot start it this way."""
    if not hasattr(os, "posix_spawn"):
        return None
    for_helper, requests = os.pipe()
    answers, from_helper = os.pipe()
    pipes = HelperPipes(requests, answers)
    actions = [
        (os.POSIX_SPAWN_DUP2, for_helper, 0),
        (os.POSIX_SPAWN_DUP2, from_helper, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        # A session of its own, as `KeyringStore` gives it: Ctrl-C must not end it in a call.
        os.posix_spawn(HELPER[0], HELPER, helper_environment(os.environ), file_actions=actions, setsid=True)
    except (OSError, NotImplementedError):
        pipes.close()
        return None
    finally:
        os.close(for_helper)
        os.close(from_helper)
    return pipes
