"""Answers in JSON and the errors sent instead (RFC 6749 §4.1.2.1, §5.2; RFC 7591 §3.2.2).

`read_answer` gives the document of a successful answer, or the checks that say why there is none;
`read_error` gives the error object, and `meaning` what an error code means to a user.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from authlens_core.oauth.formats.json_document import JsonRefused, JsonValue, load_object, object_in
from authlens_core.values.check import Check, Reading, Requirement, Severity, noticed
from authlens_core.values.error_code import ErrorCode
from authlens_core.values.http_message import JSON_TYPE, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.way_on import CureOption, WayOn

_BOM: Final = b"\xef\xbb\xbf"
_TEXT_LIMIT: Final = 2_000  # characters of each member


@dataclass(frozen=True, slots=True)
class OAuthError:
    """An error as a server states it; every field is text from outside and passes `safe_line` when shown.

    Attributes:
        error: the code, such as `invalid_grant`.
        description: the server's sentence for developers, or the empty string.
        status: the HTTP status it came with, None for an error on the callback.
    """

    error: str
    description: str = ""
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.error}: {self.description}" if self.description else self.error


class ErrorMeaning(NamedTuple):
    """What an error code means, and what to do about it."""

    means: str
    cure: str
    options: tuple[CureOption, ...] = ()


_GIVEN_CLIENT: Final = CureOption(WayOn.CLIENT_ID, "--client-id")
_OTHER_HOST: Final = CureOption(WayOn.OTHER_HOST, "--redirect-host 127.0.0.1 or localhost")
_UNKNOWN: Final = ErrorMeaning(
    "The server refused with an unregistered error code.",
    "Read the server's own description, and ask its owner if that does not help.",
)
_MEANINGS: Final[dict[str, ErrorMeaning]] = {
    ErrorCode.INVALID_REQUEST: ErrorMeaning(
        "The server found the request malformed: a parameter is missing, repeated or wrong.",
        "Compare the request with the server's description; often it is redirect_uri or resource.",
    ),
    ErrorCode.UNAUTHORIZED_CLIENT: ErrorMeaning(
        "This client may not use this way of getting a token.",
        "Register again, or ask the owner to allow the authorization code grant for the client.",
    ),
    ErrorCode.ACCESS_DENIED: ErrorMeaning(
        "The login was refused: you said no, or a policy refuses your account.",
        "Log in with another account, or ask the owner to add yours to the policy.",
    ),
    ErrorCode.UNSUPPORTED_RESPONSE_TYPE: ErrorMeaning(
        "The server does not issue authorization codes this way.",
        "Ask the owner to allow response_type code for this client.",
    ),
    ErrorCode.INVALID_SCOPE: ErrorMeaning(
        "The requested scope is unknown, malformed or more than this client may have.",
        "Try without a scope, or with one that scopes_supported lists: --scope.",
        (CureOption(WayOn.SCOPE, "--scope"),),
    ),
    ErrorCode.SERVER_ERROR: ErrorMeaning(
        "The authorization server had an internal error.",
        "Try again in a minute; if it lasts, tell the server's owner.",
    ),
    ErrorCode.TEMPORARILY_UNAVAILABLE: ErrorMeaning(
        "The authorization server is overloaded or in maintenance.", "Try again in a minute."
    ),
    ErrorCode.INVALID_CLIENT: ErrorMeaning(
        "The server does not know this client, or its authentication failed.",
        "Log in again: authlens login URL. With --client-id, check the id and its secret.",
        (_GIVEN_CLIENT,),
    ),
    ErrorCode.INVALID_GRANT: ErrorMeaning(
        "The code or refresh token is expired, revoked, used already, or belongs to another client.",
        "Log in again: a new login gets a new one.",
    ),
    ErrorCode.UNSUPPORTED_GRANT_TYPE: ErrorMeaning(
        "The token endpoint does not support this grant.",
        "Ask the owner to enable the authorization_code and refresh_token grants.",
    ),
    ErrorCode.INVALID_TARGET: ErrorMeaning(
        "The server does not issue tokens for this resource.",
        "Use the resource exactly as in the resource metadata, including the slash: --resource.",
        (CureOption(WayOn.RESOURCE, "--resource"),),
    ),
    ErrorCode.INVALID_REDIRECT_URI: ErrorMeaning(
        "The server does not allow our redirect URI.",
        "Allow it at the server, or try the other loopback form: --redirect-host 127.0.0.1 or localhost.",
        (_OTHER_HOST,),
    ),
    ErrorCode.INVALID_CLIENT_METADATA: ErrorMeaning(
        "The server does not accept the client metadata; often the cause is the redirect URI.",
        "Allow the redirect URI at the server, or try --redirect-host 127.0.0.1 or localhost.",
        (_OTHER_HOST,),
    ),
    ErrorCode.INVALID_SOFTWARE_STATEMENT: ErrorMeaning(
        "The server found a software statement invalid; authlens sends none.",
        "The server requires pre-registered clients: ask for a client id and give it with --client-id.",
        (_GIVEN_CLIENT,),
    ),
    ErrorCode.UNAPPROVED_SOFTWARE_STATEMENT: ErrorMeaning(
        "The server accepts only approved software.",
        "Ask the owner for a client id and give it with --client-id.",
        (_GIVEN_CLIENT,),
    ),
    ErrorCode.UNSUPPORTED_TOKEN_TYPE: ErrorMeaning(
        "The server cannot revoke this kind of token.",
        "Let it expire, or revoke the grant at the server's own page.",
    ),
    ErrorCode.INVALID_TOKEN: ErrorMeaning(
        "The access token is expired, revoked, malformed or not for this resource.",
        "Refresh it, or log in again.",
    ),
    ErrorCode.INSUFFICIENT_SCOPE: ErrorMeaning(
        "The token is valid, but its scope is too narrow.",
        "Log in again with the scope that the server names.",
    ),
    ErrorCode.INTERACTION_REQUIRED: ErrorMeaning(
        "The server must show a page first.", "Log in again and complete the page."
    ),
    ErrorCode.LOGIN_REQUIRED: ErrorMeaning(
        "The server requires you to log in first.", "Log in again in the browser."
    ),
    ErrorCode.ACCOUNT_SELECTION_REQUIRED: ErrorMeaning(
        "The server requires you to choose an account.", "Log in again and choose one."
    ),
    ErrorCode.CONSENT_REQUIRED: ErrorMeaning(
        "The server requires your consent.", "Log in again and give it."
    ),
    ErrorCode.INVALID_REQUEST_URI: ErrorMeaning(
        "A pushed authorization request was not found or expired.", "Start a new login."
    ),
    ErrorCode.INVALID_REQUEST_OBJECT: ErrorMeaning(
        "The server found the request object invalid; authlens sends none.", "Tell the server's owner."
    ),
    ErrorCode.REQUEST_NOT_SUPPORTED: ErrorMeaning(
        "The server takes no request objects; authlens sends none.", "Tell the server's owner."
    ),
    ErrorCode.REQUEST_URI_NOT_SUPPORTED: ErrorMeaning(
        "The server takes no request by reference; authlens sends none.", "Tell the server's owner."
    ),
    ErrorCode.REGISTRATION_NOT_SUPPORTED: ErrorMeaning(
        "The server registers no clients here.",
        "Ask for a client id and give it with --client-id.",
        (_GIVEN_CLIENT,),
    ),
    ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS: ErrorMeaning(
        "Your login was not strong enough for the server.", "Log in with a stronger method."
    ),
    ErrorCode.INSUFFICIENT_USER_AUTHENTICATION: ErrorMeaning(
        "The resource requires a stronger or fresher login.", "Log in again."
    ),
    ErrorCode.INVALID_DPOP_PROOF: ErrorMeaning(
        "The proof of possession (DPoP) is missing, or the server does not accept it.",
        "If none was sent: authlens login --dpop URL. Else compare this machine's clock with the server's.",
    ),
    ErrorCode.USE_DPOP_NONCE: ErrorMeaning(
        "The server requires a proof of possession (DPoP) with its own nonce.",
        "If no proof was sent: authlens login --dpop URL. Else try again: its nonce may just have changed.",
    ),
    ErrorCode.INVALID_AUTHORIZATION_DETAILS: ErrorMeaning(
        "The server found authorization details invalid; authlens sends none.", "Tell the server's owner."
    ),
    ErrorCode.SLOW_DOWN: ErrorMeaning("The server limits requests.", "Wait a minute, then try again."),
    ErrorCode.AUTHORIZATION_PENDING: ErrorMeaning(
        "The server waits for you.", "Complete the page in the browser."
    ),
    ErrorCode.EXPIRED_TOKEN: ErrorMeaning("A code expired before it was used.", "Start a new login."),
}


def meaning(error: str) -> ErrorMeaning:
    """Return what the error code `error` means and what to do; unknown codes have an honest general text."""
    return _MEANINGS.get(error, _UNKNOWN)


def failed_with(error: OAuthError, check: Requirement, seen: str) -> Check:
    """Return `check`, failed with an error of the server: what its code means, and what to do."""
    means = meaning(error.error)
    return check.failed(seen, why=means.means, cure=means.cure, options=means.options, error_code=error.error)


def without_secrets(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` with every value of `secrets` replaced by its mask (servers echo what they were sent)."""
    # The longest first: one secret may be a part of another, and its mask would break that.
    for secret in sorted(secrets, key=lambda s: len(s.reveal()), reverse=True):
        value = secret.reveal()
        if value and value in text:  # a mask costs a digest, and few texts need one
            text = text.replace(value, secret.masked)
    return text


