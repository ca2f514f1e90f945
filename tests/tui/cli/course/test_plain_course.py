"""`authlens --plain learn`, line by line: what is typed is a move or a command; anything else leads on."""

import errno
import io
from pathlib import Path
from typing import Final

import pytest

from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.progress import ProgressFile
from authlens_tui.cli import main
from support.lesson_letters import as_in_the_files

SIGN_IN = ["predict a", "login"]


@pytest.fixture(autouse=True)
def _letters_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_the_files(monkeypatch)


class Course:
    """The course, with lines for its standard input."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def typed(
        self, *lines: str, verb: tuple[str, ...] = ("read-a-refusal",), kind: type[io.BytesIO] = io.BytesIO
    ) -> list[str]:
        """Type lines to the end; return what was written."""
        given = io.TextIOWrapper(kind("".join(f"{line}\n" for line in lines).encode()))
        self._monkeypatch.setattr("sys.stdin", given)
        assert main.run(["learn", *verb]) in {0, 12}
        return self._capsys.readouterr().out.splitlines()


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Course:
    monkeypatch.setenv("AUTHLENS_PLAIN", "1")
    return Course(monkeypatch, capsys)


def test_an_arrow_is_a_sentence_and_its_parts_have_names_to_point_at(course: Course) -> None:
    seen = course.typed(*SIGN_IN, "show 1", "show 99", "verdict")
    assert (
        "Arrow 1. authlens to resource. GET /. Answer 401. It asks without a token, to learn how to log in."
        in seen
    )
    assert any(line.startswith("Part challenge.resource_metadata: http://wiki.localhost:") for line in seen)
    assert "Part header.accept: application/json, */*;q=0.1." in seen
    assert "Failed: There is no such arrow." in seen
    assert "Phase run: passed." in seen


class Vanishing(io.BytesIO):
    """A terminal that is gone after its first line."""

    def readline(self, limit: int | None = -1, /) -> bytes:
        if line := super().readline(limit):
            return line
        raise OSError(errno.EIO, "Input/output error")


def test_a_terminal_that_is_gone_is_the_end_of_what_is_typed(course: Course) -> None:
    assert "Move 1. predict a" in course.typed("predict a", kind=Vanishing)


def test_a_question_that_was_missed_is_asked_again_before_the_next_lesson(course: Course) -> None:
    file = ProgressFile.open()
    file.change("read-a-refusal", lambda known: known.with_answer("q1", right=False))
    seen = course.typed("predict a", verb=("code-not-key",))
    assert seen[0] == "Again first, from lesson 1. What does a 401 say about you?"
    assert "Move 1. predict a" in seen
    assert "OK: Right." in course.typed("a", verb=("stolen-code",))
    assert file.of("read-a-refusal").missed == ()


ANSWERED: Final = [
    ("dance", "Failed: There is no move “dance”."),
    ("publish", "Failed: publish: “field” is missing."),
    ("predict b", "Failed: predict is for the phase predict, and this is observe."),
    ("defend resource.own_name", "Failed: defend is for the phase repair, and this is observe."),
    ("answer q1 a", "Failed: answer is for the phase questions, and this is observe."),
    ("again dance", "Failed: There is no phase “dance”."),
    ("point 1 reply.www-authenticate", "Failed: Not www-authenticate as a whole. A value"),
    ("point 2 json.resource", "Failed: Not resource. The resource that the token is for."),
    ("", "Type show and the number of an arrow"),
    ("hint", "Hint 1 of 3. Look at the first answer, the 401."),
    ("hint", "Hint 2 of 3. "),
    ("help", "quit: stop. Your moves are stored"),
    ("undo", "Phase observe."),
    ("undo", "Phase run."),
    ("login", "Move 2. login"),
    ("again run", "Phase run starts over. Time is turned back:"),
    ("", "Type login."),
]


def test_each_line_is_answered_and_a_wrong_one_says_what_can_be_typed(course: Course) -> None:
    seen = course.typed(*SIGN_IN, *(line for line, _ in ANSWERED))
    at = seen.index("OK: Run is done.")
    for line, said in ANSWERED:
        at = next((n for n, each in enumerate(seen[at:], at) if each.startswith(said)), -1)
        assert at >= 0, (line, seen)


def test_no_attack_is_chosen_for_a_learner_who_types_its_verb_alone(course: Course) -> None:
    seen = course.typed(*SIGN_IN, "point 6 form.code_verifier", "redeem", "hint", verb=("stolen-code",))
    at = seen.index("Failed: There are 2 ways to redeem.")
    assert seen[at + 1] == "Type one of them whole, with its values."
    assert not any(line.startswith("Move 4") for line in seen)


def test_a_lesson_goes_on_where_it_stopped_and_the_list_says_so(course: Course) -> None:
    course.typed(*SIGN_IN)
    seen = course.typed("99", "next", verb=())
    assert "1. Read a refusal: 8 minutes, stopped at observe." in seen
    assert "Failed: Type a number from 1 to 14, next or quit." in seen
    assert seen[-5:-1] == [
        "You go on where you stopped. Your moves were made again:",
        "Move 1. predict a",
        "Move 2. login",
        "Phase observe. Point at the bytes of the refusal that chose the next URL.",
    ]


@pytest.mark.parametrize(("typed", "meant"), [("shwo", "show"), ("stolen-cod", "stolen-code"), ("15", "")])
def test_a_word_that_is_no_action_is_a_lesson_and_a_slip_is_told_what_was_meant(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["learn", typed]) == 2
    seen = capsys.readouterr().err
    assert f"There is no lesson {typed}." in seen
    assert f"Did you mean {meant}?" in seen or not meant


def test_next_is_the_next_phase_and_never_leaves_a_lesson_that_is_not_over(course: Course) -> None:
    seen = course.typed(*SIGN_IN, "next", "next", "next")
    assert seen.count("Phase observe is not done yet; the next one begins when it is.") == 3
    assert not any(line.startswith("Lesson 2") for line in seen)


def test_next_after_too_many_wrong_answers_asks_the_questions_of_the_lesson_again(course: Course) -> None:
    solution = lessons()["read-a-refusal"].solution.split("\n")
    *moves, _, _ = solution
    wrong = [line[:-1] + "abc".replace(line[-1], "")[0] for line in solution[-2:]]
    seen = course.typed(*moves, *wrong, "next")
    assert "Phase questions starts over. Time is turned back:" in [line[:49] for line in seen]
    assert not any(line.startswith("Lesson 2") for line in seen)


def test_a_lesson_that_is_only_predicted_and_run_ends_after_its_run(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["learn", "new", "mine"]) == 0
    (tmp_path / "mine.toml").write_text(capsys.readouterr().out)
    seen = course.typed("a", "login", "again", "quit", verb=("play", "mine", "--from", str(tmp_path)))
    at = seen.index("OK: You passed.")
    assert seen[at + 1] == "Type next, lessons, again or quit."
    assert seen[at + 2].startswith("Phase run starts over.")
