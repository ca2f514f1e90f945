"""Grants, clients and service tokens as JSON for the index, and secrets as the JSON that is sealed.

Reading is tolerant of keys it does not know (a newer version wrote them) and of nothing else: a record that
cannot be read is set apart by the caller, and the others stay usable.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from authlens_core.credentials.records.grant import (
    ClientRecord,
    ClientSecrets,
    Grant,
    GrantSecrets,
    GrantState,
    TokenVerdict,
)
from authlens_core.credentials.records.owner import GRANT_OWNER, OWNER, owner_digest
from authlens_core.credentials.records.service_token import ServiceToken, TokenForm
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.values.secret import Secret

_MOMENTS = frozenset(
    {
        *("obtained_at", "refreshed_at", "expires_at", "last_proven_at", "registered_at", "retry_at"),
        *("added_at", "secret_from", "last_tested"),
    }
)
_WORDS: Mapping[str, type[StrEnum]] = {"state": GrantState, "form": TokenForm, "last_verdict": TokenVerdict}
_POINTER = frozenset({"generation", "place"})
_Record = TypeVar("_Record", Grant, ClientRecord, ServiceToken)


def from_text(text: str) -> datetime:
    """Return the moment that `isoformat` wrote, in UTC.

    Raises:
        ValueError: it is none, or has no time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)


def to_json(record: Grant | ClientRecord | ServiceToken) -> str:
    """Return the record as JSON without its pointer: generation and place are in columns of their own."""
    values: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name not in _POINTER:
            values[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return json.dumps(values)


def record_from_json(
    kind: type[_Record], text: str, generation: int, place: str = StoreKind.KEYRING
) -> _Record:
    """Return the record that `to_json` wrote.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return _decode(kind, text, generation, place)
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from error


def _decode(kind: type[_Record], text: str, generation: int, place: str) -> _Record:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not an object")
    # A member that is missing takes its default, and one of a newer authlens is left out.
    known: dict[str, Any] = {field.name: values[field.name] for field in fields(kind) if field.name in values}
    for name, value in known.items():
        if name in _MOMENTS:
            known[name] = None if value is None else from_text(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            known[name] = tuple(value)
        elif value is not None and not isinstance(value, str | bool | int):
            raise ValueError(f"{name} has a type that no field has")
    for name in _WORDS.keys() & known.keys():
        known[name] = _WORDS[name](known[name])
    known["generation"], known["place"] = generation, StoreKind(place)
    return kind(**known)


# The fields of a record that say where its secrets are sent, and as whose.
_OWNERS: Final[Mapping[type, tuple[str, ...]]] = {
    Grant: GRANT_OWNER,
    ServiceToken: ("url", "client_id", "form", "header"),
    ClientRecord: (
        *("issuer", "redirect_uri", "client_id", "token_endpoint_auth_method"),
        "registration_client_uri",
    ),
}


def _owner(record: Grant | ServiceToken | ClientRecord) -> str:
    return owner_digest(getattr(record, name) for name in _OWNERS[type(record)])


def belongs_to(text: Secret, record: Grant | ServiceToken | ClientRecord) -> bool:
    """Return whether the secrets in `text` were stored for what `record` says now.

    The index is a plain file. Without this, an endpoint edited there would get the tokens.
    """
    owner = _secrets(text).get(OWNER)
    return owner is not None and owner.reveal() == _owner(record)


def secrets_to_json(
    secrets: GrantSecrets | ClientSecrets, record: Grant | ClientRecord | ServiceToken
) -> Secret:
    """Return the secrets as ASCII JSON, bound to `record`."""
    values = {field.name: getattr(secrets, field.name) for field in fields(secrets)}
    members = {name: value.reveal() for name, value in values.items() if value is not None}
    return Secret(json.dumps({**members, OWNER: _owner(record)}))


def _secrets(text: Secret) -> dict[str, Secret]:
    found: Any = None
    # The decoder's error carries the text: it must not leave this function.
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text.reveal())
    if not isinstance(found, dict):
        return {}
    return {name: Secret(value) for name, value in found.items() if isinstance(value, str)}


def grant_secrets_from_json(text: Secret) -> GrantSecrets | None:
    """Return the secrets of a grant that `secrets_to_json` wrote, or None if it is something else."""
    found = _secrets(text)
    access_token = found.get("access_token")
    if access_token is None:
        return None
    others = (found.get(name) for name in ("refresh_token", "client_secret", "dpop_key"))
    return GrantSecrets(access_token, *others)


def client_secrets_from_json(text: Secret) -> ClientSecrets:
    found = _secrets(text)
    return ClientSecrets(found.get("client_secret"), found.get("registration_access_token"))
