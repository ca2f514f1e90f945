"""A service token before anything is sent: both shapes of a secret, a swapped pair, a whole header line."""

import pytest

from authlens_core.cloudflare.service_token_headers import is_field_name, pasted, shape_problem
from authlens_core.values.secret import Secret

ID = f"{'0123456789abcdef' * 2}.access"
OLD, NEW = "a" * 64, f"cfast_{'A1' * 20}{'0a' * 4}"


@pytest.mark.parametrize(
    ("client_id", "secret", "name", "refused"),
    [
        ("", OLD, "empty", True),
        (ID, "", "empty", True),
        (OLD, ID, "swapped", True),
        (OLD, NEW, "id", True),
        (ID.removesuffix(".access"), OLD, "id", True),
        ("short.access", OLD, "id_digits", False),
        (ID, OLD[:-1], "secret", False),
        (ID, NEW + "0", "secret", False),
        (ID, f"{OLD[:30]} {OLD[:33]}", "characters", True),
        (ID, "ä" * 64, "characters", True),
        (f"{ID}\r\nX: y", OLD, "characters", True),
    ],
)
def test_what_is_odd_is_named_and_only_the_impossible_refused(
    client_id: str, secret: str, name: str, refused: bool
) -> None:
    """Checked locally; a newer format of Cloudflare is no reason to refuse."""
    problem = shape_problem(client_id, Secret(secret))
    assert problem is not None
    assert (problem.name, problem.refused) == (name, refused)
    assert problem.cause
    assert problem.cure
    assert not secret or secret not in problem.cause + problem.cure


def test_a_whole_header_line_is_taken_for_its_value() -> None:
    """The dashboard of Cloudflare copies it with the name."""
    assert pasted(f" CF-Access-Client-Id: {ID}\n") == ID
    assert pasted(f"cf-access-client-secret:{OLD}") == OLD
    assert pasted("something:else") == "something:else"


@pytest.mark.parametrize(
    ("name", "good"), [("X-Token", True), ("", False), ("X Y", False), ("X:\r\n", False)]
)
def test_a_header_has_a_name_that_can_be_sent(name: str, good: bool) -> None:
    """RFC 9110 §5.1."""
    assert is_field_name(name) is good
