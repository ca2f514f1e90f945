"""The course from outside: a referee has processes, files and exit codes, and no screen."""

import json
import os
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from authlens_lab.learning.catalogue import FOLDER, lessons
from e2e.course_process import Learn
from support.needs import without_a_route

pytestmark = pytest.mark.slow
PASSED, NOT_PASSED, REFUSED = 0, 12, 13
SOLUTIONS: Final = {
    (name, seed): lesson.for_seed(seed).solution.split("\n")
    for name, lesson in lessons().items()
    for seed in (range(len(lesson.draws)) or (1,))
}
# `learn check` tries the other faults of the last lesson, in a process as well.
ONE_EACH: Final = {name: (seed, moves) for (name, seed), moves in reversed(SOLUTIONS.items())}
NAME: Final = "03-stolen-code.toml"


def given(name: str, seed: int, moves: list[str]) -> dict[str, Any]:
    return {"format": 1, "lesson": name, "seed": seed, "moves": moves}


def verdict(learn: Learn, name: str, moves: list[str]) -> int:
    """Return the exit code of other moves than the solution."""
    return learn("run", name, "--json", moves=given(name, ONE_EACH[name][0], moves))[0]


def shown(learn: Learn, name: str) -> dict[str, Any]:
    code, out, _ = learn("show", name, "--json")
    assert code == PASSED
    return dict(json.loads(out))


def test_the_course_has_fourteen_lessons_in_an_order_that_can_be_followed(learn: Learn) -> None:
    code, out, _ = learn("--list", "--json")
    lessons = [one for one in json.loads(out) if "group" not in one]
    before: list[str] = []
    for lesson in lessons:
        assert set(lesson["needs"]) <= set(before)
        before.append(lesson["id"])
    assert (code, len(before), len(set(before))) == (0, 14, 14)


@pytest.mark.timeout(600)  # a process for each; what they may use is bounded by their CPU time
def test_every_solution_passes_without_a_network() -> None:
    """All of them within 30 seconds of two cores; the clock of a busy machine says nothing."""
    before = os.times()
    for (name, seed), moves in SOLUTIONS.items():
        command = [*without_a_route(), sys.executable, "-m", "authlens_tui", "learn", "run", name]
        text = json.dumps(given(name, seed, moves)).encode()
        done = subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (PASSED, b""), (name, seed)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 60


@pytest.mark.parametrize("name", ONE_EACH)
def test_nothing_less_than_the_solution_passes(name: str, learn: Learn) -> None:
    """Without moves, the attack, the repair, or any other move than an answer; the first claim is named."""
    seed, moves = ONE_EACH[name]
    code, out, _ = learn("run", name, "--json", moves=given(name, seed, []))
    named = [phase["claims"][0]["holds"] for phase in json.loads(out)["phases"] if phase["phase"] == "run"]
    assert (code, named) == (NOT_PASSED, [False])
    honest = [move for move in moves if move.split()[0] in ("predict", "login", "point", "answer")]
    assert verdict(learn, name, honest) in (NOT_PASSED, REFUSED)
    unrepaired = [move for move in moves if not move.startswith("defend")]
    assert len(unrepaired) == len(moves) or verdict(learn, name, unrepaired) == NOT_PASSED
    for number, move in enumerate(moves):
        if not move.startswith("answer"):
            left = moves[:number] + moves[number + 1 :]
            assert verdict(learn, name, left) in (NOT_PASSED, REFUSED), move


