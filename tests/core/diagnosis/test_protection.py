"""A classification of an answer is complete: it has a meaning, a rule that finds it, and a cause."""

from __future__ import annotations

import inspect

import pytest

from authlens_core.diagnosis import answer
from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.protection import Protection, Trait, note_on

# They say only that something went wrong: the status, the failure or the whole answer is shown.
WITHOUT_A_CAUSE = {Protection.NO_ANSWER, Protection.SERVER_ERROR, Protection.UNEXPECTED}


@pytest.mark.parametrize("protection", Protection)
def test_a_classification_has_a_meaning(protection: Protection) -> None:
    meaning = note_on(protection)
    assert meaning.summary.endswith(".")
    assert meaning.cure or protection is Protection.OAUTH


@pytest.mark.parametrize("protection", Protection)
def test_a_classification_is_made_by_a_rule(protection: Protection) -> None:
    assert f"Protection.{protection.name}" in inspect.getsource(answer), "add a rule to diagnosis/answer.py"


def test_a_classification_has_a_cause() -> None:
    explained = {protection for cause in CAUSES for protection in cause.protections}
    assert set(Protection) - explained == WITHOUT_A_CAUSE, "add a cause to words/causes.toml"


def test_what_goes_on_needs_no_approval() -> None:
    both = [one for one in Protection if one.has(Trait.GOES_ON) and one.has(Trait.MAY_GO_ON)]
    assert both == []
