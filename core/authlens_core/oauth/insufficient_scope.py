"""The refusal of a token whose scope is too small (RFC 6750 §3.1, insufficient_scope)."""

from __future__ import annotations

import re
from typing import Final

from authlens_core.oauth.discovery.challenge import ChallengeField

_PLAIN: Final = re.compile(r"(?:(?:^| )(?!-)[A-Za-z0-9._:/-]+)+")
_LONGEST: Final = 2_000  # characters


def refusal_code(field: ChallengeField) -> str:
    """Return the `error` of the Bearer challenge in a refusal, or the empty string; text from outside."""
    return next(field.token_values("error"), "")


def scope_wanted(field: ChallengeField) -> str:
    """Return the scope that a refusal asks for, or the empty string; it can be sent back as it is."""
    return " ".join(filter(is_scope, field.token_values("scope")))[:_LONGEST]


def scope_union(*scopes: str | None) -> str:
    """Return every word of these scopes once, in their order."""
    return " ".join(dict.fromkeys(word for scope in scopes if scope for word in scope.split()))


def is_plain(text: str) -> bool:
    """Return whether a text of a server may be shown in a command to run: plain words, and no option.

    `$(…)` and backquotes are scopes, too (RFC 6749 §3.3). Quotes protect in the shell that they are written
    for, and a user may paste the command into another one.
    """
    return _PLAIN.fullmatch(text) is not None


def is_scope(scope: str) -> bool:
    """Return whether `scope` keeps to RFC 6749 appendix A.4 and is short enough to be sent back."""
    return len(scope) <= _LONGEST and scope.isascii() and scope.isprintable() and not set(scope) & set('"\\')
