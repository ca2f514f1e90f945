"""A diagnosis: why something failed, in words that you can act on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_fields, safe_text
from authlens_core.values.way_on import CureOption, WayOn

# The name of the diagnosis that shows an answer because its meaning is not known.
UNKNOWN: Final = "unknown"
# That of one which tells why no answer came.
NO_ANSWER: Final = "no_answer"


class Layer(StrEnum):
    """Who gave an answer."""

    ACCESS = "Cloudflare Access"
    WAF = "Cloudflare WAF"
    ORIGIN = "origin"
    NETWORK = "network"
    THIS_MACHINE = "this machine"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why something failed. Every text is made safe to show when it is made.

    Attributes:
        name: a stable identifier of the cause; `UNKNOWN` if the answer is shown instead.
        cure: what to do; names the exact setting.
        options: what leads on; each face words it.
        cf_ray: Cloudflare's number of the answer, by which its owner finds the request.
        evidence: the lines that show it, quoted from the raw answer if there is one.
        layer: who answered; None if no one did or it does not matter.
    """

    name: str
    cause: str
    cure: str
    evidence: tuple[str, ...] = ()
    source: str = ""
    layer: Layer | None = None
    options: tuple[CureOption, ...] = ()
    cf_ray: str | None = None

    def __post_init__(self) -> None:
        safe_fields(self, "cause", "cure")
        object.__setattr__(self, "evidence", tuple(safe_text(line) for line in self.evidence))

    @property
    def ways_on(self) -> frozenset[WayOn]:
        return frozenset(option.way for option in self.options)

    @property
    def known(self) -> bool:
        """False if the answer itself is shown, because authlens does not know what it means."""
        return self.name != UNKNOWN
