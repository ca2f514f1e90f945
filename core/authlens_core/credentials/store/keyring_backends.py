"""Which keyring backend holds the secrets. Runs in the helper process only, because it imports keyring.

Left to itself, the keyring library takes any backend that an installed package brings, a plain file among
them. Here the automatic choice knows only the stores of the operating systems, by class. What the user
named themselves (PYTHON_KEYRING_BACKEND or keyringrc.cfg) is used if it keeps anything at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import wraps
from importlib import import_module
from typing import Final, NamedTuple

from keyring import core
from keyring.backend import KeyringBackend

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


def greet_first() -> None:
    """Let every connection that the keyring library opens from now on greet the daemon first.

    gnome-keyring aborts without it, and locks the keyring of every program by that. The daemon notes its
    caller in one event and serves the call in another; when it is busy, the second may come first. A caller
    that has sent `Ping`, which is answered without that note, is known by its first real call. Measured with
    version 48: 24 programs that call at once bring the daemon down within a second without a greeting, and
    not in 12,000 calls with one.
    """
    import secretstorage  # on Linux only
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import DBusConnection

    opened = secretstorage.dbus_init
    # It is wrapped already; a second greeting would cost another round trip for nothing.
    if hasattr(opened, "__wrapped__"):
        return
    peer = DBusAddress(
        "/org/freedesktop/secrets", "org.freedesktop.secrets", interface="org.freedesktop.DBus.Peer"
    )

    @wraps(opened)
    def greeted() -> DBusConnection:
        connection = opened()
        connection.send_and_get_reply(new_method_call(peer, "Ping"))
        return connection

    secretstorage.dbus_init = greeted
