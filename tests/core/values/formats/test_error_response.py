"""Answers in JSON and the errors in their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.check import Check, Severity, judged
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.error_response import (
    OAuthError,
    is_usable,
    meaning,
    read_answer,
    read_error,
)
from authlens_core.values.secret import Body, Secret
from support.made_checks import passed, present


def _answer(status: int, body: object, content_type: str = "application/json", **headers: str) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = [("Content-Type", content_type), *headers.items()]
    return Response(status, headers=Headers.of(fields), body=Body(data))


def _read(response: Response, *, strict: bool = False) -> dict[str, Check]:
    reading = read_answer(
        response,
        stage="stage",
        spec="RFC 0",
        tolerated=201,
        strict_media_type=strict,
        secrets=[Secret("s3cret")],
    )
    assert (reading.value is not None) == is_usable(reading.checks)
    return {check.name: check for check in reading.checks}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_an_error_object_is_read_from_any_4xx_and_5xx(status: int) -> None:
    """TK-7, design §9: errors come as 400, 401, 403 or 500."""
    body = {"error": "invalid_grant", "error_description": "too late", "error_uri": "https://e/", "x": [1]}
    assert read_error(_answer(status, body)) == OAuthError("invalid_grant", "too late", status)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>no</html>", b"[]", b"null", b"{", b'{"error": 1}', b'{"error": ""}', b"{}", b"\xff\xfe{"],
)
def test_an_error_body_that_is_no_error_object_is_none(body: bytes) -> None:
    """TK-7: non-JSON error bodies survive."""
    assert read_error(_answer(500, body, "text/html")) is None


def test_a_success_is_no_error_whatever_it_says() -> None:
    """An error member in a 200 is judged where the answer is read."""
    assert read_error(_answer(200, {"error": "invalid_grant"})) is None


@given(st.binary())
def test_reading_an_error_never_raises(body: bytes) -> None:
    """TK-7: whatever the bytes are."""
    read_error(_answer(400, body))


def test_members_of_the_wrong_type_are_left_out() -> None:
    """GEN-5: odd members do not matter."""
    error = read_error(_answer(400, {"error": "e", "error_description": ["x"], "error_uri": None}))
    assert error == OAuthError("e", "", 400)


def test_a_description_of_two_megabytes_is_cut() -> None:
    """H074."""
    long = _answer(400, json.dumps({"error": "e", "error_description": "x" * 60_000}).encode())
    error = present(read_error(long))
    assert len(error.description) == 2_000


def test_an_echoed_secret_is_masked_in_the_description() -> None:
    """H109: servers repeat what they were sent."""
    body = {"error": "invalid_grant", "error_description": "code s3cret is used, s3cret!"}
    error = present(read_error(_answer(400, body), [Secret("s3cret")]))
    assert "s3cret" not in str(error)
    assert Secret("s3cret").masked in error.description


REGISTERED = [
    *(
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
    ),
    *("server_error", "temporarily_unavailable", "invalid_client", "invalid_grant", "unsupported_grant_type"),
    *("invalid_target", "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement"),
    *("unapproved_software_statement", "unsupported_token_type", "invalid_token", "insufficient_scope"),
    *("interaction_required", "login_required", "consent_required", "account_selection_required"),
]


@pytest.mark.parametrize("code", REGISTERED)
def test_every_registered_code_has_a_meaning_and_a_cure(code: str) -> None:
    """AR-4, TK-7, RG-6: each code gets its own message and next action."""
    means, cure, source = meaning(code)
    assert means
    assert cure
    assert source
    assert meaning(code) != meaning("never_heard_of_it")


def test_the_tolerated_status_is_a_notice() -> None:
    """TK-3, RG-3."""
    assert _read(_answer(201, {}))["stage.status"].severity is Severity.NOTICE


@pytest.mark.parametrize(
    ("severity", "overridable", "usable"),
    [
        (Severity.WARNING, False, True),
        (Severity.FAILURE, True, True),
        (Severity.FAILURE, False, False),
    ],
)
def test_a_value_is_usable_unless_a_check_failed_for_good(
    severity: Severity, overridable: bool, usable: bool
) -> None:
    """What a person may override still needs a value to go on with."""
    good = passed("a", "x")
    assert is_usable([good, judged(severity, "b", "x", overridable=overridable)]) is usable


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_worth_another_try(status: int) -> None:
    """H101: the cure says so, for these and no others."""
    assert "again in a minute" in str(_read(_answer(status, b""))["stage.status"].cure)
    assert "again in a minute" not in str(_read(_answer(404, b""))["stage.status"].cure)


@pytest.mark.parametrize("status", [202, 203, 204, 206, 300, 304, 400, 500])
def test_any_other_status_fails(status: int) -> None:
    """H035: not even with a document in it."""
    assert _read(_answer(status, {"a": 1}))["stage.status"].severity is Severity.FAILURE


def test_a_redirect_shows_its_target_without_query_and_user_name() -> None:
    """H102: the target is shown, and what it may repeat of the request is not."""
    assert "redirect" in _read(_answer(300, b""))["stage.status"].seen
    check = _read(_answer(302, b"", location="https://u:p@other.example/x?code=s3cret#f"))["stage.status"]
    assert "https://other.example/x" in check.seen
    assert "s3cret" not in check.seen
    assert "u:p" not in check.seen


@pytest.mark.parametrize(
    ("content_type", "strict", "severity"),
    [
        ("application/json", True, Severity.PASS),
        ("Application/JSON; charset=UTF-8", True, Severity.PASS),
        ('application/json; charset="utf-8"', True, Severity.PASS),
        ("application/json; charset=utf-16", True, Severity.WARNING),
        ("application/json; charset=utf-7", False, Severity.WARNING),
        ("application/octet-stream", True, Severity.WARNING),
        ("application/x-www-form-urlencoded", True, Severity.FAILURE),
        ("text/html", True, Severity.FAILURE),
        ("text/html", False, Severity.WARNING),
        ("", False, Severity.WARNING),
    ],
)
def test_the_media_type_has_to_be_json_in_utf_8(content_type: str, strict: bool, severity: Severity) -> None:
    """PR-3, AS-12, H154: only a page or a form fails, for metadata; what is read is UTF-8 anyway."""
    assert _read(_answer(200, {}, content_type), strict=strict)["stage.media_type"].severity is severity


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the document is empty at byte 0"),
        (b'{"a": \xff}', "not UTF-8 at byte 6"),
        (b"[]", "not an object"),
        (b'{"a": 1, "a": 2}', 'duplicate key "a"'),
        (b'{"a": NaN}', "NaN"),
    ],
)
def test_a_document_that_is_no_strict_json_object_fails_with_the_reason(body: bytes, reason: str) -> None:
    """H023, H050, H051, PR-3."""
    check = _read(_answer(200, body))["stage.document"]
    assert check.severity is Severity.FAILURE
    assert reason in check.seen


def test_a_byte_order_mark_is_tolerated_with_a_notice() -> None:
    """H023."""
    checks = _read(_answer(200, b"\xef\xbb\xbf{}"))
    assert checks["stage.document"].severity is Severity.PASS
    assert checks["stage.byte_order_mark"].severity is Severity.NOTICE


def test_a_body_that_was_cut_is_not_read() -> None:
    """GEN-9: half a document is none."""
    response = Response(
        200, headers=Headers.of([("content-type", "application/json")]), body=Body(b"{}", truncated=True)
    )
    assert _read(response)["stage.document"].severity is Severity.FAILURE
    assert read_error(Response(400, body=Body(b'{"error": "x"}', truncated=True))) is None
