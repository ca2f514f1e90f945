"""What the catalogue says of a drill: its question with the options, and the answer once you have run it."""

from __future__ import annotations

from authlens_core.learning.drill.drill import Drill
from authlens_core.learning.drill.drill_verdict import DrillVerdict


def sign_of(verdict: DrillVerdict | None) -> str:
    """Return a sign for what a prediction was worth; a space for a drill that was not run."""
    if verdict is None:
        return " "
    if not verdict.held:
        return "–"
    return "✔" if verdict.is_right else "✖"


def drill_card(drill: Drill, verdict: DrillVerdict | None) -> tuple[tuple[str, str], ...]:
    """Return headings with their texts; the answer is among them once the trace shows it."""
    options = "\n".join(
        f"- {letter}: {option.words}{_mark(letter, verdict)}" for letter, option in drill.options.items()
    )
    texts = [("Predict" if verdict is None else "You predicted", f"{drill.question}\n{options}")]
    if verdict is not None:
        texts.append(("Verdict", verdict.sentence))
        if verdict.held or not drill.ends_at_the_dashboard:
            texts += [("Answer", drill.answer), ("What there was to see", drill.watch_for)]
    return (*texts, ("How", drill.how))


def _mark(letter: str, verdict: DrillVerdict | None) -> str:
    if verdict is None or not verdict.held:
        return ""
    return " ✔" if letter == verdict.held else " ✖" if letter == verdict.predicted else ""
