"""Which records of a login no longer count, because the user went back before them."""

from __future__ import annotations

from collections.abc import Sequence

from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.stage import LOGIN_STAGES


def undone(records: Sequence[StageRecord], position: Stage | None) -> frozenset[int]:
    """Return the places of the records whose stage was run again since, or will be.

    Args:
        records: every attempt at every stage, in order.
        position: the stage to run next; None when all have passed.
    """
    # The first stage that was run, or will be, after the record that is looked at.
    first = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
    undone_records: set[int] = set()
    # Backwards: what came later decides what an earlier record still counts for.
    for number in range(len(records) - 1, -1, -1):
        record = records[number]
        if record.stage not in LOGIN_STAGES:
            continue
        turn = LOGIN_STAGES.index(record.stage)
        # An attempt that failed is where the login was, not something that was undone.
        if turn > first or (turn == first and record.outcome is Outcome.PASSED):
            undone_records.add(number)
        first = min(first, turn)
    return frozenset(undone_records)


def honest_and_attacked(records: Sequence[StageRecord]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the places of the login as it was before the first attack, and as it is with it.

    None if nothing was changed on purpose, or nothing was run before it was.
    """
    first = next((number for number, record in enumerate(records) if record.tampering), 0)
    if not first:
        return None
    gone_before, gone = undone(records[:first], None), undone(records, None)
    honest = tuple(number for number in range(first) if number not in gone_before)
    return honest, tuple(number for number in range(len(records)) if number not in gone)
