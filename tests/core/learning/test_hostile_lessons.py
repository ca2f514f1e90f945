"""A lesson that someone else wrote is refused with file, line, column and reason, and reaches nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.desk.lesson_check import lessons_at
from authlens_core.learning.lesson_folder import LARGEST_FILE
from authlens_core.values.errors import LessonRefused

NAME = "03-stolen-code"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the first three lessons."""
    for folder in sorted(FOLDER.iterdir())[:3]:
        shutil.copytree(folder, tmp_path / "lessons" / folder.name)
    return tmp_path / "lessons"


def refusal(root: Path) -> str:
    with pytest.raises(LessonRefused) as refused:
        lessons(root)
    assert refused.value.exit_code == 13
    assert "\x1b" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "1:1: format 2; this version of authlens reads 1"),
        ("format = 1", "", "1:1: “format” is missing"),
        ("version = 2", 'version = "2"', "3:1: “version”: Expected `int`, got `str`"),
        ("minutes = 12", "minutes = 12\nurl = 'https://evil.example'", "5:1: “url” means nothing here"),
        ('profile = "generic"', 'profile = "prod"', "9:1: “prod"),
        ("[world.victim]", "[world.vitcim]", "13:1: “vitcim” means nothing here"),
        ('pkce = false', 'pkce = "off"', "13:1: “world.victim[...]”: Expected `bool`, got `str`"),
        ("and seat = mallory\"", "and seet = mallory\"", "17:43: event has no field “seet”"),
        ("seat = mallory and user = ada as theft", "seat = malory as theft", "36:45: “malory” is no value"),
        ("after theft", "after thief", "37:75: no claim before this one names a row “thief”"),
        ("purpose = token and", "purpose = tokens and", "23:26: “tokens” is no value of exchange purpose"),
        ('row = "redeemed"', 'row = "redemed"', "27:1: no claim of [run] names a row “redemed”"),
        ('moves = ["redeem", "call"]', 'run = "rm -rf"', "33:1: “run” means nothing here"),
        ("most = 6", "most = 6.5", "34:1: “break.most”: Expected `int`, got `float`"),
        ("budget = 1", "budget = 0", "43:1: each set is of switches that are offered, within the budget"),
        ('sound = [["victim.pkce"]]', 'sound = [["victim.dpop"]]', "43:1: each set is of switches"),
        ('sound = [["victim.pkce"]]', "", "41:1: a repair has either switches with a sound set, or moves"),
        ('id = "q5"', 'id = "q1"', "50:1: a lesson has 5 questions, each with its own id"),
        ('right = "c"\ncures = { a = "plain', 'right = "d"\ncures = { a = "plain', "58:1: q2: the options"),
        ('id = "stolen-code"', 'id = "../stolen"', "2:1: an id has 2 to 40 lower-case letters"),
        ('id = "stolen-code"', 'id = "code-not-key"', "1:1: another lesson has the id “code-not-key”"),
        ('needs = ["code-not-key"]', 'needs = ["whose-login"]', "1:1: no lesson before it has the id “whose"),
        ("minutes = 12", "minutes = = 12", "4:11: Invalid value"),
        ("minutes = 12", "minutes = 12 # \x1b]0;owned\x07", "4:16: the character U+001B is not allowed"),
        ("minutes = 12", "minutes = 12 # \u202egpj", "4:16: the character U+202E is not allowed"),
    ],
)  # fmt: skip
def test_a_slip_or_an_attack_in_the_logic_is_refused_at_its_place(
    root: Path, old: str, new: str, said: str
) -> None:
    file = root / NAME / "lesson.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    assert refusal(root).startswith(f"{NAME}/lesson.toml:{said}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "waf-rule"', 'name = "waf-ruel"', "11:1: “waf-ruel” is not known here; did you mean “waf-"),
        ('name = "default-paths"', 'name = "oauth-off"', "53:1: “oauth-off” is not known here"),
        ('profile = "mcp"', 'profile = "mpc"', "52:1: “mpc"),
        ('repair = "app.policy"', 'repair = "app.polcy"', "30:1: “app.polcy” is not offered by [repair]"),
        ('parts = ["json.resource"]', "parts = []", "25:1: name the parts that show the fault"),
        ('row = "broken"', 'row = "broken"\npart = "status"', "94:1: the part to point at is here, or"),
        ('"code_expired",', '"code_expird",', "99:1: “code_expird"),
        ('moves = ["name"]', 'moves = ["name", "publish"]', "this world has no weaknesses, parties, loot or"),
        ('seat = "you"', 'seat = "you"\nloot = ["token"]', "this world has no weaknesses, parties, loot or"),
        ('"zone.allow_client",\n]', '"server.dpop",\n]', "12:1: “zone.allow_client” is not offered by"),
        ("budget = 1", 'budget = 1\nsound = [["app.policy"]]', ": each fault that is drawn names the switch"),
        ('id = "q2"\n', 'id = "q2"\nright = "a"\n', "q2: the options are a, b and c; one is right"),
        ('id = "q2"\nabout =', 'id = "q2"\nd =', ": “d” means nothing here"),
    ],
)  # fmt: skip
def test_a_slip_in_a_lesson_that_draws_a_fault_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "14-find-the-fault"
    shutil.copytree(FOLDER / folder.name, folder)
    file = folder / "lesson.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1).replace('needs = ["logging-out"]', "needs = []"), "utf-8")
    message = refusal(tmp_path)
    assert message.startswith("14-find-the-fault/lesson.toml:")
    assert said in message


