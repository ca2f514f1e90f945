"""Token revocation (RFC 7009): ending a token at the server, and saying honestly whether it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.values.check import Check, ErrorCode, requirement
from authlens_core.values.exchange import Request, Response
from authlens_core.values.formats.duration import retry_after
from authlens_core.values.formats.error_response import failed_with, read_error
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url

TokenHint = Literal["access_token", "refresh_token"]

_CHECK: Final = requirement("revocation.status")
_REFUSED: Final = "RFC 7009 §2.2.1"


class RevocationOutcome(StrEnum):
    """What happened to a token. Only REVOKED lets the token be discarded; all others keep it."""

    REVOKED = "revoked"
    NOT_REVOKED = "not_revoked"
    UNSUPPORTED = "unsupported"
    TRY_LATER = "try_later"


class Revocation(Struct, frozen=True):
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
    """Read the answer: 200 is revoked whatever the body says; 204, and 400 `invalid_token`, with a notice.

    Args:
        now: an aware time, for a Retry-After that is a date.
        sent: the secrets of the request, masked where the server's texts repeat them.
    """
    status, wait, outcome = response.status, None, RevocationOutcome.REVOKED
    error = read_error(response, sent)
    if status == 200:
        check = _CHECK.passed("200")
    elif status == 204:
        check = _CHECK.noticed("204; treated as revoked")
    # RFC 7009 §2.2 wants 200 for a token that is invalid already; Google answers like this instead.
    elif status == 400 and error is not None and error.error == ErrorCode.INVALID_TOKEN:
        check = _CHECK.noticed(f"400 {error}; the token had ended already")
    elif status in (429, 503):
        outcome, wait = RevocationOutcome.TRY_LATER, retry_after(response, now)
        later = requirement(_CHECK.name, "revocation.later", when=f"in {wait} s" if wait else "later")
        check = later.failed(str(status))
    elif error is None:
        outcome, check = RevocationOutcome.NOT_REVOKED, _CHECK.failed(str(status), "refused")
    else:
        unsupported = error.error == ErrorCode.UNSUPPORTED_TOKEN_TYPE
        outcome = RevocationOutcome.UNSUPPORTED if unsupported else RevocationOutcome.NOT_REVOKED
        check = failed_with(error, _CHECK, f"{status} {error}", "refused_otherwise")
    return Revocation(outcome, wait, (check,))
