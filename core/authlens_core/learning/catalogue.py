"""The lessons that come with the program, in their order, and those of a folder that you name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.lesson_file import read_lesson
from authlens_core.learning.lesson_folder import MOST_FILES, LessonFolder, read_folder
from authlens_core.learning.words_file import LessonWords, read_words
from authlens_core.values.errors import LessonRefused

FOLDER: Final = Path(__file__).with_name("lessons")


def folders(root: Path = FOLDER) -> tuple[LessonFolder, ...]:
    """Return the lesson folders below `root`, in the order of their names.

    Raises:
        LessonRefused: the folder cannot be read, or what is in it is no lesson.
    """
    try:
        names = sorted(path.name for path in root.iterdir() if not path.name.startswith((".", "_")))
    except OSError as error:
        raise LessonRefused(f"{root.name}:1:1: {error.strerror}") from None
    if len(names) > MOST_FILES:
        raise LessonRefused(f"{root.name}:1:1: {len(names)} lessons, and {MOST_FILES} can be read")
    for name in names:
        if (root / name).is_symlink():
            raise LessonRefused(f"{name}:1:1: a lesson is a folder, and no link")
    return tuple(read_folder(root / name) for name in names)


def lessons(root: Path = FOLDER) -> Mapping[str, tuple[CourseLesson, Mapping[str, LessonWords]]]:
    """Return every lesson with its words, by its identifier.

    Raises:
        LessonRefused: one cannot be used, has the identifier of another, or needs one that is not before it.
    """
    read: dict[str, tuple[CourseLesson, Mapping[str, LessonWords]]] = {}
    for folder in folders(root):
        lesson = read_lesson(folder, built_in=root == FOLDER)
        place = folder.place("lesson.toml")
        if lesson.name in read:
            raise LessonRefused(f"{place}:1:1: another lesson has the id “{lesson.name}”")
        for needed in lesson.needs:
            if needed not in read:
                raise LessonRefused(f"{place}:1:1: no lesson before it has the id “{needed}”")
        read[lesson.name] = lesson, read_words(folder, lesson)
    return read
