"""The authorization request, and the answer that anybody could have sent."""

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.oauth.authorization import (
    AuthorizationResponse,
    ExpectedResponse,
    RepeatedParameter,
    Verdict,
    authorization_url,
    read_authorization_response,
    read_pasted,
    url_parameters,
)
from authlens_core.values.check import Check, Severity
from authlens_core.values.formats.error_response import OAuthError, meaning
from authlens_core.values.secret import Secret

REDIRECT = "http://localhost:8400/callback"
ISSUER = "https://as.example"
STATE = "st4te-of-this-attempt"


def _expected(*, iss_required: bool = False) -> ExpectedResponse:
    return ExpectedResponse(Secret(STATE), ISSUER, iss_required, REDIRECT)


def _read(query: str, *, iss_required: bool = False) -> AuthorizationResponse:
    return read_authorization_response(Secret(query), _expected(iss_required=iss_required))


def _paste(text: str) -> AuthorizationResponse:
    return read_pasted(Secret(text), _expected())


def _check(response: AuthorizationResponse, name: str) -> Check:
    return next(c for c in response.checks if c.name == f"authorization.{name}")


def _url(endpoint: str = "https://as.example/authorize", **changes: str | None) -> str:
    return authorization_url(
        endpoint,
        client_id="me",
        redirect_uri=REDIRECT,
        state=Secret(STATE),
        code_challenge="c" * 43,
        resource=changes.get("resource"),
        scope=changes.get("scope"),
    )


def test_the_request_holds_what_the_specifications_ask_for() -> None:
    """AZ-1, AZ-2, AZ-3: response_type code, PKCE with S256, state always; redirect_uri byte for byte."""
    url = _url(resource="https://app.example/mcp", scope="a b")
    assert dict(url_parameters(url)) == {
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": REDIRECT,
        "state": STATE,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "resource": "https://app.example/mcp",
        "scope": "a b",
    }


@pytest.mark.parametrize(
    "resource", ["https://h.example", "https://h.example/", "https://h.example/a%2Fb?x=1&y=2"]
)
def test_the_resource_is_sent_exactly_as_it_is_spelled(resource: str) -> None:
    """AZ-4, design §9: one added slash is invalid_target at several servers."""
    assert dict(url_parameters(_url(resource=resource)))["resource"] == resource


def test_the_endpoint_s_own_query_is_kept_as_it_stands() -> None:
    """AZ-6, AS-8."""
    assert _url("https://as.example/a?tenant=a%2Bb&x=").startswith(
        "https://as.example/a?tenant=a%2Bb&x=&response_type="
    )


@pytest.mark.parametrize(
    "query", ["a=1&client_id=evil", "state=x", "re%73ource=x", "a=1&a=2", "response_type=token"]
)
def test_a_name_that_would_stand_twice_is_refused(query: str) -> None:
    """AZ-6, GEN-6: also when it is spelled with an escape."""
    with pytest.raises(RepeatedParameter):
        _url(f"https://as.example/a?{query}")


def test_extra_parameters_are_appended_and_may_not_repeat_ours() -> None:
    """AZ-6: such as prompt=consent."""

    def url(extra: tuple[str, str]) -> str:
        return authorization_url(
            "https://as.example/a",
            client_id="me",
            redirect_uri=REDIRECT,
            state=Secret(STATE),
            code_challenge="c",
            resource=None,
            scope=None,
            extra=[extra],
        )

    assert url_parameters(url(("prompt", "consent")))[-1] == ("prompt", "consent")
    with pytest.raises(RepeatedParameter, match="client_id"):
        url(("client_id", "evil"))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_every_value_survives_the_url_and_none_breaks_out_of_it(scope: str, resource: str) -> None:
    """AZ-6, GEN-7: eight parameters go in, eight come out."""
    url = _url(scope=scope, resource=resource)
    parameters = url_parameters(url)
    assert len(parameters) == 8
    assert dict(parameters)["scope"] == scope
    assert dict(parameters)["resource"] == resource
    assert urlsplit(url).netloc == "as.example"
    assert url.isascii()


@given(st.text())
def test_a_url_is_taken_apart_without_an_exception(url: str) -> None:
    """It is for showing, whatever it is."""
    url_parameters(url)


