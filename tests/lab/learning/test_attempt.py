"""An attempt is judged by what its moves left; moves as lines that are typed are those of a file."""

import asyncio
import errno
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.errors import LessonRefused, NetworkFailure, TimedOut
from authlens_lab.emulator import Emulator
from authlens_lab.learning import attempt
from authlens_lab.learning.attempt import LessonAttempt, attempt_of
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.lines import LessonLines
from authlens_lab.learning.moves import LessonPhase, Move, MoveRefused, move_in, moves_of
from authlens_lab.learning.progress import moves_from

COURSE = lessons()
SOLUTIONS = [
    (name, seed, lesson.for_seed(seed).solution)
    for name, lesson in COURSE.items()
    for seed in (range(len(lesson.draws)) or (1,))
]


def outcome(name: str, *moves: str, broken: tuple[str, ...] = ()) -> LessonAttempt:
    """Return what becomes of moves, each as it is typed."""
    return asyncio.run(attempt_of(COURSE[name], moves_of(moves), broken=broken))


def solution(name: str) -> list[str]:
    return COURSE[name].solution.split("\n")


def before_the_attack(name: str) -> list[str]:
    moves = solution(name)
    return moves[: 1 + next(index for index, move in enumerate(moves) if move.startswith("point"))]


def phase(made: LessonAttempt, wanted: LessonPhase) -> bool:
    return made.verdict(wanted).passed


@pytest.mark.parametrize(("name", "seed", "text"), SOLUTIONS)
async def test_what_a_solution_points_at_is_among_the_parts_that_are_shown(
    name: str, seed: int, text: str
) -> None:
    async with LessonAttempt(COURSE[name], seed=seed) as attempt:
        moves = moves_of(text.split("\n"))
        point = next(move for move in moves if move.verb == "point")
        for move in moves[: moves.index(point)]:
            await attempt.make(move)
        shown = LessonLines(attempt).parts(attempt.phase, int(point["arrow"]))
        assert point["part"] in [part.name for part in shown]


def test_a_repair_that_stops_the_honest_login_too_does_not_pass() -> None:
    made = outcome("stolen-code", *solution("stolen-code"), broken=("iss-missing",))
    assert not phase(made, LessonPhase.REPAIR)
    assert all(claim.holds for verdict in made.verdicts for claim in verdict.claims)
    assert LessonLines(made).as_json()["phases"][4]["honest_login"] is False


def test_a_stolen_code_is_not_seen_in_what_is_printed() -> None:
    made = outcome("stolen-code", *solution("stolen-code")[:4])
    codes = [
        row.values["code"]
        for verdict in made.verdicts
        for claim in verdict.claims
        for row in claim.rows
        if "code" in row.values
    ]
    assert codes
    assert not any(str(code) in json.dumps(LessonLines(made).as_json()) + repr(made) for code in codes)


@pytest.mark.parametrize(
    ("moves", "number", "reason"),
    [
        (["login"], 1, "a prediction comes first"),
        (["predict a"] * 2, 2, "the prediction was made already"),
        (["predict d"], 1, "“option” cannot be that"),
        (
            ["predict a", "answer q1 a"],
            2,
            "after the run",
        ),
        (["point 1 form.code"], 1, "after the run"),
        (["jump"], 1, "There is no move “jump”"),
        (["login as=ada"], 1, "“as” means nothing here"),
        (["predict a", "call"], 2, "you do not hold $token"),
        (["redeem code=abc"], 1, "a credential is named"),
        (["redeem code=$purse"], 1, "a credential is named"),
        (["predict a", "deliver to=ada"], 2, "no move of this phase"),
        (
            ["predict a", "defend victim.pkce"],
            2,
            "the run comes first",
        ),
        (["predict a"] * 65, 65, "at most 64 moves"),
    ],
)
def test_a_move_that_cannot_be_made_is_refused_with_its_number(
    moves: list[str], number: int, reason: str
) -> None:
    with pytest.raises(MoveRefused, match=reason.replace("$", r"\$")) as refused:
        outcome("stolen-code", *moves)
    assert (refused.value.number, refused.value.exit_code) == (number, 13)


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        (["redeem"] * 7, "the attack takes at most 6 moves"),
        (["defend victim.pkce victim.state"], "at most 1 of the switches"),
        (["defend victim.guard"], "no such switch"),
        (["defend"], "turn a switch on"),
        (["defend victim.pkce"] * 2, "turned already"),
        (["defend victim.pkce", "redeem"], "the attack is over"),
        (["answer q1 a"] * 2, "answered already"),
        (["answer q9 a"], "no such question"),
    ],
)
def test_what_is_not_of_this_phase_is_refused(moves: list[str], reason: str) -> None:
    with pytest.raises(MoveRefused, match=reason):
        outcome("stolen-code", *before_the_attack("stolen-code"), *moves)


