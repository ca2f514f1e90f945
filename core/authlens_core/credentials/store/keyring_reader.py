"""Reading from the keyring without an event loop, for a program that needs one value and nothing else.

The helper is the one of `KeyringStore`, with the same protocol and bounds.
"""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any, Final

from authlens_core.credentials.store.helper_pipes import HelperPipes
from authlens_core.credentials.store.secret_store import CALL_LIMIT, keyring_too_slow
from authlens_core.values.secret import Secret

_CHUNK: Final = 65_536  # bytes of one read from the pipe
_LONGEST: Final = 1024 * 1024  # bytes of an answer


class KeyringUnclear(Exception):
    """The keyring answered with an error or not properly; `KeyringStore` finds out why, and says so."""


class KeyringReader:
    """Reads values one after another from a helper that was started."""

    def __init__(self, pipes: HelperPipes, limit: float = CALL_LIMIT) -> None:
        self._pipes = pipes
        self._limit = limit
        self._pending = b""

    async def get(self, entry: str) -> Secret | None:
        """Return the value of `entry`; it never awaits, so that the code of the other stores can call it.

        Raises:
            KeyringUnclear: the keyring answered with an error, or not properly.
            SecretStoreTimeout: it did not answer in time.
        """
        request = json.dumps({"op": "get", "entry": entry, "value": ""})
        try:
            os.write(self._pipes.requests, request.encode() + b"\n")
            answer: Any = json.loads(self._line(time.monotonic() + self._limit))
        except (OSError, ValueError) as error:
            raise KeyringUnclear from error
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise KeyringUnclear
        value = answer.get("value")
        return Secret(value) if isinstance(value, str) else None

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._pipes.answers], [], [], left)[0]:
                raise keyring_too_slow("the keyring", self._limit)
            chunk = os.read(self._pipes.answers, _CHUNK)
            if not chunk or len(self._pending) > _LONGEST:
                raise KeyringUnclear
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line
