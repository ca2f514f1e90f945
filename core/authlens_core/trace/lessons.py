"""A short lesson for each stage: why it exists, what could be done without it, and where it is written."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import GrantType, Stage
from authlens_core.values.word_files import words

# The grant whose lessons are complete; another has lessons only where it differs.
_COMPLETE: Final = GrantType.AUTHORIZATION_CODE


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is worth knowing about one stage.

    Attributes:
        without_it: what an attacker could do, or what would break, if it were left out.
        specification: sections and what each says, in our words.
    """

    why: str
    without_it: str
    specification: tuple[tuple[str, str], ...]


@cache
def lesson(stage: Stage, grant_type: GrantType = _COMPLETE) -> Lesson:
    """Return the lesson on `stage` in a login with `grant_type`, from `words/lessons.toml`."""
    own: dict[str, dict[str, Any]] = words("lessons")[grant_type.name.lower()]
    return Lesson(**own[stage]) if stage in own else lesson(stage, _COMPLETE)
