"""What a member of a document or a parameter of a message means.

The kind of a document is recognised by the names in it, because a server may answer anything anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from authlens_core.explain.meaning import Explanation, Members
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
from authlens_core.explain.token_members import KEY_SET_MEMBERS
from authlens_core.trace.record import Stage

# Each kind of document with the names that tell it, all of one set; the first that fits counts.
_TOLD_BY: Final[tuple[tuple[Members, tuple[set[str], ...]], ...]] = (
    (ERROR_MEMBERS, ({"error"}, {"message", "status_code"})),
    (TOKEN_PARAMETERS, ({"grant_type"},)),
    (TOKEN_MEMBERS, ({"access_token"}, {"id_token"})),
    (SERVER_MEMBERS, ({"issuer"}, {"token_endpoint"}, {"authorization_endpoint"})),
    (RESOURCE_MEMBERS, ({"authorization_servers"}, {"team_domain"})),
    (CLIENT_MEMBERS, ({"redirect_uris"}, {"client_id_issued_at"})),
    (AUTHORIZATION_PARAMETERS, ({"response_type"}, {"code_challenge"})),
    (LOGIN_REDIRECT_PARAMETERS, ({"kid", "redirect_url"},)),
    (RESPONSE_PARAMETERS, ({"code", "state"}, {"code", "iss"})),
    (REVOCATION_PARAMETERS, ({"token", "client_id"}, {"token_type_hint"})),
    (KEY_SET_MEMBERS, ({"keys"},)),
    (RESOURCE_MEMBERS, ({"resource"},)),
)
_OF_STAGE: Final[Mapping[Stage, tuple[Members, ...]]] = {
    Stage.DETECTION: (ERROR_MEMBERS,),
    Stage.RESOURCE_METADATA: (RESOURCE_MEMBERS,),
    Stage.SERVER_METADATA: (SERVER_MEMBERS,),
    Stage.REGISTRATION: (CLIENT_MEMBERS,),
    Stage.PKCE: (TOKEN_PARAMETERS, AUTHORIZATION_PARAMETERS),
    Stage.AUTHORIZATION: (AUTHORIZATION_PARAMETERS, RESPONSE_PARAMETERS),
    Stage.EXCHANGE: (TOKEN_MEMBERS,),
    Stage.REFRESH: (TOKEN_MEMBERS,),
}


def explain_member(members: Members, name: str) -> Explanation | None:
    """Return what the member `name` means among `members`, or None where we do not know it.

    A language tag, as in `client_name#de`, is ignored (RFC 7591 §2.2).
    """
    return members.get(name.partition("#")[0])


def explain_fact(name: str, stage: Stage) -> Explanation | None:
    found = (explain_member(members, name) for members in _OF_STAGE.get(stage, ()))
    return next((meaning for meaning in found if meaning is not None), None)


def members_of(names: Collection[str]) -> Members:
    """Return the known members of the kind of document that has these names; none for any other document."""
    present = frozenset(names)
    found = (members for members, signs in _TOLD_BY if any(sign <= present for sign in signs))
    return next(found, {})
