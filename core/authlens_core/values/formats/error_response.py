"""Answers in JSON, or form-encoded, and the errors sent instead (RFC 6749 §4.1.2.1, §5.2; RFC 7591 §3.2.2).

`read_answer` gives the document of a successful answer, or the checks that say why there is none;
`read_error` gives the error object, and `meaning` what an error code means to a user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.values.check import Check, Reading, Requirement, Severity, requirement
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Response
from authlens_core.values.fix import Fix, cure_in
from authlens_core.values.formats.form import FormRefused, decode_form
from authlens_core.values.formats.json_document import JsonRefused, JsonValue, load_object, object_in
from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import SecretMasker

_ANY_OTHER: Final = "any other"  # the entry of `words/errors.toml` for a code that has none of its own
_BOM: Final = b"\xef\xbb\xbf"
_TEXT_LIMIT: Final = 2_000  # characters of each member
# What servers call a JSON document that they do not know to be one.
_UNKNOWN_TYPES: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "text/plain", "text/json"}
)


class OAuthError(Struct, frozen=True):
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
    """What an error code means, what to do about it, and which specification has it."""

    means: str
    cure: str | Fix
    source: str


def meaning(error: str) -> ErrorMeaning:
    """Return what the error code `error` means and what to do; unknown codes get a generic text."""
    meanings = _meanings()
    return meanings.get(error, meanings[_ANY_OTHER])


@cache
def _meanings() -> dict[str, ErrorMeaning]:
    from authlens_core.values.word_files import words  # a login without an error needs none of them

    return {
        code: ErrorMeaning(entry["means"], cure_in(entry["cure"]), entry["source"])
        for code, entry in words("errors").items()
    }


def failed_with(error: OAuthError, check: Requirement, actual: str, result: str = "") -> Check:
    """Return `check`, failed with an error of the server: what its code means, and what to do."""
    means = meaning(error.error)
    return check.failed(actual, result, why=means.means, cure=means.cure, error_code=error.error)


def is_document(response: Response) -> bool:
    """Return whether an answer is a JSON document: by its type, or else by what is in it."""
    return response.media_type == JSON_TYPE or bool(object_in(response.body.reveal()))


def members_of(response: Response) -> dict[str, JsonValue]:
    """Return the members of an answer, in JSON or form-encoded; none of what cannot be read."""
    try:
        return _members(response)
    except (JsonRefused, FormRefused):
        return {}


def _members(response: Response) -> dict[str, JsonValue]:
    # As GitHub answers a client that does not ask for JSON, and some servers do whatever is asked for.
    data = response.body.reveal()
    if not response.headers.is_form:
        return load_object(data)
    pairs = decode_form(data.decode("ascii", "replace"))
    members: dict[str, JsonValue] = dict(pairs)
    if len(members) < len(pairs):
        raise FormRefused("a name comes twice")
    return members


def read_error(response: Response, secrets: Iterable[Secret] = ()) -> OAuthError | None:
    """Return the error object of a 4xx or 5xx answer, or None where there is none; never raises.

    Args:
        secrets: what was sent along; an echo of it in the texts is masked.
    """
    # Half a document may lack the member that says the contrary.
    if response.status < 400 or response.body.truncated:
        return None
    return error_of(members_of(response), response.status, secrets)


def error_of(
    document: dict[str, JsonValue], status: int | None, secrets: Iterable[Secret] = ()
) -> OAuthError | None:
    """Return the error that the members `error` and `error_description` state, or None."""
    error = document.get("error")
    if not isinstance(error, str) or not error:
        return None
    sent = SecretMasker(secrets, shortest=1)

    def text(name: str) -> str:
        value = document.get(name)
        return sent.masked(value)[:_TEXT_LIMIT] if isinstance(value, str) else ""

    return OAuthError(text("error"), text("error_description"), status)


def error_in(
    document: dict[str, JsonValue], status: int, sent: Iterable[Secret], check: Requirement
) -> Iterator[Check]:
    """Yield `check`, failed, if an answer says success in its status and an error in its body."""
    error = error_of(document, status, sent)
    if error is not None:
        yield failed_with(error, check, str(error))


def quoted_value(value: JsonValue, problem: str = "", *, missing: str = "missing") -> str:
    """Return what a check shows of a member that cannot be used: what is wrong, and what is there, cut."""
    if value is None:
        return missing
    return f"{problem}: {value!r}"[:500] if problem else f"{value!r}"[:500]


def listed(values: Iterable[str]) -> str:
    """Return what a check shows of a list, cut."""
    return ", ".join(values)[:500]


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
        strict_media_type: true where a web page or a form fails; else another media type is a warning.
        secrets: what was sent along; an echo of it is masked.
    """
    status = _status_check(response, stage, spec, statuses=(expected, tolerated), secrets=tuple(secrets))
    if status.severity is Severity.FAILURE:
        return Reading(None, (status,))
    media_type = _media_type_check(response, stage, spec, strict=strict_media_type)
    document, checks = _document(response, stage, spec)
    all_checks = (status, media_type, *checks)
    return Reading(document if is_usable(all_checks) else None, all_checks)


