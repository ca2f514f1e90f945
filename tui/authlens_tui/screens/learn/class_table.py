"""A class, as a table that follows its folder: who is where, who is stuck, and what to explain next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text
from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import DataTable

from authlens_core.learning.class_folder import ClassFolder, ClassView, Student, StudentRow
from authlens_core.learning.desk.course import Course, LessonPhase
from authlens_core.values.errors import AuthlensError
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

POLL: Final = 1.8  # seconds: with the time that it takes to read, a change is seen within two
# Cells, with the one between two columns: all of them fit into 80.
_COLUMNS: Final = {"Who": 13, "Lesson": 19, "Phase": 10, "Done": 7, "Tries": 6, "Hints": 6, "Idle": 7, "": 6}
_MOST_LINES: Final = 3
_EMPTY: Final = (
    "No one is here yet. Each student sets AUTHLENS_CLASS to this folder, then runs: authlens learn"
)


class ClassScreen(Screen[None]):
    """Shows a class, and looks again every two seconds.

    Args:
        course: the lessons that it is at, for their words.
    """

    CSS_PATH = "class_table.tcss"
    HELP = (
        "Each row is the newest file of a student. Stuck: 8 minutes, or 5 tries, in one phase. Below are the "
        "claims that most students fail now. Enter shows what a student did; ! makes the moves again."
    )
    # Before the table, which has the key without a name.
    BINDINGS: ClassVar[list[BindingType]] = keys("class")

    title_bar = getters.query_one(TitleBar)
    table = getters.query_one(DataTable)
    failing = getters.query_one("#class-failing", Static)
    refused = getters.query_one("#class-refused", Static)

    def __init__(self, folder: ClassFolder, course: Course) -> None:
        super().__init__()
        self._folder = folder
        self._course = course
        self._view = ClassView((), ())
        self._shown: dict[str, tuple[str, ...]] = {}

    def compose(self) -> ComposeResult:
        yield TitleBar("class", self._folder.path.absolute().name, is_root=True)
        yield DataTable(cursor_type="row", zebra_stripes=False, cell_padding=0)
        yield Static(Content(_EMPTY), id="class-empty")
        yield Static(id="class-failing")
        yield Static(id="class-refused")
        yield KeyFooter()

    def on_mount(self) -> None:
        for name, width in _COLUMNS.items():
            self.table.add_column(Text(name), key=name, width=width)
        self.table.focus()
        self._follow()

    @work(group="class", description="look at the class")
    async def _follow(self) -> None:
        while True:
            try:
                self._view = await asyncio.to_thread(self._folder.read)
            except AuthlensError as error:
                self._view = ClassView(self._view.students, (error.cause,))
            with suppress(NoMatches):  # the app may have closed the screen meanwhile
                self._show()
            await asyncio.sleep(POLL)

    def _show(self) -> None:
        """Bring the table up to date, cell by cell: most of it is as it was."""
        now = time.time()
        known = [student.row(now) for student in self._view.students]
        rows = {row.who: _cells(row) for row in known}
        for who in self._shown.keys() - rows.keys():
            self.table.remove_row(who)
        for who, cells in rows.items():
            if (before := self._shown.get(who)) is None:
                self.table.add_row(*map(_styled, cells), key=who)
                continue
            for column, cell, old in zip(_COLUMNS, cells, before, strict=True):
                if cell != old:
                    self.table.update_cell(who, column, _styled(cell))
        if rows.keys() - self._shown.keys():
            self.table.sort("Who", key=str)
        self._shown = rows
        self.title_bar.note = f"students: {len(rows)} · stuck: {sum(row.stuck for row in known)}"
        self.set_class(not rows, "-empty")
        _update(self.failing, "\n".join(self._failing_lines()))
        _update(self.refused, "\n".join(_first(f"✖ {reason}" for reason in self._view.refused)))

    def _failing_lines(self) -> Iterator[str]:
        for claim, students in self._view.failing()[:_MOST_LINES]:
            name, _, place = claim.partition(" ")
            yield f"{students} fail now: {name}, {self._claim(name, place)}"

    def _claim(self, lesson: str, place: str) -> str:
        """Return the words of a claim such as `break/2`; the place itself if it has none."""
        texts = self._course.lesson(lesson).words.texts if lesson in self._course.names else {}
        phase, _, number = place.partition("/")
        return texts.get(f"{phase}/claim {number}", place)

    @property
    def _selected(self) -> Student | None:
        if not self.table.is_valid_row_index(self.table.cursor_row):
            return None
        key = self.table.coordinate_to_cell_key(self.table.cursor_coordinate).row_key.value
        return next((student for student in self._view.students if student.who == key), None)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """Show what the selected student did."""
        if (student := self._selected) is not None:
            self.app.push_screen(StudentScreen(student))

    @work(exclusive=True, group="verify", description="make the moves again")
    async def action_verify(self) -> None:
        """Make the moves of the selected student again, and report whether they come to what is shown."""
        if (student := self._selected) is None:
            return
        self.notify("Making the moves again …", title=student.who, markup=False)
        done = await self._course.verify(student.record)
        words = "\n".join(_first(done.differs)) or f"The moves hold: {done.passed}."
        self.notify(
            words,
            title=student.who,
            severity="information" if done.holds else "error",
            timeout=10,
            markup=False,
        )

    def action_save(self) -> None:
        """Write the table to a new file in this directory."""
        path = Path(f"class-{time.strftime('%Y%m%d-%H%M%S')}.csv")
        try:
            written = self._view.save(path, time.time())
        except AuthlensError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.notify(f"Written to {written}", markup=False)


class StudentScreen(Dialog[None]):
    """Shows the lessons and moves of a student, as their file has them."""

    BINDINGS: ClassVar[list[BindingType]] = keys("student")

    def __init__(self, student: Student) -> None:
        super().__init__()
        self._student = student

    def body(self) -> ComposeResult:
        row = self._student.row(time.time())
        with DialogBox(f"{row.who} ({row.exam})" if row.exam else row.who, wide=True) as box:
            box.can_focus = True
            yield Static(Content("\n").join(map(Content.line, _done(self._student))))

    def on_mount(self) -> None:
        self.query_one(DialogBox).focus()


def _done(student: Student) -> Iterator[str]:
    for lesson in reversed(student.record.lessons):
        sign = "✔" if lesson.verdict.passed else "○"
        tries, hints = sum(lesson.tries.values()), sum(lesson.hints.values())
        yield f"{sign} {lesson.lesson}: tries {tries}, hints {hints}, {lesson.seconds // 60} min"
        yield from (f"   {number:>2}  {move.text}" for number, move in enumerate(lesson.moves, 1))
        yield ""


def _cells(row: StudentRow) -> tuple[str, ...]:
    return (
        _short(row.who, "Who"),
        _short(row.lesson or "", "Lesson"),
        row.phase.value if row.phase else "",
        "".join("●" if phase in row.done else "○" for phase in LessonPhase),
        f"{row.tries:>5}",
        f"{row.hints:>5}",
        _idle(row.idle),
        "stuck" if row.stuck else "",
    )


def _short(text: str, column: str) -> str:
    return text if len(text) < _COLUMNS[column] else f"{text[: _COLUMNS[column] - 2]}…"


def _idle(seconds: int) -> str:
    """Return how long ago, in steps: a cell that stays as it is costs nothing."""
    if seconds < 10:
        return "now"
    return f"{seconds // 10 * 10} s" if seconds < 60 else f"{seconds // 60} min"


def _styled(cell: str) -> Text:
    return Text(Content.line(cell).plain, style="bold" if cell == "stuck" else "", no_wrap=True)


def _first(lines: Iterable[str]) -> list[str]:
    """Return the first lines, and how many there are besides."""
    known = list(lines)
    more = len(known) - _MOST_LINES
    return known[:_MOST_LINES] + ([f"… {more} more"] if more > 0 else [])


def _update(line: Static, words: str) -> None:
    line.display = bool(words)
    line.update(Content(words))
