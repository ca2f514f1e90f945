"""What the callback listener ignored, for tests that look at a listener without a login."""

from __future__ import annotations

from authlens_core.login.callback.listener import Listener


def ignored_by(listener: Listener) -> list[str]:
    """Return a list that gets the reason of each request that `listener` ignores from now on."""
    reasons: list[str] = []
    listener.on_ignored = reasons.append
    return reasons
