"""`learn record`, `verify` and `tickets`: what a teacher can rely on, from outside."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from authlens_core.export.redacted_trace import secrets_of
from authlens_core.learning.answers_file import answers_in, written
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.classroom.class_file import VARIABLE, class_file
from authlens_core.learning.classroom.draw import drawn
from authlens_core.learning.classroom.ticket import Ticket, issue, read_ticket
from authlens_core.learning.moves import AnswerMove, PredictMove
from authlens_tui.cli import main

Captured = pytest.CaptureFixture[str]
LESSON = "code-not-key"  # the quickest
SOLUTION = FOLDER / "02-code-not-key" / "solution.json"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `learn record` writes."""
    folder = tmp_path_factory.mktemp("record")
    path = str(folder / "record.json")
    assert main.run(["learn", "record", "--answers", str(SOLUTION), "-o", path, "--traces"]) == 0
    return folder


@pytest.fixture
def record(files: Path, tmp_path: Path) -> Path:
    return shutil.copytree(files, tmp_path / "records") / "record.json"


def test_a_record_comes_to_what_it_says_and_has_no_credential(record: Path, capsys: Captured) -> None:
    assert main.run(["learn", "verify", str(record), "--json"]) == 0
    printed = capsys.readouterr().out
    assert [lesson["passed"] for lesson in json.loads(printed)[0]["lessons"]] == [True]
    files = sorted(record.parent.iterdir())
    assert [file.name for file in files] == [
        "record.code-not-key.authlens.json", "record.json", "record.md"
    ]  # fmt: skip
    # The seed makes the credentials of another run the same.
    given = answers_in(SOLUTION)
    made = asyncio.run(attempt_of(lessons()[LESSON][0], given.read(), seed=given.seed)).trace()
    canaries = [secret.reveal() for secret in secrets_of(made)]
    assert len(canaries) >= 4
    text = printed + "".join(file.read_text() for file in files)
    assert [canary for canary in canaries if canary in text] == []


def outcome(lesson: dict[str, Any]) -> None:
    lesson["verdict"]["passed"] = False


def fewer_phases(lesson: dict[str, Any]) -> None:
    lesson["verdict"]["phases"].remove("break")


def fewer_right(lesson: dict[str, Any]) -> None:
    lesson["verdict"]["right"] = 4


def move(number: int) -> Callable[[dict[str, Any]], None]:
    def remove(lesson: dict[str, Any]) -> None:
        del lesson["moves"][number]

    return remove


def seed(lesson: dict[str, Any]) -> None:
    lesson["seed"] += 1


def digest(lesson: dict[str, Any]) -> None:
    lesson["digest"] = "sha256:" + "0" * 64


def version(lesson: dict[str, Any]) -> None:
    lesson["version"] += 1


def name(lesson: dict[str, Any]) -> None:
    lesson["lesson"] = "no-such-lesson"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (outcome, "The record says not passed, its moves say passed."),
        (fewer_phases, "break: the record says not passed, its moves say passed."),
        (fewer_right, "The record says 4 right answers, its moves give 5."),
        (move(0), "Move 1: a prediction comes first."),
        (move(3), "Move 4: “login” is no move of this phase."),
        (move(-1), "The record says 5 right answers, its moves give 4."),
        (seed, "What the servers saw differs: another seed, other moves, or another version of authlens."),
        (digest, "The lesson had other files (its digest differs)."),
        (version, "It was version 2 of the lesson; here is version 1."),
        (name, "There is no such lesson here."),
    ],
)
def test_a_record_that_was_changed_does_not_hold(
    change: Callable[[dict[str, Any]], None], said: str, record: Path, capsys: Captured
) -> None:
    content = json.loads(record.read_text())
    change(content["lessons"][0])
    record.write_text(json.dumps(content))
    assert main.run(["learn", "verify", str(record), "--json"]) == 13
    result = json.loads(capsys.readouterr().out)[0]
    assert (result["holds"], said in result["lessons"][0]["differs"]) == (False, True)


def test_a_folder_of_records_is_verified_and_one_that_cannot_be_read_is_named(
    record: Path, capsys: Captured
) -> None:
    (record.parent / "other.json").write_text('{"format": 1,\n "x": 2}')
    (record.parent / "linked.json").symlink_to("/etc/passwd")
    assert main.run(["learn", "verify", str(record.parent)]) == 13
    said = capsys.readouterr().out
    assert "✔ record.json: 1 of 1 lessons passed\n" in said
    assert "linked.json is a link, not a regular file.\n" in said
    assert "    other.json:2:2: “x” means nothing here.\n" in said


