"""What a stage learned, by the names of the specifications; its text is made where it is shown."""

# ruff: noqa: S105 - names of facts, not secrets

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from authlens_core.values.secret import Secret

# A tuple is a list of the specification, such as scopes; None where the answer does not have the member.
FactValue: TypeAlias = str | Secret | int | timedelta | datetime | tuple[str, ...] | None


class FactId(StrEnum):
    """The name of a fact, as its specification spells it; the parameters of a link may have any other."""

    ACCESS_TOKEN = "access_token"
    ANSWER = "answer"
    ANSWERED_BY = "answered by"
    AUTHORIZATION_ENDPOINT = "authorization_endpoint"
    AUTHORIZATION_SERVERS = "authorization_servers"
    CF_RAY = "CF-Ray"
    CLIENT_ID = "client_id"
    CLIENT_SECRET = "client_secret"
    CODE = "code"
    CODE_CHALLENGE = "code_challenge"
    CODE_CHALLENGE_METHOD = "code_challenge_method"
    CODE_CHALLENGE_METHODS_SUPPORTED = "code_challenge_methods_supported"
    CODE_VERIFIER = "code_verifier"
    CREDENTIAL = "credential"
    DEVICE_CODE = "device_code"
    ASSERTION_SOURCE = "assertion_source"
    DPOP_JKT = "dpop_jkt"
    DPOP_PRIVATE_KEY = "DPoP private key"
    EVIDENCE = "evidence"
    EXPIRES_AT = "expires at"
    EXPIRES_IN = "expires_in"
    GENERATION = "generation"
    GRANT_TYPES_SUPPORTED = "grant_types_supported"
    ID_TOKEN = "id_token"
    INTERVAL = "interval"
    ISSUER = "issuer"
    KIND_OF_RESOURCE = "kind of resource"
    NONCE = "nonce"
    PROTECTED_BY = "protected by"
    REDIRECT_URIS = "redirect_uris"
    REFRESH_TOKEN = "refresh_token"
    REGISTRATION_ENDPOINT = "registration_endpoint"
    REQUEST_URI = "request_uri"
    RESOURCE = "resource"
    RESOURCE_METADATA = "resource_metadata"
    REVOCATION_ENDPOINT = "revocation_endpoint"
    SCOPE = "scope"
    SCOPE_WANTED = "scope wanted"
    SCOPES_SUPPORTED = "scopes_supported"
    SENT_BY = "sent by"
    STATE = "state"
    STATUS = "status"
    TOKEN_ENDPOINT = "token_endpoint"
    TOKEN_ENDPOINT_AUTH_METHOD = "token_endpoint_auth_method"
    TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED = "token_endpoint_auth_methods_supported"
    TOKEN_TYPE = "token_type"
    USER_CODE = "user_code"
    VERIFICATION_URI = "verification_uri"


class Fact(Struct, frozen=True):
    """Something a stage learned.

    Attributes:
        name: a `FactId`; text from outside for a parameter that only the link has.
        value: a `Secret` where it is one; text may come from outside.
    """

    name: str
    value: FactValue
    spec: str = ""
    note: str = ""


# A token without an expiry is ordinary (RFC 6749 §5.1), so the words for it are, too.
_WITHOUT_VALUE: Final[Mapping[str, str]] = {
    FactId.EXPIRES_AT: "no expiry given",
    FactId.EXPIRES_IN: "no expiry given",
}


def is_absent(fact: Fact) -> bool:
    """Return whether the answer lacks the member, and that means nothing."""
    return fact.value is None and fact.name not in _WITHOUT_VALUE


def fact_text(fact: Fact) -> str:
    """Return the value of `fact` as it is shown, a secret as its mask; not yet safe for a terminal."""
    match fact.value:
        case None:
            return _WITHOUT_VALUE.get(fact.name, "absent")
        case Secret():
            return fact.value.masked
        case timedelta():
            return f"{fact.value.total_seconds():.0f} s"
        case datetime():
            return fact.value.isoformat(sep=" ", timespec="seconds")
        case tuple():
            return " ".join(fact.value)
        case _:
            return f"{fact.value}"
