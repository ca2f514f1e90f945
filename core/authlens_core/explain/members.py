"""What a member of a document or a parameter of a message means.

The kind of a document is recognised by the names in it, because a server may answer anything anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache
from typing import Final, TypeAlias

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import Stage
from authlens_core.values.word_files import words

CLOUDFLARE: Final = "Cloudflare Access"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What something means.

    Attributes:
        sentence: one plain sentence of ours.
        spec: where it is written, such as `RFC 9728 §2`.
    """

    sentence: str
    spec: str


# The meanings of the members of a kind of document, by name.
Members: TypeAlias = Mapping[str, Explanation]


@cache
def meanings(file: str, kind: str) -> Members:
    """Return the meanings by name that a file of words has for one kind of thing."""
    return {
        name: Explanation(sentence, spec)
        for spec, sentences in words(file)[kind].items()
        for name, sentence in sentences.items()
    }


class DocumentKind(StrEnum):
    """Something with members, parameters or claims; the value is its name in `words/members.toml`."""

    RESOURCE = "resource"
    SERVER = "server"
    CLIENT = "client"
    AUTHORIZATION = "authorization"
    """The parameters of the link."""
    CALLBACK = "callback"
    TOKEN_REQUEST = "token-request"  # noqa: S105 - a kind of document
    TOKENS = "tokens"
    ERROR = "error"
    REVOCATION = "revocation"
    LOGIN_REDIRECT = "login-redirect"
    """The redirect of Access to a team's login page."""
    KEY_SET = "key-set"
    JOSE_HEADER = "jose-header"
    CLAIMS = "claims"
    DPOP_PROOF = "dpop-proof"


# Each kind of document with the names that mark it, all of one set; the first that fits counts.
_MARKS: Final[tuple[tuple[DocumentKind, tuple[set[str], ...]], ...]] = (
    (DocumentKind.ERROR, ({"error"}, {"message", "status_code"})),
    (DocumentKind.TOKEN_REQUEST, ({"grant_type"},)),
    (DocumentKind.TOKENS, ({"access_token"}, {"id_token"})),
    (DocumentKind.SERVER, ({"issuer"}, {"token_endpoint"}, {"authorization_endpoint"})),
    (DocumentKind.RESOURCE, ({"authorization_servers"}, {"team_domain"})),
    (DocumentKind.CLIENT, ({"redirect_uris"}, {"client_id_issued_at"})),
    (DocumentKind.AUTHORIZATION, ({"response_type"}, {"code_challenge"})),
    (DocumentKind.LOGIN_REDIRECT, ({"kid", "redirect_url"},)),
    (DocumentKind.CALLBACK, ({"code", "state"}, {"code", "iss"})),
    (DocumentKind.REVOCATION, ({"token", "client_id"}, {"token_type_hint"})),
    (DocumentKind.KEY_SET, ({"keys"},)),
    (DocumentKind.RESOURCE, ({"resource"},)),
)
_OF_STAGE: Final[Mapping[Stage, tuple[DocumentKind, ...]]] = {
    Stage.DETECTION: (DocumentKind.ERROR,),
    Stage.RESOURCE_METADATA: (DocumentKind.RESOURCE,),
    Stage.SERVER_METADATA: (DocumentKind.SERVER,),
    Stage.REGISTRATION: (DocumentKind.CLIENT,),
    Stage.PKCE: (DocumentKind.TOKEN_REQUEST, DocumentKind.AUTHORIZATION),
    Stage.AUTHORIZATION: (DocumentKind.AUTHORIZATION, DocumentKind.CALLBACK),
    Stage.EXCHANGE: (DocumentKind.TOKENS,),
    Stage.REFRESH: (DocumentKind.TOKENS,),
}


@cache
def members(kind: DocumentKind) -> Members:
    """Return the meanings of the members of a kind of document; the words are read at the first call."""
    of_kind = meanings("members", kind)
    if kind is DocumentKind.DPOP_PROOF:  # a proof is a JWT: what it does not redefine means the same
        return {**members(DocumentKind.JOSE_HEADER), **of_kind}
    return of_kind


def explain_member(known: Members, name: str) -> Explanation | None:
    """Return what the member `name` means among those `known`, or None where we do not know it.

    A language tag, as in `client_name#de`, is ignored (RFC 7591 §2.2).
    """
    return known.get(name.partition("#")[0])


def explain_fact(name: str, stage: Stage) -> Explanation | None:
    candidates = (explain_member(members(kind), name) for kind in _OF_STAGE.get(stage, ()))
    return next((meaning for meaning in candidates if meaning is not None), None)


def members_of(names: Collection[str]) -> Members:
    """Return the known members of the kind of document that has these names; none for any other document."""
    present = frozenset(names)
    for kind, marks in _MARKS:
        if any(mark <= present for mark in marks):
            return members(kind)
    return {}
