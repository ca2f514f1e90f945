"""`authlens compare`: what differs between two traces, stage by stage."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from authlens_core.export.compare import Comparison, Difference, compare
from authlens_core.export.picture import comparison_svg
from authlens_core.values.safe_text import safe_line
from authlens_tui.cli.stored.recorded import chosen_trace
from authlens_tui.cli.terminal.output import answer_json, answer_line, answer_text

# The exit code where something differs that need not.
DIFFERENT: Final = 10
_SHOWN: Final = 300  # characters of a value


async def compare_traces(arguments: Namespace) -> int:
    """Show what differs; 0 where nothing does but what has to.

    Raises:
        UsageError: there is no such trace or file.
        LoginNeeded: there is no credential for a URL.
    """
    left = await chosen_trace(arguments.left, arguments.which_a)
    right = await chosen_trace(arguments.right, arguments.which_b)
    comparison = compare(left, right)
    if arguments.json:
        answer_json(_as_json(comparison))
    elif arguments.svg:
        answer_text(comparison_svg(left, right, (arguments.left, arguments.right)))
    else:
        _show(comparison)
    return 0 if comparison.same else DIFFERENT


def _show(comparison: Comparison) -> None:
    answer_line(comparison.verdict.sentence)
    _show_differences(comparison.about)
    for stage in comparison.stages:
        if stage.differences:
            answer_line(stage.title)
            _show_differences(stage.differences)
    count = sum(len(stage.as_it_must) for stage in comparison.stages)
    if count:
        answer_line(
            f"{count} expected difference{'s' if count > 1 else ''}: states, codes, tokens, dates "
            "(--json lists them)."
        )


def _show_differences(differences: Sequence[Difference]) -> None:
    for difference in differences:
        answer_line(f"  {safe_line(difference.title or difference.name, _SHOWN)}")
        for sign, value in (("A", difference.left), ("B", difference.right)):
            first, *others = ("(absent)" if value is None else value[:_SHOWN]).split("\n")
            answer_line(f"    {sign}  {safe_line(first)}")
            for other in others:
                answer_line(f"       {safe_line(other)}")


def _as_json(comparison: Comparison) -> dict[str, object]:
    verdict = comparison.verdict
    return {
        "same": comparison.same,
        "verdict": {
            "kind": verdict.kind.value,
            "stage": verdict.title,
            "sentence": verdict.sentence,
        },
        "about": _values(comparison.about),
        "stages": [
            {
                "stage": stage.stage.value,
                "attempt": stage.turn,
                "differences": _values(stage.differences),
                "as_it_must": [difference.name for difference in stage.as_it_must],
            }
            for stage in comparison.stages
            if stage.differences or stage.as_it_must
        ],
    }


def _values(differences: Sequence[Difference]) -> list[dict[str, str | None]]:
    return [
        {"name": difference.name, "a": difference.left, "b": difference.right} for difference in differences
    ]
