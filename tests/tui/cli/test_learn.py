"""`authlens learn` from the command line: lessons by their exit codes and their JSON, and no screen."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from authlens_core.export.session_file import read_session
from authlens_lab.learning.attempt import attempt_of
from authlens_lab.learning.catalogue import FOLDER, drills, lessons
from authlens_lab.learning.moves import moves_of
from authlens_tui.cli import main
from support.lesson_letters import secrets_of
from support.needs import without_a_route

Captured = pytest.CaptureFixture[str]
NAME = "03-stolen-code.toml"


def solution(name: str) -> list[str]:
    return lessons()[name].solution.split("\n")


def answers(folder: Path, name: str, moves: list[str]) -> str:
    path = folder / "moves.jsonl"
    path.write_text(json.dumps({"format": 1, "lesson": name, "moves": moves}))
    return str(path)


# The twelve faults of the last one have as many mutations as all the others together, twice.
DRAWN = "14-find-the-fault.toml"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_lesson_of_the_program_is_sound_without_a_network(drawn: bool, tmp_path: Path) -> None:
    """Each solution passes, and each mutation of it that `learn check` runs fails or passes as it has to."""
    checked = [lesson.name for lesson in lessons().values() if bool(lesson.draws) is drawn]
    path = FOLDER / DRAWN  # alone, it needs no lesson before it
    if not drawn:
        path = tmp_path / "course"
        path.mkdir()
        for file in set(FOLDER.glob("[01]*.toml")) - {FOLDER / DRAWN}:
            shutil.copy(file, path)
    program = (sys.executable, "-m", "authlens_tui", "learn", "check", str(path), "--json")
    before = os.times().children_user
    done = subprocess.run((*without_a_route(), *program), capture_output=True, timeout=560, check=False)
    used = os.times().children_user
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert [one["lesson"] for one in found if one["sound"] and one["mutations"] >= 8] == checked
    # 30 seconds of two cores; the clock of a busy machine says nothing.
    assert used - before < 60


def test_the_solution_for_each_drawn_fault_passes() -> None:
    lesson = lessons()["find-the-fault"]

    async def passed(seed: int) -> bool:
        moves = moves_of(lesson.for_seed(seed).solution.split("\n"))
        return (await attempt_of(lesson, moves, seed=seed)).passed

    assert [asyncio.run(passed(seed)) for seed in range(len(lesson.draws))] == [True] * 12


def test_a_lesson_is_shown_without_its_right_answers(capsys: Captured) -> None:
    assert main.run(["learn", "show", "stolen-code", "--json"]) == 0
    shown = capsys.readouterr().out
    lesson = json.loads(shown)
    assert set(lesson["phases"]["repair"]["options"]) == {
        "victim.pkce",
        "victim.state",
        "server.short_codes",
        "victim.iss",
    }
    assert all(
        set(question) == {"id", "text", "options"} for question in lesson["phases"]["questions"]["questions"]
    )
    assert not any(word in shown for word in ("right", "sound", "defend victim", 'form.code_verifier"'))


def test_a_fault_is_not_shown_before_it_is_drawn(capsys: Captured) -> None:
    assert main.run(["learn", "show", "find-the-fault", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "origin_down" in json.loads(shown)["phases"]["break"]["causes"]
    assert not any(
        word in shown for word in ("waf-rule", "cf-mitigated", "error_description", "right", "sound")
    )


@pytest.mark.parametrize("phase", ["predict", "observe", "break", "repair", "questions"])
def test_the_hints_of_a_phase_come_one_at_a_time(phase: str, capsys: Captured) -> None:
    assert main.run(["learn", "hint", "stolen-code", phase]) == 0
    first = capsys.readouterr()
    command = first.err.partition("authlens ")[2].split()
    assert main.run(command) == 0
    assert capsys.readouterr().out != first.out


def test_what_is_missing_is_shown_as_still_to_do(capsys: Captured, tmp_path: Path) -> None:
    moves = [move for move in solution("stolen-code") if not move.startswith("call")]
    assert (
        main.run(["learn", "run", "stolen-code", "--answers", answers(tmp_path, "stolen-code", moves)]) == 12
    )
    said = capsys.readouterr().out
    assert "To prove: You open Ada's data.\n" in said


def test_the_honest_login_has_to_survive_the_repair(capsys: Captured, tmp_path: Path) -> None:
    """A server that requires DPoP stops the theft, and with it the website, which has no key."""
    text = (FOLDER / NAME).read_text()
    other = text.replace("server.short_codes", "server.dpop").replace('needs = ["code-not-key"]', "")
    (tmp_path / NAME).write_text(other)
    moves = [move.replace("victim.pkce", "server.dpop") for move in solution("stolen-code")]
    given = answers(tmp_path, "stolen-code", moves)
    verb = ["learn", "run", "stolen-code", "--from", str(tmp_path), "--json"]
    assert main.run([*verb, "--answers", given]) == 12
    repair = json.loads(capsys.readouterr().out)["phases"][4]
    assert repair["honest_login"] is False


SLIPS = [
    ('moves = ["redeem", "call"]', 'moves = ["redem"]', "moves[0]”; did you mean “redeem"),
    ('"pkce-optional"', '"pkce-optionl"', "weaknesses[0]”; did you mean “pkce-opti"),
    ('["victim"]', '["cloud"]', "32:1: “cloud” is no value of “lesson[0].world.parties[0]”"),
    ("pkce = false", "pcke = false", "35:1: “pcke” is not known here; did you mean “pkce”?"),
    ('["code", "client"]', '["purse"]', "63:1: “purse” is no value of “lesson[0].break.loot[0]”"),
    ('"victim.iss" =', '"victim.guard" =', "82:1: “victim.guard” is not known here"),
    ('seat = "mallory"\nloot', 'seat = "malory"\nloot', "break.seat”; did you mean “mallory"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), SLIPS)
def test_a_lesson_that_cannot_be_trusted_is_refused(
    old: str, new: str, said: str, capsys: Captured, tmp_path: Path
) -> None:
    text = (FOLDER / NAME).read_text()
    assert old in text
    (tmp_path / NAME).write_text(text.replace(old, new, 1))
    assert main.run(["learn", "check", str(tmp_path / NAME)]) == 13
    seen = capsys.readouterr()
    assert said in seen.out + seen.err


def test_a_move_that_is_refused_is_named_and_nothing_is_printed(capsys: Captured, tmp_path: Path) -> None:
    given = answers(tmp_path, "stolen-code", ["predict a", "call"])
    assert main.run(["learn", "run", "stolen-code", "--answers", given, "--json"]) == 13
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", "✖ Move 2: you do not hold $token.\n")


def test_the_trace_of_the_moves_has_no_credential(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    moves = answers(tmp_path, "stolen-code", solution("stolen-code"))
    assert main.run(["learn", "run", "stolen-code", "--answers", moves, "--trace", str(out), "--json"]) == 0
    data = out.read_bytes()
    trace = read_session(data)
    assert [record.tampering for record in trace.records if record.tampering][:2] == [
        ("mallory: redeem another user's code",),
        ("mallory: call the resource with $token",),
    ]
    printed = capsys.readouterr().out
    assert json.loads(printed)["passed"]
    # The seed makes the credentials of another run the same.
    lesson = lessons()["stolen-code"]
    again = asyncio.run(attempt_of(lesson, moves_of(solution("stolen-code")))).trace()
    secrets = secrets_of(again)
    assert len(secrets) >= 6
    assert [secret for secret in secrets if secret in data.decode() + printed] == []


def test_a_new_lesson_is_printed_and_can_be_checked(capsys: Captured, tmp_path: Path) -> None:
    assert main.run(["learn", "new", "mine"]) == 0
    (tmp_path / "mine.toml").write_text(capsys.readouterr().out)
    assert main.run(["learn", "check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "✔ mine: 3 mutations tried\n"


def test_drills_are_listed_behind_the_lessons_without_their_claims(capsys: Captured) -> None:
    assert main.run(["learn", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed] == [*lessons(), *drills()]
    asked = [one for one in listed if "group" in one]
    assert len(asked) == len(drills())
    assert all(set(drill) == {"id", "group", "title", "question", "options"} for drill in asked)
    assert main.run(["learn", "--list"]) == 0
    assert "Start here:" in capsys.readouterr().out


def test_a_lesson_is_printed_as_text(capsys: Captured) -> None:
    assert main.run(["learn", "show", "stolen-code"]) == 0
    assert "\n  break:\n    text: You are Mallory now." in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["check"], ["--list", "--from"]])
def test_the_home_of_no_one_is_refused(verb: list[str], capsys: Captured) -> None:
    assert main.run(["learn", *verb, "~no-such-user/lessons"]) in (1, 2)
    assert "~no-such-user/lessons names an unknown home directory." in capsys.readouterr().err


def test_a_lesson_that_cannot_be_used_is_named_with_its_reason(capsys: Captured, tmp_path: Path) -> None:
    shutil.copy(next(FOLDER.glob("*-read-a-refusal.toml")), tmp_path)
    (tmp_path / "mine.toml").write_text("format = 1\n")
    main.run(["learn", "--list", "--from", str(tmp_path)])
    assert capsys.readouterr().err.splitlines()[0] == "✖ Left out: mine.toml:1:1: “lesson” is missing"
