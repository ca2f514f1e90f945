"""The drills: played as its card says, exactly one option of each holds; a slip in their files is refused."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_core.emulator import Profile, faults_of
from authlens_core.learning.catalogue import lessons
from authlens_core.learning.desk.drill_world import verdict_on
from authlens_core.learning.desk.drills import (
    FOLDER,
    Drill,
    DrillGroup,
    DrillVerdict,
    Walk,
    drills,
    read_drills,
)
from authlens_core.learning.lesson_folder import read_folder
from authlens_core.learning.row import EvidenceRow, Source
from authlens_core.values.errors import LessonRefused
from support.walked_drills import options_that_hold

ALL = tuple(drills().values())


async def test_exactly_one_option_of_each_drill_holds_when_it_is_played() -> None:
    assert [done for done in (await options_that_hold(ALL)).items() if len(done[1]) != 1] == []


def test_there_is_a_drill_for_the_plain_login_and_for_every_fault_of_access() -> None:
    access = [drill for drill in ALL if drill.profile is Profile.ACCESS]
    assert access[0].faults == ()
    assert sorted(name for drill in access for name in drill.faults) == sorted(faults_of(Profile.ACCESS))
    assert all(drill.name == drill.faults[0] for drill in access[1:])


@pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)
def test_a_drill_asks_a_question_and_answers_it_in_sentences(drill: Drill) -> None:
    """Short enough for half a screen of 80 columns."""
    assert drill.question.endswith("?")
    assert drill.answer.endswith(".")
    assert len(drill.question) <= 130
    assert len(drill.answer) <= 260
    assert all(len(option) <= 70 for option in drill.options.values())
    assert drill.brings in drill.how


@pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)
def test_a_drill_leads_to_the_dashboard_only_if_it_ends_there(drill: Drill) -> None:
    """From any other, d leads to the catalogue."""
    assert ("dashboard" in drill.how) is drill.ends_at_the_dashboard


def test_no_drill_has_the_name_of_a_lesson() -> None:
    """The catalogue has both."""
    assert not drills().keys() & lessons().keys()


def test_drills_of_one_group_are_together_and_each_walk_is_used() -> None:
    """Each heading comes once, in the order of a login."""
    order = [drill.group for drill in ALL]
    assert order == sorted(order, key=list(DrillGroup).index)
    assert {drill.walk for drill in ALL} == set(Walk)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (DrillVerdict("a", "a", 6), "You predicted a, and your trace shows it (arrow 6)."),
        (DrillVerdict("b", "a", 0, "PKCE"), "You predicted b. Your trace shows a, “PKCE”."),
        (DrillVerdict("b", ""), "You predicted b. Your trace does not show it yet."),
        (DrillVerdict("", "a", 6, "Never"), "Your trace shows a, “Never” (arrow 6)."),
    ],
)
def test_a_verdict_says_what_was_predicted_and_what_the_trace_shows(verdict: DrillVerdict, said: str) -> None:
    assert verdict.sentence == said


def test_a_trace_that_is_too_long_to_judge_shows_nothing() -> None:
    values = {"purpose": "token", "error": "invalid_grant", "form.code": "same"}
    row = EvidenceRow(Source.EXCHANGE, datetime(2026, 1, 1, tzinfo=UTC), 1, values)
    assert verdict_on(drills()["invalid-grant"], "a", [row, row]).held == "a"
    assert verdict_on(drills()["invalid-grant"], "a", [row] * 400).held == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("drills.toml", "format = 1", "format = 2", "6:1: format 2; this version of authlens reads 1"),
        ("drills.toml", 'group = "Start here"', 'grup = "Start here"', ": “grup” means nothing here"),
        ("drills.toml", 'group = "Start here"', 'group = "beginning"', "10:1: “begin"),
        ("drills.toml", 'faults = ["slow"]', 'faults = ["slaw"]', "“slaw” is not known here; did you mean"),
        ("drills.toml", 'walk = "impatient"', 'walk = "run"', ": “run"),
        ("drills.toml", 'id = "slow"', 'id = "plain"', "an id has 2 to 40 lower-case letters"),
        ("drills.toml", "stage = pkce and", "stage = pcke and", ": “pcke” is no value of record stage"),
        ("drills.toml", "on = false", "off = true", "“off” means nothing here"),
        ("drills.toml", 'brings = "service token"', "", "a drill brings a credential if its walk is"),
        ("drills.md", "### answer", "### reply", "no text here has the id “plain/reply”"),
        ("drills.md", "## plain", "## pain", "no text here has the id “pain”"),
        ("drills.md", "PKCE", "[PKCE](https://evil.example)", "no HTML, images or links"),
    ],
)  # fmt: skip
def test_a_slip_in_the_files_is_refused_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "drills"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LessonRefused) as refused:
        read_drills(read_folder(folder))
    assert str(refused.value).startswith(f"drills/{file}:")
    assert said in str(refused.value)