def _status_check(
    response: Response, stage: str, spec: str, statuses: tuple[int, int | None], secrets: tuple[Secret, ...]
) -> Check:
    check = requirement(f"{stage}.status", "answer.status", wanted=f"status {statuses[0]}", spec=spec)
    actual = str(response.status)
    if response.status == statuses[0]:
        return check.passed(actual)
    if response.status == statuses[1]:
        return check.noticed(f"{actual}; treated as success")
    # Never followed: what was sent may hold a code or a token.
    if 300 <= response.status < 400:
        target = _target(response)
        actual = f"{actual}, a redirect to {target}" if target else f"{actual}, a redirect"
        return check.failed(actual, "redirect")
    error = read_error(response, secrets)
    if error is None:
        # The same request may be answered otherwise in a while (RFC 6585 §4, RFC 9110 §15.6).
        passing = response.status >= 500 or response.status == 429
        return check.failed(f"{actual} {response.reason}".rstrip(), "passing" if passing else "lasting")
    return failed_with(error, check, f"{actual} {error}")


def _target(response: Response) -> str:
    """Return where a redirect points, without its query, which may repeat what was sent."""
    try:
        parts = urlsplit(response.headers.get("location") or "")
    except ValueError:
        return "an unreadable URL"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _media_type_check(response: Response, stage: str, spec: str, *, strict: bool) -> Check:
    check = requirement(f"{stage}.media_type", "answer.media_type", spec=spec)
    actual = response.headers.get("content-type") or "no Content-Type"
    # RFC 8259 §11 defines no charset parameter; servers send one all the same. What is read is UTF-8.
    kind = response.media_type
    if kind == JSON_TYPE and _charset(actual) in ("", "utf-8", "us-ascii"):
        return check.passed(actual)
    is_harmless = kind == JSON_TYPE or kind in _UNKNOWN_TYPES or kind.endswith("+json")
    severity = Severity.FAILURE if strict and not is_harmless else Severity.WARNING
    return check.judged(severity, actual, "other")


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def _document(
    response: Response, stage: str, spec: str
) -> tuple[dict[str, JsonValue] | None, tuple[Check, ...]]:
    format_name = "a form" if response.media_type == FORM_TYPE else "one JSON object"
    check = requirement(f"{stage}.document", "answer.document", wanted=format_name, spec=spec)
    data = response.body.reveal()
    if response.body.truncated:
        return None, (check.failed(f"cut after {len(data)} bytes", "too_large"),)
    try:
        document = _members(response)
    except FormRefused as refused:
        return None, (check.failed(str(refused), "no_json"),)
    except JsonRefused as refused:
        return None, (check.failed(str(refused), "not_strict"),)
    checks = [check.passed(f"{len(document)} members")]
    if data.startswith(_BOM):
        bom = "a byte order mark, which was skipped"
        checks.append(requirement(f"{stage}.byte_order_mark", "answer.byte_order_mark").noticed(bom))
    return document, tuple(checks)
