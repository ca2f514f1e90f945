"""The pages for developers: the drawing is the code's, and no page names a file that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import house_map
import pages
from authlens_tui.cli.parser import VERBS

pytestmark = pytest.mark.xdist_group("house map")  # the imports are read once

ROOT: Final = Path(__file__).parents[2]
WRITTEN: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS: Final = (
    "core/authlens_core/",
    "core/authlens_lab/",
    "tui/authlens_tui/",
    "tests/",
    "docs/",
    "scripts/",
    "screenshots/",
    ".ci/",
    ".github/",
)


def places_in(text: str) -> Iterator[str]:
    """Yield the files and folders of this repository that a page names, in backticks or as a link."""
    for named in re.findall(r"`([^`\s]+)`|\]\(([^)#\s]+)", text):
        place = "".join(named).removeprefix("../")
        if place.startswith(FOLDERS):
            yield place.partition("::")[0]


@pytest.mark.parametrize(("path", "text"), pages.pages(), ids=lambda value: getattr(value, "name", ""))
def test_a_page_that_is_made_from_the_code_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text, "run python scripts/pages.py"


def test_the_drawing_has_an_arrow_for_each_import() -> None:
    """What is left out leads to the ground floor, or can be reached by a longer way."""
    everything = house_map.rooms()
    drawn = house_map.direct(everything)

    def below(room: str) -> set[str]:
        return set(drawn[room]).union(*(below(one) for one in drawn[room]))

    assert len(everything) > 20
    hidden = {room: arrows - below(room) - {house_map.GROUND} for room, arrows in everything.items()}
    assert {room: arrows for room, arrows in hidden.items() if arrows} == {}


def test_every_folder_is_in_the_drawing() -> None:
    """One of words or data, too: most rows of *Where to add …* lead to `core/words`."""
    packages = [source / root for root, source in house_map.SOURCES.items()]
    folders = {
        f"{folder.parent.name.removeprefix('authlens_')}/{folder.name}"
        for package in packages
        for folder in package.iterdir()
        if folder.is_dir() and folder.name != "__pycache__"
    }
    drawn = house_map.drawing()
    assert [folder for folder in folders if f"| `{folder}" not in drawn] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_a_page_names_only_what_is_there(page: Path) -> None:
    places = set(places_in(page.read_text("utf-8")))

    gone = {place for place in places if not any(ROOT.glob(place.rstrip("/")))}
    assert gone == set(), f"{page.name} names what is not there"


def test_every_room_says_what_is_in_it() -> None:
    for room in house_map.rooms():
        sentence = house_map.sentence_of(room)
        assert 10 < len(sentence) < 130, f"say in one line of {room}/__init__.py what is in it"


def test_every_package_has_a_docstring() -> None:
    packages = [path for source in house_map.SOURCES.values() for path in source.rglob("__init__.py")]
    assert len(packages) > 25

    silent = [path for path in packages if not path.read_text("utf-8").startswith('"""')]
    assert silent == [], "say in a docstring what is in them"


def test_the_readme_names_each_verb_and_no_other() -> None:
    verbs = set(VERBS)
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("## Use it")[2].partition("\n\n`authlens VERB")[0]
    called = set(re.findall(r"`authlens ([a-z][a-z-]+)", table))
    named = called | set(re.findall(r"`([a-z][a-z-]+)[ `]", table))
    assert len(verbs) > 15

    assert verbs - named == set(), "add a line to the table below `Use it` in README.md"
    assert called - verbs == set(), "there is no such verb: see README.md"
