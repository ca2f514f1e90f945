"""A lesson that someone else wrote is refused with file, line, column and reason, and reaches nothing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.catalogue import FOLDER, LARGEST_FILE, lessons, read_catalogue

NAME = "03-stolen-code.toml"
DRAWN = "14-find-the-fault.toml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the first three lessons."""
    folder = tmp_path / "lessons"
    folder.mkdir()
    for path in sorted(FOLDER.iterdir())[:3]:
        shutil.copy(path, folder)
    return folder


def refusal(root: Path) -> str:
    (refused,) = read_catalogue(root).refusals
    assert refused.exit_code == LessonRefused.exit_code == 13
    assert "\x1b" not in str(refused)
    return str(refused)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "1:1: format 2; this version of authlens reads 1"),
        ("format = 1", "", "1:1: “format” is missing"),
        ("version = 2", 'version = "2"', "5:1: “lesson[0].version”: Expected `int`, got `str`"),
        ("minutes = 12", "minutes = 12\nurl = 'evil.example'", "7:1: “url” means nothing here"),
        ('profile = "generic"', 'profile = "prod"', "30:1: “prod"),
        ("[lesson.world.victim]", "[lesson.world.vitcim]", "34:1: “vitcim” means nothing here"),
        ('pkce = false', 'pkce = "off"', "34:1: “lesson[0].world.victim[...]”: Expected `bool`, got `str`"),
        ("and seat = mallory\"", "and seet = mallory\"", "41:38: event has no field “seet”"),
        ("seat = mallory and user = ada as theft", "seat = malory as theft", "68:45: “malory” is no value"),
        ("after theft", "after thief", "70:75: no claim before this one names a row “thief”"),
        ("purpose = token and", "purpose = tokens and", "53:26: “tokens” is no value of exchange purpose"),
        ('moves = ["redeem", "call"]', 'run = "rm -rf"', "64:1: “run” means nothing here"),
        ("most = 6", "most = 6.5", "65:1: “lesson[0].break.most”: Expected `int`, got `float`"),
        ('id = "q5"', 'id = "q1"', "116:1: a lesson has three questions or more, each with its own id"),
        ('right = "c"\nwhy', 'right = "d"\nwhy', "131:1: q2: the options"),
        ("# You redeem Ada's code.\n", "", "66:1: each claim has its words before it, after a “#”"),
        ("# It issues tokens to Mallory.\n", "", "39:1: it has words after a “#”, and then claims"),
        ('"`predict` one of a', '#', "88:1: “lesson[0].hints[...]”: Expected `array` of length 3, got 2"),
        ("observe = [", "observed = [", "88:1: “observed” is no value of “lesson[0].hints”"),
        ("[lesson.observe]\n", "[lesson.observed]\n", "55:1: “observed” means nothing here"),
        ('can = "redeem', 'cann = "redeem', "10:1: “cann” means nothing here"),
        ('title = "A stolen', '# title = "A stolen', "3:1: “title” is missing"),
        ('cures = "', '# cures = "', "3:1: “cures” is missing"),
        ("Log in yourself", "<script>x</script> Log in yourself", "50:9: no HTML, images or links: '<s'"),
        ("Log in yourself", "![x](y) Log in yourself", "50:9: no HTML, images or links: '!['"),
        ("Log in yourself", "[x](file:///etc/passwd) Log", "50:11: no HTML, images or links: ']('"),
        ("Log in yourself", "See https://evil.example", "50:13: no HTML, images or links: 'https://'"),
        ('id = "stolen-code"', 'id = "../stolen"', "4:1: an id has 2 to 40 lower-case letters"),
        ('id = "stolen-code"', 'id = "code-not-key"', "4:1: another lesson has the id “code-not-key”"),
        ('needs = ["code-not-key"]', 'needs = ["whose-login"]', "7:1: no lesson before it has the id “whose"),
        ("minutes = 12", "minutes = = 12", "6:11: Invalid value"),
        ("minutes = 12", "minutes = 12 # \x1b]0;owned\x07", "6:16: the character U+001B is not allowed"),
        ("minutes = 12", "minutes = 12 # \u202egpj", "6:16: the character U+202E is not allowed"),
    ],
)  # fmt: skip
def test_a_slip_or_an_attack_is_refused_at_its_place(root: Path, old: str, new: str, said: str) -> None:
    file = root / NAME
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    assert refusal(root).startswith(f"{NAME}:{said}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "waf-rule"', 'name = "waf-ruel"', "18:1: “waf-ruel” is not known here; did you mean “waf-"),
        ('name = "default-paths"', 'name = "oauth-off"', "137:1: “oauth-off” is not known here"),
        ('profile = "mcp"', 'profile = "mpc"', "136:1: “mpc"),
        ('repair = "app.policy"', 'repair = "app.polcy"', "70:1: “app.polcy” is not known here"),
        ('"code_expired",', '"code_expird",', "248:1: “code_expird"),
        ('"zone.allow_client" =', '"server.dpop" =', "19:1: “zone.allow_client” is not known here"),
        ('solution = """', 'solved = """', "21:1: “solved” means nothing here"),
        ('id = "q2"\n', 'id = "q2"\nright = "a"\n', "q2: the options are a, b and c; one is right"),
        ('id = "q2"\ntext =', 'id = "q2"\nd = ""\ntext =', ": “d” means nothing here"),
    ],
)  # fmt: skip
def test_a_slip_in_a_lesson_that_draws_a_fault_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = tmp_path / DRAWN
    text = (FOLDER / DRAWN).read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1).replace('needs = ["logging-out"]', "needs = []"), "utf-8")
    message = refusal(tmp_path)
    assert message.startswith(f"{DRAWN}:")
    assert said in message


def test_a_line_of_spaces_is_read_in_a_moment(root: Path) -> None:
    file = root / NAME
    file.write_text(f"{file.read_text('utf-8')}\n[a{' ' * 60_000}b\n", "utf-8")
    started = process_time()
    assert "Expected ']' at the end of a table declaration" in refusal(root)
    assert process_time() - started < 3


def _link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _large(file: Path) -> None:
    file.write_bytes(b"a" * (LARGEST_FILE + 1))


def _latin(file: Path) -> None:
    file.write_bytes(b"# Caf\xe9\n")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_link, "1:1: The file is a link"),
        (_pipe, "1:1: The file is a FIFO"),
        (_folder, "1:1: The file is a directory"),
        (_large, "1:1: The file is larger than 256 KiB."),
        (_latin, "1:6: not UTF-8"),
    ],
)
def test_what_is_no_small_plain_file_is_refused(
    root: Path, change: Callable[[Path], None], said: str
) -> None:
    change(root / NAME)
    assert refusal(root).startswith(f"{NAME}:{said}")


def test_what_is_no_lesson_is_not_read(root: Path) -> None:
    (root / "setup.py").write_text("import os")
    (root / "images").mkdir()
    assert read_catalogue(root).refusals == ()


def test_too_many_files_are_refused(root: Path) -> None:
    for number in range(70):
        (root / f"{number}.toml").touch()
    with pytest.raises(LessonRefused, match="73 files of lessons, and 64 can be read"):
        read_catalogue(root)


def test_the_lessons_of_the_program_can_be_used() -> None:
    names = list(lessons())
    assert names[:4] == ["read-a-refusal", "code-not-key", "stolen-code", "whose-login"]
