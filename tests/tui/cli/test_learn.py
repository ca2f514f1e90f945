"""`authlens learn` from the command line: lessons by their exit codes and their JSON, and no screen."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from authlens_core.export.session_file import read_session
from authlens_core.learning.answers_file import answers_from
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.desk.drills import drills
from authlens_tui.cli import main
from support.course_secrets import secrets_of
from support.network_namespace import without_a_route

Captured = pytest.CaptureFixture[str]
FOLDERS = {
    json.loads((path / "solution.json").read_text())["lesson"]: path for path in sorted(FOLDER.iterdir())
}
STOLEN = FOLDERS["stolen-code"]


def solution(name: str) -> list[dict[str, Any]]:
    return list(json.loads((FOLDERS[name] / "solution.json").read_text())["moves"])


def answers(folder: Path, name: str, moves: list[dict[str, Any]]) -> str:
    path = folder / "moves.json"
    path.write_text(json.dumps({"format": 1, "lesson": name, "moves": moves}))
    return str(path)


# The twelve faults of the last one have as many mutations as all the others together, twice.
DRAWN = "14-find-the-fault"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_lesson_of_the_program_is_sound_without_a_network(drawn: bool, tmp_path: Path) -> None:
    """Each solution passes, and each mutation of it that `learn check` runs fails or passes as it has to."""
    checked = {name: path for name, path in FOLDERS.items() if (path.name == DRAWN) is drawn}
    course = tmp_path / "course"
    for path in checked.values():
        shutil.copytree(path, course / path.name)
    path = course / DRAWN if drawn else course  # alone, it needs no lesson before it
    program = (sys.executable, "-m", "authlens_tui", "learn", "check", str(path), "--json")
    before = os.times().children_user
    done = subprocess.run((*without_a_route(), *program), capture_output=True, timeout=560, check=False)
    used = os.times().children_user
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert [one["lesson"] for one in found if one["sound"] and one["mutations"] >= 8] == list(checked)
    # 30 seconds of two cores; the clock of a busy machine says nothing.
    assert used - before < 60


def test_the_solution_for_each_drawn_fault_passes() -> None:
    lesson = lessons()["find-the-fault"]

    async def passed() -> list[bool]:
        files = [answers_from(path) for path in sorted((FOLDER / DRAWN).glob("solution*.json"))]
        return [(await attempt_of(lesson, one.read(), seed=one.seed)).passed for one in files]

    assert asyncio.run(passed()) == [True] * 12


def test_a_lesson_is_shown_without_its_right_answers(capsys: Captured) -> None:
    assert main.run(["learn", "show", "stolen-code", "--json"]) == 0
    shown = capsys.readouterr().out
    lesson = json.loads(shown)
    assert set(lesson["repair"]["offer"]) == {
        "victim.pkce",
        "victim.state",
        "server.short_codes",
        "victim.iss",
    }
    assert all(set(question) == {"id", "text", "options"} for question in lesson["questions"])
    assert not any(word in shown for word in ("right", "sound", "pkce-proves-client", 'form.code_verifier"'))


def test_a_fault_is_not_shown_before_it_is_drawn(capsys: Captured) -> None:
    assert main.run(["learn", "show", "find-the-fault", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "origin_down" in json.loads(shown)["break"]["causes"]
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
    moves = [move for move in solution("stolen-code") if move["do"] != "call"]
    assert (
        main.run(["learn", "run", "stolen-code", "--answers", answers(tmp_path, "stolen-code", moves)]) == 12
    )
    said = capsys.readouterr().out
    assert "To do: You open Ada's data.\n" in said


def test_the_honest_login_has_to_survive_the_repair(capsys: Captured, tmp_path: Path) -> None:
    """A server that requires DPoP stops the theft, and with it the website, which has no key."""
    folder = tmp_path / "03-stolen-code"
    shutil.copytree(STOLEN, folder)
    text = (folder / "lesson.toml").read_text()
    (folder / "lesson.toml").write_text(
        text.replace("server.short_codes", "server.dpop").replace('needs = ["code-not-key"]', "")
    )
    for words in folder.glob("*.md"):
        words.write_text(words.read_text().replace("### server.short_codes", "### server.dpop"))
    moves = [
        move | {"on": ["server.dpop"]} if move["do"] == "defend" else move for move in solution("stolen-code")
    ]
    given = answers(tmp_path / "03-stolen-code", "stolen-code", moves)
    Path(given).rename(tmp_path / "moves.json")
    (tmp_path / "course").mkdir()
    folder.rename(tmp_path / "course" / folder.name)
    verb = ["learn", "run", "stolen-code", "--from", str(tmp_path / "course"), "--json"]
    assert main.run([*verb, "--answers", str(tmp_path / "moves.json")]) == 12
    repair = json.loads(capsys.readouterr().out)["phases"][4]
    assert repair["honest_login"] is False


SLIPS = [
    ('moves = ["redeem", "call"]', 'moves = ["redem"]', "33:1: “redem” is not known here; did you mean “red"),
    ('"pkce-optional"', '"pkce-optionl"', "10:1: “pkce-optionl” is not known here; did you mean “pkce-opti"),
    ('["victim"]', '["cloud"]', "11:1: “cloud” is not known here"),
    ("pkce = false", "pcke = false", "14:1: “pcke” is not known here; did you mean “pkce”?"),
    ('["code", "client"]', '["purse"]', "32:1: “purse” is not known here"),
    ('"victim.iss"]', '"victim.guard"]', "“victim.guard” is not known here"),
    ('seat = "mallory"\nloot', 'seat = "malory"\nloot', "31:1: “malory” is not known here; did you mean"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), SLIPS)
def test_a_lesson_that_cannot_be_trusted_is_refused(
    old: str, new: str, said: str, capsys: Captured, tmp_path: Path
) -> None:
    folder = tmp_path / "03-stolen-code"
    shutil.copytree(STOLEN, folder)
    text = (folder / "lesson.toml").read_text()
    assert old in text
    (folder / "lesson.toml").write_text(text.replace(old, new, 1))
    assert main.run(["learn", "check", str(folder)]) == 13
    seen = capsys.readouterr()
    assert said in seen.out + seen.err


def test_a_move_that_is_refused_is_named_and_nothing_is_printed(capsys: Captured, tmp_path: Path) -> None:
    given = answers(tmp_path, "stolen-code", [{"do": "predict", "option": "a"}, {"do": "call"}])
    assert main.run(["learn", "run", "stolen-code", "--answers", given, "--json"]) == 13
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", "✖ Move 2: you do not hold $token.\n")


def test_the_trace_of_the_moves_has_no_credential(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    moves = str(STOLEN / "solution.json")
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
    given = answers_from(STOLEN / "solution.json")
    lesson = lessons()["stolen-code"]
    again = asyncio.run(attempt_of(lesson, given.read(), seed=given.seed)).trace()
    secrets = secrets_of(again)
    assert len(secrets) >= 6
    assert [secret for secret in secrets if secret in data.decode() + printed] == []


def test_drills_are_listed_apart_without_their_claims(capsys: Captured) -> None:
    assert main.run(["learn", "--list", "--drills", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [drill["id"] for drill in listed] == list(drills())
    assert all(set(drill) == {"id", "group", "title", "question", "options"} for drill in listed)


@pytest.mark.parametrize("verb", [["check"], ["--list", "--from"]])
def test_the_home_of_no_one_is_refused(verb: list[str], capsys: Captured) -> None:
    assert main.run(["learn", *verb, "~no-such-user/lessons"]) in (1, 2)
    assert "~no-such-user/lessons names an unknown home directory." in capsys.readouterr().err
