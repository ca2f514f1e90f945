"""Manners towards gnome-keyring, which aborts where they are missing, and locks everybody's keyring by that.

Two ways to bring it down were measured with version 48, and newer ones are said to have them still:

- The first call of a new connection. The daemon notes its caller in one event and serves the call in another,
  and when it is busy with others the second may come first. A caller that has said `Ping`, which is answered
  without that note, is known by the time of its first real call. Twenty-four programs that call at once bring
  the daemon down within a second without a greeting, and not in 12,000 calls with one.
- A caller that is gone before it is answered. That is why the helper process finishes its calls.
"""

from __future__ import annotations

from functools import wraps

__all__ = ["greet_first"]


def greet_first() -> None:
    """Let every connection that the keyring library opens from now on greet the daemon first."""
    import secretstorage  # on Linux only
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import DBusConnection

    opened = secretstorage.dbus_init
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
