"""The refusal of a token whose scope is too small (RFC 6750 §3.1, insufficient_scope)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.oauth.challenge import parse_challenges

INSUFFICIENT_SCOPE: Final = "insufficient_scope"
_LONGEST: Final = 2_000  # characters


def refusal_code(challenge_fields: Sequence[str]) -> str:
    """Return the `error` of the Bearer challenge in a refusal, or the empty string; text from outside.

    Args:
        challenge_fields: every line of `WWW-Authenticate`.
    """
    return next(iter(_values(challenge_fields, "error")), "")


def scope_wanted(challenge_fields: Sequence[str]) -> str:
    """Return the scope that a refusal asks for, or the empty string; it can be sent back as it is."""
    return " ".join(scope for scope in _values(challenge_fields, "scope") if is_scope(scope))[:_LONGEST]


def scope_union(*scopes: str | None) -> str:
    """Return every word of these scopes once, in their order."""
    return " ".join(dict.fromkeys(word for scope in scopes if scope for word in scope.split()))


def _values(challenge_fields: Sequence[str], name: str) -> list[str]:
    challenges = parse_challenges(challenge_fields).challenges
    return [value for c in challenges if c.wants_token and (value := c.get(name))]


def is_scope(scope: str) -> bool:
    """Return whether `scope` keeps to RFC 6749 appendix A.4 and is short enough to be sent back."""
    return len(scope) <= _LONGEST and scope.isascii() and scope.isprintable() and not set(scope) & set('"\\')
