"""The verdict on a prediction: which option your own trace shows, and at which arrow."""

from __future__ import annotations

from collections.abc import Sequence

from authlens_core.learning.drill.drill import Drill
from authlens_core.learning.judge import TooManySteps, judge
from authlens_core.learning.row import EvidenceRow
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class DrillVerdict:
    """The verdict.

    Attributes:
        predicted: the option that was chosen; empty where none was.
        held: the one that the trace shows; empty while it shows none, or more than one.
        arrow: the number of the request that shows it last, from 1; 0 without one.
        words: what the option says that the trace shows.
    """

    predicted: str
    held: str
    arrow: int = 0
    words: str = ""

    @property
    def is_right(self) -> bool:
        return bool(self.held) and self.predicted == self.held

    @property
    def sentence(self) -> str:
        """What a user is told."""
        at = f" (arrow {self.arrow})" if self.arrow else ""
        if not self.held:
            seen = "Your trace does not show it yet."
        elif self.is_right:
            return f"You predicted {self.predicted}, and your trace shows it{at}."
        else:
            seen = f"Your trace shows {self.held}, “{self.words}”{at}."
        return f"You predicted {self.predicted}. {seen}" if self.predicted else seen


def held(drill: Drill, rows: Sequence[EvidenceRow]) -> dict[str, int]:
    """Return the options that hold, each with the last arrow that shows it; none if a trace is too long."""
    found = {}
    for letter, option in drill.options.items():
        try:
            verdicts = judge(option.claims, rows)
        except TooManySteps:
            return {}
        if all(verdict.holds for verdict in verdicts):
            found[letter] = max((row.arrow for verdict in verdicts for row in verdict.rows), default=0)
    return found


def verdict_on(drill: Drill, predicted: str, rows: Sequence[EvidenceRow]) -> DrillVerdict:
    """Return the verdict on a prediction, given what happened."""
    found = held(drill, rows)
    if len(found) != 1:
        return DrillVerdict(predicted, "")
    [(option, arrow)] = found.items()
    return DrillVerdict(predicted, option, arrow, drill.options[option].words)
