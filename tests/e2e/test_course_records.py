"""Records, tickets and classes from outside: what a teacher can rely on, by files and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from authlens_core.learning.answers_file import answers_from
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.tickets import Ticket, issue, read_ticket
from support.course_process import Learn
from support.course_secrets import secrets_of
from support.needs import stop
from support.preloaded import Preloaded
from support.terminal import terminal

pytestmark = pytest.mark.slow
PASSED, REFUSED = 0, 13
LESSON: Final = "code-not-key"  # the quickest
SOLUTION: Final = FOLDER / "02-code-not-key" / "solution.json"
MOVES: Final[list[dict[str, Any]]] = json.loads(SOLUTION.read_text())["moves"]
Lesson = dict[str, Any]
CLASS: Final = "AUTHLENS_CLASS"


@pytest.fixture(scope="module")
def files(program: Preloaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `learn record` writes."""
    folder = tmp_path_factory.mktemp("record")
    learn = Learn(program, folder.parent / "home")
    path = str(folder / "record.json")
    code, _, err = learn("record", "--answers", str(SOLUTION), "-o", path, "--traces")
    assert code == PASSED, err
    return folder


@pytest.fixture
def record(files: Path, tmp_path: Path) -> Path:
    return shutil.copytree(files, tmp_path / "records") / "record.json"


def canaries(seed: int) -> set[str]:
    """Return the credentials of the solution under a seed, which makes them the same in each run."""
    moves = answers_from(SOLUTION).read()
    return secrets_of(asyncio.run(attempt_of(lessons()[LESSON], moves, seed=seed)).trace())


def test_a_record_comes_to_what_it_says_and_has_no_credential(record: Path, learn: Learn) -> None:
    code, printed, _ = learn("verify", str(record), "--json")
    assert (code, json.loads(printed)[0]["lessons"][0]["passed"]) == (PASSED, True)
    files = sorted(record.parent.iterdir())
    assert [file.name for file in files] == [
        "record.code-not-key.authlens.json", "record.json", "record.md"
    ]  # fmt: skip
    secrets = canaries(json.loads(SOLUTION.read_text())["seed"])
    assert len(secrets) >= 3
    text = printed + "".join(file.read_text() for file in files)
    assert [secret for secret in secrets if secret in text] == []


def outcome(lesson: Lesson) -> None:
    lesson["verdict"]["passed"] = False


def fewer_phases(lesson: Lesson) -> None:
    lesson["verdict"]["phases"].remove("break")


def fewer_right(lesson: Lesson) -> None:
    lesson["verdict"]["right"] = 4


def move(number: int) -> Callable[[Lesson], None]:
    def remove(lesson: Lesson) -> None:
        del lesson["moves"][number]

    return remove


def seed(lesson: Lesson) -> None:
    lesson["seed"] += 1


def digest(lesson: Lesson) -> None:
    lesson["digest"] = "sha256:" + "0" * 64


def version(lesson: Lesson) -> None:
    lesson["version"] += 1


def name(lesson: Lesson) -> None:
    lesson["lesson"] = "no-such-lesson"


EDITS: Final[list[tuple[Callable[[Lesson], None], str]]] = [
    (outcome, "The record says not passed, its moves say passed."),
    (move(3), "Move 4: “login” is no move of this phase."),
    (seed, "What the servers saw differs: another seed, other moves, or another version of authlens."),
    (fewer_phases, "break: the record says not passed, its moves say passed."),
    (fewer_right, "The record says 4 right answers, its moves give 5."),
    (move(0), "Move 1: a prediction comes first."),
    (move(-1), "The record says 5 right answers, its moves give 4."),
    (digest, "The lesson had other files (its digest differs)."),
    (version, "It was version 2 of the lesson; here is version 1."),
    (name, "There is no such lesson here."),
]


def test_a_record_that_was_changed_does_not_hold(record: Path, learn: Learn) -> None:
    """Check 11: the first three each in a process of its own; then all of them, in one folder."""
    for number, (change, _) in enumerate(EDITS):
        content = json.loads(record.read_text())
        change(content["lessons"][0])
        path = record.with_name(f"{number:02}.json")
        path.write_text(json.dumps(content))
        if number < 3:
            assert learn("verify", str(path))[0] == REFUSED
    (record.parent / "other.json").write_text('{"format": 1,\n "x": 2}')
    (record.parent / "linked.json").symlink_to("/etc/passwd")
    code, out, _ = learn("verify", str(record.parent), "--json")
    *found, linked, other, own = json.loads(out)
    assert (code, own["file"], own["holds"]) == (REFUSED, "record.json", True)
    for (_, said), result in zip(EDITS, found, strict=True):
        assert (result["holds"], said in result["lessons"][0]["differs"]) == (False, True), said
    assert linked["differs"][0].endswith("linked.json is a link, not a regular file.")
    assert other["differs"] == ["other.json:2:2: “x” means nothing here."]


