"""What a server of a lesson does wrong, and the switches by which a lesson mends it.

A weakness is no fault of the demo: an honest login never meets it. An attacker has to use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from authlens_core.emulator.profile import Fault


class Weakness(StrEnum):
    """A check that a server leaves out."""

    PKCE_OPTIONAL = "pkce-optional"
    """A login without a challenge is served. A verifier without a challenge is refused (RFC 9700 §4.8.2)."""
    PROOF_UNCHECKED = "proof-unchecked"
    """The resource takes a token that is bound to a key from a sender without the key (RFC 9449 §7.1)."""
    REFRESH_REUSE_SILENT = "refresh-reuse-silent"
    """A refresh token that was replaced still works, and raises no alarm (RFC 9700 §4.14.2)."""
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


@dataclass(frozen=True, slots=True)
class ServerSwitch:
    """What one switch changes; one that changes nothing is on already, or mends something else.

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


SWITCHES: Final[Mapping[str, ServerSwitch]] = MappingProxyType(
    {
        "server.short_codes": ServerSwitch(code_lifetime=10),
        "server.short_tokens": ServerSwitch(token_lifetime=20),
        "server.exact_redirect": ServerSwitch(ends=Weakness.REDIRECT_PREFIX),
        "server.detect_reuse": ServerSwitch(ends=Weakness.REFRESH_REUSE_SILENT),
        "server.rotation": ServerSwitch(),
        "client.forget": ServerSwitch(),
        "server.dpop": ServerSwitch(starts=Fault.DPOP_REQUIRED),
        "server.jwt": ServerSwitch(starts=Fault.JWT_ACCESS_TOKENS),
        "server.opaque_tokens": ServerSwitch(stops=Fault.JWT_ACCESS_TOKENS),
        "server.proximity": ServerSwitch(proximity=True),
        "server.short_device_code": ServerSwitch(device_lifetime=60),
        "server.device_off": ServerSwitch(device_off=True),
        "page.warning": ServerSwitch(),
        "server.issuer": ServerSwitch(keeps=PublishedMember.ISSUER),
        "second.audience": ServerSwitch(ends=Weakness.AUDIENCE_UNCHECKED),
        "second.signature": ServerSwitch(),
        "resource.own_name": ServerSwitch(keeps=PublishedMember.RESOURCE),
        "resource.challenge": ServerSwitch(keeps=PublishedMember.CHALLENGE),
        "resource.check_proof": ServerSwitch(ends=Weakness.PROOF_UNCHECKED),
    }
)
"""Every switch of a server and its resource, by the name that a lesson has for it."""
