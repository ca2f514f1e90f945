"""One scenario of the rehearsal: what to watch for, what to answer before it is run, and how to walk it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from authlens_core.emulator.access.faults import Fault
from authlens_core.emulator.profile import Profile, StandardFault


class ScenarioGroup(StrEnum):
    """Where in a login, or after it, a scenario has its turning point. The value is its heading."""

    BEGIN = "Start here"
    DETECTION = "Detection"
    METADATA = "Metadata"
    REGISTRATION = "Registration"
    AUTHORIZATION = "Authorization"
    EXCHANGE = "Exchange"
    ACCESS = "Access"
    AFTERWARDS = "Refresh and revoke"
    HOSTILE = "Hostile"
    STANDARD = "MCP servers and APIs"


_WALK: Final = "Enter starts it. Then n runs one stage, a runs them all, and s signs in for you."
_TO_THE_END: Final = "Enter starts it. Run the whole login (a, then s), leave it with d, and on the "
_AT_THE_DASHBOARD: Final = f"{_TO_THE_END}dashboard press r to refresh and v to revoke."
_WITH_ANOTHER: Final = (
    f"{_TO_THE_END}dashboard select the {{credential}} of the demo with ↓. Press p to call the resource "
    "with it, and i to see the response."
)
_TURNED_AWAY: Final = (
    "Enter starts it. a runs the login up to the link, and s opens it as you would: the screen then "
    "tells what the browser shows. Esc stops the wait."
)


@dataclass(frozen=True, slots=True)
class StandardCase:
    """What an MCP server or an API of the standard emulator does, described like a fault of Access.

    Attributes:
        device: whether the login is by a code that is entered on another device.
        how: which keys lead through it.
        ends_at_the_dashboard: whether its turning point comes after the login.
    """

    value: str
    title: str
    summary: str
    profile: Profile = Profile.GENERIC
    faults: tuple[StandardFault, ...] = ()
    device: bool = False
    how: str = _WALK
    ends_at_the_dashboard: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to rehearse.

    Attributes:
        fault: what the emulator breaks, or which other server it is; None for the login to Access in which
            nothing is broken.
    """

    fault: Fault | StandardCase | None
    question: str
    answer: str
    group: ScenarioGroup

    @property
    def name(self) -> str:
        """Its name, that of its fault; `plain` where nothing is broken."""
        return "plain" if self.fault is None else self.fault.value

    @property
    def title(self) -> str:
        return "A normal login" if self.fault is None else self.fault.title

    @property
    def watch_for(self) -> str:
        """What to watch for, in one sentence."""
        if self.fault is None:
            return "Eight stages. You see every request before it is sent."
        return self.fault.summary

    @property
    def brings(self) -> str:
        """The credential besides the login's own that it is about; empty where there is none."""
        return _BRINGS.get(self.fault, "")

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether its turning point comes after the login."""
        if isinstance(self.fault, StandardCase):
            return self.fault.ends_at_the_dashboard
        return self.group is ScenarioGroup.AFTERWARDS or bool(self.brings)

    @property
    def how(self) -> str:
        if isinstance(self.fault, StandardCase):
            return self.fault.how
        if self.brings:
            return _WITH_ANOTHER.format(credential=self.brings)
        if self.group is ScenarioGroup.AFTERWARDS:
            return _AT_THE_DASHBOARD
        return _TURNED_AWAY if self.fault in _NEVER_BACK else _WALK


_BRINGS: Final[Mapping[Fault | StandardCase | None, str]] = MappingProxyType(
    {Fault.SERVICE_AUTH_MISSING: "service token", Fault.BINDING_COOKIE: "token of cloudflared"}
)
_NEVER_BACK: Final = frozenset(
    {Fault.DENIED_USER, Fault.INVALID_NONCE, Fault.APPLICATION_NOT_FOUND, Fault.WRONG_STATE}
)
