"""An attempt is judged by what its moves left: the author's passes, and anything less does not."""

from __future__ import annotations

import asyncio
import errno
import json
from typing import Any

import msgspec
import pytest

from authlens_core.emulator import StandardEmulator
from authlens_core.learning import attempt
from authlens_core.learning.answers_file import read_answers
from authlens_core.learning.attempt import LessonAttempt, attempt_of
from authlens_core.learning.catalogue import lessons, read_catalogue
from authlens_core.learning.guide.story import parts
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.moves import MoveRefused, PointMove
from authlens_core.learning.row import Source
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.values.errors import LessonRefused, NetworkFailure, TimedOut

COURSE = lessons()
FOLDERS = [folder for folder, _ in read_catalogue().entries]
SOLUTIONS = {
    json.loads(folder.texts["solution.json"])["lesson"]: folder.texts["solution.json"] for folder in FOLDERS
}
ALL_SOLUTIONS = [
    text for folder in FOLDERS for name, text in folder.texts.items() if name.startswith("solution")
]


def outcome(name: str, *moves: dict[str, Any], broken: tuple[str, ...] = ()) -> AttemptOutcome:
    """Return what becomes of moves, each written as in a file."""
    text = json.dumps({"format": 1, "lesson": name, "moves": moves}).encode()
    given = read_answers(text, name="answers.json", lesson=name)
    return asyncio.run(attempt_of(COURSE[name], given.read(), seed=given.seed, broken=broken))


def solution(name: str) -> list[dict[str, Any]]:
    return list(json.loads(SOLUTIONS[name])["moves"])


def before_the_attack(name: str) -> list[dict[str, Any]]:
    moves = solution(name)
    return moves[: 1 + next(index for index, move in enumerate(moves) if move["do"] == "point")]


def phase(outcome: AttemptOutcome, wanted: LessonPhase) -> bool:
    return next(verdict.passed for verdict in outcome.phases if verdict.phase is wanted)


@pytest.mark.parametrize("name", COURSE)
def test_moves_are_written_as_they_are_read(name: str) -> None:
    answers = read_answers(SOLUTIONS[name].encode(), name="solution.json", lesson=name)
    again = {"format": 1, "lesson": name, "moves": msgspec.to_builtins(answers.read())}
    assert read_answers(json.dumps(again).encode(), name="again.json").read() == answers.read()


@pytest.mark.parametrize("text", ALL_SOLUTIONS, ids=lambda text: text[40:70])
async def test_what_a_solution_points_at_is_among_the_parts_that_are_shown(text: str) -> None:
    given = read_answers(text.encode(), name="solution.json")
    async with LessonAttempt(COURSE[given.lesson], seed=given.seed) as attempt:
        moves = given.read()
        point = next(move for move in moves if isinstance(move, PointMove))
        for move in moves[: moves.index(point)]:
            await attempt.make(move)
        world = attempt.world_of(attempt.phase)
        assert world is not None
        rows = [row for row in world.rows if row.source is Source.EXCHANGE and row.arrow == point.arrow]
        assert point.part in [part.name for part in parts(world, rows[0])]


def test_a_repair_that_stops_the_honest_login_too_does_not_pass() -> None:
    made = outcome("stolen-code", *solution("stolen-code"), broken=("iss-missing",))
    assert not phase(made, LessonPhase.REPAIR)
    assert all(claim.holds for verdict in made.phases for claim in verdict.claims)
    assert made.as_json()["phases"][4]["honest_login"] is False


def test_a_stolen_code_is_not_seen_in_what_is_printed() -> None:
    made = outcome("stolen-code", *solution("stolen-code")[:4])
    codes = [
        row.values["code"]
        for verdict in made.phases
        for claim in verdict.claims
        for row in claim.rows
        if "code" in row.values
    ]
    assert codes
    assert not any(str(code) in json.dumps(made.as_json()) + repr(made) for code in codes)


