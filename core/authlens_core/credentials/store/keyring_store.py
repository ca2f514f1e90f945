"""The keyring and the files of ours as stores, through a helper process that is let go of when it is slow."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from authlens_core.credentials.store.helper_pipes import HELPER, helper_environment
from authlens_core.credentials.store.secret_store import (
    CALL_LIMIT,
    NoKeyring,
    SecretStoreFailed,
    SecretStoreTimeout,
    keyring_too_slow,
)
from authlens_core.values.errors import NoSecretStore, PassphraseNeeded, SecretStoreDenied, WrongPassphrase
from authlens_core.values.finish import finish
from authlens_core.values.fix import again, fix, step
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

_LINE_LIMIT: Final = 1024 * 1024  # bytes of an answer of the helper
# Seconds for a call to end when the store is closed; one that takes longer waits for a prompt.
_FAREWELL: Final = 0.3


class Backend(Struct, frozen=True):
    """The backend that the helper chose: what a user calls it, and whether the user named it."""

    name: str
    named: bool


class KeyringStore:
    """Keeps secrets in the operating system's keyring. Close it with `aclose()`.

    The helper is started by the first call and serves them all one after another. A call that is cancelled or
    takes too long lets go of it: it ends within `LAST_CALL` seconds, or is killed when the store is closed,
    and the next call starts another.

    Args:
        limit: seconds that one call may take, everything included.
    """

    persistent = True
    place: StoreKind = StoreKind.KEYRING

    def __init__(self, *, limit: float = CALL_LIMIT, environ: Mapping[str, str] | None = None) -> None:
        self._limit = limit
        self._environ = helper_environment(os.environ if environ is None else environ)
        self._turn = asyncio.Lock()
        self.helper: Process | None = None
        self.ending: list[Process] = []
        self.name = "the keyring"

    async def start(self) -> None:
        """Start the helper ahead of the first call, for a program that has other things to do meanwhile."""
        async with self._turn:
            with suppress(OSError):
                await self._running()

    async def open(self, *, probe: bool = True) -> Backend:
        """Choose the backend; with `probe`, write, read and delete a value in it.

        Raises:
            NoSecretStore: there is no usable backend; its subclasses: as by every call.
        """
        answer = await self._call("open", value=Secret("probe" if probe else ""))
        self.name = safe_line(str(answer["name"]), NAME)
        return Backend(self.name, answer["named"] is True)

    async def get(self, entry: str) -> Secret | None:
        value = (await self._call("get", entry)).get("value")
        return Secret(value) if isinstance(value, str) else None

    async def set(self, entry: str, value: Secret) -> None:
        await self._call("set", entry, value)

    async def delete(self, entry: str) -> None:
        await self._call("delete", entry)

    async def aclose(self) -> None:
        """End the helper, even when cancelled; a later call starts another."""
        self._let_go()
        ending, self.ending = self.ending, []
        await finish(self._see_off(ending))

    # The helper

    async def _see_off(self, helpers: Iterable[Process]) -> None:
        for helper in helpers:
            try:
                await asyncio.wait_for(helper.wait(), _FAREWELL)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    helper.kill()
                with suppress(TimeoutError):
                    await asyncio.wait_for(helper.wait(), _FAREWELL)
            await asyncio.sleep(0)  # the loop closes the pipes in its next turn

    def _let_go(self) -> None:
        """Give this helper no more calls. It is not killed: that would be in the middle of one."""
        if self.helper is None:
            return
        helper, self.helper = self.helper, None
        if helper.stdin is not None:
            helper.stdin.close()
        self.ending.append(helper)

    async def _running(self) -> Process:
        if self.helper is not None and self.helper.returncode is not None:
            self._let_go()
        self.ending = [helper for helper in self.ending if helper.returncode is None]
        if self.helper is None:
            # A session of its own: Ctrl-C ends the program and not the helper in the middle of a write, and
            # a backend that wants to ask on the terminal finds none.
            self.helper = await asyncio.create_subprocess_exec(
                *HELPER,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=self._environ,
                limit=_LINE_LIMIT,
                start_new_session=True,
            )
        return self.helper

    def _bound(self) -> float:
        return self._limit

    async def _call(self, operation: str, entry: str = "", value: Secret | None = None) -> dict[str, Any]:
        deadline = asyncio.get_running_loop().time() + self._bound()
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError:
            raise self._too_slow() from None
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._exchange(operation, entry, value)
        except TimeoutError:
            self._let_go()
            raise self._too_slow() from None
        except (OSError, ValueError):
            self._let_go()
            raise SecretStoreFailed(
                "The keyring helper stopped or gave an invalid answer.",
                fix("Try again.", step("If it still fails, run", "authlens doctor")),
            ) from None
        except asyncio.CancelledError:
            self._let_go()  # its answer would be taken for the next call's
            raise
        finally:
            self._turn.release()
        if answer.get("ok") is not True:
            raise self._refused(answer)
        return answer

    async def _exchange(self, operation: str, entry: str, value: Secret | None) -> dict[str, Any]:
        # The revealed value is a local of this frame alone: an error that `_call` raises keeps that one.
        helper = await self._running()
        shown = "" if value is None else value.reveal()
        return await self._talk(helper, {"op": operation, "entry": entry, "value": shown})

    async def _talk(self, helper: Process, request: Mapping[str, object]) -> dict[str, Any]:
        if helper.stdin is None or helper.stdout is None:
            raise BrokenPipeError
        helper.stdin.write(json.dumps(request).encode() + b"\n")
        await helper.stdin.drain()
        answer = json.loads(await helper.stdout.readline() or b"null")
        if not isinstance(answer, dict):
            raise BrokenPipeError
        return answer

    def _too_slow(self) -> SecretStoreTimeout:
        return keyring_too_slow(self.name, self._bound())

    def _refused(self, answer: dict[str, Any]) -> NoSecretStore:
        detail = str(answer.get("detail", ""))
        match answer.get("kind"):
            case "none":
                return NoKeyring(detail)
            case "denied":
                return SecretStoreDenied(
                    f"{_capital(self.name)} is locked or refused access ({detail}).",
                    "Unlock it and try again (over SSH on macOS: security unlock-keychain), or continue "
                    "with a memory-only session.",
                )
            case _:
                return SecretStoreFailed(
                    f"{_capital(self.name)} failed ({detail}).",
                    fix("Try again.", step("If it still fails, run", "authlens doctor")),
                )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


# -- files --------------------------------------------------------------------------------------------------


# Seconds for a call that has to make the key from the passphrase first: that is slow on purpose.
UNLOCK_LIMIT: Final = 20.0


class StoreDamaged(SecretStoreFailed):
    """The file is not what was written, or is gone."""


class FileStore(KeyringStore):
    """Keeps secrets in a file: encrypted with a passphrase, or as they are.

    Args:
        place: `StoreKind.ENCRYPTED_FILE` or `StoreKind.FILE`.
        path: the file, in a private directory.
        passphrase: of the encrypted file; without one, entries can only be deleted.
        limit: seconds that one call may take.
    """

    def __init__(
        self,
        place: StoreKind,
        path: Path,
        *,
        passphrase: Secret | None = None,
        create: bool = False,
        limit: float = CALL_LIMIT,
    ) -> None:
        super().__init__(limit=limit)
        self.place = place
        self._path = path
        self._passphrase = passphrase
        self._create = create
        self._key: Secret | None = None
        self._told: Process | None = None
        self.name = place.words

    def _bound(self) -> float:
        return UNLOCK_LIMIT if self._passphrase is not None else self._limit

    async def _running(self) -> Process:
        helper = await super()._running()
        # A helper that died was replaced by a new one, which does not know the file yet.
        if helper is not self._told:
            answer = await self._talk(helper, self._use())
            if answer.get("ok") is not True:
                raise self._refused(answer)
            self._told = helper
            if isinstance(answer.get("key"), str):
                # From now on the key opens it, at once; the passphrase is not needed any more.
                self._key, self._passphrase = Secret(answer["key"]), None
        return helper

    def _use(self) -> dict[str, object]:
        request: dict[str, object] = {"op": "use", "place": self.place.value, "path": str(self._path)}
        if self._key is not None:
            request["key"] = self._key.reveal()
        elif self._passphrase is not None:
            request["passphrase"] = self._passphrase.reveal()
            request["create"] = self._create
        return request

    def _too_slow(self) -> SecretStoreTimeout:
        return SecretStoreTimeout(
            f"{self._path} could not be read or written within {self._bound():g} seconds.",
            "Check its disk (is a network drive disconnected?), then try again.",
        )

    def _refused(self, answer: Mapping[str, Any]) -> NoSecretStore:
        # The helper puts the class of an error before its text.
        detail = str(answer.get("detail", "")).removeprefix("FileKeyringError: ")
        match answer.get("kind"):
            case "passphrase":
                return WrongPassphrase("Wrong passphrase for the encrypted file.", "Type it again.")
            case "short":
                return WrongPassphrase(f"That is too short: {detail}.", "Choose a longer one.")
            case "locked":
                return PassphraseNeeded("The encrypted file is locked.", "Enter its passphrase.")
            case "damaged":
                return StoreDamaged(
                    f"The file with the tokens is damaged: {detail}.",
                    again("Restore a copy, or move the file away and log in again"),
                )
            case "absent":
                return StoreDamaged(
                    f"The file with the tokens is missing: {detail}.",
                    again("Restore it, or choose another secret store (authlens store) and log in again"),
                )
            case "newer":
                return SecretStoreFailed(f"{detail}.", "Use the newer authlens.")
            case "busy":
                return SecretStoreTimeout(f"{detail}.", "Wait for it, then try again.")
            case _:
                return SecretStoreFailed(
                    f"{self._path} cannot be used ({detail}).",
                    "Check the disk (full? read-only?), then try again.",
                )
