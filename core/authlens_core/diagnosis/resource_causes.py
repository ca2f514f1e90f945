"""The known causes of a refused `resource` parameter (RFC 8707), most particular first."""

from __future__ import annotations

from typing import Final

from authlens_core.diagnosis.cause import Cause
from authlens_core.values.check import ErrorCode
from authlens_core.values.diagnosis import CauseId
from authlens_core.values.fix import fix, step

# What servers say that take no `resource`, in small letters.
_NOT_WANTED: Final = (
    "aadsts9010010",
    "aadsts901002",
    "unknown parameter: resource",
    "unrecognized parameter: resource",
    "unsupported parameter: resource",
    "invalid parameter: resource",
    "parameter 'resource' is not supported",
    "'resource' request parameter is not supported",
    "resource parameter is not supported",
    "resource parameter is not allowed",
)

RESOURCE_CAUSES: Final = (
    Cause(
        name=CauseId.RESOURCE_MISSING,
        cause="The request had no resource parameter; the server needs it to find the application.",
        cure=step(
            "Ask the owner of the server which resource it wants, and name it",
            "authlens login URL --resource RESOURCE",
        ),
        source="RFC 8707 §2",
        errors=frozenset({ErrorCode.INVALID_TARGET}),
        phrases=("no resource parameter",),
    ),
    Cause(
        name=CauseId.RESOURCE_NOT_WANTED,
        cause="The server takes no resource parameter, or none beside this scope: it finds the resource by "
        "the scope, or by an audience.",
        cure=fix(step("Send none", "authlens login URL --resource ''"), "{audience}"),
        source="Microsoft Entra ID, error codes; Auth0, authorization code flow with PKCE",
        phrases=_NOT_WANTED,
    ),
    Cause(
        name=CauseId.RESOURCE_REFUSED,
        cause="The server does not issue tokens for the resource in the request. The value must match "
        "exactly; one extra slash is enough to fail.",
        cure=fix("Ask the owner to {resource}.", "{no_resource}"),
        source="RFC 8707 §2",
        errors=frozenset({ErrorCode.INVALID_TARGET}),
    ),
)
