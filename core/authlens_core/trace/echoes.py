"""A record without what a server repeated: the checks and the facts that were made of its answers."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.access.diagnosis import Diagnosis
from authlens_core.access.echoes import sent_in, text_without_echoes
from authlens_core.oauth.check import Check
from authlens_core.secret import Secret
from authlens_core.trace.record import Fact, StageRecord


def without_echoes(record: StageRecord) -> StageRecord:
    """Return `record`, the secrets that were sent in it masked in the words of its checks and facts.

    The exchanges stay as they were on the wire; a view of them has a redactor.
    """
    sent = sent_in(record.exchanges)
    if not sent:
        return record
    return replace(
        record,
        checks=tuple(_check(check, sent) for check in record.checks),
        facts=tuple(_fact(fact, sent) for fact in record.facts),
        diagnosis=record.diagnosis and _diagnosis(record.diagnosis, sent),
    )


def _check(check: Check, sent: tuple[Secret, ...]) -> Check:
    return replace(
        check,
        expected=text_without_echoes(check.expected, sent),
        seen=text_without_echoes(check.seen, sent),
        why=text_without_echoes(check.why, sent),
        cure=text_without_echoes(check.cure, sent),
        error_code=text_without_echoes(check.error_code, sent),
    )


def _diagnosis(found: Diagnosis, sent: tuple[Secret, ...]) -> Diagnosis:
    return replace(
        found,
        cause=text_without_echoes(found.cause, sent),
        cure=text_without_echoes(found.cure, sent),
        evidence=tuple(text_without_echoes(line, sent) for line in found.evidence),
    )


def _fact(fact: Fact, sent: tuple[Secret, ...]) -> Fact:
    value = fact.value if isinstance(fact.value, Secret) else text_without_echoes(fact.value, sent)
    return Fact(fact.name, value, fact.spec, text_without_echoes(fact.note, sent))