def moves_for(ticket: Path, learn: Learn) -> list[dict[str, Any]]:
    """Return the author's moves with the letters and names that a ticket draws, by what is shown of both."""
    plain = learn.json("show", LESSON)
    drawn = learn.json("show", LESSON, "--ticket", str(ticket))
    names = dict(zip(plain["break"]["loot"], drawn["break"]["loot"], strict=True))
    options = {"predict": (plain["predict"], drawn["predict"])}
    options |= {
        before["id"]: (before, after)
        for before, after in zip(plain["questions"], drawn["questions"], strict=True)
    }

    def letter(move: dict[str, Any]) -> str:
        before, after = options[move.get("question", "predict")]
        meant = before["options"][move["option"]]
        return str(next(one for one, text in after["options"].items() if text == meant))

    return [
        move
        | ({"option": letter(move)} if "option" in move else {})
        | ({"token": names[move["token"]]} if "token" in move else {})
        for move in MOVES
    ]


def spoil(record: Path, folder: Path, hers: Ticket, others: Ticket) -> None:
    """Write six records that have to be refused: five of other tickets, and one with a second attempt."""
    folder.mkdir()
    chosen = Ticket(hers.exam, hers.name, f"{7:08x}{hers.mac[8:]}")
    forged = issue(b"k" * 32, hers.exam, hers.name)
    content = json.loads(record.read_text())
    tickets = ((others, hers.seed), (others, others.seed), (chosen, 7), (forged, forged.seed), ("", 1))
    for ticket, number in tickets:
        content["ticket"], content["lessons"][0]["seed"] = str(ticket), number
        (folder / f"{len(list(folder.iterdir()))}.json").write_text(json.dumps(content))
    content = json.loads(record.read_text())
    content["lessons"][0]["tries"]["observe"] = 2
    (folder / "twice.json").write_text(json.dumps(content))


def test_the_moves_of_an_exam_hold_under_their_own_ticket_alone(tmp_path: Path, learn: Learn) -> None:
    """Check 15, and check 13 for what an exam stores and shows."""
    (tmp_path / "roster.csv").write_text("name,group\nAda Lovelace,1\nGrace Hopper,1\n")
    key, folder, classroom = tmp_path / "key", tmp_path / "tickets", tmp_path / "class"
    folder.mkdir()
    classroom.mkdir()
    code, _, said = learn("tickets", str(tmp_path / "roster.csv"), "--key", str(key), "-o", str(folder))
    assert (code, "New key in" in said) == (PASSED, True)
    ada, grace = sorted(folder.iterdir())
    verb = ("run", LESSON, "--ticket", str(ada), "--answers", "-", "--json")
    own: dict[str, Any] = {"format": 1, "lesson": LESSON, "moves": moves_for(ada, learn)}
    as_grace = ("run", LESSON, "--ticket", str(grace), "--answers", "-")
    assert learn(*as_grace, moves=own)[2].startswith("✖ Move 4: you do not hold $code-")
    code, printed, _ = learn(*verb, moves=own, environ={CLASS: str(classroom)})
    assert code == PASSED
    (student,) = learn.json("class", str(classroom))["students"]
    assert (student["exam"], student["lesson"], student["passed"]) == ("exam: Ada Lovelace", LESSON, 1)

    # What she did stays: the same moves come to the same, and no other ones can be made.
    assert learn(*verb, moves=own)[1] == printed
    for number in (0, 2, -1):
        other = json.loads(json.dumps(own))
        changed = other["moves"][number]
        part, option = ("part", "form.code"), ("option", "a" if changed.get("option") != "a" else "b")
        changed |= dict([part if number == 2 else option])
        code, _, said = learn(*verb, moves=other)
        assert (code, "in an exam what you did stays, and it was “" in said) == (REFUSED, True)
    # Another home knows nothing of it; the folder of the class does.
    other["moves"] = own["moves"][:2]
    other["moves"][0] = {"do": "predict", "option": "b" if own["moves"][0]["option"] == "a" else "a"}
    elsewhere = {CLASS: str(classroom), "AUTHLENS_HOME": str(tmp_path / "elsewhere")}
    of_class = ("verify", str(classroom), "--key", str(key))
    assert learn(*of_class)[0] == PASSED
    assert learn(*verb, moves=other, environ=elsewhere)[0] == 12
    code, said, _ = learn(*of_class)
    assert (code, f"{LESSON}: an earlier file of this ticket has other moves." in said) == (REFUSED, True)
    for again in (("reset", "--all"), ("record", "--ticket", str(ada), "-o", str(tmp_path / "ada.json"))):
        assert learn(*again)[0] == PASSED

    record = tmp_path / "ada.json"
    code, said, _ = learn("verify", str(record), "--key", str(key))
    assert (code, said) == (PASSED, "✔ ada.json (Ada Lovelace, exam): 1 of 1 lessons passed\n")
    with_answers = ("record", "--ticket", str(ada), "-o", str(record), "--answers", str(SOLUTION))
    assert learn(*with_answers)[0] == 2
    hers, others = read_ticket(ada.read_text()), read_ticket(grace.read_text())
    spoiled = tmp_path / "spoiled"
    spoil(record, spoiled, hers, others)
    code, out, _ = learn("verify", str(spoiled), "--key", str(key), "--json")
    assert (code, [one["holds"] for one in json.loads(out)]) == (REFUSED, [False] * 6)
    assert "observe: begun more than once, and an exam has one attempt." in out

    stored = [learn.home / "learn.json", record, record.with_suffix(".md"), *classroom.iterdir()]
    text = printed + out + "".join(file.read_text() for file in stored)
    secrets = canaries(hers.seed)
    assert (len(secrets) >= 3, [secret for secret in secrets if secret in text]) == (True, [])