FAULT: list[str] = [
    "predict a",
    "login",
    "point 1 status",
]


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        (
            [*FAULT[:2], "name zone_security"],
            "named after you point at what shows it",
        ),
        ([*FAULT, "name port_taken"], "“port_taken” is not one of its causes"),
        ([*FAULT, *["name zone_security"] * 2], "the fault was named already"),
    ],
)
def test_a_fault_is_named_once_from_what_was_pointed_at(moves: list[str], reason: str) -> None:
    with pytest.raises(MoveRefused, match=reason):
        outcome("find-the-fault", *moves)


def test_only_a_lesson_that_draws_a_fault_has_one_to_name() -> None:
    with pytest.raises(MoveRefused, match="there is no fault to name in this lesson"):
        outcome("stolen-code", *before_the_attack("stolen-code"), "name origin_down")


def test_what_is_shown_of_a_drawn_fault_has_no_diagnosis() -> None:
    made = outcome("find-the-fault", *FAULT)
    assert [record.diagnosis for record in made.trace().records] == [None]
    assert "managed_oauth_off" not in json.dumps(LessonLines(made).as_json())
    assert not phase(made, LessonPhase.OBSERVE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "m.jsonl:1:1: there are no moves in the lesson “a”."),
        (b'\n{"format": 1,\n "lesson": x}', "m.jsonl:2:1: the end is missing."),
        (b'{"format": 1, "lesson": x}', "m.jsonl:1:25: no JSON: invalid character."),
        (b"[]", "m.jsonl:1:1: Expected `object`, got `array`."),
        (b'{"lesson": "a"}', "m.jsonl:1:1: “format” is missing."),
        (b'{"format": 1, "lesson": "a", "movs": []}', "m.jsonl:1:30: “movs” means nothing here."),
        (b'{"format": 2, "lesson": "a"}', "m.jsonl:1:2: format 2; this version of authlens reads 1."),
        (b'{"format": "1", "lesson": "a"}', "m.jsonl:1:2: “format”: Expected `int`, got `str`."),
        (b'{"format": 1, "format": 1, "lesson": "a"}', 'm.jsonl:1:1: duplicate key "format".'),
        (b'{"format": 1, "lesson": "b"}', "m.jsonl:1:1: there are no moves in the lesson “a”; it has: b."),
        (b'{"format": 1, "lesson": "a", "moves": ["login", "jump"]}', "m.jsonl:1:1: Move 2: There is no"),
        (b'{"format": 1, "lesson": "\xff"}', "m.jsonl:1:26: not UTF-8"),
        (b"[" * 10_000, "m.jsonl:1:1: "),
    ],
)
def test_a_file_that_is_no_moves_is_refused_at_its_place(text: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    file.write_bytes(text)
    with pytest.raises(LessonRefused) as refused:
        moves_from(file, "a")
    assert str(refused.value).startswith(said)


def test_moves_that_take_too_long_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "LONGEST", 0.0)
    with pytest.raises(TimedOut):
        outcome("stolen-code", *solution("stolen-code"))


def test_a_move_that_takes_a_party_that_is_not_there_is_refused() -> None:
    with pytest.raises(MoveRefused, match=r"^Move 4: no website is in this world\."):
        outcome("another-device", *before_the_attack("another-device"), "lure to=ada")


def test_a_document_that_leads_away_from_loopback_is_not_followed() -> None:
    name = "what-metadata-fetches"
    lie = "publish field=resource_metadata.authorization_servers value=other-site"
    assert not phase(outcome(name, *before_the_attack(name), lie), LessonPhase.BREAK)


def test_servers_that_cannot_start_are_a_reason_and_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_port(_: Emulator) -> Emulator:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Emulator, "__aenter__", no_port)
    with pytest.raises(NetworkFailure, match="cannot run: Too many open files"):
        outcome("stolen-code", *before_the_attack("stolen-code"))


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
