"""The runs in the trace of a login: each way through its stages, where it went back and began again."""

from __future__ import annotations

from msgspec.structs import replace

from authlens_core.trace.record import StageRecord, Trace


def runs(trace: Trace) -> tuple[Trace, ...]:
    """Return each way through the stages; one that began again later has the stages before that, too."""
    found: list[tuple[StageRecord, ...]] = []
    place = trace.flow.place
    for record in trace.records:
        run = found[-1] if found else ()
        if run and _begins_again(place(record.stage) - place(run[-1].stage), run[-1], record):
            found.append((*(one for one in run if place(one.stage) < place(record.stage)), record))
        else:
            found[-1:] = [(*run, record)]
    return tuple(replace(trace, records=run) for run in found)


def honest_run(trace: Trace) -> Trace | None:
    """Return the last run in which nothing was changed on purpose; None if there is none."""
    return next((run for run in reversed(runs(trace)) if not run.tampering), None)


def _begins_again(places: int, before: StageRecord, record: StageRecord) -> bool:
    """Return whether a record begins another run; a failed stage that is tried again does not.

    Args:
        places: how many stages it lies behind the one before, less than 0 for an earlier one.
    """
    return places < 0 or (places == 0 and bool(before.tampering) is not bool(record.tampering))
