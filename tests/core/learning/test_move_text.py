"""Moves as lines that are typed: the same moves as those of a file, and nothing that is pasted is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.learning.answers_file import read_answers
from authlens_core.learning.catalogue import read_catalogue
from authlens_core.learning.moves import (
    AnyMove,
    CallMove,
    DefendMove,
    DeliverMove,
    LoginMove,
    PointMove,
    RedeemMove,
    move_in,
)
from authlens_core.values.errors import LessonRefused

SOLVED = [
    pytest.param(move, id=f"{folder.name}-{number}-{move.verb}")
    for folder, _ in read_catalogue().entries
    for number, move in enumerate(
        read_answers(folder.texts["solution.json"].encode(), name="solution.json").read(), 1
    )
]


@pytest.mark.parametrize("move", SOLVED)
def test_a_move_of_a_solution_reads_back_from_its_line(move: AnyMove) -> None:
    assert move_in(move.text) == move


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1))
def test_any_text_reads_back_from_its_line(part: str, switches: list[str]) -> None:
    for move in (PointMove(1, part), DefendMove(tuple(switches))):
        assert move_in(move.text) == move


@pytest.mark.parametrize(
    ("line", "move"),
    [
        ("redeem code=$code verifier=none", RedeemMove()),
        ("  Redeem $code none", RedeemMove()),
        ("call $code at=second", CallMove("$code", "second")),
        ("deliver $callback to=ada", DeliverMove("ada")),
        ("deliver", DeliverMove("ada")),
        ('login scope="read write"', LoginMove(scope="read write")),
        ("login device=true", LoginMove(device=True)),
        ("point 8 form.code", PointMove(8, "form.code")),
    ],
)
def test_a_line_may_name_its_arguments_or_give_them_in_order(line: str, move: AnyMove) -> None:
    assert move_in(line) == move


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("dance", "There is no move “dance”."),
        ("predict", "predict: “option” is missing."),
        ("predict d", "predict: “option” cannot be that."),
        ("predict a b", "predict: there is one word too many."),
        ("point eyJ-canary form.code", "point: “arrow” cannot be that."),
        ("call eyJ-canary", "call: “at” cannot be that."),
        ("call token=eyJ-canary", "call: “token”: a credential is named, and is one of $c"),
        ("redeem verifier=none verifier=none", "redeem: “verifier” is given twice."),
        ("redeem verifer=none", "redeem: “verifer” means nothing here."),
        ("answer q1 'a", "A quotation mark is missing."),
    ],
)
def test_a_mistyped_line_is_refused_without_what_was_typed(line: str, cause: str) -> None:
    with pytest.raises(LessonRefused) as refused:
        move_in(line)
    assert cause in refused.value.cause
    assert "canary" not in json.dumps([refused.value.cause, str(refused.value.cure)])