def test_a_good_answer_gives_the_code() -> None:
    """LB-9: state, then issuer, then code."""
    response = _read(f"code=abc&state={STATE}&iss={quote(ISSUER, safe='')}", iss_required=True)
    assert (response.verdict, response.code, response.error) == (Verdict.CODE, Secret("abc"), None)
    assert {c.severity for c in response.checks} == {Severity.PASS}


def test_no_representation_shows_the_code_or_the_state() -> None:
    """A code in a log is a login in a log."""
    response = _read(f"code=s3cretcode&state={STATE}")
    assert "s3cretcode" not in repr(response)
    assert STATE not in repr(response)


BODIES = [
    "code=abc",
    "error=access_denied",
    "error=x&code=y",
    "code=a&code=b",
    "",
    "iss=https://evil.example&code=a",
    "x=%ff",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "state",
    ["", "&state=", "&state=wrong", f"&state={STATE}x", f"&state={STATE.upper()}", "&state=a&state=b"],
)
def test_a_wrong_or_missing_state_is_outdated_whatever_else_is_there(body: str, state: str) -> None:
    """LB-8, H075, H077: for codes and errors alike, and nothing of the answer is handed on."""
    response = _read(body + state)
    assert response.verdict is Verdict.OUTDATED
    assert response.code is None
    assert response.error is None
    assert [c.name for c in response.checks] == ["authorization.state"]
    assert "access_denied" not in repr(response.checks)
    # Only without any state may it be the server's: some leave it out.
    named = "error=" in body or "code=" in body
    assert bool(response.unproven) is (named and state in ("", "&state="))


@pytest.mark.parametrize("words", ["call%201-800-EVIL", "access_denied%0a", "x" * 10_000])
def test_an_error_without_a_state_is_named_in_no_words_of_the_sender(words: str) -> None:
    """LB-8: anyone can have sent it."""
    response = _read(f"error={words}&error_description=EVIL")
    assert response.unproven == "an unregistered error"
    assert "EVIL" not in repr(response)


def test_an_answer_behind_the_fragment_is_read_where_it_is_pasted() -> None:
    """A server with response_mode=fragment; the state binds it all the same."""
    response = _paste(f"{REDIRECT}#code=the-code&state={STATE}")
    assert (response.verdict, response.code) == (Verdict.CODE, Secret("the-code"))
    assert "response_mode=fragment" in _check(response, "response_mode").seen
    assert _paste(f"{REDIRECT}#code=the-code&state=wrong").verdict is Verdict.OUTDATED
    assert _paste(f"https://evil.example/#code=the-code&state={STATE}").verdict is Verdict.INVALID


def test_a_code_alone_is_taken_only_if_the_user_decides_so_and_with_a_warning() -> None:
    """LB-14: nothing shows which login it is of."""
    assert _paste("the-code").is_bare_code
    response = read_pasted(Secret("the-code"), replace(_expected(), any_state=True))
    assert (response.verdict, response.code) == (Verdict.CODE, Secret("the-code"))
    assert _check(response, "state").severity is Severity.WARNING
    assert "the-code" not in repr(response)


def test_an_answer_without_state_says_so() -> None:
    """Design §9: some servers leave it out of errors; the wait goes on."""
    check = _check(_read("error=access_denied"), "state")
    assert "none" in check.seen
    assert "still waits" in str(check.cure)


@pytest.mark.parametrize(
    "query",
    [
        f"code=a&code=b&state={STATE}",
        f"code=a&state={STATE}&state={STATE}",
        f"code=a&state={STATE}&state=other",
        f"code=a&state={STATE}&iss={ISSUER}&iss={ISSUER}",
        f"code=a&x=1&x=2&state={STATE}",
        f"code=a&c%6fde=b&state={STATE}",
        f"code=a&error=b&state={STATE}",
        f"state={STATE}",
        f"code=&state={STATE}",
        f"error=&state={STATE}",
    ],
)
def test_a_repeated_parameter_both_or_neither_is_invalid(query: str) -> None:
    """LB-10, GEN-6, H079."""
    response = _read(query)
    assert response.verdict is Verdict.MALFORMED
    assert response.code is None
    assert response.error is None
    assert _check(response, "parameters").severity is Severity.FAILURE


@pytest.mark.parametrize(
    "rest", ["code=%ff", "code=a&x=%", "code=a&x=%c0%af", "code=a%00", "code=ü", "code=a&%zz=1"]
)
def test_bad_encoding_is_invalid(rest: str) -> None:
    """H090: nothing is guessed."""
    response = _read(f"state={STATE}&{rest}")
    assert response.verdict is Verdict.MALFORMED
    assert _check(response, "encoding").severity is Severity.FAILURE


