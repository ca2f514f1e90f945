"""The course: its catalogue, the lessons that are started from it, and the question before a drill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from authlens_lab.learning.desk.course import Course, CourseLesson, drills
from authlens_lab.learning.desk.drill_world import drill_card, drill_verdicts
from authlens_tui.screens.learn.catalogue import CatalogueEntry, CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen
from authlens_tui.screens.learn.question import QuestionScreen


class CourseMenu:
    """Lessons and drills in one catalogue, which is its screen.

    Args:
        play: plays a drill whose prediction is made.
        selected: the identifier of what is selected first; what to go on with if empty.
        is_root: whether Esc in the catalogue ends the program.

    Attributes:
        verdicts: what the predictions of drills came to, by the names of the drills.
    """

    def __init__(
        self, course: Course, play: Callable[[CourseLesson, str], object], *, selected: str, is_root: bool
    ) -> None:
        self.course = course
        self._play = play
        self._ended = ""  # the lesson that is over
        self.verdicts = drill_verdicts(course.progress)
        title = "learn" if is_root else "demo"
        self.screen = CatalogueScreen(
            lambda: tuple(self.entries()), self.start, selected=selected, title=title, quits=is_root
        )

    def entries(self) -> Iterator[CatalogueEntry]:
        """Yield the next lesson, all lessons and the drills, with the progress of each."""
        course = self.course
        following = course.to_go_on_with()
        title = f"Go on: {course.lesson(following).heading}" if following else "All lessons are passed"
        ended = course.summary(self._ended).texts() if self._ended else ()
        yield CatalogueEntry("", "", title, (*ended, *course.texts()), mark="▶")
        for summary in course.summaries():
            lesson = summary.lesson
            title = f"{lesson.number:>2} {lesson.title}"
            group = f"Lessons · {course.note()}"
            yield CatalogueEntry(lesson.name, group, title, summary.card(), mark=summary.dots)
        for drill in drills().values() if course.has_drills else ():
            verdict = self.verdicts.get(drill.name)
            sign = verdict.sign if verdict else " "
            card = drill_card(drill, verdict)
            yield CatalogueEntry(drill.name, f"Drills · {drill.drill.group}", drill.title, card, mark=sign)

    def start(self, name: str) -> None:
        """Open a lesson, after a question that was missed before; or a drill, after its prediction."""
        course, app = self.course, self.screen.app
        name = name or course.to_go_on_with() or course.names[0]
        if name not in course.names:
            self._start_drill(drills()[name])
        elif (missed := course.missed_before(name)) is None:
            self._open(name)
        else:
            title, hint = f"Again, from {missed.lesson.heading}", "Press a letter. The lesson comes next."

            def answered(option: str | None) -> None:
                self._open(name, missed.answer(option) if option else "")

            app.push_screen(QuestionScreen(title, missed.text, missed.options, hint), answered)

    def _open(self, name: str, note: str = "") -> None:
        screen = CourseLessonScreen(self.course.open(name), note)
        self.screen.app.push_screen(screen, partial(self._left, name))

    def _left(self, name: str, is_over: object) -> None:
        if is_over:
            self._ended, self.screen.selected = name, ""

    def _start_drill(self, drill: CourseLesson) -> None:
        def predicted(option: str | None) -> None:
            if option:
                self._play(drill, option)

        if (verdict := self.verdicts.get(drill.name)) is not None:
            self._play(drill, verdict.predicted)
        else:
            hint = "Press a letter. Your trace shows the answer."
            question = QuestionScreen(drill.title, drill.prediction.text, drill.prediction.words, hint)
            self.screen.app.push_screen(question, predicted)
