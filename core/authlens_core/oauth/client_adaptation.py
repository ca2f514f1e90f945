"""What a server wants of a client's request beyond the specifications, as its refusal says.

`adapted` reads a refusal; the client then has what it says as one of its `needs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from urllib.parse import quote_plus

from msgspec.structs import replace

from authlens_core.oauth.client_authentication import Client, halves, secret_method
from authlens_core.values.check import Check, ErrorCode, requirement
from authlens_core.values.exchange import Response
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.stage import Need

_REFUSALS: Final = frozenset({400, 401, 403, 422})
_MISSING: Final = ("missing", "required", "must contain", "must include", "must be present", "not provided")


def adapted(
    client: Client, response: Response, *, methods: Sequence[str] | None = None, scope: str | None = None
) -> Client | None:
    """Return the client as its server wants it after a refusal; None if another request changes nothing.

    Each difference is tried once, because the client then has it. A server that refuses the client has issued
    nothing, so a code or a refresh token that was in the request is unused.

    Args:
        methods: the authentication methods in the server's metadata.
        scope: what a refresh may name, because it was granted; None for other requests.
    """
    error = read_error(response)
    stated_error = error or OAuthError("")
    if response.status not in _REFUSALS or (error is None and response.status != 401):
        return None
    refused = error is None or error.error == ErrorCode.INVALID_CLIENT
    if (
        not client.authenticates
        and client.client_secret
        and (refused or _misses(stated_error, "client_secret"))
    ):
        return replace(client, token_endpoint_auth_method=secret_method(methods))
    candidates = {
        Need.SCOPE: bool(scope) and _misses(stated_error, "scope"),
        Need.EMPTY_SECRET: client.client_secret is None and _misses(stated_error, "client_secret"),
        Need.CLIENT_ID: client.sends_basic and _misses(stated_error, "client_id"),
        Need.RAW_BASIC: client.sends_basic and refused and _differs_raw(client),
        Need.ENDPOINT_AUDIENCE: client.client_key is not None and refused,
    }
    need = next(
        (need for need, is_wanted in candidates.items() if is_wanted and need not in client.needs), None
    )
    return None if need is None else replace(client, needs=(*client.needs, need))


def _misses(error: OAuthError, parameter: str) -> bool:
    description = error.description.lower()
    return parameter in description and any(word in description for word in _MISSING)


def _differs_raw(client: Client) -> bool:
    """Whether Basic is another without the form encoding, and its halves are split at the same colon."""
    return ":" not in client.client_id and any(quote_plus(half) != half for half in halves(client))


# The check, its entry in the words, and what is sent again. None: the server made a confidential client.
_SENT_AGAIN: Final[Mapping[Need | None, tuple[str, str, str]]] = MappingProxyType(
    {
        Need.SCOPE: ("scope", "scope", "with the granted scope"),
        Need.RAW_BASIC: ("basic", "raw_basic", "without the encoding"),
        Need.CLIENT_ID: ("client_id", "client_id", "with client_id"),
        Need.EMPTY_SECRET: ("client_secret", "empty_secret", "with an empty one"),
        Need.ENDPOINT_AUDIENCE: ("audience", "audience", "with a signature for the token endpoint"),
        None: ("client_secret", "client_secret", "with the secret that the server gave"),
    }
)


def adaptation_check(stage: str, before: Client, after: Client, response: Response) -> Check:
    """Return the check that says why a request is sent again as `after`, which `adapted` made of `before`."""
    new = [need for need in after.needs if need not in before.needs]
    subject, entry, instead = _SENT_AGAIN[new[0] if new else None]
    error = read_error(response)
    actual = f"{response.status} {error}" if error else f"{response.status}"
    check = requirement(f"{stage}.{subject}", f"adaptation.{entry}")
    return check.noticed(f"{actual}; sent again {instead}")
