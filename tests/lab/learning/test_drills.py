"""The drills: played as its card says, exactly one option of each holds; a slip in their files is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_lab.emulator import Profile, faults_of
from authlens_lab.learning.catalogue import FOLDER, drills, lessons, read_catalogue
from authlens_lab.learning.desk.drill_world import DrillVerdict, verdict_on
from authlens_lab.learning.lesson import CourseLesson, DrillGroup, Walk
from authlens_lab.learning.row import EvidenceRow, Source
from support.walked_drills import options_that_hold

ALL = tuple(drills().values())


async def test_exactly_one_option_of_each_drill_holds_when_it_is_played() -> None:
    assert [done for done in (await options_that_hold(ALL)).items() if len(done[1]) != 1] == []


def test_there_is_a_drill_for_the_plain_login_and_for_every_fault_of_access() -> None:
    access = [drill for drill in ALL if drill.world.profile is Profile.ACCESS]
    assert access[0].world.faults == ()
    assert sorted(name for drill in access for name in drill.world.faults) == sorted(
        faults_of(Profile.ACCESS)
    )
    assert all(drill.name == drill.world.faults[0] for drill in access[1:])


@pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)
def test_a_drill_asks_a_question_and_answers_it_in_sentences(drill: CourseLesson) -> None:
    """Short enough for half a screen of 80 columns."""
    asked, shown = drill.prediction, drill.drill
    assert asked.text.endswith("?")
    assert shown.answer.endswith(".")
    assert drill.watch_for.endswith(".")
    assert len(asked.text) <= 130
    assert len(shown.answer) <= 260
    assert all(len(words) <= 70 for words in asked.words.values())
    assert shown.brings in shown.how
    assert bool(shown.brings) is (shown.walk is Walk.OTHER_CREDENTIAL)


@pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)
def test_a_drill_leads_to_the_dashboard_only_if_it_ends_there(drill: CourseLesson) -> None:
    """From any other, d leads to the catalogue."""
    assert ("dashboard" in drill.drill.how) is drill.drill.ends_at_the_dashboard


def test_no_drill_has_the_name_of_a_lesson() -> None:
    """The catalogue has both."""
    assert not drills().keys() & lessons().keys()


def test_drills_of_one_group_are_together_and_each_walk_is_used() -> None:
    """Each heading comes once, in the order of a login."""
    order = [drill.drill.group for drill in ALL]
    assert order == sorted(order, key=[None, *DrillGroup].index)
    assert {drill.drill.walk for drill in ALL} == set(Walk)


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
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "4:1: format 2; this version of authlens reads 1"),
        ('group = "Start here"', 'grup = "Start here"', "30:1: “grup” means nothing here"),
        ('group = "Start here"', 'group = "beginning"', "30:1: “begin"),
        ('faults = ["slow"]', 'faults = ["slaw"]', "“slaw” is not known here; did you mean"),
        ('walk = "impatient"', 'walk = "run"', ": “run"),
        ('id = "slow"', 'id = "plain"', "another lesson has the id “plain”"),
        ("stage = pkce and", "stage = pcke and", "26:22: “pcke” is no value of record stage"),
        ("on = false", "off = true", "“off” means nothing here"),
        ("# Detection", "", "16:1: it has words after a “#”, and then claims"),
        ("PKCE: it", "[PKCE](https://evil.example): it", "no HTML, images or links"),
    ],
)  # fmt: skip
def test_a_slip_in_the_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (FOLDER / "drills.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "drills.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    (refused,) = read_catalogue(tmp_path).refusals
    assert str(refused).startswith("drills.toml:")
    assert said in str(refused)
