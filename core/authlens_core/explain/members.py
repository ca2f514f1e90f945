"""What a member of a document or a parameter of a message means: one table for every kind.

The kind of a document is recognised by the names in it, because a server may answer anything anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from authlens_core.explain.meaning import Explanation
from authlens_core.explain.message_members import (
    AUTHORIZATION_PARAMETERS,
    CLIENT_MEMBERS,
    ERROR_MEMBERS,
    LOGIN_REDIRECT_PARAMETERS,
    RESPONSE_PARAMETERS,
    REVOCATION_PARAMETERS,
    TOKEN_MEMBERS,
    TOKEN_PARAMETERS,
)
from authlens_core.explain.metadata_members import RESOURCE_MEMBERS, SERVER_MEMBERS
from authlens_core.explain.token_members import CLAIMS, DPOP_PROOF, JOSE_HEADER, KEY_SET_MEMBERS
from authlens_core.trace.record import Stage


class DocumentKind(StrEnum):
    """What a set of names belongs to."""

    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    CLIENT = "client registration"
    AUTHORIZATION_REQUEST = "authorization request"
    AUTHORIZATION_RESPONSE = "authorization response"
    TOKEN_REQUEST = "token request"  # noqa: S105 - a kind of message
    TOKEN_RESPONSE = "token response"  # noqa: S105 - a kind of message
    REVOCATION_REQUEST = "revocation request"
    ERROR = "error"
    JWT_HEADER = "JWT header"
    JWT_CLAIMS = "JWT claims"
    DPOP_PROOF = "DPoP proof"
    KEY_SET = "key set"
    LOGIN_REDIRECT = "redirect to the login page"


# Every name with a meaning, by kind.
MEMBERS: Final[Mapping[DocumentKind, Mapping[str, Explanation]]] = MappingProxyType(
    {
        DocumentKind.RESOURCE_METADATA: RESOURCE_MEMBERS,
        DocumentKind.SERVER_METADATA: SERVER_MEMBERS,
        DocumentKind.CLIENT: CLIENT_MEMBERS,
        DocumentKind.AUTHORIZATION_REQUEST: AUTHORIZATION_PARAMETERS,
        DocumentKind.AUTHORIZATION_RESPONSE: RESPONSE_PARAMETERS,
        DocumentKind.TOKEN_REQUEST: TOKEN_PARAMETERS,
        DocumentKind.TOKEN_RESPONSE: TOKEN_MEMBERS,
        DocumentKind.REVOCATION_REQUEST: REVOCATION_PARAMETERS,
        DocumentKind.ERROR: ERROR_MEMBERS,
        DocumentKind.JWT_HEADER: JOSE_HEADER,
        DocumentKind.JWT_CLAIMS: CLAIMS,
        DocumentKind.DPOP_PROOF: DPOP_PROOF,
        DocumentKind.KEY_SET: KEY_SET_MEMBERS,
        DocumentKind.LOGIN_REDIRECT: LOGIN_REDIRECT_PARAMETERS,
    }
)

# The first kind of which one of the names, or the whole set of them, is there.
_TELLING: Final[tuple[tuple[DocumentKind, tuple[frozenset[str], ...]], ...]] = (
    (DocumentKind.ERROR, (frozenset({"error"}), frozenset({"message", "status_code"}))),
    (DocumentKind.TOKEN_REQUEST, (frozenset({"grant_type"}),)),
    (DocumentKind.TOKEN_RESPONSE, (frozenset({"access_token"}), frozenset({"id_token"}))),
    (
        DocumentKind.SERVER_METADATA,
        (frozenset({"issuer"}), frozenset({"token_endpoint"}), frozenset({"authorization_endpoint"})),
    ),
    (DocumentKind.RESOURCE_METADATA, (frozenset({"authorization_servers"}), frozenset({"team_domain"}))),
    (DocumentKind.CLIENT, (frozenset({"redirect_uris"}), frozenset({"client_id_issued_at"}))),
    (DocumentKind.AUTHORIZATION_REQUEST, (frozenset({"response_type"}), frozenset({"code_challenge"}))),
    (DocumentKind.LOGIN_REDIRECT, (frozenset({"kid", "redirect_url"}),)),
    (DocumentKind.AUTHORIZATION_RESPONSE, (frozenset({"code", "state"}), frozenset({"code", "iss"}))),
    (DocumentKind.REVOCATION_REQUEST, (frozenset({"token", "client_id"}), frozenset({"token_type_hint"}))),
    (DocumentKind.KEY_SET, (frozenset({"keys"}),)),
    (DocumentKind.RESOURCE_METADATA, (frozenset({"resource"}),)),
)
_OF_STAGE: Final[Mapping[Stage, tuple[DocumentKind, ...]]] = {
    Stage.DETECTION: (DocumentKind.ERROR,),
    Stage.RESOURCE_METADATA: (DocumentKind.RESOURCE_METADATA,),
    Stage.SERVER_METADATA: (DocumentKind.SERVER_METADATA,),
    Stage.REGISTRATION: (DocumentKind.CLIENT,),
    Stage.PKCE: (DocumentKind.TOKEN_REQUEST, DocumentKind.AUTHORIZATION_REQUEST),
    Stage.AUTHORIZATION: (DocumentKind.AUTHORIZATION_REQUEST, DocumentKind.AUTHORIZATION_RESPONSE),
    Stage.EXCHANGE: (DocumentKind.TOKEN_RESPONSE,),
    Stage.REFRESH: (DocumentKind.TOKEN_RESPONSE,),
}


def explain_member(kind: DocumentKind, name: str) -> Explanation | None:
    """Return what the member `name` means in a document of `kind`, or None where we do not know it.

    A language tag, as in `client_name#de`, is ignored (RFC 7591 §2.2).
    """
    return MEMBERS[kind].get(name.partition("#")[0])


def explain_fact(name: str, stage: Stage) -> Explanation | None:
    found = (explain_member(kind, name) for kind in _OF_STAGE.get(stage, ()))
    return next((meaning for meaning in found if meaning is not None), None)


def kind_of(names: Collection[str]) -> DocumentKind | None:
    """Return what kind of document or message has members of these names, or None."""
    present = frozenset(names)
    for kind, signs in _TELLING:
        if any(sign <= present for sign in signs):
            return kind
    return None
