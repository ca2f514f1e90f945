"""The authorization request and its answer (RFC 6749 §4.1; 7636 §4.3, 8707, 9207).

The answer comes through a browser, so anyone can send one. `state` is looked at before anything else: an
answer that does not carry it is not ours, whatever else it says, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.oauth.discovery.issuer import is_issuer
from authlens_core.values.check import (
    Check,
    CheckId,
    ErrorCode,
    Severity,
    requirement,
)
from authlens_core.values.formats.error_response import OAuthError, failed_with
from authlens_core.values.formats.form import FormPair, FormRefused, decode_component, encode_query
from authlens_core.values.secret import Secret

# RFC 6749 bounds neither; both are far above what servers send and browsers carry.
_CODE_LIMIT: Final = 8 * 1024
_QUERY_LIMIT: Final = 64 * 1024
_ERROR_PAGES: Final = frozenset({"about:neterror", "about:certerror"})
_REGISTERED: Final = frozenset(ErrorCode)
_ALONE: Final = "only a code or token; copy the whole address"
CODE_ALONE: Final = "a code"
_BEHIND: Final = "behind # (response_mode=fragment), where only the pasted address shows it"


class RepeatedParameter(ValueError):
    """The endpoint's own query, or an extra parameter, has a name that the request needs."""


class Verdict(StrEnum):
    """What an answer is. CODE goes on; ERROR, WRONG_ISSUER and MALFORMED end the attempt.

    OUTDATED has another state and INVALID cannot be parsed, so neither is known to be for this login.
    """

    CODE = "code"
    ERROR = "error"
    OUTDATED = "outdated"
    INVALID = "invalid"
    MALFORMED = "malformed"
    WRONG_ISSUER = "wrong_issuer"


class ExpectedResponse(Struct, frozen=True):
    """What the answer to one attempt has to carry, recorded before the browser opens.

    Attributes:
        state: the value of this attempt.
        issuer: the identifier of the validated metadata.
        iss_required: whether the server promises an `iss` (RFC 9207 §3).
        redirect_uri: where the answer has to arrive.
        any_issuer: true if the user decided to take an answer whose `iss` is missing or different.
        any_state: true if the user decided to take a code that is pasted alone.
    """

    state: Secret
    issuer: str
    iss_required: bool
    redirect_uri: str
    any_issuer: bool = False
    any_state: bool = False


class AuthorizationResponse(Struct, frozen=True):
    """An answer after all checks. `code` is there with CODE only, `error` with ERROR only.

    Attributes:
        has_state: whether an OUTDATED one carries a state at all.
        unproven: the error that one without a state names, or `CODE_ALONE`; it may be the server's or
            anyone's. No text of the sender: a registered code, or that it is another one; empty if there is
            neither.
        is_bare_code: whether it is a code alone, which may be taken only if the user decides so.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    code: Secret | None = None
    error: OAuthError | None = None
    has_state: bool = True
    unproven: str = ""
    is_bare_code: bool = False

    @property
    def why_refused(self) -> str:
        """Why what the user pasted was not taken, and what to paste instead; nothing of it is quoted."""
        if self.verdict is Verdict.OUTDATED:
            if self.has_state:
                return "That answer belongs to another login (its state differs). Use the newest link."
            if self.unproven == CODE_ALONE:
                return "That address has no state. Copy the whole address, or paste the code in it alone."
            if self.unproven:
                return f"That address has no state, so its error may not be this login's: {self.unproven}."
            return "That address has no state. Copy the whole address."
        check = self.checks[-1]
        return f"Not the callback address: {check.seen}. {check.cure}"


def authorization_url(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    state: Secret,
    code_challenge: str,
    resource: str | None,
    scope: str | None,
    extra: Sequence[FormPair] = (),
) -> str:
    """Return the URL that the browser opens; the endpoint's own query is kept as it is.

    Args:
        redirect_uri: byte for byte as registered.
        code_challenge: S256 of the verifier.
        resource: the identifier of the resource exactly as its metadata spells it; left out when None.
        scope: space-separated; left out when empty.
        extra: more parameters, such as `prompt`.

    Raises:
        RepeatedParameter: a name would appear twice (RFC 6749 §3.1).
    """
    pairs: list[FormPair] = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("state", state),
        ("code_challenge", code_challenge),
        ("code_challenge_method", "S256"),
        ("resource", resource or ""),
        ("scope", scope or ""),
        *extra,
    ]
    return link_to(endpoint, pairs)


def link_to(endpoint: str, pairs: Sequence[FormPair]) -> str:
    """Return `endpoint` with `pairs` in its query, behind what it has there (RFC 6749 §3.1).

    Raises:
        RepeatedParameter: a name would appear twice.
    """
    base, _, query = endpoint.partition("?")
    names = Counter(name for name, _ in (*parse_qsl(query, keep_blank_values=True), *pairs))
    repeated = sorted(name for name, count in names.items() if count > 1)
    if repeated:
        raise RepeatedParameter(f"the authorization request would hold {', '.join(repeated)} twice")
    return f"{base}?{query}{'&' if query else ''}{encode_query(pairs)}"


def url_parameters(url: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a URL in order, for taking it apart on a screen; never raises."""
    _, _, query = url.partition("#")[0].partition("?")
    return tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))


