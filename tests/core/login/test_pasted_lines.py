"""Which text of a paste is judged: a line, several that were wrapped, or the end of one begun before."""

from collections.abc import Sequence

import pytest

from authlens_core.login.pasted_lines import likeliest
from authlens_core.oauth.authorization import Verdict
from authlens_core.values.secret import Secret

ANSWER = "http://localhost:8400/callback?code=abc&state=right"
OTHER = "http://localhost:8400/callback?code=abc&state=wrong"


def verdict_of(text: Secret) -> Verdict:
    """Judge as the protocol does, in short."""
    pasted = text.reveal()
    if (
        not pasted.startswith("http://localhost:8400/callback?")
        or "code=" not in pasted
        or "state=" not in pasted
    ):
        return Verdict.INVALID
    return Verdict.CODE if pasted.endswith("state=right") else Verdict.OUTDATED


def chosen(lines: Sequence[str], earlier: Sequence[str] = ()) -> str:
    return likeliest(
        [Secret(line) for line in lines], [Secret(line) for line in earlier], verdict_of
    ).reveal()


@pytest.mark.parametrize("cut", [1, 20, len(ANSWER) - 1])
def test_a_wrapped_address_is_put_together(cut: int) -> None:
    """Wherever the terminal or the mail cut it."""
    assert chosen([ANSWER[:cut], ANSWER[cut:]]) == ANSWER


def test_an_address_among_other_lines_is_found() -> None:
    assert chosen(["Here it is:", ANSWER[:30], f"  {ANSWER[30:]} ", "regards"]) == ANSWER


def test_the_rest_of_an_address_that_was_begun_before_is_joined_to_it() -> None:
    assert chosen([ANSWER[40:]], ["nonsense", ANSWER[:20], ANSWER[20:40]]) == ANSWER


@pytest.mark.parametrize("line", ["nonsense", OTHER])
def test_what_is_refused_is_the_line_itself_whatever_came_before(line: str) -> None:
    """The reason that a person reads is that of what was pasted just now."""
    assert chosen([line], [OTHER, "http://localhost:8400/callback?code=x&state="]) == line


def test_an_answer_to_another_login_is_named_before_lines_that_are_nothing() -> None:
    assert chosen(["junk one", OTHER, "junk two"]) == OTHER


def test_a_whole_line_of_a_wrapped_code_is_not_taken_for_the_code() -> None:
    """The first piece could be an answer by itself; the code would be half."""
    first, rest = "http://localhost:8400/callback?state=s&code=ab", "c&x=state=right"
    assert chosen([first, rest]) == first + rest
