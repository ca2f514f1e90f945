"""The helper process that speaks to the keyring; `helper_pipes.HELPER` is its command.

A call of the keyring can block for as long as an unlock prompt is open on a desktop that no one looks at, and
a thread that is blocked holds up the exit of its program. A process can be killed. It reads one JSON object
a line from standard input and answers each with one on standard output; secrets go no other way. When its
standard input ends, because the program closed it or died, it finishes the call that it is in, within
`LAST_CALL` seconds, and ends.

Finishing matters: gnome-keyring aborts when a caller is gone before it is answered (see
`greet_first`).

Left to itself, the keyring library takes any backend that an installed package brings, a plain file among
them. Here the automatic choice knows only the stores of the operating systems, by class. What the user
named themselves (PYTHON_KEYRING_BACKEND or keyringrc.cfg) is used if it keeps anything at all.

Request: `{"op": "open" | "get" | "set" | "delete", "entry": …, "value": …}`, and before these, for a file of
ours, `{"op": "use", "place": …, "path": …, "create": …, "passphrase": … | "key": …}`. Answer:
`{"ok": true, …}` or `{"ok": false, "kind": "none" | "denied" | "failed" | …, "detail": …}`.
"""

from __future__ import annotations

import _thread
import json
import os
import select
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from keyring import core
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError

from authlens_core.credentials.store.secret_service import greet_first
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

if TYPE_CHECKING:
    from authlens_core.credentials.store.encrypted_file import EncryptedFileKeyring

# The classes of the automatic choice, and what a user calls them.
ALLOWED: Final = {
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet 4",
    "keyring.backends.libsecret.Keyring": "libsecret",
}
_KEEPS_NOTHING: Final = frozenset({"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"})
_CHAINER: Final = "keyring.backends.chainer.ChainerBackend"


class BackendRefused(Exception):
    """There is no backend that may be used. The text says why, in words for a user."""


class BackendCandidate(NamedTuple):
    """A backend that may be used once it passed the write-read-delete probe.

    Attributes:
        named: true when the user named it.
    """

    backend: KeyringBackend
    name: str
    named: bool