def moves_for(ticket: Ticket, folder: Path) -> Path:
    """Write the author's moves with the letters that a ticket draws."""
    own, words = lessons()[LESSON]
    lesson, _ = drawn(own, words, ticket)
    right = {question.name: question.right for question in lesson.questions}
    options = own.prediction.options
    letters = {
        one: letter
        for letter, claims in lesson.prediction.options.items()
        for one in options
        if options[one] == claims
    }
    moves = [
        AnswerMove(question=move.question, option=right[move.question])  # type: ignore[arg-type]
        if isinstance(move, AnswerMove)
        else PredictMove(option=letters[move.option])  # type: ignore[arg-type]
        if isinstance(move, PredictMove)
        else move
        for move in answers_in(SOLUTION).read()
    ]
    path = folder / f"{ticket.name}.moves.json"
    path.write_text(json.dumps({"format": 1, "lesson": LESSON, "moves": written(moves)}))
    return path


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a class, as a process finds it in its environment."""
    folder = tmp_path / "class"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    class_file.cache_clear()
    yield folder
    class_file.cache_clear()


def test_the_moves_of_an_exam_hold_under_their_own_ticket_alone(
    tmp_path: Path, classroom: Path, capsys: Captured
) -> None:
    (tmp_path / "roster.csv").write_text("name,group\nAda Lovelace,1\nGrace Hopper,1\n")
    key, folder = str(tmp_path / "key"), tmp_path / "tickets"
    folder.mkdir()
    verb = ["learn", "tickets", str(tmp_path / "roster.csv"), "--key", key, "-o", str(folder)]
    assert main.run(verb) == 0
    assert "New key in" in capsys.readouterr().err
    ada, grace = sorted(folder.iterdir())
    moves = moves_for(read_ticket(ada.read_text()), tmp_path)
    assert main.run(["learn", "run", LESSON, "--ticket", str(ada), "--answers", str(moves)]) == 0
    capsys.readouterr()
    assert main.run(["learn", "class", str(classroom), "--json"]) == 0
    (student,) = json.loads(capsys.readouterr().out)["students"]
    assert (student["exam"], student["lesson"], student["passed"]) == ("exam: Ada Lovelace", LESSON, 1)
    # Her prediction stays, also in another attempt.
    other = json.loads(moves.read_text())
    other["moves"][0]["option"] = "b" if other["moves"][0]["option"] == "a" else "a"
    (tmp_path / "other.json").write_text(json.dumps(other))
    verb = ["learn", "run", LESSON, "--ticket", str(ada), "--answers"]
    assert main.run([*verb, str(tmp_path / "other.json")]) == 13
    assert "in an exam your first prediction stays" in capsys.readouterr().err

    record = tmp_path / "record.json"
    verb = ["learn", "record", "--ticket", str(ada), "-o", str(record)]
    assert main.run([*verb, "--answers", str(tmp_path / "other.json")]) == 2
    assert "--answers and --ticket exclude each other" in capsys.readouterr().err
    assert main.run(verb) == 0
    assert main.run(["learn", "verify", str(record), "--key", key]) == 0
    assert "✔ record.json (Ada Lovelace, exam): 1 of 1 lessons passed" in capsys.readouterr().out

    content = json.loads(record.read_text())
    hers, own = read_ticket(ada.read_text()), read_ticket(grace.read_text())
    chosen = Ticket(hers.exam, hers.name, f"{7:08x}{hers.mac[8:]}")
    forged = issue(b"k" * 32, hers.exam, hers.name)
    for ticket, seed in ((own, hers.seed), (own, own.seed), (chosen, 7), (forged, forged.seed), ("", 1)):
        content["ticket"], content["lessons"][0]["seed"] = str(ticket), seed
        record.write_text(json.dumps(content))
        assert main.run(["learn", "verify", str(record), "--key", key]) == 13


def test_a_ticket_that_is_in_two_records_holds_in_none_but_the_first(record: Path, capsys: Captured) -> None:
    content = json.loads(record.read_text())
    content |= {"ticket": str(issue(b"k" * 32, "exam", "Ada")), "lessons": []}
    of_class = content | {"now": {"lesson": LESSON, "phase": "run"}}
    # A record that pretends to be of a class is a second one, too.
    for file, written_in_it in (("second", content), ("third", of_class)):
        record.with_name(f"{file}.json").write_text(json.dumps(written_in_it))
    record.write_text(json.dumps(content))
    assert main.run(["learn", "verify", str(record.parent), "--json"]) == 13
    holding = [result["holds"] for result in json.loads(capsys.readouterr().out)]
    assert holding == [True, False, False]


def test_a_class_is_printed_once_and_what_its_files_say_stays_text(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a\x1b[2J.json").write_text('{"format": 1, "\\u001b[2J": 1}')
    assert main.run(["learn", "class", str(tmp_path), "--json"]) == 0
    printed = capsys.readouterr().out
    (refused,) = json.loads(printed)["refused"]
    assert refused.partition(": ")[2] == "a\\e[2J.json:1:15: “\\e[2J” means nothing here."
    assert printed.rstrip().isprintable()
    assert main.run(["learn", "class", str(tmp_path / "missing"), "--json"]) == 2
    assert "cannot be read: No such file or directory." in capsys.readouterr().err
