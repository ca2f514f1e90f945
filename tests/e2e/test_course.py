"""The course from outside: a referee has processes, files and exit codes, and no screen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from authlens_core.learning.catalogue import FOLDER
from support.course_process import Learn
from support.network_namespace import without_a_route

pytestmark = pytest.mark.slow
PASSED, NOT_PASSED, REFUSED = 0, 12, 13
SOLUTIONS: Final = {path: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*/solution*.json"))}
FOLDERS: Final = {SOLUTIONS[path]["lesson"]: path.parent for path in SOLUTIONS}
# `learn check` tries the other faults of the last lesson, in a process as well.
ONE_EACH: Final = [path for path in SOLUTIONS if path.name == "solution.json"]
Moves = list[dict[str, Any]]


def verdict(learn: Learn, solution: dict[str, Any], moves: Moves) -> int:
    """Return the exit code of a solution with other moves."""
    return learn("run", solution["lesson"], "--answers", "-", "--json", moves=solution | {"moves": moves})[0]


def shown(learn: Learn, name: str) -> dict[str, Any]:
    code, out, _ = learn("show", name, "--json")
    assert code == PASSED
    return dict(json.loads(out))


def test_the_course_has_fourteen_lessons_in_an_order_that_can_be_followed(learn: Learn) -> None:
    code, out, _ = learn("--list", "--json")
    lessons = json.loads(out)
    before: list[str] = []
    for lesson in lessons:
        assert set(lesson["needs"]) <= set(before)
        before.append(lesson["id"])
    assert (code, len(before), len(set(before))) == (0, 14, 14)


@pytest.mark.timeout(600)  # a process for each; what they may use is bounded by their CPU time
def test_every_solution_passes_without_a_network() -> None:
    """All of them within 30 seconds of two cores; the clock of a busy machine says nothing."""
    before = os.times()
    for path, solution in SOLUTIONS.items():
        verb = [sys.executable, "-m", "authlens_tui", "learn", "run", solution["lesson"]]
        command = [*without_a_route(), *verb, "--answers", str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (PASSED, b""), path.name
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 60


@pytest.mark.parametrize("path", ONE_EACH, ids=lambda path: path.parent.name)
def test_nothing_less_than_the_solution_passes(path: Path, learn: Learn) -> None:
    """Without moves, the attack, the repair, or any other move than an answer; the first claim is named."""
    solution = SOLUTIONS[path]
    moves = solution["moves"]
    nothing = solution | {"moves": []}
    code, out, _ = learn("run", solution["lesson"], "--answers", "-", "--json", moves=nothing)
    named = [phase["claims"][0]["holds"] for phase in json.loads(out)["phases"] if phase["phase"] == "run"]
    assert (code, named) == (NOT_PASSED, [False])
    told = [move for move in moves if move["do"] in ("predict", "login", "point", "answer")]
    assert verdict(learn, solution, told) in (NOT_PASSED, REFUSED)
    unrepaired = [move for move in moves if move["do"] != "defend"]
    assert len(unrepaired) == len(moves) or verdict(learn, solution, unrepaired) == NOT_PASSED
    for number, move in enumerate(moves):
        if move["do"] != "answer":
            left = moves[:number] + moves[number + 1 :]
            assert verdict(learn, solution, left) in (NOT_PASSED, REFUSED), move


@pytest.mark.parametrize("path", ONE_EACH, ids=lambda path: path.parent.name)
def test_only_the_right_switches_repair(path: Path, learn: Learn) -> None:
    """Each set of switches within the budget; the solution's own set is one that passes."""
    solution = SOLUTIONS[path]
    repair = shown(learn, solution["lesson"])["repair"]
    right = next((set(move["on"]) for move in solution["moves"] if move["do"] == "defend"), set())
    passed = []
    for size in range(1, repair["budget"] + 1):
        for switches in combinations(repair["offer"], size):
            turned = [
                move | {"on": switches} if move["do"] == "defend" else move for move in solution["moves"]
            ]
            code = verdict(learn, solution, turned)
            assert code in (PASSED, NOT_PASSED)
            if code == PASSED:
                passed.append(set(switches))
    assert right in passed or not repair["offer"]
    # Two ways lead out of three of the lessons; what is right is at most a third of the choices.
    assert len(passed) <= 2
    assert all(len(switches) == len(right) for switches in passed)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the first three lessons, to break."""
    for folder in sorted(FOLDER.iterdir())[:3]:
        shutil.copytree(folder, tmp_path / "course" / folder.name)
    return tmp_path / "course"


def test_the_right_switch_does_not_pass_where_the_honest_login_is_broken(course: Path, learn: Learn) -> None:
    """Check 6: the lesson is one of the referee's own, so that nothing but the login differs."""
    path = course / "03-stolen-code" / "lesson.toml"
    text = path.read_text("utf-8")
    # What the run has to show comes before the login fails; then only the repair can tell the two apart.
    started = "exchange where purpose = registration and status = 201 as redeemed"
    text = text.replace(
        "exchange where purpose = token and form.code_verifier present and status = 200 as redeemed", started
    )
    text = text.replace('part = "form.code_verifier"', 'part = "status"')
    solution = SOLUTIONS[FOLDER / "03-stolen-code" / "solution.json"]
    moves = [
        move | {"arrow": 4, "part": "status"} if move["do"] == "point" else move for move in solution["moves"]
    ]
    verb = ("run", "stolen-code", "--from", str(course), "--answers", "-", "--json")
    for fault, code, works in (("", PASSED, True), ('faults = ["iss-missing"]', NOT_PASSED, False)):
        path.write_text(text.replace("[world]", f"[world]\n{fault}", 1), "utf-8")
        found, out, err = learn(*verb, moves=solution | {"moves": moves})
        assert (found, err) == (code, "")
        failed = [phase for phase in json.loads(out)["phases"] if not phase["passed"]]
        assert [(phase["phase"], phase["honest_login"]) for phase in failed] == [("repair", False)][works:]
        assert all(claim["holds"] for phase in failed for claim in phase["claims"])


