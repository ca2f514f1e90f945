"""Step-up: a new authorization with the scope that the resource wants (RFC 6750 §3.1, insufficient_scope)."""

from __future__ import annotations

from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.oauth.http_message import Response
from authlens_core.oauth.insufficient_scope import INSUFFICIENT_SCOPE, scope_union, scope_wanted
from authlens_core.trace.record import Outcome, Stage, StageRecord

MOST_STEP_UPS: Final = 3  # for the same scope: a resource that refuses what it asked for would ask forever


def lacks_scope(record: StageRecord) -> bool:
    """Return whether the resource refused the token of a login because its scope is too small."""
    return (
        record.stage is Stage.ACCESS
        and record.outcome is Outcome.FAILED
        and any(check.error_code == INSUFFICIENT_SCOPE for check in record.failures)
    )


def wider_scope(facts: Facts, refusal: Response) -> str:
    """Return the union of what was asked for, what was granted and what the refusal asks for."""
    tokens = facts.tokens
    wanted = scope_wanted(refusal.headers.get_all("www-authenticate"))
    return scope_union(facts.scope, tokens.scope if tokens is not None else None, wanted)
