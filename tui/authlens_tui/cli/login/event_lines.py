"""Where the events of a login go that a program watches."""

from __future__ import annotations

from collections.abc import Mapping

from authlens_core.values.fix import GivenOptions
from authlens_tui.cli.terminal.output import answer_json


class EventLines:
    """Writes the events of a login on stdout, each with the URL of its resource.

    Args:
        url: the resource.
        wanted: false for a login that is reported in words: nothing is written.
        options: those that the login was given, for the commands that lead on from a failure.
    """

    def __init__(self, url: str, *, wanted: bool, options: GivenOptions = ()) -> None:
        self.url = url
        self.wanted = wanted
        self.options = options

    def write(self, event: Mapping[str, object]) -> None:
        """Write one event.

        Raises:
            AnswerLost: it could not be written.
        """
        if self.wanted:
            answer_json({**event, "resource_url": self.url})
