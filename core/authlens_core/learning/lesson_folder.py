"""The files of a lesson, read from a folder that anyone may have written: plain text, few and small.

Its words are in `lesson.md`, whose headings are the identifiers of the texts. The subset of Markdown is
paragraphs, lists, emphasis and code. There is no HTML, no image and no link.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.learning.lesson import HINTED, HINTS, LessonTable, LessonWords
from authlens_core.learning.strict_file import line_and_column
from authlens_core.state.regular_file import read_named
from authlens_core.values.errors import FileUnusable, LessonRefused
from authlens_core.values.unprinted import Unprinted

MOST_FILES: Final = 64
LARGEST_FILE: Final = 256 * 1024  # bytes
LARGEST_FOLDER: Final = 2 * 1024 * 1024  # bytes
_KINDS: Final = frozenset({".toml", ".md", ".json"})
_BYTE_ORDER_MARK: Final = codecs.BOM_UTF8
_HEADING: Final = re.compile(r"(#{1,4}) +(\S.*)")
_WORDS: Final = "lesson.md"
# What Markdown would make HTML, an image or a link of.
_FORBIDDEN: Final = re.compile(r"<[A-Za-z/!?]|\]\(|\]\[|!\[|https?://")


class LessonFolder(Unprinted, Struct, frozen=True):
    """A folder, read.

    Attributes:
        name: its own name, for messages.
        texts: the text of each file, by name.
        digest: of all of them, `sha256:` and hexadecimal.
    """

    name: str
    texts: Mapping[str, str]
    digest: str

    def place(self, file: str) -> str:
        """Return what a message calls a file of it."""
        return f"{self.name}/{file}"

    def text(self, file: str) -> str:
        """Return the text of a file.

        Raises:
            LessonRefused: there is none.
        """
        if file not in self.texts:
            raise LessonRefused(f"{self.place(file)}:1:1: the file is missing")
        return self.texts[file]


def read_folder(folder: Path) -> LessonFolder:
    """Return the files of a lesson.

    Raises:
        LessonRefused: it is no folder of regular files, or one is too large, or no plain UTF-8.
    """
    if folder.is_symlink():
        raise LessonRefused(f"{folder.name}:1:1: a lesson is a folder, and no link")
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        raise LessonRefused(f"{folder.name}:1:1: {error.strerror}") from None
    if len(found) > MOST_FILES:
        raise LessonRefused(f"{folder.name}:1:1: {len(found)} files, and a lesson has {MOST_FILES} at most")
    texts, total, digest = {}, 0, hashlib.sha256()
    for name, status in found:
        place = f"{folder.name}/{name}:1:1"
        if not stat.S_ISREG(status.st_mode) or Path(name).suffix not in _KINDS:
            raise LessonRefused(f"{place}: a lesson has regular files only: .toml, .md and .json")
        try:  # a link, or a device, may have replaced the file meanwhile
            data = read_named(folder / name, LARGEST_FILE, shown=Path("The file"), follow=False)
        except FileUnusable as error:
            raise LessonRefused(f"{place}: {error.cause}") from None
        total += len(data)
        if total > LARGEST_FOLDER:
            raise LessonRefused(f"{place}: the folder has more than {LARGEST_FOLDER // 1024} KiB")
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
        texts[name] = _text(data, f"{folder.name}/{name}")
    return LessonFolder(folder.name, texts, f"sha256:{digest.hexdigest()}")


def _text(data: bytes, file: str) -> str:
    try:
        text = data.removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise LessonRefused(f"{file}:{line_and_column(before)}: not UTF-8") from None
    text = text.replace("\r\n", "\n")
    for at, character in enumerate(text):
        if character != "\n" and not character.isprintable():
            code = f"U+{ord(character):04X}"
            raise LessonRefused(f"{file}:{line_and_column(text[:at])}: the character {code} is not allowed")
    return text


def read_words(folder: LessonFolder, lesson: LessonTable) -> LessonWords:
    """Return the words of a lesson.

    Raises:
        LessonRefused: a text is missing or too much, or has what the subset does not.
    """
    text = folder.text(_WORDS)
    for name in folder.texts:
        if name.endswith(".md") and name != _WORDS:
            raise LessonRefused(f"{folder.place(name)}:1:1: the words of a lesson are in {_WORDS}")
    others = ("questions", *(f"questions/{question.name}/why" for question in lesson.questions))
    return LessonWords(*read_texts(text, folder.place(_WORDS), _wanted(lesson), others=others))


def _wanted(lesson: LessonTable) -> tuple[str, ...]:
    """Return the identifiers of all the texts that a lesson needs."""
    names = [
        "can",
        "cures",
        "task",
        "predict",
        *(f"predict/{letter}" for letter in lesson.prediction.claims),
    ]
    for phase, claims in (
        ("run", lesson.run.claims),
        ("break", lesson.attack.claims),
        ("repair", lesson.repair.claims),
    ):
        names += [phase, *(f"{phase}/claim {number}" for number in range(1, len(claims) + 1))]
    names += ["observe"]
    names += [f"{phase.value}/hint {number}" for phase in HINTED for number in range(1, HINTS + 1)]
    names += [f"repair/{switch}" for switch in lesson.repair.offer]
    for question in lesson.questions:
        name = f"questions/{question.name}"
        names += [name, f"{name}/a", f"{name}/b", f"{name}/c"]
    return tuple(names)


def read_texts(
    text: str, file: str, wanted: Collection[str], *, others: Collection[str] = ()
) -> tuple[str, Mapping[str, str]]:
    """Return the title of a file of words, and its texts by the path of their headings.

    Args:
        file: its name, for messages.
        wanted: the texts that have to be there.
        others: those that may be there besides.

    Raises:
        LessonRefused: a text is missing or too much, or has what the subset does not.
    """
    texts: dict[str, str] = {}
    title = ""
    for name, line, block in _sections(text, file):
        if name in texts or (not name and title):
            raise LessonRefused(f"{file}:{line}:1: “{name or 'the title'}” is there twice")
        if not name:
            title = block
        elif name in wanted or name in others:
            texts[name] = block
        else:
            raise LessonRefused(f"{file}:{line}:1: no text here has the id “{name}”")
    missing = [name for name in wanted if not texts.get(name)]
    if not title or missing:
        raise LessonRefused(f"{file}:1:1: the text “{missing[0] if missing else 'title'}” is missing")
    return title, texts


def _sections(text: str, file: str) -> Iterator[tuple[str, int, str]]:
    """Yield the path of headings, the line and the text of each section; the title has an empty path."""
    path: list[str] = []
    start, lines = 0, list[str]()
    for number, line in enumerate([*text.split("\n"), "# "], 1):
        forbidden = _FORBIDDEN.search(line)
        if forbidden is not None:
            column = forbidden.start() + 1
            raise LessonRefused(f"{file}:{number}:{column}: no HTML, images or links: {forbidden[0]!r}")
        # The spaces at its end are no part of a pattern: many within a line would be tried from each.
        heading = _HEADING.fullmatch(line.rstrip(" "))
        if heading is None and line != "# ":
            lines.append(line)
            continue
        block = "\n".join(lines).strip()
        if start:
            yield "/".join(path), start, block
        elif block:
            raise LessonRefused(f"{file}:1:1: a file of words starts with its title")
        if heading is None:
            return
        level = len(heading[1])
        if level == 1:
            yield "", number, heading[2]
            start, lines, path = 0, [], []
            continue
        if level - 2 > len(path):
            raise LessonRefused(f"{file}:{number}:1: a heading of level {level} follows one of {level - 1}")
        path = [*path[: level - 2], heading[2]]
        start, lines = number, []