@pytest.mark.parametrize("code", ["x" * 8193, "a%0Ab", "%C3%A9", "a%7Fb", "a%1B%5B2J"])
def test_a_code_that_is_too_long_or_not_printable_is_invalid(code: str) -> None:
    """H091: characters outside VSCHAR never reach a request."""
    response = _read(f"code={code}&state={STATE}")
    assert (response.verdict, response.code) == (Verdict.MALFORMED, None)
    assert _check(response, "code").severity is Severity.FAILURE


def test_an_answer_of_one_megabyte_is_invalid() -> None:
    """H087: it is not even taken apart."""
    assert _read(f"state={STATE}&code={'x' * 1_000_000}").verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("required", "iss", "verdict"),
    [
        (True, ISSUER, Verdict.CODE),
        (True, None, Verdict.WRONG_ISSUER),
        (False, ISSUER, Verdict.CODE),
        (False, None, Verdict.CODE),
        (True, "https://evil.example", Verdict.WRONG_ISSUER),
        (False, "https://evil.example", Verdict.WRONG_ISSUER),
    ],
)
def test_the_table_of_the_issuer(required: bool, iss: str | None, verdict: Verdict) -> None:
    """AR-1, LB-9, AR-7: promised and present, promised and absent, and so on."""
    query = f"code=a&state={STATE}" + (f"&iss={quote(iss, safe='')}" if iss else "")
    response = _read(query, iss_required=required)
    assert response.verdict is verdict
    assert (response.code is not None) == (verdict is Verdict.CODE)


@pytest.mark.parametrize(
    "iss",
    [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "https://as.exampl%2565",
        "as.example",
        "HTTPS://as.example",
    ],
)
def test_the_issuer_is_not_normalised_before_it_is_compared(iss: str) -> None:
    """AR-2, GEN-4, H079."""
    assert _read(f"code=a&state={STATE}&iss={iss}").verdict is Verdict.WRONG_ISSUER


def test_nothing_of_a_wrong_issuer_s_answer_is_handed_on() -> None:
    """AR-3, H078: neither the code nor the error's words."""
    for body in ("code=s3cret", "error=evil_words&error_description=evil_words&error_uri=evil_words"):
        response = _read(f"{body}&state={STATE}&iss=https://evil.example")
        assert response.verdict is Verdict.WRONG_ISSUER
        assert response.code is None
        assert response.error is None
        assert "evil_words" not in repr(response)


@pytest.mark.parametrize(
    "code",
    [
        *("invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type"),
        *("invalid_scope", "server_error", "temporarily_unavailable", "invalid_target", "made_up"),
    ],
)
def test_an_error_has_its_meaning_and_next_action(code: str) -> None:
    """AR-4."""
    response = _read(f"error={code}&error_description=too+bad&error_uri=https%3A%2F%2Fe%2F&state={STATE}")
    assert response.verdict is Verdict.ERROR
    assert response.error == OAuthError(code, "too bad")
    check = _check(response, "error")
    assert (check.why, check.cure) == meaning(code)[:2]


def test_access_denied_is_not_a_fault_of_the_tool() -> None:
    """AR-4: you or the policy said no."""
    assert "you said no, or a policy" in meaning("access_denied").means


def test_unknown_parameters_are_ignored() -> None:
    """AR-5, GEN-5."""
    assert _read(f"code=a&state={STATE}&session_state=1&scope=x&hd=").verdict is Verdict.CODE


@given(st.text())
def test_no_text_without_the_state_is_ever_an_answer(query: str) -> None:
    """LB-8: whatever is sent to the callback."""
    assert _read(query).verdict in (Verdict.OUTDATED, Verdict.INVALID, Verdict.MALFORMED)


