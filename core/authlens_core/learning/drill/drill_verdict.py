"""The verdict on a prediction: which option your own trace shows, and at which arrow."""

from __future__ import annotations

from collections.abc import Sequence

from authlens_core.learning.drill.drill import Drill, DrillVerdict
from authlens_core.learning.judge import TooManySteps, judge
from authlens_core.learning.row import EvidenceRow


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