def read_error(response: Response, secrets: Iterable[Secret] = ()) -> OAuthError | None:
    """Return the error object of a 4xx or 5xx answer, or None where there is none; never raises.

    Args:
        secrets: what was sent along; an echo of it in the texts is masked.
    """
    # Half a document may lack the member that says the contrary.
    if response.status < 400 or response.body.truncated:
        return None
    return error_of(object_in(response.body.reveal()), response.status, secrets)


def error_of(
    document: dict[str, JsonValue], status: int | None, secrets: Iterable[Secret] = ()
) -> OAuthError | None:
    """Return the error that the members `error` and `error_description` state, or None."""
    error = document.get("error")
    if not isinstance(error, str) or not error:
        return None
    kept = tuple(secrets)

    def text(name: str) -> str:
        value = document.get(name)
        return without_secrets(value, kept)[:_TEXT_LIMIT] if isinstance(value, str) else ""

    return OAuthError(text("error"), text("error_description"), status)


def is_usable(checks: Iterable[Check]) -> bool:
    """Return whether no check failed for good: only then may a value be made of the answer."""
    return not any(c.severity is Severity.FAILURE and not c.overridable for c in checks)


def read_answer(
    response: Response,
    *,
    stage: str,
    spec: str,
    expected: int = 200,
    tolerated: int | None = None,
    strict_media_type: bool = False,
    secrets: Iterable[Secret] = (),
) -> Reading[dict[str, JsonValue]]:
    """Return the JSON object of a successful answer, with the checks of status, media type and document.

    Args:
        stage: the first part of the names of the checks.
        tolerated: a second status that is taken with a notice.
        strict_media_type: true where another media type than JSON fails; else it is a warning.
        secrets: what was sent along; an echo of it is masked.
    """
    status = _status_check(response, stage, spec, (expected, tolerated), tuple(secrets))
    if status.severity is Severity.FAILURE:
        return Reading(None, (status,))
    media_type = _media_type_check(response, stage, spec, strict=strict_media_type)
    document, checks = _document(response, stage, spec)
    all_checks = (status, media_type, *checks)
    return Reading(document if is_usable(all_checks) else None, all_checks)


