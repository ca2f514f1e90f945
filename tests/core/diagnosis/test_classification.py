"""Classification of an answer (CF-1 to CF-5, CF-22, CH-7 to CH-10, H001 to H019)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.diagnosis.classification import Classification, classify
from authlens_core.diagnosis.protection import Protection
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body

HOST = "https://wiki.example.com"
TEAM = "https://team.cloudflareaccess.com"
ACCESS_METADATA = f"{HOST}/.well-known/cloudflare-access-protected-resource/mcp"

BEARER = (
    'Bearer realm="OAuth", error="invalid_token", error_description="Missing or invalid access token", '
    f'resource_metadata="{ACCESS_METADATA}"'
)

LOGIN = f"{TEAM}/cdn-cgi/access/login/wiki.example.com?kid=aud&meta=canary-jwt&redirect_url=%2F"
ACCESS_CHALLENGE = f'Cloudflare-Access resource_metadata="{ACCESS_METADATA}"'
EDGE = (("server", "cloudflare"), ("cf-ray", "8c1f2e3d4a5b6c7d-FRA"))
FORBIDDEN_PAGE = b'<html>{"message":"Forbidden.","status_code":403,"aud":"a","ray_id":"8c1f"}</html>'


def _exchange(
    status: int, *headers: tuple[str, str], body: bytes = b"", url: str = f"{HOST}/mcp"
) -> Exchange:
    response = Response(status, "", Headers.of(headers), Body(body))
    return Exchange(Request("GET", url), response, None, datetime(2026, 1, 1, tzinfo=UTC), 0.1)


def _answer(
    status: int, *headers: tuple[str, str], body: bytes = b"", url: str = f"{HOST}/mcp"
) -> Classification:
    return classify(_exchange(status, *headers, body=body, url=url))


@pytest.mark.parametrize("status", [401, 403, 302, 200, 400, 404, 503])
@pytest.mark.parametrize("value", [BEARER, BEARER.replace("Bearer", "bearer"), "Bearer"])
def test_a_bearer_challenge_is_oauth_on_any_status_and_in_any_case(status: int, value: str) -> None:
    """CF-1, CH-1, CH-9."""
    assert _answer(status, ("WWW-Authenticate", value)).protection is Protection.OAUTH


def test_invalid_token_without_a_token_is_no_fault_of_yours() -> None:
    """CH-13."""
    answer = _answer(401, ("www-authenticate", BEARER))
    assert "invalid" not in answer.summary
    assert "OAuth can start" in answer.summary


@pytest.mark.parametrize("scheme", ["DPoP", "Cloudflare-Access", "X-New"])
def test_metadata_under_another_scheme_is_oauth(scheme: str) -> None:
    """CH-8, CF-3."""
    answer = _answer(401, ("WWW-Authenticate", f'{scheme} resource_metadata="{HOST}/x"'))
    assert answer.protection is Protection.OAUTH


@pytest.mark.parametrize(
    "challenge", [(), (("www-authenticate", ACCESS_CHALLENGE),)], ids=["without", "with"]
)
def test_the_login_redirect_of_access_means_managed_oauth_is_off(
    challenge: tuple[tuple[str, str], ...],
) -> None:
    """CF-2: with the challenge beside it or without."""
    answer = _answer(302, ("location", LOGIN), *challenge, *EDGE)
    assert answer.protection is Protection.ACCESS_LOGIN
    assert answer.layer == "Cloudflare Access"
    assert "Zero Trust → Access controls → Applications → (app) → Advanced settings → Managed OAuth" in str(
        answer.cure
    )
    assert "authlens login URL --cloudflared" in str(answer.cure)


def test_the_login_redirect_of_the_emulator_is_known_by_its_challenge() -> None:
    """CF-2: its team lives on loopback."""
    location = ("location", "http://localhost:9001/cdn-cgi/access/login/127.0.0.1?kid=x")
    assert (
        _answer(302, location, ("www-authenticate", ACCESS_CHALLENGE)).protection is Protection.ACCESS_LOGIN
    )
    assert _answer(302, location).protection is Protection.REDIRECT_ELSEWHERE


def test_a_bearer_challenge_counts_before_the_login_redirect_beside_it() -> None:
    """Where OAuth is offered, it is taken."""
    answer = _answer(
        302, ("location", LOGIN), ("www-authenticate", ACCESS_CHALLENGE), ("www-authenticate", BEARER)
    )
    assert answer.protection is Protection.OAUTH


def test_neither_the_query_of_the_login_nor_a_cookie_is_evidence() -> None:
    """CF-2: the `meta` token is shown only on demand."""
    answer = _answer(302, ("location", LOGIN), ("set-cookie", "CF_AppSession=canary-cookie"))
    assert "canary" not in repr(answer)
    assert f"location: {TEAM}/cdn-cgi/access/login/wiki.example.com" in answer.evidence


@pytest.mark.parametrize(
    "location",
    [
        "https://evilcloudflareaccess.com/cdn-cgi/access/login/h",
        "https://team.cloudflareaccess.com@evil.example/cdn-cgi/access/login/h",
        "https://evil.example\\.cloudflareaccess.com/cdn-cgi/access/login/h",
        "https://evil.example/?/team.cloudflareaccess.com/cdn-cgi/access/login",
        "https://team.cloudflareaccess.com/cdn-cgi/access/loginx",
        "https://team.cloudflareaccess.com/",
        "https://elsewhere.example/",
        "/login",
        "//evil.example/",
        "http://wiki.example.com/mcp",
        "javascript:alert(1)",
        "\x1b]0;x\x07",
        "",
    ],
)
def test_every_other_redirect_is_shown_and_not_followed(location: str) -> None:
    """H005, H006, CF-23."""
    answer = _answer(302, ("location", location))
    assert answer.protection is Protection.REDIRECT_ELSEWHERE
    assert all(line.isprintable() for line in (*answer.evidence, answer.summary))


def test_a_redirect_without_encryption_is_called_one() -> None:
    """H006."""
    answer = _answer(308, ("location", "http://wiki.example.com/mcp"))
    assert "http://wiki.example.com without encryption" in answer.summary
    assert "https://wiki.example.com." in _answer(301, ("location", "/mcp/")).summary


@pytest.mark.parametrize("status", [300, 304, 418, 400])
def test_an_answer_that_says_nothing_is_unexpected(status: int) -> None:
    """H035: 304 without a target is no redirect."""
    assert _answer(status).protection is Protection.UNEXPECTED


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", ["cf-access-aud", "CF-Access-Domain", "Cf-Access-Error"])
def test_access_without_a_way_to_log_in_takes_service_tokens_only(status: int, name: str) -> None:
    """CF-4, H007: 401 where `service_auth_401_redirect` is on."""
    answer = _answer(status, (name, "x"), *EDGE, body=FORBIDDEN_PAGE)
    assert answer.protection is Protection.SERVICE_AUTH_ONLY
    assert answer.layer == "Cloudflare Access"
    assert f"{name.lower()}: x" in answer.evidence


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"error code: 1010\n", "1010"),
        (
            b'{"title": "Error 1010", "error_code": 1010, "error_name": "browser_signature_banned"}',
            "1010",
        ),
        (b'<span class="cf-error-type">Error</span> <span class="cf-error-code">1020</span>', "1020"),
        (b"error code: 1020", "1020"),
        (b"error code: 1009", "1009"),
    ],
)
def test_a_block_of_the_zone_is_not_a_matter_of_login(body: bytes, number: str) -> None:
    """CF-22, CF-25."""
    answer = _answer(403, *EDGE, body=body)
    assert answer.protection is Protection.BLOCKED
    assert answer.layer == "Cloudflare WAF"
    assert number in answer.summary
    assert any("cf-ray" in line for line in answer.evidence)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_challenge_page_is_a_block(status: int) -> None:
    """`cf-mitigated: challenge`."""
    answer = _answer(status, ("cf-mitigated", "challenge"), *EDGE)
    assert answer.protection is Protection.BLOCKED
    assert "cf-mitigated: challenge" in answer.evidence


def test_an_error_number_counts_only_from_the_edge() -> None:
    """CF-22: an origin may write what it likes."""
    assert _answer(403, body=b"error code: 1010").protection is Protection.FORBIDDEN
    assert _answer(200, *EDGE, body=b"error code: 1010").protection is Protection.PUBLIC


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 526, 527, 530])
def test_an_origin_that_is_down_is_not_a_matter_of_login(status: int) -> None:
    """CF-22."""
    assert _answer(status, *EDGE, body=b"error code: 1033").protection is Protection.ORIGIN_DOWN


@pytest.mark.parametrize("value", ['Basic realm="x"', "Negotiate abc==", 'Digest realm="x", nonce="y"'])
def test_another_scheme_is_named(value: str) -> None:
    """H003: no OAuth is tried."""
    answer = _answer(401, ("WWW-Authenticate", value))
    assert answer.protection is Protection.BASIC
    assert value.split(maxsplit=1)[0] in answer.summary


@pytest.mark.parametrize("value", [None, "", 'Bearer realm="x', "realm=x"])
def test_a_401_without_a_readable_challenge_is_bare(value: str | None) -> None:
    """CH-7, CH-10, H002: and what was refused is evidence."""
    headers = [("WWW-Authenticate", value)] if value is not None else []
    answer = _answer(401, *headers)
    assert answer.protection is Protection.UNAUTHORIZED_BARE
    assert "WWW-Authenticate" in str(answer.cure)
    if value:
        assert set(answer.challenge_field.problems) <= set(answer.evidence)
        assert answer.challenge_field.problems


@pytest.mark.parametrize(
    ("status", "protection"),
    [
        (200, Protection.PUBLIC),
        (204, Protection.PUBLIC),
        (403, Protection.FORBIDDEN),
        (404, Protection.NOT_FOUND),
        (410, Protection.NOT_FOUND),
        (405, Protection.METHOD_NOT_ALLOWED),
        (406, Protection.METHOD_NOT_ALLOWED),
        (429, Protection.RATE_LIMITED),
        (500, Protection.SERVER_ERROR),
        (502, Protection.SERVER_ERROR),
        (504, Protection.SERVER_ERROR),
    ],
)
def test_the_rest_goes_by_status(status: int, protection: Protection) -> None:
    """H001, H018."""
    answer = _answer(status, *EDGE)
    assert answer.protection is protection
    assert answer.evidence[0] == f"HTTP/1.1 {status}"


_NAMES = st.sampled_from(
    ["www-authenticate", "location", "cf-ray", "server", "cf-mitigated", "cf-access-aud", "x"]
)

_VALUES = st.text(max_size=30) | st.sampled_from(
    [BEARER, LOGIN, ACCESS_CHALLENGE, "cloudflare", "http://[", "/\\"]
)


@given(
    st.integers(100, 999), st.lists(st.tuples(_NAMES, _VALUES), max_size=5), st.binary(max_size=30), st.text()
)
def test_no_answer_raises_and_every_text_is_safe(
    status: int, headers: list[tuple[str, str]], body: bytes, url: str
) -> None:
    answer = _answer(status, *headers, body=body, url=url)
    assert answer.summary
    for text in (*answer.evidence, answer.summary, str(answer.cure), answer.layer, answer.cf_ray or ""):
        assert text.isprintable()


def test_more_challenges_than_are_read_are_not_taken_for_another_kind_of_login() -> None:
    """CH-16: the one that counts may be among those beyond the limit."""
    answer = _answer(401, ("www-authenticate", ", ".join(f'Basic realm="{n}"' for n in range(40))))
    assert answer.protection is Protection.UNAUTHORIZED_BARE
    assert any("too large" in line for line in answer.evidence)
