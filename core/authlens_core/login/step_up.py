"""Step-up: a new authorization with the scope that the resource wants (RFC 6750 §3.1, insufficient_scope)."""

from __future__ import annotations

from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.oauth.challenge import parse_challenges
from authlens_core.oauth.http_message import Response
from authlens_core.trace.record import Outcome, Stage, StageRecord

__all__ = ["INSUFFICIENT_SCOPE", "MOST_STEP_UPS", "lacks_scope", "refusal_code", "wider_scope"]

INSUFFICIENT_SCOPE: Final = "insufficient_scope"
MOST_STEP_UPS: Final = 3  # for the same scope: a resource that refuses what it asked for would ask forever
_LONGEST: Final = 2_000


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
    known = (facts.scope, tokens.scope if tokens is not None else None, _wanted(refusal))
    return " ".join(dict.fromkeys(word for scope in known if scope for word in scope.split()))


def refusal_code(response: Response) -> str:
    """Return the `error` of the Bearer challenge in a refusal, or the empty string; text from outside."""
    return next((found for found in _values(response, "error")), "")


def _wanted(response: Response) -> str:
    usable = (scope for scope in _values(response, "scope") if _is_scope(scope))
    return " ".join(usable)[:_LONGEST]


def _values(response: Response, name: str) -> list[str]:
    challenges = parse_challenges(response.headers.get_all("www-authenticate")).challenges
    found = (challenge.get(name) for challenge in challenges if challenge.is_scheme("bearer"))
    return [value for value in found if value]


def _is_scope(scope: str) -> bool:
    return len(scope) <= _LONGEST and all("!" <= c <= "~" and c not in '"\\' for c in scope.replace(" ", ""))
