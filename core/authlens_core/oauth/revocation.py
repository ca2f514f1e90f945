"""Token revocation (RFC 7009): ending a token at the server, and saying honestly whether it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from authlens_core.oauth.check import Check, failed, noticed, passed
from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.error_response import meaning, read_error
from authlens_core.oauth.http_message import Request, Response
from authlens_core.oauth.retry_after import retry_after
from authlens_core.oauth.url import Url
from authlens_core.secret import Secret

TokenHint = Literal["access_token", "refresh_token"]

_NAME: Final = "revocation.status"
_EXPECTED: Final = "status 200"
_SPEC: Final = "RFC 7009 §2.2"
_WHY: Final = "Only this status says that the token is invalid now, also when the server never knew it."


class RevocationOutcome(StrEnum):
    """What happened to a token. Only REVOKED lets the token be discarded; all others keep it."""

    REVOKED = "revoked"
    NOT_REVOKED = "not_revoked"
    UNSUPPORTED = "unsupported"
    TRY_LATER = "try_later"


@dataclass(frozen=True, slots=True)
class Revocation:
    """The outcome of a revocation.

    Attributes:
        retry_after: seconds to wait, at most a day, where the server asked for it.
    """

    outcome: RevocationOutcome
    retry_after: int | None
    checks: tuple[Check, ...]


def revocation_request(endpoint: Url, client: Client, *, token: Secret, hint: TokenHint) -> Request:
    """Return the request that revokes `token` (§2.1), with the client identified as it was registered."""
    return form_request(endpoint, client, [("token", token), ("token_type_hint", hint)])


def read_revocation(
    response: Response, *, now: datetime | None = None, sent: tuple[Secret, ...] = ()
) -> Revocation:
    """Read the answer: 200 is revoked whatever the body says, 204 likewise with a notice, nothing else is.

    Args:
        now: an aware time, for a Retry-After that is a date.
        sent: the secrets of the request, masked where the server's texts repeat them.
    """
    seen = str(response.status)
    if response.status == 200:
        check = passed(_NAME, _EXPECTED, seen, spec=_SPEC, why=_WHY)
        return Revocation(RevocationOutcome.REVOKED, None, (check,))
    if response.status == 204:
        check = noticed(_NAME, _EXPECTED, f"{seen}; treated as revoked", why=_WHY, spec=_SPEC)
        return Revocation(RevocationOutcome.REVOKED, None, (check,))
    error = read_error(response, sent)
    if response.status in (429, 503):
        wait = retry_after(response, now)
        cure = (
            f"The token still exists. Try again in {wait} s."
            if wait
            else "The token still exists. Try again later."
        )
        check = failed(_NAME, _EXPECTED, seen, why=_WHY, spec="RFC 7009 §2.2.1", cure=cure)
        return Revocation(RevocationOutcome.TRY_LATER, wait, (check,))
    why, cure = _WHY, "The token is still stored and still valid: try again, or let it expire."
    outcome = RevocationOutcome.NOT_REVOKED
    if error is not None:
        seen = f"{seen} {error}"
        why, cure = meaning(error.error)
        if error.error == "unsupported_token_type":
            outcome = RevocationOutcome.UNSUPPORTED
    check = failed(_NAME, _EXPECTED, seen, why=why, spec="RFC 7009 §2.2.1", cure=cure)
    return Revocation(outcome, None, (check,))
