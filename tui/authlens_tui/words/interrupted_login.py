"""What a person is told of a login that was interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from authlens_core.login.interrupted_login import InterruptedLogin
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.words.durations import in_words

__all__ = ["BEGINS_ANEW", "command_again", "interrupted_words", "why_it_ended"]

BEGINS_ANEW: Final = (
    "It begins anew: state and verifier are written down nowhere, so the link is another one. "
    "The client that was registered is used again."
)
_WHY: Final[Mapping[int, str]] = MappingProxyType(
    {129: "the connection was lost", 131: "SIGQUIT", 143: "it was told to end, SIGTERM"}
)
_LEFT: Final = frozenset({0, 130})  # what the person did, or Ctrl-C


def why_it_ended(code: int) -> str | None:
    """Return why a process ended that ends with this exit code; None where the person left it."""
    if code in _LEFT:
        return None
    return _WHY.get(code, "a signal" if code > 128 else "authlens failed")


def interrupted_words(record: InterruptedLogin, now: datetime) -> str:
    """Return in one sentence which login was interrupted, where, when and, if that is known, why."""
    info = STAGE_INFO[record.stage]
    ago = in_words(max(0.0, (now - record.at).total_seconds()))
    why = f" ({record.why})" if record.why else ""
    url = record.resource_url
    return f"A login to {url} was interrupted at {info.number} {info.title}, {ago} ago{why}."


def command_again(record: InterruptedLogin) -> str:
    """Return the command for a login whose client has a secret, which has to be given again."""
    client = shlex.quote(record.options.client_id or "ID")
    return f"authlens login {shlex.quote(record.resource_url)} --client-id {client} --client-secret"
