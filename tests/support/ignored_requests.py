"""What the callback listener ignored, for tests that look at a listener without a login."""

from __future__ import annotations

from authlens_core.callback.listener import EventKind, Listener, ListenerEvent


def ignored_by(listener: Listener) -> list[str]:
    """Return a list that gets the reason of each request that `listener` ignores from now on."""
    reasons: list[str] = []

    def note(event: ListenerEvent) -> None:
        if event.kind is EventKind.IGNORED:
            reasons.append(event.reason)

    listener.on_event = note
    return reasons
