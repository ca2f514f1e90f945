"""The rehearsal: scenarios with a question to answer before each is run, and the emulator that plays it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from authlens_core.emulator.access.access_emulator import Emulator
from authlens_core.emulator.access.access_faults import Fault
from authlens_core.emulator.origins import NAMES
from authlens_core.emulator.profile import Profile, StandardFault
from authlens_core.emulator.standard.machines import MachineClient
from authlens_core.emulator.standard.standard_emulator import StandardEmulator
from authlens_core.values.word_files import words


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
    MACHINE = "Programs without a user"


class Walk(StrEnum):
    """Which keys lead through a scenario; the value is the name of their description."""

    WALK = "walk"
    TURNED_AWAY = "turned-away"
    DEVICE_CODE = "device-code"
    NO_USER = "no-user"
    STEP_UP = "step-up"
    DEFAULT_PATHS = "default-paths"
    REFRESH_AND_REVOKE = "refresh-and-revoke"
    REVOKE = "revoke"
    OTHER_CREDENTIAL = "other-credential"

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether the turning point comes after the login."""
        return self in (Walk.REFRESH_AND_REVOKE, Walk.REVOKE, Walk.OTHER_CREDENTIAL)


@dataclass(frozen=True, slots=True)
class StandardCase:
    """What an MCP server or an API of the standard emulator does, run like a fault of Access.

    Attributes:
        device: whether the login is by a code that is entered on another device.
        client: the client of a program that logs in as itself; None where a user logs in.
    """

    value: str
    profile: Profile = Profile.GENERIC
    faults: tuple[StandardFault, ...] = ()
    device: bool = False
    client: MachineClient | None = None


def _program(name: str, client: MachineClient | None, *faults: StandardFault) -> StandardCase:
    return StandardCase(name, Profile.MACHINE, faults, client=client)


# What the standard emulator shows that Cloudflare Access does not have.
STANDARD_CASES: Final = (
    StandardCase("device-code", device=True),
    StandardCase("par-required", faults=(StandardFault.PAR_REQUIRED,)),
    StandardCase("dpop-required", faults=(StandardFault.DPOP_REQUIRED,)),
    StandardCase("step-up", faults=(StandardFault.STEP_UP,)),
    StandardCase("jwt-access-tokens", faults=(StandardFault.JWT_ACCESS_TOKENS,)),
    StandardCase("default-paths", Profile.MCP, (StandardFault.DEFAULT_PATHS,)),
    StandardCase("open-initialize", Profile.MCP, (StandardFault.OPEN_INITIALIZE, StandardFault.GET_404)),
    _program("client-secret", MachineClient.BASIC),
    _program("client-key", MachineClient.KEY),
    _program("workload", MachineClient.WORKLOAD),
    _program("enterprise", MachineClient.ENTERPRISE),
    _program("programs-only", None),
    _program("scope-refused", MachineClient.BASIC, StandardFault.SCOPE_REFUSED),
    _program("key-unknown", MachineClient.KEY, StandardFault.KEY_UNKNOWN),
    _program("assertion-audience", MachineClient.WORKLOAD, StandardFault.ASSERTION_AUDIENCE),
    _program("assertion-expired", MachineClient.WORKLOAD, StandardFault.ASSERTION_EXPIRED),
    _program("policy-denies", MachineClient.ENTERPRISE, StandardFault.POLICY_DENIES),
)
_PLAIN: Final = "plain"


@dataclass(frozen=True, slots=True)
class OwnerSetting:
    """The setting of the server's owner that is what is wrong in a scenario, as its page has it.

    Attributes:
        path: the way to the page.
        box: the label of the setting.
        on: whether it has to be on; the fault is the opposite.
        beside: the label of another setting there, which is on; empty if none helps to see the difference.
    """

    path: str
    box: str
    on: bool = True
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to rehearse.

    Attributes:
        fault: what the emulator breaks, or which other server it is; None for the login to Access in which
            nothing is broken.
        name: that of its fault; `plain` where nothing is broken.
        watch_for: one sentence.
        how: which keys lead through it.
        brings: the credential besides the login's own that it is about; empty where there is none.
        owner: what the server's owner can change to let the login work; None where that is no setting.
    """

    fault: Fault | StandardCase | None
    name: str
    group: ScenarioGroup
    title: str
    watch_for: str
    question: str
    answer: str
    walk: Walk
    how: str
    brings: str
    owner: OwnerSetting | None = None

    @property
    def ends_at_the_dashboard(self) -> bool:
        """Whether its turning point comes after the login."""
        return self.walk.ends_at_the_dashboard


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios in the order of the menu: those of Access, then those of other servers."""
    table = words("emulator")
    cases = {case.value: case for case in STANDARD_CASES}
    access = (
        _scenario(name, None if name == _PLAIN else Fault(name), entry)
        for name, entry in table["access"].items()
    )
    standard = (_scenario(name, cases[name], entry) for name, entry in table["standard"].items())
    return (*access, *standard)


def _scenario(name: str, fault: Fault | StandardCase | None, entry: Mapping[str, Any]) -> Scenario:
    walk, brings = Walk(entry.get("how", Walk.WALK)), entry.get("brings", "")
    return Scenario(
        fault=fault,
        name=name,
        group=ScenarioGroup[entry["group"].upper()],
        title=entry["title"],
        watch_for=entry["watch_for"],
        question=entry["question"],
        answer=entry["answer"],
        walk=walk,
        how=words("emulator")["how"][walk].replace("{credential}", brings),
        brings=brings,
        owner=OwnerSetting(**entry["owner"]) if "owner" in entry else None,
    )


def emulator_with(
    cases: Collection[Fault | StandardCase],
    *,
    access_token_lifetime: int = 60,
    callback_port: int = 0,
    names: tuple[str, str] = NAMES,
) -> Emulator | StandardEmulator:
    """Return a new emulator, not started: with faults of Access, or for the one case of another server."""
    faults: list[Fault] = []
    lifetime = access_token_lifetime
    for case in cases:
        if isinstance(case, StandardCase):
            return StandardEmulator(
                case.profile, faults=case.faults, access_token_lifetime=lifetime, names=names
            )
        faults.append(case)
    return Emulator(faults=faults, access_token_lifetime=lifetime, callback_port=callback_port, names=names)