@pytest.mark.parametrize(
    "text",
    [
        f"{REDIRECT}?code=a&state={STATE}",
        f"  {REDIRECT}?code=a&state={STATE}\r\n",
        f"http://localhost:8400/call\n  back?code=a&st\nate={STATE}",
        f"<{REDIRECT}?code=a&state={STATE}>",
        f'"{REDIRECT}?code=a&state={STATE}"',
        f"{REDIRECT}?code=a&state={STATE}#",
        f"localhost:8400/callback?code=a&state={STATE}",
        f"?code=a&state={STATE}",
        f"code=a&state={STATE}",
        f"state={STATE}&code=a",
        f"about:neterror?e=x&u=http%3A//localhost%3A8400/callback%3Fcode%3Da%26state%3D{STATE}&c=UTF-8",
        f"view-source:{REDIRECT}?code=a&state={STATE}",
    ],
)
def test_a_pasted_address_is_taken_apart_like_a_callback(text: str) -> None:
    """LB-14, H099: line ends and blanks that a terminal put in are removed."""
    response = _paste(text)
    assert (response.verdict, response.code) == (Verdict.CODE, Secret("a"))


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("code=a", Verdict.OUTDATED),
        ("code=a&state=other", Verdict.OUTDATED),
        (f"code=a&code=b&state={STATE}", Verdict.MALFORMED),
        (f"code=a&state={STATE}&iss=https://evil.example", Verdict.WRONG_ISSUER),
        (f"code=a&state={STATE}&iss=https://as.example?x=1", Verdict.WRONG_ISSUER),
        (f"error=access_denied&state={STATE}", Verdict.ERROR),
    ],
)
def test_a_pasted_address_passes_every_check_of_a_callback(query: str, verdict: Verdict) -> None:
    """LB-14, H099: no state, the state of another attempt, repeated parameters, another issuer."""
    for text in (f"{REDIRECT}?{query}", f"?{query}", query):
        assert _paste(text).verdict is verdict


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"https://evil.example/callback?code=a&state={STATE}", "another host"),
        (f"http://localhost:8401/callback?code=a&state={STATE}", "another host or port"),
        (f"http://127.0.0.1:8400/callback?code=a&state={STATE}", "another host"),
        (f"http://localhost:8400@evil.example/callback?code=a&state={STATE}", "another host"),
        (f"https://localhost:8400/callback?code=a&state={STATE}", "another scheme"),
        (f"http://localhost:8400/other?code=a&state={STATE}", "another path"),
        (f"http://localhost:8400/callback/?code=a&state={STATE}", "another path"),
        (f"https://as.example/authorize?response_type=code&state={STATE}", "link to open"),
        ("http://localhost:8400/callback", "without an answer"),
        (f"{REDIRECT}#access_token=x", "token"),
        ("chrome-error://chromewebdata/", "own error page"),
        (f"about:neterror?u=https%3A//evil.example/callback%3Fcode%3Da%26state%3D{STATE}", "another host"),
        (f"about:neterror?u=%zz&code=a&state={STATE}", "own error page"),
        ("a1b2c3", "only a code or token"),
        ("oauth:a1b2c3", "only a code or token"),
        ("eyJhbGciOi.J9.x==", "only a code or token"),
        ("", "nothing"),
        (" \n ", "nothing"),
        ("\x1b]52;c;x\x07", "cannot contain"),
        ("é", "cannot contain"),
        ("x" * 1_000_000, "64 KiB"),
    ],
)
def test_a_paste_that_is_no_answer_is_told_kindly_and_not_repeated(text: str, words: str) -> None:
    """LB-14, H099: a bare code is not accepted, and a token is not echoed."""
    response = _paste(text)
    assert (response.verdict, response.code) == (Verdict.INVALID, None)
    check = _check(response, "pasted")
    assert check.severity is Severity.FAILURE
    assert words in check.seen
    assert "address bar" in str(check.cure)
    assert len(text.strip()) < 3 or text not in repr(response)


@given(st.text())
def test_any_paste_is_judged_without_an_exception(text: str) -> None:
    """H099."""
    assert _paste(text).code is None


@pytest.mark.parametrize("iss", ["", "&iss=https%3A%2F%2Fevil.example"])
def test_a_wrong_issuer_is_taken_only_where_the_user_chose_so_and_says_it(iss: str) -> None:
    """The decision is for one login, and stays in its record as a warning."""
    query = Secret(f"code=abc&state={STATE}{iss}")
    chosen = ExpectedResponse(Secret(STATE), ISSUER, True, REDIRECT, any_issuer=True)
    assert read_authorization_response(query, replace(chosen, any_issuer=False)).code is None
    taken = read_authorization_response(query, chosen)
    assert taken.code == Secret("abc")
    assert [c.severity for c in taken.checks if c.name == "authorization.iss"] == [Severity.WARNING]
