"""What a diagnosis says when it knows nothing, and what it is told from; the causes: test_known_failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.diagnosis.diagnose import find_cause
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.values.formats.error_response import OAuthError
from authlens_core.values.stage import Stage
from support.made_checks import failed


@pytest.mark.parametrize(
    ("stage", "error"),
    [("exchange", "server_error"), ("authorization", "login_required"), ("detection", ""), ("pkce", "")],
)
def test_an_unknown_failure_is_not_explained(stage: str, error: str) -> None:
    """Better no cause than a wrong one: the meaning of the code is told elsewhere."""
    assert find_cause(Stage(stage), error=OAuthError(error)) is None


def test_the_evidence_says_what_it_was_told_from() -> None:
    found = find_cause(Stage.EXCHANGE, error=OAuthError("invalid_grant", "Code used"))
    assert found is not None
    assert found.evidence == ("error=invalid_grant", "error_description=Code used")
    checks = failed("other", ""), failed("authorization.timeout", "", "nothing in 60 seconds")
    timed_out = find_cause(Stage.AUTHORIZATION, checks=checks)
    assert timed_out is not None
    assert timed_out.evidence == ("nothing in 60 seconds",)


@given(
    st.sampled_from(["exchange", "authorization", "registration"]), st.text(max_size=20), st.text(max_size=40)
)
def test_what_a_server_says_is_safe_in_the_evidence(stage: str, error: str, description: str) -> None:
    """Causes and cures are ours alone, evidence passes the gate."""
    found = find_cause(
        Stage(stage), error=OAuthError(error, f"{description} invalid nonce"), kind=ServerKind.ACCESS
    )
    assert found is not None
    assert all(line.isprintable() for line in (*found.evidence, found.cause, str(found.cure)))
