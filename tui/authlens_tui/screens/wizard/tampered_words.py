"""The words about a login that is changed on purpose: what is ready, what was changed, how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from authlens_core.desk.log_in import Facts, Login
from authlens_core.desk.tampering import Experiment, attack_results
from authlens_core.trace.flow import AUTHORIZATION_CODE
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_core.values.check import Severity
from authlens_tui.screens.wizard.words import key_words
from authlens_tui.terminal.content import Content
from authlens_tui.words.durations import in_words

_MARK: Final = "bold $text-warning"
_MOST_SAID: Final = 3  # changes that are named one by one


def acts_at(experiment: Experiment) -> str:
    """Return where an experiment acts, such as `at 7 Exchange`; all act in the authorization code grant."""
    if experiment.stage is Stage.REFRESH:
        return f"after {AUTHORIZATION_CODE.numbered(AUTHORIZATION_CODE.stages[-1])}"
    return f"at {AUTHORIZATION_CODE.numbered(experiment.stage)}"


def marks(login: Login) -> Content:
    """Say which attack is ready, what is edited and what was changed; empty if nothing is."""
    pieces: list[Content] = []
    if login.armed is not None:
        pieces.append(
            Content.assemble(("≠ Attack ready: ", _MARK), f"{login.armed.title} {acts_at(login.armed)}.")
        )
    elif login.edits:
        words = listed([one.words for _, one in login.edits])
        stage = login.edits[0][0]
        when = "sent next" if stage is login.position else f"sent by {STAGE_INFO[stage].title}"
        pieces.append(Content.assemble(("≠ Edited: ", _MARK), f"{words}, {when}."))
    if login.trace.tampering:
        words = listed(login.trace.tampering)
        pieces.append(
            Content.assemble(("≠ TAMPERED: ", _MARK), f"{words}. No token of this login is stored.")
        )
    return Content("\n").join(pieces)


def unkept_words(facts: Facts, now: datetime) -> Content:
    """Say that the changed login reached its end, and what happens to its tokens."""
    lasts = (facts.expires_at - now).total_seconds() if facts.expires_at else 0
    end = f" and expires in {in_words(lasts)}" if lasts > 0 else ""
    return Content.assemble(
        ("! It was accepted. ", _MARK),
        f"The resource accepts the token. Because the request was changed, the token is not stored{end}. ",
        key_words([("i", "try another attack"), ("d", "done")]),
    )


def experiment_words(record: StageRecord, ways: Sequence[tuple[str, str]]) -> Content | None:
    """Say how the attack ended that stopped the login; None if none did.

    The stage failed as it should, so this is not shown as a failure.
    """
    stopped = [(one, check) for one, check in attack_results(record) if check.severity is Severity.PASS]
    if not stopped:
        return None
    experiment, check = stopped[0]
    retry = [("t", "run normally")] if any(key == "t" for key, _ in ways) else []
    keys = [*retry, ("i", "try another attack")]
    if record.stage is Stage.REFRESH:
        keys = [("i", "try another attack"), ("d", "done")]
    return Content.assemble(
        ("✔ Correct. ", "bold $text-success"),
        f"{experiment.title}: {experiment.who} refused it ({check.spec}).\n",
        key_words(keys),
    )


def listed(changes: Sequence[str]) -> str:
    """Name the first three changes, each once with how often it was made."""
    times = Counter(changes)
    words = [one if count == 1 else f"{one} ({count} times)" for one, count in times.items()]
    more = len(words) - _MOST_SAID
    return "; ".join([*words[:_MOST_SAID], *((f"and {more} more",) if more > 0 else ())])
