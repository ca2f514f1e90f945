"""Secret and Body (PK-5): whatever is printed, the value is not in it."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.exchange import Headers, Request, Response
from authlens_core.values.secret import Body, Secret

CANARY = "canary-7f3a9b51c2"


@dataclass(frozen=True, slots=True)
class Holder:
    """A value that holds secrets, as most of ours do."""

    token: Secret
    body: Body


WAYS: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda s: f"{s}",
    "f-string with conversion": lambda s: f"{s!s} {s!r} {s!a}",
    "format with width": lambda s: f"{s:>100}",
    "str.format": lambda s: "{} {!r} {:s}".format(s, s, s),  # noqa: UP032 - the way under test
    "percent": lambda s: "%s %r" % (s, s),  # noqa: UP031 - the way under test
    "list": lambda s: str([s]),
    "dict": lambda s: str({"token": s}),
    "dataclass": lambda s: str(Holder(s, Body(s.reveal().encode()))),
    "exception": lambda s: str(ValueError(s)) + repr(ValueError(s)),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_printing_shows_the_value(way: str) -> None:
    """PK-5."""
    text = WAYS[way](Secret(CANARY))
    assert CANARY not in text
    assert "7f3a9b" not in text


@given(st.text(min_size=1))
def test_the_mask_does_not_depend_on_the_value_but_by_its_fingerprint(value: str) -> None:
    """Nothing of the value, not even its length."""
    secret = Secret(value)
    assert repr(secret) == f"<Secret •••• #{secret.fingerprint}>" == str(secret) == f"{secret}"
    assert len(secret.fingerprint) == 8


def test_a_traceback_with_locals_shows_no_value() -> None:
    """Crash reports print local variables."""

    def fail(secret: Secret, body: Body) -> None:
        holder = Holder(secret, body)
        raise RuntimeError(holder)

    with pytest.raises(RuntimeError) as caught:
        fail(Secret(CANARY), Body(CANARY.encode()))
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = "".join(report.format())
    assert "holder = " in frames
    # Only this test's own frame may hold the marker, as the constant it compares with.
    assert CANARY not in frames


def test_a_log_record_shows_no_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("token %s %r", Secret(CANARY), Body(CANARY.encode()))
    assert CANARY not in caplog.text
    assert "••••" in caplog.text


def test_messages_show_neither_header_values_nor_bodies_nor_queries() -> None:
    """Requests and responses carry secrets in all three."""
    headers = Headers.of([("Authorization", f"Bearer {CANARY}"), ("Set-Cookie", CANARY)])
    request = Request("POST", f"https://h/cb?code={CANARY}#{CANARY}", headers, Body(CANARY.encode()))
    response = Response(200, "OK", headers, Body(CANARY.encode()))
    assert CANARY not in f"{request!r} {request} {response!r} {response}"
    assert "Authorization" in repr(request)


@pytest.mark.parametrize("value", [Secret(CANARY), Body(CANARY.encode())], ids=["Secret", "Body"])
@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_it_is_never_pickled_or_copied(value: Secret | Body, way: Callable[[object], object]) -> None:
    """A copy in another process is out of our hands."""
    with pytest.raises(TypeError, match="never pickled") as refused:
        way(value)
    assert CANARY not in str(refused.value)


def test_it_is_no_string_and_has_no_dictionary() -> None:
    """Crash reports print the text of a `str` subclass whatever its repr says, and `vars()` shows all."""
    assert not isinstance(Secret(CANARY), str)
    assert not isinstance(Body(CANARY.encode()), bytes)
    with pytest.raises(TypeError):
        vars(Secret(CANARY))
    with pytest.raises(TypeError):
        iter(Secret(CANARY))  # type: ignore[call-overload]


def test_reveal_is_the_one_way_out() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert Body(b"\x00\xff").reveal() == b"\x00\xff"


@given(st.text(), st.text())
def test_equality_and_hash_are_those_of_the_values(one: str, other: str) -> None:
    """Lone surrogates included, which a server can send."""
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one
    assert bool(Secret(one)) is bool(one)


def test_equal_secrets_are_recognised_by_their_fingerprint() -> None:
    """Two traces can be compared without either value."""
    assert Secret("a").fingerprint == Secret("a").fingerprint != Secret("b").fingerprint
    assert Secret("\ud800").fingerprint


def test_a_body_tells_its_length_and_whether_it_was_cut() -> None:
    """The length is shown, the bytes are not."""
    body = Body(b"abc", truncated=True)
    assert (len(body), bool(body), repr(body), f"{body}") == (3, True, *["<Body 3 bytes, truncated>"] * 2)
    assert body != Body(b"abc")
    assert not Body()
    assert Body(b"abc") == Body(b"abc")
    assert hash(Body(b"abc")) == hash(Body(b"abc"))