def _status_check(
    response: Response, stage: str, spec: str, statuses: tuple[int, int | None], secrets: tuple[Secret, ...]
) -> Check:
    why = "Only this status means that the response is what was requested."
    check = Requirement(f"{stage}.status", f"status {statuses[0]}", why, spec)
    seen = str(response.status)
    if response.status == statuses[0]:
        return check.passed(seen)
    if response.status == statuses[1]:
        return check.noticed(f"{seen}; treated as success")
    if 300 <= response.status < 400:
        target = _target(response)
        seen = f"{seen}, a redirect to {target}" if target else f"{seen}, a redirect"
        cure = "Redirects are not followed here; the server must respond at the URL that it published."
        return check.failed(seen, cure=cure)
    error = read_error(response, secrets)
    if error is None:
        passing = response.status >= 500 or response.status == 429
        cure = "Try again in a minute." if passing else "Ask the server's owner to check this URL."
        return check.failed(f"{seen} {response.reason}".rstrip(), cure=cure)
    return failed_with(error, check, f"{seen} {error}")


def _target(response: Response) -> str:
    """Return where a redirect points, without its query, which may repeat what was sent."""
    try:
        parts = urlsplit(response.headers.get("location") or "")
    except ValueError:
        return "an unreadable URL"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _media_type_check(response: Response, stage: str, spec: str, *, strict: bool) -> Check:
    why = "A web page that happens to hold JSON is not the answer of the protocol."
    check = Requirement(f"{stage}.media_type", f"{JSON_TYPE}, in UTF-8", why, spec)
    seen = response.headers.get("content-type") or "no Content-Type"
    # RFC 8259 §11 defines no charset parameter; servers send one all the same.
    is_utf8 = _charset(seen) in ("", "utf-8", "us-ascii")
    if response.media_type == JSON_TYPE and is_utf8:
        return check.passed(seen)
    severity = Severity.FAILURE if strict or not is_utf8 else Severity.WARNING
    return check.judged(severity, seen, cure=f"The server must send Content-Type: {JSON_TYPE}.")


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def _document(
    response: Response, stage: str, spec: str
) -> tuple[dict[str, JsonValue] | None, tuple[Check, ...]]:
    why = "Everything else is read from it."
    check = Requirement(f"{stage}.document", "one JSON object", why, spec)
    data = response.body.reveal()
    if response.body.truncated:
        cure = "The answer is larger than authlens reads; the server has to send less."
        return None, (check.failed(f"cut after {len(data)} bytes", cure=cure),)
    try:
        document = load_object(data)
    except JsonRefused as refused:
        return None, (check.failed(str(refused), cure="The server must send strict JSON (RFC 8259)."),)
    checks = [check.passed(f"{len(document)} members")]
    if data.startswith(_BOM):
        bom = "a byte order mark, which was skipped"
        checks.append(
            noticed(f"{stage}.byte_order_mark", "no byte order mark", bom, why=why, spec="RFC 8259 §8.1")
        )
    return document, tuple(checks)
