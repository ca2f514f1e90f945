"""The course as an app: the catalogue, the lessons that are started from it, and what you can do after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from textual.app import App

from authlens_core.export.saved_file import write_export
from authlens_core.learning.catalogue import lessons
from authlens_core.learning.drill.drill import Drill
from authlens_core.learning.drill.drill_file import drills
from authlens_core.learning.drill.drill_verdict import DrillVerdict
from authlens_core.learning.guide.catalogue_words import card, dots
from authlens_core.learning.guide.drill_words import drill_card, sign_of
from authlens_core.learning.guide.summary import (
    LessonSummary,
    answer_again,
    course_texts,
    lesson_texts,
    lesson_to_go_on_with,
    missed_question,
    progress_words,
    summaries_of,
)
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.progress.lesson_progress import LessonProgress, progress_name
from authlens_core.learning.progress.practice import entries_of, record_of
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.record_markdown import record_markdown
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.learn.catalogue import CatalogueEntry, CatalogueList, CatalogueScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen
from authlens_tui.screens.learn.question import MissedQuestionScreen
from authlens_tui.screens.learn.summary import AfterLesson, SummaryScreen

_Read = tuple[CourseLesson, Mapping[str, LessonWords]]


class Course:
    """The lessons in one language, and how far you are in each.

    Raises:
        LessonRefused: a lesson, or the stored progress, cannot be used.
    """

    def __init__(
        self,
        course: Mapping[str, _Read] | None = None,
        progress: ProgressFile | None = None,
        *,
        language: str = ENGLISH,
    ) -> None:
        read = lessons() if course is None else course
        self.lessons = {
            name: (lesson, by_language.get(language, by_language[ENGLISH]))
            for name, (lesson, by_language) in read.items()
        }
        self.progress = ProgressFile.open() if progress is None else progress
        self.summaries()

    def known(self) -> Mapping[str, LessonProgress]:
        """Return the progress by the identifier of the lesson."""
        stored = self.progress.read()
        names = {name: progress_name(lesson) for name, (lesson, _) in self.lessons.items()}
        return {name: stored[known_as] for name, known_as in names.items() if known_as in stored}

    def summaries(self) -> tuple[LessonSummary, ...]:
        """Return what came of each lesson."""
        return summaries_of(self.lessons, self.known())

    def listed(self) -> CatalogueList:
        """Return the lessons as the catalogue shows them."""
        known = self.known()
        return CatalogueList(
            "Lessons",
            tuple(
                CatalogueEntry(
                    name,
                    f"{number:>2} {words.title}",
                    card(lesson, words, known.get(name)),
                    dots(known.get(name)),
                )
                for number, (name, (lesson, words)) in enumerate(self.lessons.items(), 1)
            ),
        )

    def screen(self, name: str) -> CourseLessonScreen:
        """Return the screen of a lesson, where it stopped."""
        lesson, words = self.lessons[name]
        number = list(self.lessons).index(name) + 1
        return CourseLessonScreen(RecordedAttempt(lesson, self.progress), words, number)

    def summary(self, name: str = "") -> SummaryScreen:
        """Return what you can do, after a lesson or at any time."""
        summaries = self.summaries()
        texts = tuple(course_texts(summaries))
        if not name:
            return SummaryScreen(texts, self.save)
        place = list(self.lessons).index(name)
        ended = summaries[place]
        goes_on = ended.passed or ended.lesson.ticket is not None
        after = AfterLesson.NEXT if goes_on else AfterLesson.AGAIN
        is_last = place == len(summaries) - 1 and ended.passed
        return SummaryScreen([*lesson_texts(ended), *texts], self.save, *(() if is_last else (after,)))

    async def save(self) -> str:
        """Save a record of what was done, with a page to read beside it; return where it is.

        Raises:
            FileUnusable: it cannot be written here.
        """
        lessons = (lesson for lesson, _ in self.lessons.values())
        made = await record_of(entries_of(lessons, self.progress.read()))
        path = Path(f"record-{time.strftime('%Y%m%d-%H%M%S')}.json")
        words = {name: each for name, (_, each) in self.lessons.items()}
        written = write_export(path, made.record.as_bytes().decode())
        write_export(path.with_suffix(".md"), record_markdown(made.record, words))
        skipped = "".join(f" Left out: {reason}" for reason in made.left_out)
        return f"Written to {written}, and a page to read beside it.{skipped}"

    def missed(self, name: str) -> MissedQuestionScreen | None:
        """Return a question to ask again before a lesson begins; None where there is none."""
        if (found := missed_question(self.summaries(), name)) is None:
            return None
        summary, question = found
        texts = summary.words.texts
        options = {option: texts[f"questions/{question}/{option}"] for option in "abc"}

        def answer(option: str) -> str:
            is_right, said = answer_again(summary, question, option)
            known_as = progress_name(summary.lesson)
            self.progress.change(known_as, lambda known: known.with_answer(question, right=is_right))
            return said

        title = f"{summary.number} {summary.words.title}"
        return MissedQuestionScreen(title, texts[f"questions/{question}"], options, answer)


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
        if (question := self._course.missed(name)) is None:
            self._begin(name)
        else:
            self._app.push_screen(question, lambda _: self._begin(name))

    def _begin(self, name: str) -> None:
        self._app.push_screen(self._course.screen(name), partial(self._left, name))

    def _left(self, name: str, over: object) -> None:
        self._changed()
        if over:
            self._app.push_screen(self._course.summary(name), partial(self._after, name))

    def _after(self, name: str, after: AfterLesson | None) -> None:
        names = list(self._course.lessons)
        place = names.index(name) + 1
        if after is AfterLesson.AGAIN:
            screen = self._course.screen(name)
            screen.begin_again_at = LessonPhase.QUESTIONS
            self._app.push_screen(screen, partial(self._left, name))
        elif after is AfterLesson.NEXT and place < len(names):
            self.open(names[place])


def drill_lists(verdicts: Mapping[str, DrillVerdict]) -> tuple[CatalogueList, ...]:
    """Return the drills as the catalogue shows them, given the verdicts by their names."""

    def entry(drill: Drill) -> CatalogueEntry:
        verdict = verdicts.get(drill.name)
        card = drill_card(drill, verdict)
        return CatalogueEntry(drill.name, drill.title, card, sign_of(verdict), words=drill.watch_for)

    return tuple(
        CatalogueList(f"Drills · {group.value}", tuple(map(entry, listed)))
        for group, listed in groupby(drills().values(), key=lambda drill: drill.group)
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
            record=lambda: self.push_screen(self._course.summary()),
            note=self._note(),
            open_at=lesson_to_go_on_with(self._course.summaries()),
        )
        self.push_screen(self._catalogue)
        if self._start:
            self._open(self._start)

    def _lists(self) -> tuple[CatalogueList, ...]:
        own = all(lesson.built_in for lesson, _ in self._course.lessons.values())
        return (self._course.listed(), *(drill_lists({}) if own else ()))

    def _note(self) -> str:
        return progress_words(self._course.summaries())

    def _show(self) -> None:
        self._catalogue.show(self._lists(), self._note())

    def _open(self, name: str) -> None:
        if name in self._course.lessons:
            self._lessons.open(name)
        else:
            self.drill = name
            self.exit(0)
