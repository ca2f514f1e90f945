"""What stays valid after a credential was removed from this machine, and which secrets are left here."""

from __future__ import annotations

from typing import Final

from authlens_core.desk.credentials import CredentialKind
from authlens_core.desk.forget import Forgotten
from authlens_core.desk.secret_store import StoreKind

_STAYS_VALID: Final = {
    CredentialKind.OAUTH: "The tokens were not revoked: they stay valid at the server until they expire.",
    CredentialKind.SERVICE_TOKEN: (
        "The service token stays valid at Access until it expires or you delete it: "
        "Zero Trust → Access controls → Service credentials → Service Tokens."
    ),
}


def what_stays_valid(forgotten: Forgotten) -> str:
    return _STAYS_VALID[forgotten.kind]


def where_secrets_are_left(places: tuple[StoreKind, ...], open_now: StoreKind) -> str:
    """Return where unwanted secrets still are and when they are deleted; empty if there are none."""
    return " ".join(_left_in(kind, open_now) for kind in places)


def _left_in(place: StoreKind, open_now: StoreKind) -> str:
    if place is open_now:
        name = place.words[:1].upper() + place.words[1:]
        return f"{name} could not be reached: the next save deletes what is left there."
    return (
        f"Old secrets are still in {place.words}, which cannot be reached. "
        f"authlens deletes them when {place.words} can be opened again."
    )
