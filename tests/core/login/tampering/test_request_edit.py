"""An amendment changes the part it names and nothing else, and refuses what could never be sent."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.login.tampering.request_edit import (
    EditLocation,
    RequestEdit,
    RequestEditRefused,
    amended_answer,
    amended_request,
    amended_url,
)
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Headers, Request
from authlens_core.values.formats.form import encode_form, encode_query
from authlens_core.values.secret import Body, Secret

NAMES = st.text("abcdefgh_ &=%+é", min_size=1, max_size=6)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
PAIRS = st.dictionaries(NAMES, VALUES, max_size=5)
REPLACED = st.none() | VALUES


def expected(pairs: dict[str, str], name: str, value: str | None) -> list[tuple[str, str]]:
    changed: dict[str, str | None] = {**pairs, name: value}
    return [(key, text) for key, text in changed.items() if text is not None]


def request(url: str, body: Body, kind: str) -> Request:
    return Request("POST", url, Headers.of([("Accept", "*/*"), ("Content-Type", kind), ("X-One", "1")]), body)


@given(PAIRS, NAMES, REPLACED)
def test_a_form_field_is_changed_and_no_other(pairs: dict[str, str], name: str, value: str | None) -> None:
    before = request("https://as.example/t?a=1", encode_form(pairs.items()), FORM_TYPE)
    after = amended_request(before, [RequestEdit(EditLocation.FORM, name, value)])
    assert (after.method, after.url, after.headers) == (before.method, before.url, before.headers)
    assert parse_qsl(after.body.reveal().decode(), keep_blank_values=True) == expected(pairs, name, value)


@given(PAIRS, NAMES, REPLACED)
def test_a_parameter_of_the_link_is_changed_and_no_other(
    pairs: dict[str, str], name: str, value: str | None
) -> None:
    url = f"https://as.example/authorize?{encode_query(pairs.items())}".rstrip("?")
    after = amended_url(url, [RequestEdit(EditLocation.QUERY, name, value)])
    address, _, query = after.partition("?")
    assert address == "https://as.example/authorize"
    assert parse_qsl(query, keep_blank_values=True) == expected(pairs, name, value)


@given(st.dictionaries(NAMES, st.none() | st.integers() | VALUES | st.lists(VALUES)), NAMES, REPLACED)
def test_a_json_member_is_changed_and_no_other(
    document: dict[str, object], name: str, value: str | None
) -> None:
    before = request("https://as.example/r", Body(json.dumps(document).encode()), JSON_TYPE)
    after = json.loads(amended_request(before, [RequestEdit(EditLocation.JSON, name, value)]).body.reveal())
    others = {key: one for key, one in document.items() if key != name}
    assert {key: one for key, one in after.items() if key != name} == others
    assert (name in after) is (value is not None)
    if value is not None and isinstance(document.get(name), str):
        assert after[name] == value


def test_a_json_member_that_is_no_string_is_read_as_json() -> None:
    before = request("https://as.example/r", Body(b'{"redirect_uris": ["http://localhost/"]}'), JSON_TYPE)
    after = amended_request(
        before, [RequestEdit(EditLocation.JSON, "redirect_uris", '["http://evil.example/"]')]
    )
    assert json.loads(after.body.reveal()) == {"redirect_uris": ["http://evil.example/"]}


@pytest.mark.parametrize(
    ("one", "fields"),
    [
        (RequestEdit(EditLocation.HEADER, "accept", "text/html"), (("Accept", "text/html"), ("X-One", "1"))),
        (RequestEdit(EditLocation.HEADER, "Accept", None), (("X-One", "1"),)),
        (RequestEdit(EditLocation.HEADER, "DPoP", "x"), (("Accept", "*/*"), ("X-One", "1"), ("DPoP", "x"))),
    ],
)
def test_a_header_field_is_changed_left_out_or_added(
    one: RequestEdit, fields: tuple[tuple[str, str], ...]
) -> None:
    """Names are compared without regard to case (RFC 9110 §5.1); order stays."""
    before = Request("GET", "https://as.example/", Headers.of([("Accept", "*/*"), ("X-One", "1")]))
    assert amended_request(before, [one]).headers.fields == fields


def test_method_and_address_are_changed_and_the_query_stays() -> None:
    before = Request("GET", "https://as.example/a?b=c")
    after = amended_request(
        before,
        [
            RequestEdit(EditLocation.METHOD, "", "PUT"),
            RequestEdit(EditLocation.URL, "", "https://other.example/x"),
        ],
    )
    assert (after.method, after.url) == ("PUT", "https://other.example/x?b=c")


@pytest.mark.parametrize("where", ["", "?", "http://localhost:8400/callback?"])
def test_a_callback_is_changed_as_query_and_as_pasted_address(where: str) -> None:
    """The listener hands on a query, a person pastes an address."""
    answer = Secret(f"{where}code=c&state=right")
    forged = amended_answer(answer, [RequestEdit(EditLocation.CALLBACK, "state", "wrong")])
    assert forged.reveal() == f"{where}code=c&state=wrong"


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (EditLocation.METHOD, "", "GET /\r\nX: 1"),
        (EditLocation.METHOD, "", ""),
        (EditLocation.URL, "", "https://a.example/ b"),
        (EditLocation.HEADER, "Accept", "a\r\nX-Injected: 1"),
        (EditLocation.HEADER, "A b", "c"),
        (EditLocation.FORM, "code", "\ud800"),
        (EditLocation.FORM, "code", "x" * 20_000),
    ],
)
def test_what_could_never_be_sent_is_refused_with_the_reason(
    place: EditLocation, name: str, value: str
) -> None:
    """No second header field can be smuggled in, and nothing fails later than in the form."""
    with pytest.raises(RequestEditRefused, match=r"\.$"):
        RequestEdit(place, name, value)


def test_the_words_and_the_repr_hold_no_value() -> None:
    one = RequestEdit(EditLocation.FORM, "code_verifier", Secret("canary-verifier"))
    assert one.words == "code_verifier was replaced"
    assert RequestEdit(EditLocation.QUERY, "resource", None).words == "resource was left out"
    assert RequestEdit(EditLocation.CALLBACK, "state", "x").words == "state in the callback was replaced"
    assert "canary" not in repr(one)
