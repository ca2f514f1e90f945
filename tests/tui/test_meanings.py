"""What is explained on the screen: fields, members, tokens and records, with every secret still masked."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.desk.signatures import check_signatures
from authlens_core.explain.meanings import HeaderContext
from authlens_core.explain.message import jwts_of
from authlens_core.export.redaction import NoRedactor, Redactor
from authlens_core.oauth.jwks import Signature, Verification
from authlens_core.trace.record import Fact, FactId, Outcome, Stage, StageRecord
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Exchange, Headers, Request, Response
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.secret import Body, Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator
from authlens_tui.widgets.document.lines import Line, Tone
from authlens_tui.widgets.record.exchange_view import header_lines, request_lines, response_lines
from authlens_tui.widgets.record.jwt_lines import jwt_lines
from authlens_tui.widgets.record.overview_lines import explained_fact_lines, overview_lines
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from support.driven_login import record_login_at
from support.made_checks import failed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object, alg: str = "RS256") -> str:
    return f"{part({'alg': alg, 'kid': 'k1'})}.{part(claims)}.c2lnbmF0dXJl"


def text(lines: Iterable[Line]) -> str:
    return "\n".join(line.text for line in lines)


def of_jwt(claims: object, verification: Verification | None = None, alg: str = "RS256") -> list[Line]:
    jwt = parse_jwt(token(claims, alg))
    assert jwt is not None
    return list(jwt_lines(jwt, NOW, verification, redactor=Redactor()))


def answered(document: object, *fields: tuple[str, str], status: int = 200) -> Exchange:
    headers = Headers((("Content-Type", JSON_TYPE), *fields))
    response = Response(status, headers=headers, body=Body(json.dumps(document).encode()))
    return Exchange(Request("GET", "https://wiki.example/"), response, None, NOW, 0.1)


def test_times_are_dates_and_countdowns() -> None:
    """`expires in 14 min`, from the moment that is asked about."""
    ends, issued = NOW + timedelta(minutes=14), NOW - timedelta(minutes=1)
    shown = text(of_jwt({"exp": ends.timestamp(), "iat": issued.timestamp()}))
    assert "2026-03-01 12:14:00 UTC · expires in 14 min" in shown
    assert "issued 1 min ago" in shown


def test_a_token_that_has_ended_is_a_warning() -> None:
    """Not by colour alone: the word says it."""
    lines = of_jwt({"exp": (NOW - timedelta(hours=1)).timestamp()})
    assert any(
        "expired 1 h ago" in piece and tone is Tone.WARNING for one in lines for piece, tone in one.pieces
    )


def test_an_unverified_token_says_so_plainly() -> None:
    """Reading is no proof."""
    assert "not verified" in text(of_jwt({})[:1])


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (Signature.VALID, "✔ verified"),
        (Signature.INVALID, "✖ not genuine"),
        (Signature.NO_KEY, "not verified"),
    ],
)
def test_a_verdict_is_shown(signature: Signature, words: str) -> None:
    """With the reason and the key."""
    shown = text(of_jwt({}, Verification(signature, "Because.", "k1", ("A note.",))))
    assert words in shown
    assert "Because." in shown
    assert "A note." in shown


def test_alg_none_is_pointed_out() -> None:
    """Anybody can write such a token (RFC 8725 §2.1)."""
    first = of_jwt({}, alg="none")[0]
    assert "anyone can write" in first.text
    assert Tone.BAD in {tone for _, tone in first.pieces}


def test_claims_under_telling_names_stay_masked_and_an_address_is_shown() -> None:
    """The e-mail address is the person's own; a token inside a token is a secret."""
    shown = text(of_jwt({"email": "ada@example.com", "access_token": "opaque-secret-value"}))
    assert "ada@example.com" in shown
    assert "opaque-secret-value" not in shown


SECRET = "s3cr3t-value-0123456789"
SECRET_FIELDS = [
    ("Authorization", f"Bearer {SECRET}"),
    ("Cookie", f"a={SECRET}; CF_Authorization={SECRET}"),
    ("Set-Cookie", f"session={SECRET}; Path=/; Secure"),
    ("Location", f"http://localhost:1/callback?code={SECRET}&state=x"),
    ("cf-access-client-secret", SECRET),
    ("cf-access-token", token({"sub": SECRET}) + "x"),
]


@pytest.mark.parametrize("field", SECRET_FIELDS, ids=lambda field: field[0])
def test_taking_a_field_apart_shows_no_secret(field: tuple[str, str]) -> None:
    """The parts are masked as the whole is, and shown to a person who asked."""
    headers = Headers((field,))
    masked = text(header_lines(headers.fields, Redactor(), HeaderContext(NOW)))
    assert SECRET not in masked
    assert field[1] not in masked
    assert "••••" in masked
    assert field[1] in text(header_lines(headers.fields, NoRedactor(), HeaderContext(NOW)))


