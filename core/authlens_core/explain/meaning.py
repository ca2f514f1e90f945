"""A sentence on what something means, and where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from authlens_core.values.quick_dataclass import dataclass

CLOUDFLARE: Final = "Cloudflare Access"
OPENID: Final = "OpenID Connect Core"
DISCOVERY: Final = "OpenID Connect Discovery §3"
CIMD: Final = "OAuth Client ID Metadata Document (draft)"


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


def table(spec: str, sentences: Mapping[str, str]) -> dict[str, Explanation]:
    """Return meanings by name that share one source."""
    return {name: Explanation(sentence, spec) for name, sentence in sentences.items()}
