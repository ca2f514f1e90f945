"""The pages for developers: the drawing is the code's, and no page names a file that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import config_page
import house_map
from authlens_tui.cli.parser import build_parser

pytestmark = pytest.mark.xdist_group("house map")  # the imports are read once

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FOLDERS: Final = (
    "core/authlens_core/",
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


def test_the_drawing_is_the_one_of_the_imports() -> None:
    text = house_map.PAGE.read_text("utf-8")

    assert text == house_map.page(text), "run python scripts/house_map.py"


def test_the_page_of_the_configuration_is_the_one_of_the_code() -> None:
    assert config_page.PAGE.read_text("utf-8") == config_page.page(), "run python scripts/config_page.py"


def test_the_drawing_has_an_arrow_for_each_import() -> None:
    """What is left out as a longer way can be reached by one."""
    everything = house_map.rooms()
    drawn = house_map.direct(everything)

    def below(room: str) -> set[str]:
        return set(drawn[room]).union(*(below(one) for one in drawn[room]))

    assert len(everything) > 20
    assert {room: arrows - below(room) for room, arrows in everything.items() if arrows - below(room)} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_what_is_there(page: Path) -> None:
    places = set(places_in(page.read_text("utf-8")))

    assert {place for place in places if not any(ROOT.glob(place.rstrip("/")))} == set()


def test_every_room_says_what_is_in_it() -> None:
    for room in house_map.rooms():
        assert 10 < len(house_map.sentence_of(room)) < 130, room


def test_every_package_has_a_docstring() -> None:
    packages = [path for source in house_map.SOURCES.values() for path in source.rglob("__init__.py")]
    assert len(packages) > 25

    assert [path for path in packages if not path.read_text("utf-8").startswith('"""')] == []


def test_nothing_refers_to_a_document_outside_the_repository() -> None:
    """A reader of the repository could not open it."""
    outside = re.compile(r"\.\./shared|\b(?:security|cloudflare|textual|peers|field|voice)\.md\b|\bIssue \d")
    sources = [
        path
        for folder in ("core", "tui", "tests", "scripts", "docs", "screenshots")
        for pattern in ("*.py", "*.md", "*.toml", "*.tcss")
        for path in (ROOT / folder).rglob(pattern)
        if "node_modules" not in path.parts and path != Path(__file__)
    ]
    assert len(sources) > 500

    assert [path for path in sources if outside.search(path.read_text("utf-8"))] == []


def test_the_readme_names_each_verb_and_no_other() -> None:
    help_text = build_parser().format_help()
    verbs = set(re.findall(r"^    ([a-z][a-z-]+)(?:  |$)", help_text.partition("verbs:")[2], re.MULTILINE))
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("## Use it")[2].partition("\n\n`authlens VERB")[0]
    called = set(re.findall(r"`authlens ([a-z][a-z-]+)", table))
    named = called | set(re.findall(r"`([a-z][a-z-]+)[ `]", table))
    assert len(verbs) > 15

    assert verbs - named == set()
    assert called - verbs == set()
