"""`authlens list --openmetrics`, read by the parser of Prometheus's own client."""

from datetime import timedelta

from msgspec.structs import replace
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_tui.cli.stored.metrics import openmetrics
from support.grants import NOW, every_state, grant

HOSTILE = 'a"b\\c\nd{}, # EOF'


def metrics_in(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def samples(text: str) -> dict[tuple[str, str, str], float]:
    """Return each value, by its name, the id of its credential and its state."""
    return {
        (sample.name, sample.labels["id"], sample.labels.get("authlens_state", "")): sample.value
        for family in metrics_in(text)
        for sample in family.samples
    }


def test_both_clocks_the_verification_and_the_failures_are_gauges() -> None:
    login = replace(grant(), login_ends=NOW + timedelta(days=5), attempts=3)
    values = samples(openmetrics(inventory_of([login]), NOW))
    assert login.expires_at is not None
    assert login.last_proven_at is not None
    assert values["authlens_token_expires_seconds", "id-wiki", ""] == login.expires_at.timestamp()
    assert values["authlens_login_ends_seconds", "id-wiki", ""] == (NOW + timedelta(days=5)).timestamp()
    assert values["authlens_last_verified_seconds", "id-wiki", ""] == login.last_proven_at.timestamp()
    assert values["authlens_failed_refreshes", "id-wiki", ""] == 3


def test_each_credential_is_in_one_state() -> None:
    entries = inventory_of(every_state())
    values = samples(openmetrics(entries, NOW))
    states = {(one[1], one[2]) for one, value in values.items() if one[0] == "authlens_state" and value}
    assert states == {(entry.entry_id, entry.status(NOW).word) for entry in entries}


def test_a_label_is_what_it_was_whatever_is_in_it() -> None:
    [entry] = inventory_of([grant()])
    text = openmetrics([replace(entry, person=HOSTILE)], NOW)
    labels = {sample.labels["account"] for family in metrics_in(text) for sample in family.samples}
    assert labels == {HOSTILE}


def test_without_credentials_the_text_is_still_whole() -> None:
    assert metrics_in(openmetrics((), NOW))