def read_authorization_response(query: Secret, expected: ExpectedResponse) -> AuthorizationResponse:
    """Read the raw query of a callback: state first, then form, then issuer, then error or code.

    A wrong or missing state is OUTDATED whatever else is there. Nothing of an answer that fails a check is
    handed on: no code, and no error text either, because it may be an attacker's words.
    """
    text = query.reveal()
    if len(text) > _QUERY_LIMIT:
        return _invalid(
            CheckId.AUTHORIZATION_PARAMETERS, "an answer of at most 64 KiB", f"{len(text)} characters"
        )
    pairs, problem = _decode(text)
    state = _state_check(pairs, expected)
    if state.severity is Severity.FAILURE:
        has_state = any(name == "state" and value for name, value in pairs)
        unproven = "" if has_state else _unproven(pairs)
        return AuthorizationResponse(Verdict.OUTDATED, (state,), has_state=has_state, unproven=unproven)
    form = _form_checks(pairs, problem)
    checks = [state, *form]
    if any(c.severity is Severity.FAILURE for c in form):
        return AuthorizationResponse(Verdict.MALFORMED, tuple(checks))
    # RFC 6749 §3.1: a parameter without a value is treated as if it were absent.
    parameters = {name: value for name, value in pairs if value}
    # Before the error: RFC 9207 §2 wants `iss` in error responses too, and the words of a wrong issuer are
    # not shown.
    issuer = _issuer_check(parameters.get("iss"), expected)
    checks.append(issuer)
    if issuer.severity is Severity.FAILURE:
        return AuthorizationResponse(Verdict.WRONG_ISSUER, tuple(checks))
    return _outcome(parameters, checks)


