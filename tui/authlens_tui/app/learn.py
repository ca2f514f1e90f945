"""The course as apps: the catalogue, and the lessons that are started from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from typing import Any

from textual.app import App

from authlens_core.learning.desk.course import Course, CourseLesson, LessonPhase, drills
from authlens_core.learning.desk.drill_world import DrillVerdict, drill_card, drill_verdicts
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.learn.between_lessons import AfterLesson, MissedQuestionScreen, SummaryScreen
from authlens_tui.screens.learn.catalogue import CatalogueEntry, CatalogueList, CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen


def listed(course: Course) -> CatalogueList:
    """Return the lessons as the catalogue shows them.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    entries = []
    for summary in course.summaries():
        lesson = summary.lesson
        title = f"{lesson.number:>2} {lesson.title}"
        entries.append(CatalogueEntry(lesson.name, title, summary.card(), summary.dots))
    return CatalogueList("Lessons", tuple(entries))


def summary_screen(course: Course, name: str = "") -> SummaryScreen:
    """Return what you can do, after a lesson or at any time."""
    texts = tuple(course.texts())
    if not name:
        return SummaryScreen(texts)
    ended = course.summary(name)
    after = AfterLesson.NEXT if ended.passed else AfterLesson.AGAIN
    is_last = ended.passed and not course.next_after(name)
    return SummaryScreen([*ended.texts(), *texts], *(() if is_last else (after,)))


class Lessons:
    """Opens the lessons of a course over the catalogue, one after another.

    Args:
        changed: called when a lesson was left, which may have changed how far you are.
    """

    def __init__(self, app: App[Any], course: Course, changed: Callable[[], object]) -> None:
        self._app = app
        self._course = course
        self._changed = changed

    def open(self, name: str) -> None:
        """Open a lesson; one that is begun asks a question first that was missed before."""
        if (missed := self._course.missed_before(name)) is None:
            self._begin(name)
        else:
            self._app.push_screen(MissedQuestionScreen(missed), lambda _: self._begin(name))

    def _begin(self, name: str, at: LessonPhase | None = None) -> None:
        screen = CourseLessonScreen(self._course.open(name), begin_again_at=at)
        self._app.push_screen(screen, partial(self._left, name))

    def _left(self, name: str, over: object) -> None:
        self._changed()
        if over:
            self._app.push_screen(summary_screen(self._course, name), partial(self._after, name))

    def _after(self, name: str, after: AfterLesson | None) -> None:
        if after is AfterLesson.AGAIN:
            self._begin(name, LessonPhase.QUESTIONS)
        elif after is AfterLesson.NEXT and (following := self._course.next_after(name)):
            self.open(following)


def drill_lists(verdicts: Mapping[str, DrillVerdict]) -> tuple[CatalogueList, ...]:
    """Return the drills as the catalogue shows them, given the verdicts by their names."""

    def entry(drill: CourseLesson) -> CatalogueEntry:
        verdict = verdicts.get(drill.name)
        card, sign = drill_card(drill, verdict), verdict.sign if verdict else " "
        return CatalogueEntry(drill.name, drill.title, card, sign, words=drill.watch_for)

    return tuple(
        CatalogueList(f"Drills · {group}", tuple(map(entry, listed)))
        for group, listed in groupby(drills().values(), key=lambda drill: drill.drill.group)
    )


class LearnApp(BaseApp):
    """Shows the catalogue of a course.

    Args:
        start: the identifier of a lesson to open at once; the catalogue is below it.

    Attributes:
        drill: the drill that was chosen, which ends this app: it needs the wizard of the demo.
    """

    def __init__(self, course: Course, environ: Mapping[str, str] | None = None, *, start: str = "") -> None:
        super().__init__(environ)
        self._course = course
        self._lessons = Lessons(self, course, self._show)
        self._start = start
        self.drill = ""

    def on_mount(self) -> None:
        self._catalogue = CatalogueScreen(
            self._lists(),
            self._open,
            record=lambda: self.push_screen(summary_screen(self._course)),
            note=self._course.note(),
            open_at=self._course.to_go_on_with(),
        )
        self.push_screen(self._catalogue)
        if self._start:
            self._open(self._start)

    def _lists(self) -> tuple[CatalogueList, ...]:
        own = all(self._course.lesson(name).built_in for name in self._course.names)
        return (listed(self._course), *(drill_lists(drill_verdicts(self._course.progress)) if own else ()))

    def _show(self) -> None:
        self._catalogue.show(self._lists(), self._course.note())

    def _open(self, name: str) -> None:
        if name in self._course.names:
            self._lessons.open(name)
        else:
            self.drill = name
            self.exit(0)
