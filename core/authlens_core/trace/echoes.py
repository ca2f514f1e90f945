"""A record without what a server repeated: the checks and the facts that were made of its answers."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.access.echoes import sent_in, text_without_echoes
from authlens_core.oauth.check import Check
from authlens_core.secret import Secret
from authlens_core.trace.record import Fact, StageRecord

__all__ = ["without_echoes"]


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
    )


def _check(check: Check, sent: tuple[Secret, ...]) -> Check:
    return replace(
        check,
        expected=text_without_echoes(check.expected, sent),
        seen=text_without_echoes(check.seen, sent),
        why=text_without_echoes(check.why, sent),
        cure=text_without_echoes(check.cure, sent),
        evidence=text_without_echoes(check.evidence, sent),
    )


def _fact(fact: Fact, sent: tuple[Secret, ...]) -> Fact:
    value = fact.value if isinstance(fact.value, Secret) else text_without_echoes(fact.value, sent)
    return Fact(fact.name, value, fact.spec, text_without_echoes(fact.note, sent))