def _class_name(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def choose() -> BackendCandidate:
    """Return the backend to use: the one the user named, else the best of the operating system's own.

    Raises:
        BackendRefused: there is none, or the named one keeps nothing or cannot be loaded.
    """
    named = _named()
    if named is None:
        return _automatic(_viable(ALLOWED))
    name = _class_name(named)
    if name in _KEEPS_NOTHING:
        raise BackendRefused(f"the chosen backend {name} stores nothing")
    if name == _CHAINER:
        return _member_of(named)
    return BackendCandidate(_prepared(named), ALLOWED.get(name, name), named=True)


def _named() -> KeyringBackend | None:
    # The library would try to import a module without a name.
    if os.environ.get("PYTHON_KEYRING_BACKEND") == "":
        del os.environ["PYTHON_KEYRING_BACKEND"]
    try:
        return core.load_env() or core.load_config()
    except Exception as error:
        # The class is the user's choice and its import runs code we do not know.
        msg = f"the chosen backend cannot be loaded ({type(error).__name__}: {error})"
        raise BackendRefused(msg) from error


def _member_of(chainer: KeyringBackend) -> BackendCandidate:
    """Return the first member of a chain, if all are allowed: a chain writes to whichever takes it."""
    members: Iterable[KeyringBackend] = getattr(chainer, "backends", ())
    names = [_class_name(member) for member in members]
    foreign = [name for name in names if name not in ALLOWED]
    if foreign:
        raise BackendRefused(f"the chain of backends has members that are not allowed: {', '.join(foreign)}")
    return _automatic(members)


def _viable(names: Iterable[str]) -> list[KeyringBackend]:
    """Return the backends that work here, the best first. No other package's backends are even imported."""
    backends: list[tuple[float, KeyringBackend]] = []
    for name in names:
        module, _, attribute = name.rpartition(".")
        try:
            kind = getattr(import_module(module), attribute)
            backends.append((float(kind.priority), kind()))
        except Exception:  # noqa: S112 - asking for the priority is how a backend says it cannot work
            continue
    return [backend for _, backend in sorted(backends, key=lambda pair: pair[0], reverse=True)]


def _automatic(backends: Iterable[KeyringBackend]) -> BackendCandidate:
    for backend in backends:
        return BackendCandidate(_prepared(backend), ALLOWED[_class_name(backend)], named=False)
    raise BackendRefused("no operating system keyring is running")


def _prepared(backend: KeyringBackend) -> KeyringBackend:
    if _class_name(backend) == "keyring.backends.Windows.WinVaultKeyring":
        # The library's default roams with the Windows profile; tokens belong to this machine.
        backend.persist = "local machine"  # type: ignore[attr-defined]
    if _class_name(backend) == "keyring.backends.SecretService.Keyring":
        greet_first()
    return backend


# The user name of every entry: Windows refuses an empty one.
USER: Final = "authlens"

# Seconds that a call may go on after the program that asked is gone.
LAST_CALL: Final = 5.0

# Names for the value of the probe: as many may be left in a keyring, whatever dies when.
_PROBE_NAMES: Final = 8
_PROBES: Final = 8  # attempts

# Characters of the value in a row that make the words of an error unfit to be shown.
_SHOWN_RUN: Final = 8
_LONGEST_DETAIL: Final = 300  # characters of an error that cross the pipe
_PAUSES: Final = (0.05, 0.1, 0.2)
_MOMENTARY: Final = frozenset({"InitError", "ItemNotFoundException", "BackendRefused"})


class _ProbeFailed(Exception):
    """The backend took a value and did not give it back."""


class _Keyring:
    @cached_property
    def choice(self) -> BackendCandidate:
        return choose()

    @property
    def backend(self) -> KeyringBackend:
        return self.choice.backend

    def use(self, request: dict[str, str]) -> dict[str, object]:
        """Use a file of ours instead of what would be chosen; answer with the key, where it has one."""
        # For files alone; most keyrings are none.
        from pathlib import Path

        from authlens_core.credentials.store.encrypted_file import EncryptedFileKeyring
        from authlens_core.credentials.store.file_keyring import FileKeyring

        kind, path = StoreKind(request["place"]), Path(request["path"])
        if kind is StoreKind.FILE:
            self.choice = BackendCandidate(FileKeyring(path), kind.words, named=False)
            return {}
        encrypted = EncryptedFileKeyring(path)
        self.choice = BackendCandidate(encrypted, kind.words, named=False)
        key = _unlocked(encrypted, request)
        return {} if key is None else {"key": key.reveal()}

    def open(self, *, probe: bool) -> dict[str, object]:
        choice = self.choice
        if probe:
            self._probe()
        return {"name": choice.name, "named": choice.named}

    def _probe(self) -> None:
        """Write a value, read it back and delete it.

        The names are few, so that what killed programs leave behind is used again instead of piling up; so
        another program may use the same one in the same moment, and then this one tries again.
        """
        for left in reversed(range(_PROBES)):
            try:
                self._probe_once(f"authlens:probe:{os.urandom(1)[0] % _PROBE_NAMES}")
            except (_ProbeFailed, PasswordDeleteError):
                if not left:
                    raise
                # Up to 50 ms, at random, so that two programs do not meet again.
                time.sleep(os.urandom(1)[0] / 5_000)
            else:
                return

    def _probe_once(self, entry: str) -> None:
        value = os.urandom(16).hex()
        self.backend.set_password(entry, USER, value)
        if self.backend.get_password(entry, USER) != value:
            raise _ProbeFailed("a stored value could not be read back")
        self.delete(entry)
        if self.backend.get_password(entry, USER) == value:
            raise _ProbeFailed("a deleted value is still there")

    def delete(self, entry: str) -> None:
        try:
            self.backend.delete_password(entry, USER)
        except PasswordDeleteError:
            # Backends say the same of an entry that is not there and of one that may not be deleted.
            if self.backend.get_password(entry, USER) is not None:
                raise

    def call(self, request: dict[str, str]) -> dict[str, object]:
        match request["op"]:
            case "use":
                return self.use(request)
            case "open":
                return self.open(probe=request["value"] == "probe")
            case "get":
                return {"value": self.backend.get_password(request["entry"], USER)}
            case "set":
                self.backend.set_password(request["entry"], USER, request["value"])
                return {}
            case "delete":
                self.delete(request["entry"])
                return {}
            case unknown:
                raise ValueError(f"no such operation: {unknown}")


def _unlocked(backend: EncryptedFileKeyring, request: dict[str, str]) -> Secret | None:
    """Return the key of the file; None if nothing to open it with was given: entries can be deleted."""
    if request.get("key"):
        return backend.unlock_with(Secret(request["key"]))
    if not request.get("passphrase"):
        return None
    passphrase = Secret(request["passphrase"])
    return backend.create(passphrase) if request.get("create") else backend.unlock(passphrase)


def _detail(error: BaseException, value: str) -> str:
    """Return the words of an error without the value that was being stored, or any part of it."""
    text = str(error)[:_LONGEST_DETAIL]
    runs = (value[at : at + _SHOWN_RUN] for at in range(max(1, len(value) - _SHOWN_RUN + 1)))
    name = type(error).__name__
    if not text or (value and any(run in text for run in runs)):
        return name
    return f"{name}: {text}"


def _patiently(keyring: _Keyring, request: dict[str, str]) -> dict[str, object]:
    """Make a call, and make it again where the answer is one that holds for a moment only.

    While gnome-keyring replaces the file of its collection, it says that there is no collection; an entry
    that another program deletes between its being found and being read is said not to exist; and a bus that
    is asked by many at once may not find the keyring in time.
    """
    for pause in _PAUSES:
        try:
            return keyring.call(request)
        except Exception as error:
            # By name: one of them comes from a library that only Linux has.
            if type(error).__name__ not in _MOMENTARY:
                raise
            time.sleep(pause)
    return keyring.call(request)


def _answer(keyring: _Keyring, request: dict[str, str]) -> dict[str, object]:
    try:
        return {"ok": True, **_patiently(keyring, request)}
    except (BackendRefused, NoKeyringError, _ProbeFailed) as error:
        return {"ok": False, "kind": "none", "detail": str(error)[:_LONGEST_DETAIL]}
    except KeyringError as error:
        kind = getattr(error, "kind", "denied")  # our own backends say what is wrong
        return {"ok": False, "kind": kind, "detail": _detail(error, request.get("value", ""))}
    except Exception as error:
        # A process boundary: backends raise whatever D-Bus, COM or their own code raises.
        return {"ok": False, "kind": "failed", "detail": _detail(error, request.get("value", ""))}


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output for the protocol: a backend that prints or asks spoils nothing."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return source, sink


class _Lines:
    """Requests as they come, and whether the program that sends them is gone.

    `queue` and `threading` would do the same, and are a tenth of what the helper loads.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._waiting: deque[bytes] = deque()
        self._come = _thread.allocate_lock()
        self._come.acquire()
        self._has_ended = False

    def feed(self) -> None:
        """Put each line of the source, and end the process some time after the last."""
        for line in self._source:
            self.put(line)
        self._has_ended = True
        self.put(b"")
        # The call under way may be one that never returns, such as a prompt on a desktop.
        time.sleep(LAST_CALL)
        os._exit(0)

    @property
    def gone(self) -> bool:
        """Whether the program let go; the pipe says so before the thread that reads it has run."""
        if self._has_ended or sys.platform == "win32":
            return self._has_ended
        pipe = select.poll()
        pipe.register(self._source, select.POLLHUP)
        return bool(pipe.poll(0))

    def put(self, line: bytes) -> None:
        self._waiting.append(line)
        with suppress(RuntimeError):  # it is free already
            self._come.release()

    def get(self) -> bytes:
        while not self._waiting:
            self._come.acquire()
        return self._waiting.popleft()


def _served(keyring: _Keyring, request: dict[str, str], lines: _Lines) -> dict[str, object]:
    """Answer a request; what was written for a program that is gone by then is taken back."""
    answer = _answer(keyring, request)
    if request["op"] == "set" and lines.gone:
        # No index will ever point to it, and a sweep may have run before it was there.
        _answer(keyring, {**request, "op": "delete", "value": ""})
        return {"ok": False, "kind": "failed", "detail": "the program did not wait for it"}
    return answer


def main() -> None:
    """Answer requests until standard input ends."""
    source, sink = _private_pipes()
    lines = _Lines(source)
    _thread.start_new_thread(lines.feed, ())
    keyring = _Keyring()
    while line := lines.get():
        answer = _served(keyring, json.loads(line), lines)
        with suppress(BrokenPipeError):
            sink.write(json.dumps(answer).encode() + b"\n")
            sink.flush()
    os._exit(0)
