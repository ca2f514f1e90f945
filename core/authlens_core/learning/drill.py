"""A drill, as values: a server that does one thing differently, and what you predict of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import field

from authlens_core.emulator import MachineClient, Profile
from authlens_core.learning.strict_json import StrictTable
from authlens_core.learning.strict_toml import Claims
from authlens_core.values.quick_dataclass import dataclass


class DrillGroup(StrEnum):
    """Where in a login, or after it, a drill has its turning point. The value is its heading."""

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
    MACHINE = "Programs without a user"


class Walk(StrEnum):
    """Which keys lead through a drill; the value is the name of their description."""

    WALK = "walk"
    IMPATIENT = "impatient"
    TURNED_AWAY = "turned-away"
    DEVICE_CODE = "device-code"
    NO_USER = "no-user"
    STEP_UP = "step-up"
    DEFAULT_PATHS = "default-paths"
    REFRESH_AND_REVOKE = "refresh-and-revoke"
    REVOKE = "revoke"
    OTHER_CREDENTIAL = "other-credential"


class OwnerSetting(StrictTable, frozen=True):
    """The setting of the server's owner that is what is wrong in a drill, as its page has it.

    Attributes:
        path: the way to the page.
        box: the label of the setting.
        on: whether it has to be on; the fault is the opposite.
        beside: the label of another setting there, which is on; empty if none helps to see the difference.
        of: what is owned; empty for the resource.
    """

    path: str
    box: str
    on: bool = True
    beside: str = ""
    of: str = ""


class DrillTable(StrictTable, frozen=True):
    """What the file of drills has of one.

    Attributes:
        name: its stable identifier, by which `demo --fault` starts it.
        a: the claims of an option.
        faults: what the emulator does differently, by their names; none in the login where nothing is broken.
        client: the client of a program that logs in as itself; None where a user logs in.
        brings: the credential besides the login's own that it is about; empty where there is none.
        owner: what the server's owner can change to let the login work; None where that is no setting.
    """

    name: str = field(name="id")
    group: DrillGroup
    a: Claims
    b: Claims
    c: Claims = Claims()
    profile: Profile = Profile.ACCESS
    faults: tuple[str, ...] = ()
    walk: Walk = Walk.WALK
    client: MachineClient | None = None
    brings: str = ""
    owner: OwnerSetting | None = None

    @property
    def claims(self) -> Mapping[str, Claims]:
        """The claims of each option, by its letter."""
        return {"a": self.a, "b": self.b, **({"c": self.c} if self.c else {})}


class Drill(DrillTable, frozen=True, kw_only=True):
    """One drill.

    Attributes:
        watch_for: one sentence.
        options: the words of the options, by their letters.
        answer: what there is to know afterwards.
        how: which keys lead through it.
    """

    title: str
    watch_for: str
    question: str
    options: Mapping[str, str]
    answer: str
    how: str

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether its turning point comes after the login."""
        return self.walk in (Walk.REFRESH_AND_REVOKE, Walk.REVOKE, Walk.OTHER_CREDENTIAL)

    @property
    def is_alone(self) -> bool:
        """Whether its server cannot have the faults of another drill besides."""
        return self.profile is not Profile.ACCESS


@dataclass(frozen=True, slots=True)
class DrillVerdict:
    """The verdict.

    Attributes:
        predicted: the option that was chosen; empty where none was.
        held: the one that the trace shows; empty while it shows none, or more than one.
        arrow: the number of the request that shows it last, from 1; 0 without one.
        words: what the option says that the trace shows.
    """

    predicted: str
    held: str
    arrow: int = 0
    words: str = ""

    @property
    def is_right(self) -> bool:
        return bool(self.held) and self.predicted == self.held

    @property
    def sentence(self) -> str:
        """What a user is told."""
        at = f" (arrow {self.arrow})" if self.arrow else ""
        if not self.held:
            seen = "Your trace does not show it yet."
        elif self.is_right:
            return f"You predicted {self.predicted}, and your trace shows it{at}."
        else:
            seen = f"Your trace shows {self.held}, “{self.words}”{at}."
        return f"You predicted {self.predicted}. {seen}" if self.predicted else seen

    @property
    def sign(self) -> str:
        """What the prediction was worth."""
        return "–" if not self.held else "✔" if self.is_right else "✖"
