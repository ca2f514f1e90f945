"""The card at the end of a login of the demo: what was learned, the answer, how it ended, what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from authlens_core.desk.log_in import Login, Outcome, StageRecord, Trace
from authlens_core.trace.arrows import Arrow, Party, authorities, messages, short_name
from authlens_tui.screens.wizard.status_words import with_keys_kept
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.record.signs import accent

END_KEYS: Final = ("login_anew", "next_login", "compare")
"""The keys that do something only while the card is shown."""
_TALL, _SHORT = 32, 20  # rows of a screen: below them the answer and the keys alone, or nothing
_NAMES: Final = 9  # cells of the names before the sentences
_AROUND: Final = 4  # cells: border and padding
_KEY: Final = "bold $text-primary"


class Ending(NamedTuple):
    """What the end of a login answers, and where it leads.

    Attributes:
        learned: one sentence.
        question: what was asked before; empty if nothing was.
        following: the title of the next login; empty for none.
        before: the login to compare with, and what it is called; None for none.
        verdict: says what a prediction was worth, given the trace; an empty text for nothing.
    """

    learned: str
    question: str = ""
    answer: str = ""
    following: str = ""
    before: tuple[str, Trace] | None = None
    verdict: Callable[[Trace], str] = lambda _: ""


class EndCard(HangingText):
    """Appears when a login of the demo has ended, above the keys, and leaves what it is about in sight.

    Args:
        ending: what it says; None for a login without such an end.
    """

    def __init__(self, ending: Ending | None) -> None:
        super().__init__(id="end-card")
        self._ending = ending
        self._is_finished = False

    def show_end(self, login: Login, failed: StageRecord | None, *, rows: int) -> None:
        """Appear if the login has ended honestly, otherwise go.

        Args:
            failed: the stage that did not pass, if the login is at one.
            rows: of the screen; in few, the card would hide what it is about.
        """
        refused = failed is not None and failed.outcome is Outcome.FAILED
        over = login.running is None and not login.tampered and (login.finished or refused)
        self._is_finished = login.finished
        self.display = over and self._ending is not None and rows >= _SHORT
        if self.display and self._ending is not None:
            self.set_class(rows < _TALL, "-brief")
            self.show(tuple(self._items_of(self._ending, login, brief=rows < _TALL)))

    def offers(self, key_action: str) -> bool:
        """Return whether a key of the card does something now."""
        ending = self._ending
        if ending is None or not self.display:
            return False
        match key_action:
            case "compare":
                return ending.before is not None
            case "next_login":
                return bool(ending.following)
        return self._is_finished  # a stage that failed has the same key

    @property
    def before(self) -> tuple[str, Trace] | None:
        return None if self._ending is None else self._ending.before

    def _items_of(self, ending: Ending, login: Login, *, brief: bool) -> Iterator[Item]:
        if not brief:
            yield Item(Content.assemble((ending.learned, "bold")))
            if ending.question:
                yield _item("Asked", Content.styled(ending.question, "$quiet"))
        if verdict := ending.verdict(login.trace):
            yield _item("Verdict", Content(verdict))
        if ending.answer:
            yield _item("Answer", Content(ending.answer))
        if not brief:
            yield _item("Ended", _last_arrow(login.trace))
        yield Item(self._keys(ending))

    def _keys(self, ending: Ending) -> Content:
        # The footer has the others.
        offered = (
            ("N", f"next: {ending.following}", bool(ending.following)),
            ("=", "compare", ending.before is not None),
            ("F8", "postcard", True),
        )
        shown = [Content.assemble((key, _KEY), f" {name}") for key, name, does in offered if does]
        return with_keys_kept(Content(" · ").join(shown), max(1, self.screen.size.width - _AROUND))


def _item(name: str, words: Content) -> Item:
    return Item(words, Content.styled(name, "$text-muted"), _NAMES)


def _last_arrow(trace: Trace) -> Content:
    """Draw the message with which the login ended, or what authlens noticed itself."""
    drawn = messages(trace.records)
    return Content.assemble(*_drawn(drawn[-1], authorities(trace.records))) if drawn else Content("–")


def _drawn(arrow: Arrow, hosts: Mapping[Party, str]) -> Iterator[Content | tuple[str, str]]:
    sender, receiver = (
        Content.line(short_name(hosts.get(party, "")) or party.value, accent(party))
        for party in (arrow.sender, arrow.receiver)
    )
    style = "$text-error" if arrow.failed else "$text-success"
    yield sender
    if arrow.sender is arrow.receiver:
        yield Content.line(f" ● {arrow.label}", style)
        return
    shaft = "╌╌" if arrow.reply else "──"
    yield f" {shaft} ", style
    yield Content.line(arrow.label)
    yield f" {shaft}{'✖' if arrow.failed else '▶'} ", style
    yield receiver
