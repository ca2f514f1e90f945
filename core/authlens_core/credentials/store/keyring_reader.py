"""Reading from the keyring without an event loop, for a program that needs one value and nothing else.

The helper is the one of `KeyringStore`, with the same protocol and bounds. It is started first and looks for
its backend while the caller reads the index.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any, Final, Self

from authlens_core.child_environment import for_children
from authlens_core.credentials.store.secret_store import CALL_LIMIT, keyring_too_slow
from authlens_core.secret import Secret

__all__ = ["HELPER", "KeyringReader", "NotPlain"]

HELPER: Final = (sys.executable, "-P", "-m", "authlens_core.credentials.store.keyring_helper")
_CHUNK: Final = 65_536
_LONGEST: Final = 1024 * 1024


class NotPlain(Exception):
    """The short way does not serve here; the whole program finds out why, and says so."""


class KeyringReader:
    """The helper, for values read one after another; use it as a context manager.

    Raises:
        NotPlain: the platform cannot start it this way.
    """

    def __init__(self, limit: float = CALL_LIMIT) -> None:
        self._limit = limit
        self._pending = b""
        if not hasattr(os, "posix_spawn"):
            raise NotPlain
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, requests, 0),
            (os.POSIX_SPAWN_DUP2, answers, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            # A session of its own, as `KeyringStore` gives it: Ctrl-C must not end it in a call.
            os.posix_spawn(HELPER[0], HELPER, for_children(os.environ), file_actions=actions, setsid=True)
        except (OSError, NotImplementedError) as error:
            self.close()
            raise NotPlain from error
        finally:
            os.close(requests)
            os.close(answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pipes: the helper ends when its call is answered, and is never killed in one."""
        os.close(self._requests)
        os.close(self._answers)

    async def get(self, entry: str) -> Secret | None:
        """Return the value of `entry`; it never awaits, so that the code of the other stores can call it.

        Raises:
            NotPlain: the keyring answered with an error, or not properly.
            SecretStoreTimeout: it did not answer in time.
        """
        request = json.dumps({"op": "get", "entry": entry, "value": ""})
        try:
            os.write(self._requests, request.encode() + b"\n")
            answer: Any = json.loads(self._line(time.monotonic() + self._limit))
        except (OSError, ValueError) as error:
            raise NotPlain from error
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise NotPlain
        value = answer.get("value")
        return Secret(value) if isinstance(value, str) else None

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise keyring_too_slow("the keyring", self._limit)
            found = os.read(self._answers, _CHUNK)
            if not found or len(self._pending) > _LONGEST:
                raise NotPlain
            self._pending += found
        line, _, self._pending = self._pending.partition(b"\n")
        return line
