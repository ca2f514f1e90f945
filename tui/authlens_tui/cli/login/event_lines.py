"""Several logins one after another, and the events of each for a program."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from authlens_core.values.errors import AuthlensError, gravest
from authlens_core.values.login_command import GivenOptions, filled
from authlens_tui.cli.terminal.flags import numbered
from authlens_tui.cli.terminal.output import AnswerLost, answer_json, discard, fix_as_json, report_error, say

_SIGNALS: Final = 128  # an exit code above it: a signal ended the login, and with it the command


async def in_turn(urls: Sequence[str], log_in: Callable[[str], Awaitable[int]]) -> int:
    """Log in to each URL and return the gravest exit code; a failure does not stop the next login.

    Ctrl-C stops all of them.

    Raises:
        AnswerLost: no one reads the answer, so the rest would be lost as well.
    """
    codes: dict[str, int] = {}
    for number, url in enumerate(urls, 1):
        if len(urls) > 1:
            say(f"Login {number} of {len(urls)}: {url}")
        try:
            codes[url] = await log_in(url)
        # The reader is gone, and so would be the answers of all the other logins.
        except AnswerLost:
            raise
        except AuthlensError as error:
            report_error(error, url=url)
            codes[url] = error.exit_code
        # Ctrl-C is meant for the command, not for this one login of it.
        if codes[url] > _SIGNALS:
            return codes[url]
    if len(urls) > 1:
        _sum_up(codes)
    return gravest(codes.values())


def _sum_up(codes: Mapping[str, int]) -> None:
    failed = {url: code for url, code in codes.items() if code}
    say(f"{len(codes) - len(failed)} of {len(codes)} logins succeeded.")
    for line in numbered(f"{url}: exit code {code}" for url, code in failed.items()):
        say(f"  {line}")


class EventLines:
    """Writes the events of a login on stdout, each with the URL of its resource.

    Args:
        url: the resource.
        is_requested: false for a login that is reported in words: nothing is written.
        options: those that the login was given, for the commands that lead on from a failure.
    """

    def __init__(self, url: str, *, is_requested: bool, options: GivenOptions = ()) -> None:
        self.url = url
        self.is_requested = is_requested
        self.options = options

    def write(self, event: Mapping[str, object]) -> None:
        """Write one event.

        Raises:
            AnswerLost: it could not be written.
        """
        if self.is_requested:
            answer_json({**event, "resource_url": self.url})

    def stopped(self, code: int) -> int:
        """End the events after a signal, because their reader may live on; return the code."""
        try:
            self.write({"event": "stopped", "exit_code": code})
        except (AnswerLost, BrokenPipeError):  # the same Ctrl-C has ended the reader
            discard(sys.stdout)
        return code

    def failed(self, error: AuthlensError) -> int:
        """Show why the login failed and what to do, in words and as an event; return the exit code.

        Raises:
            AnswerLost: the event could not be written.
        """
        error.cure = filled(error.cure, self.url, self.options)
        report_error(error)
        self.write(
            {
                "event": "failed",
                "stage": error.stage,
                "cause": error.cause,
                **fix_as_json(error.cure),
                "exit_code": error.exit_code,
            }
        )
        return error.exit_code
