"""What the user is shown about a login: one that works, and one that was interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from authlens_core.desk.log_in import Grant, InterruptedLogin
from authlens_tui.words.times import in_words

STARTS_AGAIN: Final = (
    "The login starts from the beginning with a new link, because state and verifier are never stored. "
    "The registered client is reused."
)
_WHY: Final[Mapping[int, str]] = MappingProxyType(
    {129: "the connection was lost", 131: "SIGQUIT", 143: "it received SIGTERM"}
)
_LEFT: Final = frozenset({0, 130})  # the user quit, or pressed Ctrl-C


def why_it_ended(code: int) -> str | None:
    """Return why a process with this exit code ended; None if the user quit."""
    if code in _LEFT:
        return None
    return _WHY.get(code, "a signal" if code > 128 else "authlens failed")


def interrupted_words(record: InterruptedLogin, now: datetime) -> str:
    """Return in a sentence which login was interrupted, at which stage, when and, if known, why."""
    ago = in_words(max(0.0, (now - record.at).total_seconds()))
    why = f" ({record.why})" if record.why else ""
    url = record.resource_url
    where = record.flow.numbered(record.stage)
    return f"A login to {url} was interrupted at {where}, {ago} ago{why}."


def command_again(record: InterruptedLogin) -> str:
    """Return the command that repeats a login whose client secret must be entered again."""
    client = shlex.quote(record.options.client_id or "ID")
    return f"authlens login {shlex.quote(record.resource_url)} --client-id {client} --client-secret"


def already_words(grant: Grant, now: datetime) -> str:
    """Return that the user is logged in, and how long the access token works."""
    if grant.expires_at is None:
        return "Already logged in, no expiry given."
    return f"Already logged in, expires in {in_words((grant.expires_at - now).total_seconds())}."