@pytest.mark.parametrize("name", ONE_EACH)
def test_only_the_right_switches_repair(name: str, learn: Learn) -> None:
    """Each set of switches within the budget; the solution's own set is one that passes."""
    _, moves = ONE_EACH[name]
    repair = shown(learn, name)["phases"]["repair"]
    offered = repair.get("options", {})
    right = next((set(move.split()[1:]) for move in moves if move.startswith("defend")), set())
    passed = []
    for size in range(1, repair["budget"] + 1):
        for switches in combinations(offered, size):
            turned = [f"defend {' '.join(switches)}" if move.startswith("defend") else move for move in moves]
            code = verdict(learn, name, turned)
            assert code in (PASSED, NOT_PASSED)
            if code == PASSED:
                passed.append(set(switches))
    assert right in passed or not offered
    # Two ways lead out of three of the lessons; what is right is at most a third of the choices.
    assert len(passed) <= 2
    assert all(len(switches) == len(right) for switches in passed)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the first three lessons, to break."""
    folder = tmp_path / "course"
    folder.mkdir()
    for path in sorted(FOLDER.iterdir())[:3]:
        shutil.copy(path, folder)
    return folder


def test_the_right_switch_does_not_pass_where_the_honest_login_is_broken(course: Path, learn: Learn) -> None:
    """Check 6: the lesson is one of the referee's own, so that nothing but the login differs."""
    path = course / NAME
    text = path.read_text("utf-8")
    # What the run has to show comes before the login fails; then only the repair can tell the two apart.
    started = "exchange where purpose = registration and status = 201 as redeemed"
    text = text.replace(
        "exchange where purpose = token and form.code_verifier present and status = 200 as redeemed", started
    )
    text = text.replace('parts = ["form.code_verifier"]', 'parts = ["status"]')
    moves = ["point 4 status" if move.startswith("point") else move for move in ONE_EACH["stolen-code"][1]]
    verb = ("run", "stolen-code", "--from", str(course), "--json")
    for fault, code, works in (("", PASSED, True), ('faults = ["iss-missing"]', NOT_PASSED, False)):
        path.write_text(text.replace("[lesson.world]", f"[lesson.world]\n{fault}", 1), "utf-8")
        found, out, err = learn(*verb, moves=given("stolen-code", 1, moves))
        assert (found, err) == (code, "")
        failed = [phase for phase in json.loads(out)["phases"] if not phase["passed"]]
        assert [(phase["phase"], phase["honest_login"]) for phase in failed] == [("repair", False)][works:]
        assert all(claim["holds"] for phase in failed for claim in phase["claims"])


HOSTILE: Final = [
    ("purpose = token", "purpse = token", "53:16: exchange has no field “purpse”"),
    ("pkce-optional", "pkce-optionel", "31:1: “pkce-optionel” is no value of"),
    ('"redeem", "call"', '"redeem", "cal"', "64:1: “cal” is no value of"),
    ('["code-not-key"]', '["stolen-code"]', "7:1: no lesson before it has the id “stolen"),
    ('id = "stolen-code"', 'id = "code-not-key"', "4:1: another lesson has the id “code-not-"),
    ("minutes = 12", "minutes = 12 # \x1b]0;owned\x07", "6:16: the character U+001B is not"),
    ("A stolen", "\x1b[2JA stolen", "9:10: the character U+001B is not allowed"),
    ("Log in yourself", "[x](file:///etc/passwd)", "no HTML, images or links"),
    ("A stolen", "a" * 300_000, "1:1: The file is larger than 256 KiB"),
    ("observe = [", "watch = [", "“watch” is no value of “lesson[0].hints”"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), HOSTILE, ids=lambda value: str(value)[:20])
def test_a_hostile_lesson_is_refused_at_its_place_and_left_out(
    old: str, new: str, said: str, course: Path, learn: Learn
) -> None:
    text = (course / NAME).read_text("utf-8")
    assert old in text
    (course / NAME).write_text(text.replace(old, new, 1), "utf-8")
    code, out, err = learn("--list", "--from", str(course))
    assert code == REFUSED
    assert "read-a-refusal" in out
    assert "stolen-code" not in out
    assert "\x1b" not in out
    assert err.startswith(f"✖ Left out: {NAME}:")
    assert said in err
    assert "\x1b" not in err


def test_a_lesson_that_is_a_link_is_refused(course: Path, learn: Learn) -> None:
    (course / "04-more.toml").symlink_to("/etc/passwd")
    code, out, err = learn("check", str(course / "04-more.toml"))
    assert (code, out) == (REFUSED, "")
    assert err.startswith("✖ 04-more.toml:1:1: The file is a link")


UNTRUSTED: Final = [
    ("event where what = token_accepted and seat = mallory and user = ada after theft",
     "event where what = code_redeemed", "passes without move 5, call"),
    ("what = token_accepted and", "what = code_redeemed and",
     "✖ stolen-code: 14 mutations tried\n    The"),
    ("event where what = code_refused and seat = mallory and reason = wrong_client",
     "event where what = code_redeemed",
     "Exactly one option of the prediction has to hold after the attack; these do: a, c.\n"),
    ('[["victim.pkce"]]', '[["victim.state"]]',
     "The lesson passes with victim.pkce, which it does not call sound.\n"),
    ("most = 6", "most = 1", "Move 5: the attack takes at most 1 moves."),
    ("login\npoint", "log in\npoint", "Move 2: There is no move “log”."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"), UNTRUSTED, ids=["easy", "never", "two", "switch", "most", "move"]
)
def test_check_refuses_a_lesson_that_cannot_be_trusted(
    old: str, new: str, said: str, course: Path, learn: Learn
) -> None:
    text = (course / NAME).read_text("utf-8")
    assert old in text
    (course / NAME).write_text(text.replace(old, new, 1), "utf-8")
    code, out, err = learn("check", str(course / NAME))
    assert code == REFUSED
    assert said in out + err
