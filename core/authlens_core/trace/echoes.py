"""A record without what a server repeated: the checks and the facts that were made of its answers."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.access import echoes
from authlens_core.trace.record import StageRecord


def without_echoes(record: StageRecord) -> StageRecord:
    """Return `record`, the secrets that were sent in it masked in the words of its checks and facts.

    The exchanges stay as they were on the wire; a view of them has a redactor.
    """
    sent = echoes.sent_in(record.exchanges)
    if not sent:
        return record
    of_check = ("expected", "seen", "why", "cure", "error_code")
    diagnosis = record.diagnosis
    return replace(
        record,
        checks=tuple(echoes.without_echoes(check, sent, *of_check) for check in record.checks),
        facts=tuple(echoes.without_echoes(fact, sent, "value", "note") for fact in record.facts),
        diagnosis=diagnosis and echoes.without_echoes(diagnosis, sent, "cause", "cure", "evidence"),
    )
