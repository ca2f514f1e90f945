"""The settings and the memory of one standard server. It shares no code with the client that it tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from msgspec.structs import replace

from authlens_core.values.word_files import words
from authlens_lab.emulator import randomness
from authlens_lab.emulator.grants import DEVICE_LIFETIME, Grants, ServerMemory
from authlens_lab.emulator.issued import (
    DEVICE_GRANT,
    MACHINE_GRANTS,
    AccessToken,
    GrantRules,
)
from authlens_lab.emulator.profile import Fault, Profile
from authlens_lab.emulator.signed_tokens import Assertions
from authlens_lab.emulator.standard.machines import Machines
from authlens_lab.emulator.standard.weakness import PublishedMember, ServerSwitch, Weakness

SCOPES: Final = ("openid", "offline_access", "read", "write")
GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token", DEVICE_GRANT})
RULES: Final = GrantRules(
    words=words("emulator", "authlens_lab")["standard-refusals"],
    grant_types=GRANT_TYPES,
    # It is typed behind an option, and what starts with a dash would be another option.
    client_id=lambda: randomness.token_urlsafe(16).lstrip("-"),
    refresh_token=partial(randomness.token_urlsafe, 32),
)
MACHINE_RULES: Final = replace(RULES, grant_types=MACHINE_GRANTS)


@dataclass(slots=True, kw_only=True)
class ServerState(ServerMemory):
    """What the endpoints of one server share.

    Attributes:
        second_url: the origin of another resource of the same server, if there is one.
        moved: true once the resource names another issuer (`move`).
        pushed: authorization requests by their reference: the client, the parameters, the expiry.
        weaknesses: the checks that it leaves out.
        published: what an attacker put into a member of a document.
    """

    second_url: str = ""
    moved: bool = False
    machines: Machines = field(init=False, repr=False)
    assertions: Assertions = field(init=False, repr=False)
    pushed: dict[str, tuple[str, dict[str, str], float]] = field(default_factory=dict, repr=False)
    weaknesses: frozenset[Weakness] = frozenset()
    published: dict[PublishedMember, str] = field(default_factory=dict)
    kept: frozenset[PublishedMember] = frozenset()
    device_lifetime: float = DEVICE_LIFETIME
    device_off: bool = False
    proximity: bool = False
    seen_proofs: dict[str, float] = field(default_factory=dict, repr=False)
    dpop_nonce: str = field(default_factory=lambda: randomness.token_urlsafe(16), repr=False)

    def __post_init__(self) -> None:
        rules = MACHINE_RULES if self.is_for_machines else RULES
        self.grants = Grants(self.clock, rules, access_token_lifetime=self.access_token_lifetime)
        self.machines = Machines(self)
        self.assertions = Assertions(self.clock)

    def audience_of(self, resource: str) -> str | None:
        """Return the party that a `resource` names (RFC 8707): empty without one, None for a stranger."""
        if not resource:
            return ""
        known = {self.resource: "resource", self.resource_url: "resource", self.second_url: "second"}
        # With or without the last slash: clients differ, and real servers forgive it.
        return {url.rstrip("/"): role for url, role in known.items() if url}.get(resource.rstrip("/"))

    def lacks(self, weakness: Weakness) -> bool:
        """Return whether it leaves this check out."""
        return weakness in self.weaknesses

    def says(self, member: PublishedMember, truth: str) -> str:
        """Return what it publishes as this member of a document."""
        return truth if member in self.kept else self.published.get(member, truth)

    def turn_on(self, switch: ServerSwitch) -> None:
        """Make one change for good."""
        self.weaknesses -= {switch.ends}
        self.faults = self.faults - {switch.stops} | ({switch.starts} if switch.starts else frozenset())
        self.kept |= {switch.keeps} if switch.keeps else frozenset()
        self.grants.codes.lifetime = switch.code_lifetime or self.grants.codes.lifetime
        self.device_lifetime = switch.device_lifetime or self.device_lifetime
        self.device_off |= switch.device_off
        self.proximity |= switch.proximity
        self.grants.access_token_lifetime = switch.token_lifetime or self.grants.access_token_lifetime
        self.apply_rules()

    def apply_rules(self) -> None:
        """Have the grants follow the weaknesses of today."""
        detects = not self.lacks(Weakness.REFRESH_REUSE_SILENT)
        ends_replaced = not self.lacks(Weakness.REFRESH_REPLACED_GOOD)
        rules = replace(self.grants.rules, detects_reuse=detects, ends_replaced=ends_replaced)
        self.grants.rules = rules

    @property
    def is_for_machines(self) -> bool:
        """Whether it has grants of programs only, and no user can log in."""
        return self.profile is Profile.MACHINE

    @property
    def issuer(self) -> str:
        """The issuer, with which the endpoints' URLs start; old servers have them at the resource."""
        if self.has(Fault.NO_RESOURCE_METADATA, Fault.DEFAULT_PATHS):
            return self.resource_url
        return f"{self.server_url}/moved" if self.moved else self.server_url

    @property
    def needs_dpop(self) -> bool:
        return self.has(Fault.DPOP_REQUIRED, Fault.DPOP_NONCE)

    def move(self) -> None:
        """Have the resource name another issuer, which knows no client and no token of the old one."""
        self.forget_everything()
        self.moved = True

    def forget_everything(self) -> None:
        """Forget clients, grants and a move."""
        self.moved = False
        self.pushed.clear()
        self.grants.forget_everything()

    def granted_scope(self, asked: str) -> str:
        """Return the scopes that exist out of those asked for; `read` without any."""
        # A server may grant less than was asked for (RFC 6749 §3.3).
        return " ".join(scope for scope in asked.split() if scope in SCOPES) or "read"

    def access_token(self, token: str) -> AccessToken | None:
        """Return what a live access token stands for, or None."""
        return self.grants.access_token(token, self_contained=self.has(Fault.JWT_ACCESS_TOKENS))
