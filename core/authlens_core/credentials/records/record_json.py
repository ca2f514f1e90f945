"""Grants, clients and service tokens as JSON for the index, and secrets as the JSON that is sealed.

Reading is tolerant of keys it does not know (a newer version wrote them) and of nothing else: a record that
cannot be read is set apart by the caller, and the others stay usable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from authlens_core.credentials.records.client import ClientRecord, ClientSecrets
from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.records.owner import GRANT_OWNER, MACHINE, OWNER, TOKEN_TYPE, owner_digest
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.values.errors import UsageError
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

_Sealed = TypeVar("_Sealed")
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
    """Return the record as JSON.

    Raises:
        UsageError: a text in it has half of a surrogate pair, as bytes typed in another encoding become.
    """
    try:
        return msgspec.json.encode(record).decode()
    except UnicodeEncodeError:
        raise UsageError("A text of this record is not valid Unicode.", "Type it again, in UTF-8.") from None


def record_from_json(
    kind: type[_Record], text: str, generation: int, place: str = StoreKind.KEYRING
) -> _Record:
    """Return the record that `to_json` wrote, with the pointer to its secrets from the columns beside it.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        record = msgspec.json.decode(text, type=kind)
    # A record is flat, so this is a file that someone made.
    except RecursionError as error:
        raise ValueError("too deep") from error
    # Moving secrets writes the columns alone, and where a table is read by the thousand, most records agree.
    if record.generation == generation and record.place == place:
        return record
    return replace(record, generation=generation, place=StoreKind(place))


# The fields of a record that say where its secrets are sent, and as whose.
_OWNERS: Final[Mapping[type, tuple[str, ...]]] = {
    Grant: GRANT_OWNER,
    ServiceToken: ("url", "client_id", "form", "header"),
    ClientRecord: (
        *("issuer", "redirect_uri", "client_id", "token_endpoint_auth_method"),
        "registration_client_uri",
    ),
}


def _label(record: Grant | ServiceToken | ClientRecord) -> dict[str, str]:
    """Return the members of stored secrets that say whom they belong to."""
    owner = {OWNER: owner_digest(getattr(record, name) for name in _OWNERS[type(record)])}
    if not isinstance(record, Grant):
        return owner
    label = {**owner, TOKEN_TYPE: record.token_type}
    if record.machine is None:
        return label
    # Edited in the index, another file would be read, and an identity would go to another provider.
    source = record.machine
    # The command had the place of None before it was stored with the secrets: older logins stay readable.
    values = (source.grant_type, source.assertion_file, None, source.idp, source.idp_client_id)
    return {**label, MACHINE: owner_digest(values)}


def belongs_to(text: Secret, record: Grant | ServiceToken | ClientRecord) -> bool:
    """Return whether the secrets in `text` were stored for what `record` says now.

    The index is a plain file. Without this, an endpoint edited there would get the tokens.
    """
    members = _decoded(text, dict)
    # <= and not ==: what a newer version adds to the secrets does not make them another record's.
    return members is not None and _label(record).items() <= members.items()


def secrets_to_json(
    secrets: GrantSecrets | ClientSecrets, record: Grant | ClientRecord | ServiceToken
) -> Secret:
    """Return the secrets as JSON, bound to `record`; in ASCII, because a keyring counts in UTF-16."""
    members = {name: value.reveal() for name, value in asdict(secrets).items() if value is not None}
    return Secret(json.dumps({**members, **_label(record)}))


def grant_secrets_from_json(text: Secret) -> GrantSecrets | None:
    """Return the secrets of a grant that `secrets_to_json` wrote, or None if it is something else."""
    return _decoded(text, GrantSecrets)


def client_secrets_from_json(text: Secret) -> ClientSecrets:
    return _decoded(text, ClientSecrets) or ClientSecrets()


def _decoded(text: Secret, kind: type[_Sealed]) -> _Sealed | None:
    try:
        # The errors of this decoder, unlike those of the standard library, do not carry the text.
        return msgspec.json.decode(text.reveal(), type=kind, dec_hook=_secret)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _secret(_kind: type[Any], value: Any) -> Secret:
    # msgspec turns a TypeError into an error of its own, which names the place and not the value.
    if not isinstance(value, str):
        raise TypeError("a secret is a text")
    return Secret(value)