@pytest.mark.parametrize(
    ("moves", "number", "reason"),
    [
        ([{"do": "login"}], 1, "a prediction comes first"),
        ([{"do": "predict", "option": "a"}] * 2, 2, "the prediction was made already"),
        ([{"do": "predict", "option": "d"}], 1, "“d” is no value of “option”"),
        (
            [{"do": "predict", "option": "a"}, {"do": "answer", "question": "q1", "option": "a"}],
            2,
            "after the run",
        ),
        ([{"do": "point", "arrow": 1, "part": "form.code"}], 1, "after the run"),
        ([{"do": "jump"}], 1, "there is no move “jump”"),
        ([{"do": "login", "as": "ada"}], 1, "“as” means nothing here"),
        ([{"do": "predict", "option": "a"}, {"do": "call"}], 2, "you do not hold $token"),
        ([{"do": "redeem", "code": "abc"}], 1, "a credential is named"),
        ([{"do": "redeem", "code": "$purse"}], 1, "a credential is named"),
        ([{"do": "predict", "option": "a"}, {"do": "deliver", "to": "ada"}], 2, "no move of this phase"),
        (
            [{"do": "predict", "option": "a"}, {"do": "defend", "on": ["victim.pkce"]}],
            2,
            "the run comes first",
        ),
        ([{"do": "predict", "option": "a"}] * 65, 65, "at most 64 moves"),
    ],
)
def test_a_move_that_cannot_be_made_is_refused_with_its_number(
    moves: list[dict[str, Any]], number: int, reason: str
) -> None:
    with pytest.raises(MoveRefused, match=reason.replace("$", r"\$")) as refused:
        outcome("stolen-code", *moves)
    assert (refused.value.number, refused.value.exit_code) == (number, 13)


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        ([{"do": "redeem"}] * 7, "the attack takes at most 6 moves"),
        ([{"do": "defend", "on": ["victim.pkce", "victim.state"]}], "at most 1 of the switches"),
        ([{"do": "defend", "on": ["victim.guard"]}], "no such switch"),
        ([{"do": "defend", "on": []}], "turn a switch on"),
        ([{"do": "defend", "on": ["victim.pkce"]}] * 2, "turned already"),
        ([{"do": "defend", "on": ["victim.pkce"]}, {"do": "redeem"}], "the attack is over"),
        ([{"do": "answer", "question": "q1", "option": "a"}] * 2, "answered already"),
        ([{"do": "answer", "question": "q9", "option": "a"}], "no such question"),
    ],
)
def test_what_is_not_of_this_phase_is_refused(moves: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(MoveRefused, match=reason):
        outcome("stolen-code", *before_the_attack("stolen-code"), *moves)


FAULT: list[dict[str, Any]] = [
    {"do": "predict", "option": "a"},
    {"do": "login"},
    {"do": "point", "arrow": 1, "part": "status"},
]


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        (
            [*FAULT[:2], {"do": "name", "diagnosis": "zone_security"}],
            "named after you point at what shows it",
        ),
        ([*FAULT, {"do": "name", "diagnosis": "port_taken"}], "“port_taken” is not one of its causes"),
        ([*FAULT, *[{"do": "name", "diagnosis": "zone_security"}] * 2], "the fault was named already"),
    ],
)
def test_a_fault_is_named_once_from_what_was_pointed_at(moves: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(MoveRefused, match=reason):
        outcome("find-the-fault", *moves)


def test_only_a_lesson_that_draws_a_fault_has_one_to_name() -> None:
    with pytest.raises(MoveRefused, match="there is no fault to name in this lesson"):
        outcome("stolen-code", *before_the_attack("stolen-code"), {"do": "name", "diagnosis": "origin_down"})


def test_what_is_shown_of_a_drawn_fault_has_no_diagnosis() -> None:
    made = outcome("find-the-fault", *FAULT)
    assert [record.diagnosis for record in made.trace().records] == [None]
    assert "managed_oauth_off" not in json.dumps(made.as_json())
    assert not phase(made, LessonPhase.OBSERVE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "answers.json:1:1: the file is empty, or its end is missing."),
        (b'{"format": 1,\n "lesson": x}', "answers.json:2:12: no JSON: invalid character."),
        (b"[]", "answers.json:1:1: Expected `object`, got `array`."),
        (b'{"lesson": "a"}', "answers.json:1:1: “format” is missing."),
        (b'{"format": 1, "lesson": "a", "movs": []}', "answers.json:1:30: “movs” means nothing here."),
        (b'{"format": 2, "lesson": "a"}', "answers.json:1:2: format 2; this version of authlens reads 1."),
        (b'{"format": "1", "lesson": "a"}', "answers.json:1:2: “format”: Expected `int`, got `str`."),
        (b'{"format": 1, "format": 1, "lesson": "a"}', 'answers.json:1:1: duplicate key "format".'),
        (b'{"format": 1, "lesson": "b"}', "answers.json:1:1: these are the moves of the lesson “b”."),
        (b'{"format": 1, "lesson": "\xff"}', "answers.json:1:1: "),
        (b"[" * 100_000, "answers.json:1:1: "),
        (b" " * 300_000, "answers.json:1:1: the file has more than 256 KiB."),
    ],
)
def test_a_file_that_is_no_moves_is_refused_at_its_place(text: bytes, said: str) -> None:
    with pytest.raises(LessonRefused) as refused:
        read_answers(text, name="answers.json", lesson="a")
    assert str(refused.value).startswith(said)


def test_moves_that_take_too_long_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "LONGEST", 0.0)
    with pytest.raises(TimedOut):
        outcome("stolen-code", *solution("stolen-code"))


def test_a_move_that_takes_a_party_that_is_not_there_is_refused() -> None:
    with pytest.raises(MoveRefused, match=r"^Move 4: no website is in this world\."):
        outcome("another-device", *before_the_attack("another-device"), {"do": "lure", "to": "ada"})


def test_a_document_that_leads_away_from_loopback_is_not_followed() -> None:
    name, field = "what-metadata-fetches", "resource_metadata.authorization_servers"
    lie = {"do": "publish", "field": field, "value": "other-site"}
    assert not phase(outcome(name, *before_the_attack(name), lie), LessonPhase.BREAK)


def test_servers_that_cannot_start_are_a_reason_and_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_port(_: StandardEmulator) -> StandardEmulator:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(StandardEmulator, "__aenter__", no_port)
    with pytest.raises(NetworkFailure, match="cannot run: Too many open files"):
        outcome("stolen-code", *before_the_attack("stolen-code"))
