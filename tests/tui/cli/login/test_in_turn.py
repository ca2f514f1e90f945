"""Several URLs of one command line: one login after another."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from authlens_core.values.errors import NetworkFailure, UsageError
from authlens_tui.cli.main import run
from authlens_tui.cli.session import in_turn
from authlens_tui.cli.terminal.output import AnswerLost

A, B, C = (f"https://{name}.example/" for name in "abc")


def logins(codes: Mapping[str, int | Exception], ran: list[str]) -> Callable[[str], Awaitable[int]]:
    """Return a login that ends as `codes` says, and notes in `ran` that it ran."""

    async def log_in(url: str) -> int:
        ran.append(url)
        code = codes[url]
        if isinstance(code, Exception):
            raise code
        return code

    return log_in


async def test_a_failure_does_not_stop_the_next_login() -> None:
    ran: list[str] = []
    refused = NetworkFailure("No answer.")
    code = await in_turn((A, B, C), logins({A: refused, B: 5, C: 0}, ran))
    assert (ran, code) == ([A, B, C], 5), "a refusal is graver than a network that may come back"


@pytest.mark.parametrize("signal", [130, 143])
async def test_a_signal_stops_the_logins_that_are_left(signal: int) -> None:
    ran: list[str] = []
    assert await in_turn((A, B, C), logins({A: 0, B: signal, C: 0}, ran)) == signal
    assert ran == [A, B]


async def test_without_a_reader_no_further_login_starts() -> None:
    ran: list[str] = []
    with pytest.raises(AnswerLost):
        await in_turn((A, B), logins({A: AnswerLost("Gone."), B: 0}, ran))
    assert ran == [A]


async def test_each_of_several_logins_has_a_header_and_the_last_line_sums_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await in_turn((A, B), logins({A: 5, B: 0}, []))
    assert capsys.readouterr().err.splitlines() == [
        f"Login 1 of 2: {A}",
        f"Login 2 of 2: {B}",
        "1 of 2 logins succeeded.",
        f"  {A}: exit code 5",
    ]


@pytest.mark.parametrize(
    "option",
    [
        ("--client-id", "mine"),
        ("--resource", A),
        ("--issuer", A),
        ("--any-issuer",),
        ("--yes", "token.resource"),
    ],
    ids=lambda option: option[0],
)
def test_what_is_meant_for_one_server_is_not_given_to_several(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """RG-11: the secret of a client would go to each of them, and a confirmation would count for each."""
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", "secret-canary")
    assert run(["login", A, B, *option]) == UsageError.exit_code
    assert f"each server would get what {option[0]} says" in capsys.readouterr().err