async def test_a_class_of_forty_shows_thirty_nine_and_names_the_hostile_one(
    record: Path, tmp_path: Path, learn: Learn, program: Preloaded
) -> None:
    """Check 15: each file belongs to another account, as on one host."""
    if os.geteuid() != 0:
        stop("only root can give files to forty accounts")
    folder = tmp_path / "class"
    folder.mkdir()
    content = json.loads(record.read_text()) | {"now": {"lesson": LESSON, "phase": "break"}}
    for number in range(40):
        path = folder / f"{number:016x}.json"
        path.write_text(json.dumps(content) if number != 7 else '{"format": 1, "\x1b]0;owned\x07": 1}')
        os.chown(path, 60_100 + number, -1)
    seen = learn.json("class", str(folder))
    assert [student["who"] for student in seen["students"]] == [
        f"uid {60_100 + number}" for number in range(40) if number != 7
    ]
    (named,) = seen["refused"]
    assert named.startswith("uid 60107: 0000000000000007.json:1:16: ")
    async with terminal(("learn", "class", str(folder)), rows=60, forked_from=program) as screen:
        await screen.wait_for("students: 39")
        await screen.wait_for("uid 60139")
        await screen.wait_for("0000000000000007.json:1:16")
        assert "uid 60107 " not in screen.text()


def test_a_ticket_that_is_in_two_records_holds_in_none_but_the_first(record: Path, learn: Learn) -> None:
    content = json.loads(record.read_text())
    content |= {"ticket": str(issue(b"k" * 32, "exam", "Ada")), "lessons": []}
    of_class = content | {"now": {"lesson": LESSON, "phase": "run"}}
    # A record that pretends to be of a class is a second one, too.
    for file, written_in_it in (("second", content), ("third", of_class)):
        record.with_name(f"{file}.json").write_text(json.dumps(written_in_it))
    record.write_text(json.dumps(content))
    code, out, _ = learn("verify", str(record.parent), "--json")
    assert (code, [result["holds"] for result in json.loads(out)]) == (REFUSED, [True, False, False])


def test_a_class_is_printed_once_and_what_its_files_say_stays_text(tmp_path: Path, learn: Learn) -> None:
    (tmp_path / "a\x1b[2J.json").write_text('{"format": 1, "\\u001b[2J": 1}')
    code, printed, _ = learn("class", str(tmp_path), "--json")
    (refused,) = json.loads(printed)["refused"]
    assert (code, refused.partition(": ")[2]) == (0, "a\\e[2J.json:1:15: “\\e[2J” means nothing here.")
    assert printed.rstrip().isprintable()
    code, _, said = learn("class", str(tmp_path / "missing"), "--json")
    assert (code, "cannot be read: No such file or directory." in said) == (2, True)
