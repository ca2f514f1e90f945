"""Why a program without a user gets no token: the same codes mean something else than for a user's code."""

from __future__ import annotations

from typing import Final

from authlens_core.diagnosis.cause import Cause
from authlens_core.values.check import ErrorCode
from authlens_core.values.diagnosis import CauseId
from authlens_core.values.fix import fix, step
from authlens_core.values.stage import MACHINE_GRANTS, GrantType

_AT_PROVIDER: Final = frozenset({GrantType.TOKEN_EXCHANGE})
_BY_ASSERTION: Final = frozenset({GrantType.JWT_BEARER})

MACHINE_CAUSES: Final = (
    Cause(
        name=CauseId.PROVIDER_REFUSES,
        cause="The identity provider gives no grant for this server: a policy denies it, or it "
        "does not know the server or the resource.",
        cure="Only the owner of the identity provider can help: they allow the client this server.",
        source="RFC 8693 §2.2.2",
        grants=_AT_PROVIDER,
        errors=frozenset({ErrorCode.ACCESS_DENIED, ErrorCode.INVALID_TARGET}),
    ),
    Cause(
        name=CauseId.IDENTITY_REFUSED,
        cause="The identity provider does not accept the identity that it was given: it has expired, is for "
        "another client, or comes from another provider.",
        cure=fix(
            "Have a new ID token written where the login reads it, for the client that the provider knows.",
            step("Then", "authlens login URL"),
        ),
        source="RFC 8693 §2.2.2",
        grants=_AT_PROVIDER,
        errors=frozenset({ErrorCode.INVALID_GRANT, ErrorCode.INVALID_REQUEST}),
    ),
    Cause(
        name=CauseId.ASSERTION_REFUSED,
        cause="The server does not accept the assertion: it has expired, was used, names another server "
        "in aud, or was signed by a key that the server does not trust.",
        cure=fix(
            "Have a new assertion written that names this server's issuer in aud.",
            step("Then", "authlens login URL"),
            "Whose assertions the server trusts, only its owner can change.",
        ),
        source="RFC 7523 §3",
        grants=_BY_ASSERTION,
        errors=frozenset({ErrorCode.INVALID_GRANT}),
    ),
    Cause(
        name=CauseId.PROGRAM_NOT_AUTHENTICATED,
        cause="The server does not accept that this program is the client: the id, the secret or the key is "
        "wrong, or the server has another public key.",
        cure=fix(
            "Check the client id and its secret or key.",
            step("Then", "authlens login URL"),
            "Only the server's owner can issue another secret or register the public key.",
        ),
        source="RFC 6749 §5.2, RFC 7523 §3",
        grants=MACHINE_GRANTS,
        errors=frozenset({ErrorCode.INVALID_CLIENT}),
    ),
    Cause(
        name=CauseId.PROGRAM_NOT_ALLOWED,
        cause="The server knows this client and does not allow it this grant.",
        cure="Only the server's owner can help: they allow the grant for the client.",
        source="RFC 6749 §5.2",
        grants=MACHINE_GRANTS,
        errors=frozenset(
            {ErrorCode.UNAUTHORIZED_CLIENT, ErrorCode.UNSUPPORTED_GRANT_TYPE, ErrorCode.ACCESS_DENIED}
        ),
    ),
    Cause(
        name=CauseId.PROGRAM_SCOPE_REFUSED,
        cause="This client may not have a scope that was requested.",
        cure=fix(
            step("Request less, or nothing", "authlens login URL --scope ''"),
            "What the client may have, only the server's owner can change.",
        ),
        source="RFC 6749 §5.2",
        grants=MACHINE_GRANTS,
        errors=frozenset({ErrorCode.INVALID_SCOPE}),
    ),
)
