"""A reading: what an answer says, together with every check that was made on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from authlens_core.oauth.check import Check

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What an answer says.

    Attributes:
        value: the value if it is usable, None if it is not.
        checks: every check that was made, in the order in which they were made.
    """

    value: T | None
    checks: tuple[Check, ...]