HOSTILE: Final = [
    ("lesson.toml", "purpose = token", "purpse = token", "23:16: exchange has no field “purpse”"),
    ("lesson.toml", "pkce-optional", "pkce-optionel", "10:1: “pkce-optionel” is not known here"),
    ("lesson.toml", '"redeem", "call"', '"redeem", "cal"', "33:1: “cal” is not known here"),
    ("lesson.toml", '["code-not-key"]', '["stolen-code"]', "1:1: no lesson before it has the id “stolen"),
    ("lesson.toml", 'id = "stolen-code"', 'id = "code-not-key"', "1:1: another lesson has the id “code-not-"),
    ("lesson.toml", "minutes = 12", "minutes = 12 # \x1b]0;owned\x07", "4:16: the character U+001B is not"),
    ("lesson.md", "# A stolen", "# \x1b[2JA stolen", "1:3: the character U+001B is not allowed"),
    ("lesson.md", "Log in yourself", "[x](file:///etc/passwd)", "no HTML, images or links"),
    ("lesson.md", "# A stolen", "a" * 300_000, "1:1: The file is larger than 256 KiB"),
    ("lesson.md", "### hint 3", "### hint", "no text here has the id “predict/hint”"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "said"), HOSTILE, ids=lambda value: str(value)[:20])
def test_a_hostile_lesson_is_refused_at_its_place_and_left_out(
    file: str, old: str, new: str, said: str, course: Path, learn: Learn
) -> None:
    path = course / "03-stolen-code" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    code, out, err = learn("--list", "--from", str(course))
    assert code == REFUSED
    assert "read-a-refusal" in out
    assert "stolen-code" not in out
    assert "\x1b" not in out
    assert err.startswith(f"✖ 03-stolen-code/{file}:")
    assert said in err
    assert "\x1b" not in err


def test_a_lesson_with_a_link_is_refused(course: Path, learn: Learn) -> None:
    (course / "03-stolen-code" / "more.md").symlink_to("/etc/passwd")
    code, out, err = learn("check", str(course / "03-stolen-code"))
    assert (code, out) == (REFUSED, "")
    assert err.startswith("✖ 03-stolen-code/more.md:1:1: a lesson has regular files only")


UNTRUSTED: Final = [
    ("lesson.toml", "event where what = token_accepted and seat = mallory and user = ada after theft",
     "event where what = code_redeemed", "passes without move 5, call"),
    ("lesson.toml", "what = token_accepted and", "what = code_redeemed and",
     "✖ stolen-code: 14 mutations tried\n    The"),
    ("lesson.toml", 'c = "event where what = code_refused', 'c = "event where what = code_redeemed"\n#',
     "Exactly one option of the prediction has to hold after the attack; these do: a, c.\n"),
    ("lesson.toml", '[["victim.pkce"]]', '[["victim.state"]]',
     "The lesson passes with victim.pkce, which it does not call sound.\n"),
    ("lesson.toml", "most = 6", "most = 1", "Move 5: the attack takes at most 1 moves."),
    ("lesson.md", "### hint 2", "", "the text “predict/hint 2” is missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    UNTRUSTED,
    ids=["easy", "never", "two", "switch", "most", "hint"],
)
def test_check_refuses_a_lesson_that_cannot_be_trusted(
    file: str, old: str, new: str, said: str, course: Path, learn: Learn
) -> None:
    path = course / "03-stolen-code" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    code, out, err = learn("check", str(course / "03-stolen-code"))
    assert code == REFUSED
    assert said in out + err
