"""Every address a server names in a login, and what may be done with it: `docs/internals/addresses.toml`.

A hostile server's own documents are in order; its way in is an address of another server. So each one is on
the site of the server that named it, or a yes that names both hosts comes first, or nothing opens it. What is
not in this table may be neither opened nor fetched.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).parents[1] / "docs" / "internals" / "addresses.toml"


class AddressSource(StrEnum):
    """Where a server names it."""

    CHALLENGE = "WWW-Authenticate"
    FIELD = "header field"
    REFUSAL = "body of a refusal"
    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    REGISTRATION = "registration"
    PUSHED = "pushed authorization"
    CALLBACK = "callback"
    DEVICE = "device authorization"
    TOKENS = "tokens"
    ERROR = "error"
    JWT = "JWT"
    CLOUDFLARED = "cloudflared"


class AddressRule(StrEnum):
    """What may be done with it."""

    ASKED = "on the same site, or asked"
    """Elsewhere, the stage fails by a check that names both hosts, until the user approves it."""
    OWN = "on the same site, or not used"
    """No one is asked: the login does without it."""
    CHOSEN = "chosen by the resource"
    """The resource's word is what makes a server the right one; asked if there are several."""
    COMPARED = "compared, never opened"
    TEXT = "shown as text, never opened"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One address.

    Attributes:
        name: the member, parameter, claim or field.
        home: what it is compared with; empty if with nothing.
        check: the check that asks, or compares.
    """

    source: AddressSource
    name: str
    rule: AddressRule
    spec: str
    home: str = ""
    check: str = ""


SERVER_ADDRESSES: Final = tuple(
    ServerAddress(AddressSource(source), name, **{**entries, "rule": AddressRule(entries["rule"])})
    for source, table in tomllib.loads(_FILE.read_text("utf-8")).items()
    for names, entries in table.items()
    for name in names.split()
)


def addresses_in(source: AddressSource, *rules: AddressRule) -> tuple[str, ...]:
    """Return the names of the addresses of one source with one of `rules`, or with any if none is given."""
    return tuple(
        address.name
        for address in SERVER_ADDRESSES
        if address.source is source and (not rules or address.rule in rules)
    )
