"""Change a login on purpose: edit what its next stage sends, or try an attack and see who refuses it.

The login itself takes both: `Login.edit_form` and `Login.apply`, `Login.arm` and `Login.armed`. Tokens of a
login that was changed are never stored.
"""

from __future__ import annotations

from typing import Final

from authlens_core.login.tampering.editing import EditForm, FormField, RequestChanges
from authlens_core.login.tampering.experiments import EXPERIMENTS, Experiment, experiment_named
from authlens_core.login.tampering.request_edit import EditLocation
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import Check

__all__ = [
    "ATTACKS",
    "EditForm",
    "EditLocation",
    "Experiment",
    "FormField",
    "RequestChanges",
    "attack_results",
]

ATTACKS: Final[tuple[Experiment, ...]] = EXPERIMENTS
"""The attacks that a login of the authorization code grant can try."""


def attack_results(record: StageRecord) -> tuple[tuple[Experiment, Check], ...]:
    """Return the attacks that ended in a record, each with the check that says how."""
    named = ((experiment_named(check.subject), check) for check in record.checks if check.judges_attack)
    return tuple((experiment, check) for experiment, check in named if experiment is not None)
