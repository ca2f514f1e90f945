"""What the view of a stage asks of the screen or the program that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from authlens_core.trace.record import Stage, StageRecord
    from authlens_tui.widgets.record.copying import Copyable
    from authlens_tui.widgets.record.record_view import RecordView


class ExchangeChosen(Message, namespace="record_view"):
    """A user opened an arrow of the diagram that belongs to another record than the one shown.

    A screen answers with `show_record(records[record_index])` (or its own way to show that stage) and
    then `show_exchange(exchange_index)`. Arrows of the shown record are opened by the view itself.

    Attributes:
        stage: the stage of the record that the arrow belongs to.
        record_index: its place among the records given to `show_story`; their number for a stage that
            is under way.
        exchange_index: which exchange of that record, or None where the arrow is none of authlens's.
        reply: true for an answer, so that the response is what to show.
    """

    def __init__(self, stage: Stage, record_index: int, exchange_index: int | None, *, reply: bool) -> None:
        super().__init__()
        self.stage = stage
        self.record_index = record_index
        self.exchange_index = exchange_index
        self.reply = reply


class CopyMenuWanted(Message, namespace="record_view"):
    """The user wants to choose what to copy."""

    def __init__(self, choices: tuple[Copyable, ...]) -> None:
        super().__init__()
        self.choices = choices


class Revealed(Message, namespace="record_view"):
    """A user has revealed the secrets of what is shown."""


class TokenCopied(Message, namespace="record_view"):
    """A user has copied the access token that the login received."""


class SignatureWanted(Message, namespace="record_view"):
    """A user wants to know who signed the tokens of `record`; the screen with a sender looks at them.

    The answer is `view.show_verdicts(record, …)`.

    Attributes:
        issuer: who issued them, as far as the story does not say it.
    """

    def __init__(
        self, view: RecordView, record: StageRecord, story: tuple[StageRecord, ...], issuer: str | None
    ) -> None:
        super().__init__()
        self.view = view
        self.record = record
        self.story = story
        self.issuer = issuer
