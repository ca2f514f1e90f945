"""What a server of a lesson does wrong, and the switches by which a lesson mends it.

A weakness is no fault of the demo: an honest login never meets it. An attacker has to use it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from authlens_lab.emulator.profile import Fault


class Weakness(StrEnum):
    """A check that a server leaves out."""

    PKCE_OPTIONAL = "pkce-optional"
    """A login without a challenge is served. A verifier without a challenge is refused (RFC 9700 §4.8.2)."""
    PROOF_UNCHECKED = "proof-unchecked"
    """The resource takes a token that is bound to a key from a sender without the key (RFC 9449 §7.1)."""
    REFRESH_REPLACED_GOOD = "refresh-replaced-good"
    """A refresh token that was replaced still works: this is no rotation (RFC 9700 §4.14.2)."""
    REFRESH_REUSE_SILENT = "refresh-reuse-silent"
    """A refresh token that comes again raises no alarm: its login goes on (RFC 9700 §4.14.2)."""
    AUDIENCE_UNCHECKED = "audience-unchecked"
    """The second resource takes a token that is for another one (RFC 9700 §2.3)."""
    REDIRECT_PREFIX = "redirect-prefix"
    """A redirect URI has only to start with a registered one (RFC 9700 §4.1)."""


class PublishedMember(StrEnum):
    """A member of a document that the resource or the server publishes, and that may lie."""

    RESOURCE = "resource_metadata.resource"
    ISSUER = "server_metadata.issuer"
    CHALLENGE = "challenge.resource_metadata"
    SERVERS = "resource_metadata.authorization_servers"
    REDIRECT = "resource_metadata.redirect"
    """Not a member: where its URL sends a client on to."""


class ServerSwitch(Struct, frozen=True):
    """What one switch changes.

    Attributes:
        ends: the weakness that is over.
        starts: what the server does from now on.
        stops: what it no longer does.
        keeps: what it publishes truthfully, whatever an attacker put there.
        code_lifetime: seconds.
        token_lifetime: seconds, of access tokens.
        device_lifetime: seconds, of the codes of device logins.
        device_off: whether no device login can be started.
        proximity: whether a device login is approved only by the user beside the device (RFC 8628 §5.4).
    """

    ends: Weakness | None = None
    starts: Fault | None = None
    stops: Fault | None = None
    keeps: PublishedMember | None = None
    code_lifetime: float | None = None
    token_lifetime: int | None = None
    device_lifetime: float | None = None
    device_off: bool = False
    proximity: bool = False


_TABLE: Final = Path(__file__).with_name("switches.toml")
SWITCHES: Final[Mapping[str, ServerSwitch]] = msgspec.convert(
    tomllib.loads(_TABLE.read_text(encoding="utf-8")), dict[str, ServerSwitch]
)
"""Every switch of a server and its resource, by the name that a lesson has for it."""


class LessonServer:
    """The checks that a server of a lesson leaves out, and what an attacker made its documents say."""

    def __init__(self, weaknesses: Collection[Weakness]) -> None:
        self._weaknesses = set(weaknesses)
        self._published: dict[PublishedMember, str] = {}
        self._truthful: set[PublishedMember] = set()

    def lacks(self, weakness: Weakness) -> bool:
        """Return whether it leaves this check out."""
        return weakness in self._weaknesses

    def published_value(self, member: PublishedMember, truth: str) -> str:
        """Return what it publishes as this member of a document."""
        return truth if member in self._truthful else self._published.get(member, truth)

    def publish(self, member: PublishedMember, value: str) -> None:
        """Have a document say `value`, as an attacker would who runs this resource or its server."""
        self._published[member] = value

    def publish_the_truth(self) -> None:
        """Have every document say again what is so."""
        self._published.clear()

    def turn_on(self, switch: ServerSwitch) -> None:
        """End the weakness of a switch, and keep its member true."""
        if switch.ends is not None:
            self._weaknesses.discard(switch.ends)
        if switch.keeps is not None:
            self._truthful.add(switch.keeps)
