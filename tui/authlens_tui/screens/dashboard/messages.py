"""What the parts of the dashboard report to the screen and the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from authlens_core.trace.record import Trace


class StatusMessage(Message, namespace="dashboard"):
    """A sentence for the line under the table; `good` is None while something still runs."""

    def __init__(self, words: str, good: bool | None) -> None:  # noqa: FBT001 - one of three values
        super().__init__()
        self.words = words
        self.good = good


class Changed(Message, namespace="dashboard"):
    """What is shown is out of date; `reread`: credentials changed, not only what runs for them."""

    def __init__(self, *, reread: bool) -> None:
        super().__init__()
        self.reread = reread


class LoginWanted(Message, namespace="dashboard"):
    """The user wants to log in to `url`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class MoveWanted(Message, namespace="dashboard"):
    """The user wants to move all secrets to another store."""


class TraceWanted(Message, namespace="dashboard"):
    """The user wants to see a trace.

    Attributes:
        entry_id: the credential it is about; empty if that is gone.
        kept: true for one from the history, whose secrets are fingerprints.
    """

    def __init__(self, trace: Trace, entry_id: str, *, kept: bool) -> None:
        super().__init__()
        self.trace = trace
        self.entry_id = entry_id
        self.kept = kept
