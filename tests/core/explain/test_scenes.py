"""Where a failure happened, as far as the addresses in a text tell."""

from __future__ import annotations

import pytest

from authlens_core.diagnosis.causes import client_messages
from authlens_core.explain.scenes import in_its_scene

LONGEST = 256 * 1024  # characters that are looked at


@pytest.mark.parametrize(
    "run", ["a", "-", "a.", "/oauth-protected-resource", "https://a@", "host='a', port=", "get metadata "]
)
def test_the_time_is_linear_in_a_text_that_is_made_to_be_slow(run: str) -> None:
    """Each is the beginning of a pattern, over and over: looked for from each place, it takes minutes."""
    cause = next(one for one in client_messages() if one.name == "token_refused" and one.general)
    text = f"401 {run * (LONGEST // len(run))}"
    assert in_its_scene(cause, text, ()).cause
