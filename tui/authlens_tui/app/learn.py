"""The course as an app: the catalogue, and the lessons that are started from it."""

from __future__ import annotations

from collections.abc import Mapping

from authlens_core.learning.catalogue import lessons
from authlens_core.learning.guide.catalogue_words import card, dots
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.progress.lesson_progress import progress_name
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.learn.catalogue import CatalogueEntry, CatalogueList, CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen

_Read = tuple[CourseLesson, Mapping[str, LessonWords]]


def course_lists(
    course: Mapping[str, _Read], progress: ProgressFile, language: str = ENGLISH
) -> tuple[CatalogueList, ...]:
    """Return the lessons as the catalogue shows them.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    known = progress.read()
    entries = []
    for number, (name, (lesson, by_language)) in enumerate(course.items(), 1):
        words, stored = words_in(by_language, language), known.get(progress_name(lesson))
        entries.append(
            CatalogueEntry(name, f"{number:>2} {words.title}", card(lesson, words, stored), dots(stored))
        )
    return (CatalogueList("Lessons", tuple(entries)),)


def words_in(by_language: Mapping[str, LessonWords], language: str) -> LessonWords:
    """Return the words in a language, or the English ones."""
    return by_language.get(language, by_language[ENGLISH])


class LearnApp(BaseApp):
    """Shows the lessons, and how far you are in each.

    Args:
        course: the lessons with their words by language.
        progress: how far you are; in `learn.json` by default.
    """

    def __init__(
        self,
        course: Mapping[str, _Read] | None = None,
        progress: ProgressFile | None = None,
        *,
        language: str = ENGLISH,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(environ)
        self._course = lessons() if course is None else course
        self._progress = ProgressFile.open() if progress is None else progress
        self._language = language

    def on_mount(self) -> None:
        self._catalogue = CatalogueScreen(self._lists(), self._open)
        self.push_screen(self._catalogue)

    def _lists(self) -> tuple[CatalogueList, ...]:
        return course_lists(self._course, self._progress, self._language)

    def _open(self, name: str) -> None:
        lesson = self._course[name][0]
        number = list(self._course).index(name) + 1
        screen = CourseLessonScreen(
            RecordedAttempt(lesson, self._progress), words_in(self._course[name][1], self._language), number
        )
        self.push_screen(screen, lambda _: self._catalogue.show(self._lists()))
