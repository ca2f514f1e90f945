"""The words about a login that is changed on purpose: what is armed, what was changed, what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.oauth.check import Severity
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.screens.wizard.what_if import acts_at, results_in
from authlens_tui.terminal.content import Content
from authlens_tui.words.durations import in_words

__all__ = ["experiment_words", "listed", "marks", "unkept_words"]

_KEY: Final = "bold $text-primary"
_MARK: Final = "bold $text-warning"
_MOST_SAID: Final = 3  # changes that are named one by one


def marks(login: Login) -> Content:
    """Say what is armed, what is edited and what was changed; empty where nothing is."""
    pieces: list[Content] = []
    if login.armed is not None:
        pieces.append(Content.assemble(("≠ Armed: ", _MARK), f"{login.armed.title} {acts_at(login.armed)}."))
    elif login.edits:
        words = listed([one.words for _, one in login.edits])
        stage = login.edits[0][0]
        when = "once it is sent" if stage is login.position else f"once {STAGE_INFO[stage].title} is run"
        pieces.append(Content.assemble(("≠ Edited: ", _MARK), f"{words}, {when}."))
    if login.trace.tampering:
        words = listed(login.trace.tampering)
        pieces.append(Content.assemble(("≠ TAMPERED: ", _MARK), f"{words}. Nothing of this login is kept."))
    return Content("\n").join(pieces)


def unkept_words(facts: Facts, now: datetime) -> Content:
    """Say that the changed login came to its end, and what becomes of its tokens."""
    lasts = (facts.expires_at - now).total_seconds() if facts.expires_at else 0
    end = f"; it ends by itself in {in_words(lasts)}" if lasts > 0 else "; it ends by itself"
    return Content.assemble(
        ("! It went through. ", _MARK),
        f"The resource accepts the token. It is kept nowhere, because the request was changed{end}. ",
        ("i", _KEY),
        " tries something else, ",
        ("d", _KEY),
        " leaves.",
    )


def experiment_words(record: StageRecord, ways: Sequence[tuple[str, str]]) -> Content | None:
    """Say how the experiment of a stage ended that stopped the login; None where none did.

    That the stage failed is then what should happen, and is not said as if something were broken.
    """
    stopped = [(one, check) for one, check in results_in(record) if check.severity is Severity.PASS]
    if not stopped:
        return None
    experiment, check = stopped[0]
    retry = [("t", "run it as the protocol has it")] if any(key == "t" for key, _ in ways) else []
    keys = [*retry, ("i", "try something else")]
    if record.stage is Stage.REFRESH:
        keys = [("i", "try something else"), ("d", "leave")]
    told = [Content.assemble((key, _KEY), f" to {words}") for key, words in keys]
    return Content.assemble(
        ("✔ As it must be. ", "bold $text-success"),
        f"{experiment.title}: {experiment.who} stopped it ({check.spec}).\nPress ",
        Content(", ").join(told),
        ".",
    )


def listed(changes: Sequence[str]) -> str:
    """Name changes one by one, each once with how often it was made, and the first three of them."""
    times = Counter(changes)
    words = [one if count == 1 else f"{one} ({count} times)" for one, count in times.items()]
    more = len(words) - _MOST_SAID
    return "; ".join([*words[:_MOST_SAID], *((f"and {more} more",) if more > 0 else ())])
