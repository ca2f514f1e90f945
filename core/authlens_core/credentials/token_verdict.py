"""What a resource last said to a credential, whichever kind it is."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TokenVerdict"]


class TokenVerdict(StrEnum):
    """What the resource said when it was last asked with a credential."""

    UNTESTED = "untested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    """The answer was about something else than the token: the network, the origin, a block."""
