"""Many probes in numbers."""

from __future__ import annotations

from authlens_core.credentials.records.grant import TokenVerdict
from authlens_core.desk.lifecycle import ProbeResult
from authlens_core.values.check import Layer
from authlens_core.values.errors import NetworkFailure, Refused
from authlens_tui.words.outcomes import count_results


def probed(layer: Layer, *, accepted: bool | None) -> ProbeResult:
    error_type = {True: None, False: Refused, None: NetworkFailure}[accepted]
    return ProbeResult(
        outcome=TokenVerdict.UNCLEAR, summary="", error_type=error_type, accepted=accepted, layer=layer
    )


def test_counts_of_nothing_say_so() -> None:
    assert count_results([]) == "0 work"


def test_what_works_is_counted_in_the_right_number() -> None:
    works = probed(Layer.ORIGIN, accepted=True)
    assert count_results([works]) == "1 works"
    assert count_results([works] * 2) == "2 work"


def test_each_layer_that_refused_is_counted_for_itself() -> None:
    results = [
        probed(Layer.ORIGIN, accepted=False),
        probed(Layer.ACCESS, accepted=False),
        probed(Layer.NETWORK, accepted=None),
        probed(Layer.THIS_MACHINE, accepted=None),
    ]
    assert count_results(results) == (
        "0 work · 1 refused, from Cloudflare Access · 1 unclear, no response · 1 refused, from origin"
        " · 1 unclear, not sent"
    )
