"""The outcome of a refresh with how long the token lasts, and of many probes in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from authlens_core.desk.credentials import describe
from authlens_core.desk.lifecycle import ActionResult, ProbeResult, Refreshed
from authlens_tui.words.times import in_words


def with_validity(result: ActionResult) -> ActionResult:
    """Add how long the access token is valid to a refresh that went well."""
    if not (isinstance(result, Refreshed) and result.good):
        return result
    left = describe(result.grant).remaining_seconds
    valid = "no expiry given" if left is None else f"valid {in_words(left)}"
    if result.is_new:
        return replace(result, summary=f"{result.summary.rstrip('.')}: a new access token, {valid}.")
    return replace(result, summary=f"{result.summary} The access token: {valid}.")


def count_results(results: Iterable[ProbeResult]) -> str:
    """Return how many work and who answered the others: `31 work · 4 refused, from origin`."""
    works, others = 0, Counter[tuple[str, bool, str]]()
    for result in results:
        if result.good:
            works += 1
        else:
            others[result.layer, result.accepted is False, _who_answered(result)] += 1
    counted = (
        f"{count} {'refused' if refused else 'unclear'}, {who}"
        for (_, refused, who), count in sorted(others.items())
    )
    return " · ".join((f"{works} {'works' if works == 1 else 'work'}", *counted))


def _who_answered(result: ProbeResult) -> str:
    if not result.was_sent:
        return "not sent"
    return f"from {result.layer}" if result.was_answered else "no response"