@given(st.sampled_from([name for name, _ in SECRET_FIELDS]), st.text(max_size=80))
def test_any_field_gives_lines_that_are_safe(name: str, value: str) -> None:
    """No control character of a server reaches the terminal."""
    for one in header_lines(((name, value),), Redactor(), HeaderContext(NOW)):
        assert one.text.isprintable()


def test_a_response_shows_what_its_members_mean_and_its_token_taken_apart() -> None:
    """Below the body; the raw token stays masked."""
    raw = token({"sub": "ada"})
    exchange = answered({"access_token": raw, "token_type": "bearer", "x": 1}, ("Cache-Control", "max-age=9"))
    shown = text(response_lines(exchange, Redactor()))
    assert "no-store is missing" in shown
    assert "How to send it" in shown
    assert "JWT in access_token" in shown
    assert "ada" in shown
    assert raw not in shown
    unexplained = text(response_lines(exchange, Redactor(), raw=True))
    assert "What the fields mean" not in unexplained
    assert "JWT in" not in unexplained
    assert raw not in unexplained


def test_a_form_says_what_its_fields_mean() -> None:
    """The token request is explained like an answer."""
    form = Body(b"grant_type=authorization_code&code=" + SECRET.encode())
    request = Request("POST", "https://as.example/token", Headers((("Content-Type", FORM_TYPE),)), form)
    shown = text(request_lines(request, Redactor()))
    assert "What is exchanged for tokens." in shown
    assert SECRET not in shown


def test_facts_are_explained_once_and_not_where_a_note_does_it() -> None:
    """Muted, wrapped and hanging below the value."""
    facts = [
        Fact(FactId.RESOURCE, "https://a", "RFC 9728 §2", "a note of its own"),
        Fact(FactId.AUTHORIZATION_SERVERS, "https://b", "RFC 9728 §2"),
        Fact(FactId.AUTHORIZATION_SERVERS, "https://c", "RFC 9728 §2"),
        Fact("jwks_uri", None, "RFC 9728 §2"),
    ]
    lines = list(explained_fact_lines(facts, Stage.RESOURCE_METADATA, Redactor()))
    muted = [one for one in lines if {tone for _, tone in one.pieces} == {Tone.MUTED}]
    assert [one.text.strip() for one in muted] == [
        "The issuers whose tokens the resource accepts.  RFC 9728 §2"
    ]
    assert muted[0].hang == len(muted[0].text) - len(muted[0].text.lstrip())


def test_an_expiry_that_was_not_given_is_explained_as_one_that_was() -> None:
    """A token without an expiry is ordinary, so what the member means is worth a line there, too."""
    shown = text(explained_fact_lines([Fact(FactId.EXPIRES_IN, None)], Stage.EXCHANGE, Redactor()))
    assert "no expiry given" in shown
    assert "Lifetime in seconds, counted from the response." in shown


def test_a_secret_fact_of_that_shape_is_taken_apart() -> None:
    """The overview of an exchange shows what is in the token, not the token."""
    raw = token({"sub": "ada"})
    shown = text(explained_fact_lines([Fact(FactId.ACCESS_TOKEN, Secret(raw))], Stage.EXCHANGE, Redactor()))
    assert "JWT in access_token" in shown
    assert raw not in shown


def test_the_overview_begins_with_words_and_keeps_secrets() -> None:
    """Words, exchanges, grave checks, facts; a URL with a secret in it is masked."""
    asked = Request("GET", f"https://wiki.example/?token={SECRET}")
    exchange = Exchange(asked, Response(401), None, NOW, 0.1)
    check = failed("access.accepted", "accepted", "It refused.", cure="Do this.")
    record = StageRecord(
        Stage.ACCESS, Outcome.FAILED, NOW, 0.1, (exchange,), (check,), (), tampering=("wrong verifier",)
    )
    lines = list(overview_lines(record, Redactor([Secret(SECRET)])))
    assert lines[0].text == "! changed on purpose: wrong verifier"
    assert lines[1].text.startswith("✖ wiki.example answered 401.")
    assert SECRET not in text(lines)
    assert any(one.text.startswith("GET  https://wiki.example/?token=••••") for one in lines)


async def test_checking_the_signatures_of_a_record_shows_the_verdict() -> None:
    """The keys are fetched from the team when a person asks, and the overview then says what came of it."""
    async with Emulator(faults=("oauth-off",)) as emulator:
        record = (await record_login_at(emulator)).trace.records[0]
        wire = Wire()
        try:
            tokens = {one.token: one.jwt for one in jwts_of(record)}
            verdicts, exchanges = await check_signatures(wire, tokens, record, [record])
        finally:
            await wire.aclose()
    assert [one.signature for one in verdicts.values()] == [Signature.VALID]
    assert len(exchanges) == 1
    known = StageSnapshot(record.stage, record=record, exchanges=record.exchanges)
    for seen, words in ((known, "not verified"), (replace(known, verdicts=verdicts), "✔ verified")):
        assert words in text(tab_lines(Tab.RESPONSE, seen, [record], Redactor(), ViewOptions()))
