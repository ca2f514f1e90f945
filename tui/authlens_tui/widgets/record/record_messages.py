"""Messages from the view of a record to its screen and the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from authlens_core.explain.message import Jwt
    from authlens_core.trace.arrows import Arrow
    from authlens_core.trace.record import Exchange, StageRecord
    from authlens_core.values.secret import Secret
    from authlens_tui.widgets.record.jwt_lines import Verdicts


class ArrowMarked(Message):
    """Another arrow of a diagram is marked."""


@dataclass(repr=False, eq=False)
class ArrowChosen(Message, namespace="record_view"):
    """A user opened an arrow of a diagram.

    The view of its record opens it. For an arrow of another record, a screen shows that record, or its stage,
    and then calls `show_exchange`.
    """

    arrow: Arrow


class Revealed(Message, namespace="record_view"):
    """A user has revealed the secrets of what is shown."""


@dataclass(repr=False, eq=False)
class SignatureWanted(Message, namespace="record_view"):
    """A user wants to know who signed the tokens of `record`; the screen with a sender looks at them.

    Attributes:
        issuer: who issued them, as far as the story does not say it.
        answer: takes the verdicts, and the exchanges that fetched the keys.
    """

    record: StageRecord
    story: tuple[StageRecord, ...]
    issuer: str | None
    answer: Callable[[Verdicts, tuple[Exchange, ...]], None]

    @property
    def tokens(self) -> dict[Secret, Jwt]:
        """The tokens in the record that are JWTs, each with its parts."""
        from authlens_core.explain.message import jwts_of  # few ask for this

        return {found_jwt.token: found_jwt.jwt for found_jwt in jwts_of(self.record)}
