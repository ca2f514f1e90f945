"""The connections that the keyring library opens to the daemon of the Secret Service, on Linux."""

from __future__ import annotations

from functools import wraps
from itertools import count
from typing import Final

# Calls that share a connection.
CALLS: Final = 100


def greet_first() -> None:
    """Let the keyring library greet the daemon before its first call, and keep the connection for the next.

    gnome-keyring aborts without it, and locks the keyring of every program by that. The daemon notes its
    caller in one event and serves the call in another; when it is busy, the second may come first. A caller
    that has sent `Ping`, which is answered without that note, is known by its first real call. Measured with
    version 48: 24 programs that call at once bring the daemon down within a second without a greeting, and
    not in 12,000 calls with one. On a busy machine a connection may still not be known by then, so there are
    few of them: left to itself, the library opens one for each call.
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
    kept: list[DBusConnection] = []
    calls = count(1)

    def greet() -> None:
        kept[0].send_and_get_reply(new_method_call(peer, "Ping"))

    def let_go() -> None:
        DBusConnection.close(kept.pop())

    @wraps(opened)
    def greeted() -> DBusConnection:
        # The daemon keeps something for each call until the connection ends.
        if kept and next(calls) % CALLS == 0:
            let_go()
        if kept:
            try:
                greet()
            except OSError:
                let_go()  # the bus was started again, or is gone
        if not kept:
            kept.append(opened())
            kept[0].close = _stays_open
            greet()
        return kept[0]

    secretstorage.dbus_init = greeted


def _stays_open() -> None:
    """Stand for the `close` that the library calls after each of its calls."""
