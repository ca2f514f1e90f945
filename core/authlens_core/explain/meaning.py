"""A sentence on what something means, and where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, TypeAlias

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.word_files import words

CLOUDFLARE: Final = "Cloudflare Access"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What something means.

    Attributes:
        sentence: one plain sentence of ours.
        spec: where it is written, such as `RFC 9728 §2`.
    """

    sentence: str
    spec: str


# The meanings of the members of a kind of document, by name.
Members: TypeAlias = Mapping[str, Explanation]


@cache
def meanings(file: str, kind: str) -> Members:
    """Return the meanings by name that a file of words has for one kind of thing."""
    return {
        name: Explanation(sentence, spec)
        for spec, sentences in words(file)[kind].items()
        for name, sentence in sentences.items()
    }
