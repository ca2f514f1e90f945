"""What stands in a message is found wherever it stands: members, parameters, and JWTs."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.explain.message import (
    gives_tokens,
    jwts_in,
    jwts_in_facts,
    jwts_of,
    member_meanings,
)
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord
from authlens_core.values.exchange import FORM_TYPE, Exchange, Headers, Request, Response
from authlens_core.values.secret import Body, Secret

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln"


def answer(document: object, *fields: tuple[str, str]) -> Response:
    """Return a response with a JSON body."""
    return Response(200, headers=Headers(fields), body=Body(json.dumps(document).encode()))


def form(text: str, url: str = "https://as.example/token") -> Request:
    """Return a request with a form body."""
    return Request("POST", url, Headers((("Content-Type", FORM_TYPE),)), Body(text.encode()))


def names(message: Request | Response) -> list[str]:
    """Return the names that are explained."""
    return [name for name, _ in member_meanings(message)]


def test_only_members_that_are_there_are_explained() -> None:
    document = {"token_endpoint": "x", "issuer": "y", "x_unknown": 1}
    assert names(answer(document)) == ["token_endpoint", "issuer"]


def test_a_form_and_the_link_are_explained_alike() -> None:
    assert names(form("grant_type=refresh_token&refresh_token=a&x=1")) == ["grant_type", "refresh_token"]
    link = Request("GET", "https://as.example/authorize?response_type=code&client_id=a&state=s")
    assert names(link) == ["response_type", "client_id", "state"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"a":1,"a":2}', b"{" + b" " * 300_000])
def test_a_body_that_is_no_document_explains_nothing(body: bytes) -> None:
    assert names(Response(200, body=Body(body))) == []


@given(st.binary(max_size=300), st.sampled_from(["application/json", FORM_TYPE, "application/jwt"]))
def test_any_body_never_raises(data: bytes, media_type: str) -> None:
    message = Response(200, headers=Headers((("Content-Type", media_type),)), body=Body(data))
    member_meanings(message)
    jwts_in(message)


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (answer({"access_token": TOKEN}), "access_token"),
        (answer({"tokens": {"id_token": TOKEN}}), "tokens.id_token"),
        (answer({}, ("Location", f"https://t/cdn-cgi/access/login/h?kid=a&meta={TOKEN}")), "Location: meta"),
        (answer({}, ("Set-Cookie", f"CF_Authorization={TOKEN}; Path=/")), "Set-Cookie: CF_Authorization"),
        (answer({}, ("cf-access-token", TOKEN)), "cf-access-token"),
        (Request("GET", "https://r", Headers((("Authorization", f"Bearer {TOKEN}"),))), "Authorization"),
        (
            Request("GET", "https://r", Headers((("Cookie", f"a=1; CF_Authorization={TOKEN}"),))),
            "Cookie: CF_Authorization",
        ),
        (form(f"grant_type=x&client_assertion={TOKEN}"), "client_assertion"),
        (Request("GET", f"https://r/?token={TOKEN}"), "token"),
        (
            Response(
                200,
                headers=Headers((("Content-Type", "application/jwt"),)),
                body=Body(TOKEN.encode() + b"\n"),
            ),
            "body",
        ),
    ],
)
def test_a_jwt_is_found_wherever_it_stands(message: Request | Response, where: str) -> None:
    found = jwts_in(message)
    assert [one.where for one in found] == [where]
    assert found[0].token == Secret(TOKEN)


def test_the_same_token_is_shown_once() -> None:
    """In a member and in a field it is one token."""
    assert len(jwts_in(answer({"a": TOKEN, "b": TOKEN}, ("cf-access-token", TOKEN)))) == 1


def test_a_secret_fact_of_that_shape_is_found() -> None:
    facts = [Fact(FactId.ACCESS_TOKEN, Secret(TOKEN)), Fact(FactId.REFRESH_TOKEN, Secret("oauth:abc"))]
    assert [one.where for one in jwts_in_facts(facts)] == ["access_token"]


def test_a_token_answer_is_told() -> None:
    """It is the one that must not be kept by a cache."""
    assert gives_tokens(answer({"access_token": "x"}))
    assert not gives_tokens(answer({"error": "x"}))


def test_a_record_has_each_of_its_tokens_once() -> None:
    """In a fact and in the answer it came in, it is one token."""
    exchange = Exchange(form(""), answer({"access_token": TOKEN}), None, NOW, 0.1)
    facts = (Fact(FactId.ACCESS_TOKEN, Secret(TOKEN)),)
    record = StageRecord(Stage.EXCHANGE, Outcome.PASSED, NOW, 0.1, (exchange,), (), facts)
    assert [one.where for one in jwts_of(record)] == ["access_token"]
