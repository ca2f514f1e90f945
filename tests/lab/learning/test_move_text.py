"""Moves as lines that are typed: the same moves as those of a file, and nothing that is pasted is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.moves import Move, move_in, moves_of

SOLVED = [
    pytest.param(move, id=f"{lesson.name}-{number}-{move.verb}")
    for lesson in lessons().values()
    for number, move in enumerate(moves_of(lesson.for_seed(0).solution.split("\n")), 1)
]


@pytest.mark.parametrize("move", SOLVED)
def test_a_move_of_a_solution_reads_back_from_its_line(move: Move) -> None:
    assert move_in(move.text) == move


@given(st.text(min_size=1))
def test_any_text_reads_back_from_its_line(part: str) -> None:
    switches = " ".join(part.split())
    for move in (Move("point", {"arrow": "1", "part": part}), Move("defend", {"switch": switches})):
        assert move_in(move.text) == move


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("  Redeem $code none", "redeem code=$code verifier=none redirect_uri=registered"),
        ("call $code at=second", "call token=$code at=second"),
        ("deliver", "deliver to=ada callback=$callback"),
        ("deliver $callback to=ada", "deliver to=ada callback=$callback"),
        ('login scope="read write"', 'login scope="read write"'),
        ("login device=true", "login device=true"),
        ("point 8 form.code", "point 8 form.code"),
        ("defend victim.pkce victim.iss", "defend victim.pkce victim.iss"),
    ],
)
def test_a_line_may_name_its_arguments_or_give_them_in_order(line: str, whole: str) -> None:
    assert move_in(line).text == whole


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
