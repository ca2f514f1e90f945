"""How the course looks: its catalogue, and a lesson in each kind of phase.

After a change that was meant, make the pictures anew with `--snapshot-update`, and look at them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Self

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from authlens_core.learning.catalogue import lessons
from authlens_core.learning.desk.course import Course
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.moves import (
    AnyMove,
    CallMove,
    DefendMove,
    LoginMove,
    PointMove,
    PredictMove,
    RedeemMove,
)
from authlens_core.learning.progress.progress_file import LessonProgress, ProgressFile, StoredAttempt
from authlens_core.login.callback.listener import Listener
from authlens_tui.app.learn import listed, summary_screen
from authlens_tui.screens.learn.between_lessons import MissedQuestionScreen, SummaryScreen
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen
from support.pictures import NOT_DRAWN, SMALL, Picture, differences, drawn_of
from support.screens import text_of, until

pytestmark = pytest.mark.slow

_OPEN: Final = Listener.__dict__["open"]
_LESSON = lessons()["stolen-code"]
BEFORE: Final = (PredictMove(option="b"), LoginMove(), PointMove(arrow=6, part="form.code_verifier"))


class Played(OpenLesson):
    """Makes the moves so far with real logins, while the pictures have no listener."""

    async def __aenter__(self) -> Self:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Listener, "open", _OPEN)
            return await super().__aenter__()


def lesson(*moves: AnyMove) -> Callable[[], CourseLessonScreen]:
    """Return what makes the screen of a lesson after these moves."""

    def make() -> CourseLessonScreen:
        file = ProgressFile(None)
        stored = StoredAttempt(_LESSON.version, _LESSON.digest, seed=1, moves=moves)
        file.change(_LESSON.name, lambda known: known.with_attempt(stored))
        return CourseLessonScreen(Played(_LESSON, file))

    return make


async def begun(pilot: Pilot[int]) -> None:
    """Wait until the moves so far were made."""
    await until(pilot, lambda: "▶" in text_of(pilot.app))  # type: ignore[arg-type]


def catalogue() -> CatalogueScreen:
    """Return the lessons, one of them half done."""
    file = ProgressFile(None)
    stored = StoredAttempt(_LESSON.version, _LESSON.digest, 1, 0, BEFORE)
    file.change(_LESSON.name, lambda known: known.with_attempt(stored))
    course = Course(lessons(), file)
    return CatalogueScreen([listed(course)], lambda _: None, note=course.note(), open_at="stolen-code")


def with_a_missed_question() -> Course:
    """Return the course after a lesson that was passed with one wrong answer."""
    file = ProgressFile(None)
    passed = StoredAttempt(_LESSON.version, _LESSON.digest, 1, 0, BEFORE, tuple(LessonPhase), 4)
    known = LessonProgress(_LESSON.name, passed, seconds=500, missed=("q2",), passed_version=1)
    file.change(_LESSON.name, lambda _: known)
    return Course(lessons(), file)


def missed_question() -> MissedQuestionScreen:
    """Return the question that comes before another lesson."""
    missed = with_a_missed_question().missed_before("whose-login")
    assert missed is not None
    return MissedQuestionScreen(missed)


async def found(pilot: Pilot[int]) -> None:
    """Find by a word."""
    await pilot.press("slash", *"phish")


PICTURES: Final = (
    Picture("learn-catalogue", CatalogueScreen, catalogue),
    Picture("learn-catalogue-found", CatalogueScreen, catalogue, found, sizes=NOT_DRAWN),
    Picture("learn-summary", SummaryScreen, lambda: summary_screen(with_a_missed_question(), _LESSON.name)),
    Picture("learn-missed-question", MissedQuestionScreen, missed_question, sizes=SMALL),
    Picture("learn-predict", CourseLessonScreen, lesson(), begun, sizes=NOT_DRAWN),
    Picture("learn-observe", CourseLessonScreen, lesson(*BEFORE[:2]), begun),
    Picture("learn-break", CourseLessonScreen, lesson(*BEFORE, RedeemMove()), begun, sizes=NOT_DRAWN),
    Picture(
        "learn-repair",
        CourseLessonScreen,
        lesson(*BEFORE, RedeemMove(), CallMove(), DefendMove(on=("victim.state",))),
        begun,
    ),
    Picture(
        "learn-questions",
        CourseLessonScreen,
        lesson(*BEFORE, RedeemMove(), CallMove(), DefendMove(on=("victim.pkce",))),
        begun,
        sizes=NOT_DRAWN,
    ),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""
