"""How the course looks: its catalogue, and a lesson in each kind of phase.

After a change that was meant, make the pictures anew with `--snapshot-update`, and look at them.
"""

from collections.abc import Callable
from typing import Any, Final, Self

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from authlens_core.login.callback.listener import Listener
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.desk.course import Course
from authlens_lab.learning.desk.open_lesson import OpenLesson
from authlens_lab.learning.moves import LessonPhase
from authlens_lab.learning.progress import ProgressFile
from authlens_tui.app.learn import CourseMenu
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen
from support.pictures import NOT_DRAWN, Picture, differences, drawn_of
from support.screens import text_of, until

pytestmark = pytest.mark.slow

_OPEN: Final = Listener.__dict__["open"]
_LESSON = lessons()["stolen-code"]
BEFORE: Final = ("predict b", "login", "point 6 form.code_verifier")


class Played(OpenLesson):
    """Makes the moves so far with real logins, while the pictures have no listener."""

    async def __aenter__(self) -> Self:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Listener, "open", _OPEN)
            return await super().__aenter__()


def stored(*moves: str, passed: tuple[LessonPhase, ...] = (), **members: Any) -> ProgressFile:
    """Return the progress of a lesson with these moves."""
    file = ProgressFile(None)
    attempt = {"version": _LESSON.version, "seed": 1, "moves": moves, "passed": passed, **members}
    file.change(_LESSON.name, lambda progress: replace(progress, **attempt))
    return file


def lesson(*moves: str) -> Callable[[], CourseLessonScreen]:
    """Return what makes the screen of a lesson after these moves."""

    def make() -> CourseLessonScreen:
        return CourseLessonScreen(Played(_LESSON, stored(*moves)))

    return make


async def begun(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: "▶" in text_of(pilot.app))  # type: ignore[arg-type]


def catalogue() -> CatalogueScreen:
    """Return the lessons, one of them half done."""
    course = Course(lessons(), stored(*BEFORE))
    return CourseMenu(course, lambda *_: None, selected="stolen-code", is_root=True).screen


async def found(pilot: Pilot[int]) -> None:
    await pilot.press("slash", *"phish")


PICTURES: Final = (
    Picture("learn-catalogue", CatalogueScreen, catalogue),
    Picture("learn-catalogue-found", CatalogueScreen, catalogue, found, sizes=NOT_DRAWN),
    Picture("learn-predict", CourseLessonScreen, lesson(), begun, sizes=NOT_DRAWN),
    Picture("learn-observe", CourseLessonScreen, lesson(*BEFORE[:2]), begun),
    Picture("learn-break", CourseLessonScreen, lesson(*BEFORE, "redeem"), begun, sizes=NOT_DRAWN),
    Picture(
        "learn-repair",
        CourseLessonScreen,
        lesson(*BEFORE, "redeem", "call", "defend victim.state"),
        begun,
    ),
    Picture(
        "learn-questions",
        CourseLessonScreen,
        lesson(*BEFORE, "redeem", "call", "defend victim.pkce"),
        begun,
        sizes=NOT_DRAWN,
    ),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""
