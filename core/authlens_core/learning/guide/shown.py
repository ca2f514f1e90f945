"""What a learner is shown of a lesson, as values: who said what, what is proved, and the next moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from authlens_core.learning.moves import AnyMove
from authlens_core.learning.row import EvidenceRow
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.word_files import words


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line.

    Attributes:
        arrow: the number of the request, or of the one that a party answered so; 0 for anything else.
        receiver: empty for what a party did, which has no bytes to point at.
        answer: the status, or that there was none.
        meaning: what a request is for, in a sentence; empty for anything else.
        aside: the same in a few words; empty where the line says enough.
    """

    row: EvidenceRow
    arrow: int
    sender: str
    receiver: str
    words: str
    answer: str = ""
    meaning: str = ""
    aside: str = ""

    @property
    def text(self) -> str:
        """The line without its number."""
        if not self.receiver:
            return f"{self.sender} {self.words}"
        return f"{self.sender} → {self.receiver}: {self.words} → {self.answer}"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a request or its answer.

    Attributes:
        name: as in a move, such as `form.code_verifier`.
        place: where it is, in a word or two.
        value: masked.
        meaning: what it decides; empty where nothing is known of it.
    """

    name: str
    place: str
    value: str
    meaning: str


class ClaimState(StrEnum):
    """The value is the sign."""

    MET = "✔"
    UNMET = "✖"
    OPEN = "○"


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One thing to prove.

    Attributes:
        details: how it was met, or what came nearest and where that differs.
        arrow: the request that shows it; 0 where it was no request.
    """

    state: ClaimState
    words: str
    details: tuple[str, ...] = ()
    arrow: int = 0


Choice = str | bool


@dataclass(frozen=True, slots=True)
class Argument:
    """What a move needs to know; the first choice is the usual one."""

    name: str
    choices: tuple[Choice, ...]

    @property
    def title(self) -> str:
        """What it is called in a form."""
        return str(words("course")["argument"].get(self.name, self.name))

    def shown(self, choice: Choice) -> str:
        """Return what a choice is called in a form."""
        return str(words("course")["choice"].get(str(choice).lower(), choice))


@dataclass(frozen=True, slots=True)
class MoveForm:
    """A move that can be made now.

    Attributes:
        meaning: what it does, in a sentence.
    """

    verb: str
    meaning: str
    arguments: tuple[Argument, ...] = ()

    def move(self, chosen: Mapping[str, Choice]) -> AnyMove:
        """Return the move with the choices that were made; the usual ones for the others."""
        given = {argument.name: chosen.get(argument.name, argument.choices[0]) for argument in self.arguments}
        made: AnyMove = msgspec.convert({"do": self.verb, **given}, type=AnyMove)
        return made


def spoken(text: str) -> str:
    """Return a text with words for the signs of a request that is in it, to be read aloud."""
    return text.replace(" → ", " to ", 1).replace(" → ", ", answer ")