def _decode(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the pairs that are well-formed, and what is wrong with the first that is not."""
    pairs: list[tuple[str, str]] = []
    problem = ""
    for field in text.split("&"):
        name, _, value = field.partition("=")
        try:
            if field:
                pairs.append((decode_component(name), decode_component(value)))
        except FormRefused as refused:
            problem = problem or str(refused)
    return pairs, problem


def _state_check(pairs: Sequence[tuple[str, str]], expected: ExpectedResponse) -> Check:
    check = requirement(CheckId.AUTHORIZATION_STATE)
    values = [value for key, value in pairs if key == "state" and value]
    # Secret compares in constant time. Every value is compared, so that a repetition is seen below.
    matches = [Secret(value) == expected.state for value in values]
    if any(matches):
        return check.passed("the same")
    other, none = "a different state: an older login, or not ours", "none, so the response cannot be trusted"
    return check.failed(other if values else none)


def _unproven(pairs: Sequence[tuple[str, str]]) -> str:
    """Return what an answer without a state has; in our own words, because anyone can have sent it."""
    error = next((value for name, value in pairs if name == "error" and value), "")
    if error:
        return error if error in _REGISTERED else "an unregistered error"
    return CODE_ALONE if any(name == "code" and value for name, value in pairs) else ""


def _form_checks(pairs: Sequence[tuple[str, str]], problem: str) -> tuple[Check, ...]:
    encoding = requirement(CheckId.AUTHORIZATION_ENCODING)
    if problem:
        return (encoding.failed(problem),)
    parameters = requirement(CheckId.AUTHORIZATION_PARAMETERS)
    repeated = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    present = {key for key, value in pairs if value}
    if repeated:
        actual = f"repeated: {', '.join(repeated)}"[:300]
    elif {"code", "error"} <= present:
        actual = "both code and error"
    elif not {"code", "error"} & present:
        actual = "neither code nor error"
    else:
        return encoding.passed(), parameters.passed(f"{len(pairs)} parameters")
    return encoding.passed(), parameters.failed(actual)


def _issuer_check(iss: str | None, expected: ExpectedResponse) -> Check:
    check = requirement(CheckId.AUTHORIZATION_ISS, wanted=expected.issuer)
    if is_issuer(iss, expected.issuer):
        return check.passed("the same" if iss == expected.issuer else iss or "")
    if iss is None and not expected.iss_required:
        return check.noticed("none, and none was promised; state binds the answer")
    actual = "none, although the server promises it" if iss is None else iss[:500]
    if expected.any_issuer:
        return check.warned(f"{actual}; accepted because you chose so for this login")
    return check.failed(actual)


def _outcome(parameters: dict[str, str], checks: list[Check]) -> AuthorizationResponse:
    """Return the code or the error of an answer that is known to be ours."""
    if "error" in parameters:
        error = OAuthError(parameters["error"][:200], parameters.get("error_description", "")[:2_000])
        error_check = requirement(CheckId.AUTHORIZATION_ERROR)
        check = failed_with(error, error_check, str(error))
        return AuthorizationResponse(Verdict.ERROR, (*checks, check), error=error)
    code = parameters["code"]
    form = requirement(CheckId.AUTHORIZATION_CODE)
    actual = f"{len(code)} characters"
    if len(code) <= _CODE_LIMIT and code.isascii() and code.isprintable():
        return AuthorizationResponse(Verdict.CODE, (*checks, form.passed(actual)), Secret(code))
    bad = form.failed(actual)
    return AuthorizationResponse(Verdict.MALFORMED, (*checks, bad))


def read_pasted(text: Secret, expected: ExpectedResponse) -> AuthorizationResponse:
    """Read what a user pasted: the address the browser ended on, or its query; checked like a callback.

    Line ends and blanks that a terminal put in are removed, and a browser's page about an address that it
    could not reach stands for that address. A bare code is not accepted unless the user decides so, since it
    carries no state; what was pasted is never repeated in a check.
    """
    raw = text.reveal()
    if len(raw) > _QUERY_LIMIT:
        return _pasted("more than 64 KiB")
    # Terminals wrap long addresses, and chats put brackets or quotes around them.
    pasted = _beneath_error_page("".join(raw.split()).strip("<>\"'`"))
    if not pasted:
        return _pasted("nothing")
    if not (pasted.isascii() and pasted.isprintable()):
        return _pasted("characters that an address cannot contain")
    if pasted.startswith(("chrome-error:", "about:")):
        return _pasted("the name of the browser's own error page, which does not hold the address")
    address, _, fragment = pasted.partition("#")
    # The answer of the implicit grant (RFC 6749 §4.2.2), which another program's link asked for.
    if "access_token=" in fragment:
        return _pasted("an address with a token in it, from another kind of login")
    if address.startswith("?") or _is_query(address):
        query = address.removeprefix("?")
        if not any(f"&{name}=" in f"&{query}" for name in ("code", "error", "state")):
            return _bare(pasted, expected)
        return read_authorization_response(Secret(query), expected)
    where, mark, query = address.partition("?")
    # The server answered as if it were asked for response_mode=fragment: the page got none of it.
    behind = not query and any(f"&{name}=" in f"&{fragment}" for name in ("code", "error"))
    if not mark and not behind:
        return _pasted("an address without an answer in it") if "://" in where else _bare(pasted, expected)
    problem = _place_problem(where, query, expected)
    if problem:
        return _pasted(problem)
    response = read_authorization_response(Secret(fragment if behind else query), expected)
    checks = (requirement("authorization.response_mode").noticed(_BEHIND),) if behind else ()
    return replace(response, checks=(*checks, *response.checks))


def _bare(code: str, expected: ExpectedResponse) -> AuthorizationResponse:
    """Read a text that is a code, or anything else that is not an address."""
    if not expected.any_state:
        return replace(_pasted(_ALONE), is_bare_code=True)
    state = requirement(CheckId.AUTHORIZATION_STATE)
    actual = "none: a code alone was pasted, accepted because you chose so"
    return _outcome({"code": code}, [state.warned(actual)])


def _beneath_error_page(text: str) -> str:
    """Return the address that a browser's own page about it names; other texts as they are.

    Firefox names it in the parameter `u` of `about:neterror`, and `view-source:` precedes it.
    """
    text = text.removeprefix("view-source:")
    page, _, query = text.partition("?")
    if page not in _ERROR_PAGES:
        return text
    for field in query.split("&"):
        if field.startswith("u="):
            try:
                return decode_component(field.removeprefix("u="))
            except FormRefused:
                return text
    return text


def _is_query(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and not set(":/?") & set(name)


def _place_problem(where: str, query: str, expected: ExpectedResponse) -> str:
    """Return what is wrong with the address before the query, or the empty string."""
    redirect = expected.redirect_uri
    # Browsers hide the scheme, so it may be missing from what was copied.
    if where in (redirect, redirect.partition("://")[2]):
        return ""
    if "response_type=" in query:
        return "the link to open, not the address that the browser ended on after the login"
    scheme, _, requested = redirect.partition("://")
    if where.partition("://")[2] == requested:
        return f"an address with another scheme, but this login's starts with {scheme}://"
    try:
        same_host = urlsplit(where).netloc == urlsplit(redirect).netloc
    except ValueError:
        same_host = False
    return "an address with another path" if same_host else "an address with another host or port"


def _pasted(actual: str) -> AuthorizationResponse:
    expectation = "the whole address that the browser ended on, from http to the end"
    return _invalid("authorization.pasted", expectation, actual)


def _invalid(name: str, expectation: str, actual: str) -> AuthorizationResponse:
    check = requirement(name, "authorization.invalid", wanted=expectation).failed(actual)
    return AuthorizationResponse(Verdict.INVALID, (check,))