def test_a_fault_without_a_solution_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "14-find-the-fault"
    shutil.copytree(FOLDER / folder.name, folder)
    (folder / "solution-waf-rule.json").unlink()
    with pytest.raises(LessonRefused, match="no solution has a seed that draws “waf-rule”"):
        lessons_at(folder)[0][0].solutions()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### hint 3", "### hint 4", "1: no text here has the id “predict/hint 4”"),
        ("## observe", "## observed", "1: no text here has the id “observed”"),
        ("Log in yourself", "<script>x</script> Log in yourself", "1: no HTML, images or links: '<s'"),
        ("Log in yourself", "![x](y) Log in yourself", "1: no HTML, images or links: '!['"),
        ("Log in yourself", "[x](file:///etc/passwd) Log", "3: no HTML, images or links: ']('"),
        ("Log in yourself", "See https://evil.example", "5: no HTML, images or links: 'https://'"),
        ("### claim 1", "#### claim 1", "1: a heading of level 4 follows one of 3"),
        ("# A stolen code, with and without PKCE\n", "", "1: the text “title” is missing"),
    ],
)
def test_words_that_are_missing_or_more_than_text_are_refused(
    root: Path, old: str, new: str, said: str
) -> None:
    file = root / NAME / "lesson.md"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    message = refusal(root)
    assert message.startswith(f"{NAME}/lesson.md:")
    assert said.partition(": ")[2] in message


def test_a_heading_of_spaces_is_read_in_a_moment(root: Path) -> None:
    file = root / NAME / "lesson.md"
    file.write_text(f"{file.read_text('utf-8')}\n# a{' ' * 60_000}b\n", "utf-8")
    started = process_time()
    assert "is there twice" in refusal(root)
    assert process_time() - started < 3


def _link(folder: Path) -> None:
    (folder / "lesson.md").unlink()
    (folder / "lesson.md").symlink_to("/etc/passwd")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "more.md")


def _folder(folder: Path) -> None:
    (folder / "images").mkdir()


def _program(folder: Path) -> None:
    (folder / "setup.py").write_text("import os")


def _large(folder: Path) -> None:
    (folder / "lesson.md").write_bytes(b"a" * (LARGEST_FILE + 1))


def _many(folder: Path) -> None:
    for number in range(70):
        (folder / f"{number}.md").write_text("x")


def _latin(folder: Path) -> None:
    (folder / "lesson.md").write_bytes(b"# Caf\xe9\n")


def _no_words(folder: Path) -> None:
    (folder / "lesson.md").unlink()


def _more_words(folder: Path) -> None:
    (folder / "lesson.de.md").write_text("# x\n")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_link, "lesson.md:1:1: a lesson has regular files only"),
        (_pipe, "more.md:1:1: a lesson has regular files only"),
        (_folder, "images:1:1: a lesson has regular files only"),
        (_program, "setup.py:1:1: a lesson has regular files only"),
        (_large, "lesson.md:1:1: The file is larger than 256 KiB."),
        (_many, "1:1: 73 files, and a lesson has 64 at most"),
        (_latin, "lesson.md:1:6: not UTF-8"),
        (_no_words, "lesson.md:1:1: the file is missing"),
        (_more_words, "lesson.de.md:1:1: the words of a lesson are in lesson.md"),
    ],
)
def test_a_folder_with_more_than_small_plain_files_is_refused(
    root: Path, change: Callable[[Path], None], said: str
) -> None:
    change(root / NAME)
    assert said in refusal(root)


def test_a_lesson_that_is_a_link_is_refused(root: Path) -> None:
    (root / "04-linked").symlink_to(FOLDER / "04-whose-login")
    assert "04-linked:1:1: a lesson is a folder, and no link" in refusal(root)


def test_the_lessons_of_the_program_can_be_used() -> None:
    names = list(lessons())
    assert names[:4] == ["read-a-refusal", "code-not-key", "stolen-code", "whose-login"]
