"""The device authorization grant: what is sent, what is accepted, and when the next request may be sent."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.device_authorization import (
    GRANT_TYPE,
    DeviceAuthorization,
    DevicePolling,
    PollResult,
    device_authorization_request,
    device_token_request,
    page_site_check,
    poll_result,
    read_device_authorization,
)
from authlens_core.values.check import Reading, Severity
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.form import decode_form
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url
from support.made_checks import present

CLIENT = Client("me", "http://localhost:8400/callback")

GOOD = {
    "device_code": "d3v1ce",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://as.example/device",
    "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 5,
}


def answer(status: int = 200, document: object = None, **headers: str) -> Response:
    fields = [("Content-Type", "application/json"), *((n.replace("_", "-"), v) for n, v in headers.items())]
    return Response(status, headers=Headers.of(fields), body=Body(json.dumps(document or {}).encode()))


def read(**changes: object) -> Reading[DeviceAuthorization]:
    document = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return read_device_authorization(answer(200, document), loopback_http=False)


def worst(reading: Reading[DeviceAuthorization], name: str) -> Severity:
    return next(check.severity for check in reading.checks if check.name == f"device.{name}")


def test_the_request_names_client_scope_and_resource() -> None:
    """DG-1."""
    endpoint = parse_url("https://as.example/device_authorization")
    request = device_authorization_request(endpoint, CLIENT, scope="read", resource="https://r.example/")
    assert (request.method, request.url) == ("POST", endpoint.text)
    assert dict(decode_form(request.body.reveal().decode())) == {
        "client_id": "me",
        "scope": "read",
        "resource": "https://r.example/",
    }


def test_the_poll_carries_the_device_code_and_shows_it_nowhere() -> None:
    """DG-2."""
    endpoint = parse_url("https://as.example/token")
    request = device_token_request(endpoint, CLIENT, device_code=Secret("d3v1ce"), resource=None)
    assert dict(decode_form(request.body.reveal().decode())) == {
        "grant_type": GRANT_TYPE,
        "device_code": "d3v1ce",
        "client_id": "me",
    }
    assert "d3v1ce" not in repr(request)


def test_a_complete_response_is_read() -> None:
    """DG-3."""
    reading = read()
    assert reading.value is not None
    assert reading.value.device_code == Secret("d3v1ce")
    assert reading.value.user_code == "WDJB-MJHT"
    assert reading.value.verification_uri.text == "https://as.example/device"
    assert reading.value.verification_uri_complete is not None
    assert (reading.value.expires_in, reading.value.interval) == (600, 5)
    assert {check.severity for check in reading.checks} == {Severity.PASS}
    assert "d3v1ce" not in repr(reading)


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri", "expires_in"])
def test_a_required_member_that_is_missing_ends_the_login(name: str) -> None:
    """DG-3."""
    reading = read(**{name: None})
    assert reading.value is None
    assert worst(reading, name) is Severity.FAILURE


@pytest.mark.parametrize(
    "code", ["enter WDJB-MJHT at honest.example/device", "https://honest.example", "a@b", "- -"]
)
def test_a_user_code_names_no_page(code: str) -> None:
    """H461: the site of the page is checked, and the code is shown beside it."""
    reading = read(user_code=code)
    assert reading.value is None
    assert worst(reading, "user_code") is Severity.FAILURE


@pytest.mark.parametrize("code", ["", "a" * 65, "AB\x1b[2JCD", "AB\u202eCD", "A\nB", 7, ["x"]])
def test_a_user_code_that_cannot_be_shown_ends_the_login(code: object) -> None:
    """DG-4: the user compares it with another screen, so no character may hide or reorder it."""
    assert read(user_code=code).value is None


@pytest.mark.parametrize(
    "uri", ["http://as.example/device", "https://good@evil/", "javascript:alert(1)", "/device", 5]
)
def test_a_verification_page_that_is_no_https_url_ends_the_login(uri: object) -> None:
    """DG-4, GEN-1."""
    assert read(verification_uri=uri, verification_uri_complete=None).value is None


@pytest.mark.parametrize("uri", ["https://evil.example/device?c=1", "http://as.example/device", 5])
def test_a_complete_uri_of_another_origin_is_not_used(uri: object) -> None:
    """DG-5: a QR code hides where it leads."""
    reading = read(verification_uri_complete=uri)
    assert present(reading.value).verification_uri_complete is None
    assert worst(reading, "verification_uri_complete") is Severity.WARNING


@pytest.mark.parametrize(
    ("page", "same"),
    [
        ("https://as.example/device", True),
        ("https://as.example:8443/device", True),
        ("https://login.as.example/device", True),
        ("https://example/device", True),
        ("https://other.example/device", False),
        ("https://as.example.evil/device", False),
        ("https://notas.example/device", False),
        ("http://localhost:8000/device", False),
    ],
)
def test_the_page_is_on_the_site_of_the_server_or_needs_a_yes(page: str, same: bool) -> None:
    """DG-10: an attacker's server that relays an honest one's code can change anything but that page."""
    site = page_site_check(parse_url(page, loopback_http=True), parse_url("https://as.example/token"))
    assert site.severity is (Severity.PASS if same else Severity.FAILURE)
    assert site.overridable is not same
    assert site.name == "device.verification_site"


def test_the_drafts_name_of_the_page_is_accepted_with_a_notice() -> None:
    """DG-3: some servers kept `verification_url`."""
    reading = read(
        verification_uri=None, verification_uri_complete=None, verification_url="https://as.example/device"
    )
    assert reading.value is not None
    assert worst(reading, "verification_uri") is Severity.NOTICE


@pytest.mark.parametrize(
    ("interval", "taken"), [(None, 5), (0, 5), (-3, 5), ("x", 5), (1, 1), ("7", 7), (10**9, 300)]
)
def test_an_interval_is_positive_and_bounded(interval: object, taken: int) -> None:
    """DG-6: five seconds without one."""
    reading = read(interval=interval)
    assert present(reading.value).interval == taken


def test_codes_that_live_for_days_are_polled_for_an_hour() -> None:
    """DG-7: no wait without bounds."""
    reading = read(expires_in=10**6)
    assert present(reading.value).expires_in == 3_600


@pytest.mark.parametrize(
    ("status", "error", "result"),
    [
        (400, "authorization_pending", PollResult.PENDING),
        (400, "slow_down", PollResult.SLOW_DOWN),
        (400, "access_denied", PollResult.DENIED),
        (400, "expired_token", PollResult.EXPIRED),
        (400, "invalid_grant", PollResult.REFUSED),
        (400, "tokens", PollResult.REFUSED),
        (401, "invalid_client", PollResult.REFUSED),
        (404, "", PollResult.REFUSED),
        (302, "", PollResult.REFUSED),
        (200, "", PollResult.TOKENS),
        (429, "", PollResult.UNAVAILABLE),
        (503, "authorization_pending", PollResult.UNAVAILABLE),
    ],
)
def test_each_answer_of_the_token_endpoint_has_one_meaning(
    status: int, error: str, result: PollResult
) -> None:
    """DG-8."""
    assert poll_result(answer(status, {"error": error} if error else None)) is result


def test_a_lost_connection_is_not_the_end() -> None:
    """DG-9."""
    assert poll_result(None) is PollResult.UNAVAILABLE
    assert not PollResult.UNAVAILABLE.is_final


def started(interval: float = 5, expires_in: int = 600) -> DevicePolling:
    return DevicePolling(interval, 100 + interval, 100 + expires_in)


def test_slow_down_adds_five_seconds_for_good() -> None:
    """DG-8."""
    polling = started().after(PollResult.SLOW_DOWN, 105)
    assert polling.wait(105) == 10
    assert polling.after(PollResult.PENDING, 115).wait(115) == 10


def test_a_failed_connection_doubles_the_interval() -> None:
    """DG-9."""
    polling = started().after(PollResult.UNAVAILABLE, 105)
    assert polling.wait(105) == 10
    assert polling.after(PollResult.UNAVAILABLE, 115).wait(115) == 20


def test_retry_after_is_honoured() -> None:
    """DG-9."""
    polling = started().after(PollResult.UNAVAILABLE, 105, answer(429, Retry_After="60"))
    assert polling.wait(105) == 60
    assert polling.interval == 10


@pytest.mark.parametrize(("interval", "expires_in"), [(5, 12), (5, 10), (5, 600), (5, 3), (1, 1), (300, 400)])
def test_the_last_request_comes_shortly_before_the_codes_expire(interval: int, expires_in: int) -> None:
    """§3.2: a code that is entered in the last interval is not lost, and no request comes too soon."""
    polling, now, asked = DevicePolling.start(interval, 0, expires_in), 0.0, [0.0]
    while (wait := polling.wait(now)) is not None:
        now += wait
        asked.append(now)
        polling = polling.after(PollResult.PENDING, now)
    assert asked[-1] == expires_in - 1
    assert [pair for pair in pairwise(asked[1:]) if pair[1] - pair[0] < interval] == []


def test_nothing_is_sent_once_the_codes_expired() -> None:
    """DG-7."""
    assert started(expires_in=60).wait(160) is None
    assert started(expires_in=60).after(PollResult.PENDING, 157).wait(157) is None


@given(
    st.lists(st.sampled_from([PollResult.PENDING, PollResult.SLOW_DOWN, PollResult.UNAVAILABLE]), max_size=80)
)
def test_polling_always_ends_and_never_gets_faster(results: list[PollResult]) -> None:
    """DG-7, DG-8."""
    polling, now, requests = started(), 100.0, 0
    for result in results:
        wait = polling.wait(now)
        if wait is None:
            break
        now, requests = now + wait, requests + 1
        slower = polling.after(result, now)
        assert slower.interval >= polling.interval
        polling = slower
    assert now < polling.expires_at
    assert requests <= 600 / 5
