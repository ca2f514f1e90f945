"""The extras of a login in the demo: the player who signs in, the server's owner, and the card at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import getters
from textual.app import ComposeResult

from authlens_core.desk.log_in import Login, Outcome, StageRecord, Trace
from authlens_core.export.compare import honest_run
from authlens_core.trace.arrows import Arrow, Party, authorities, messages, short_name
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.screens.wizard.status_words import wrap_between_keys
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.record.signs import accent

if TYPE_CHECKING:
    from authlens_lab.learning.desk.drill_world import DrillWorld, OwnerSetting

_TALL, _SHORT = 32, 20  # rows of a screen: below them the answer and the keys alone, or nothing
_NAMES: Final = 9  # cells of the names before the sentences
_AROUND: Final = 4  # cells: border and padding
_KEY: Final = "bold $text-primary"


class Played(NamedTuple):
    """How the sign-in of the demo ended.

    Attributes:
        completed: false if it did not get as far as signing in and can be tried again.
        page: the text of the page on which the browser ended; empty if it came back.
    """

    sentence: str
    completed: bool = False
    page: str = ""


# Signs in at the emulator with a link, as a user would in a browser.
Player = Callable[[str], Awaitable[Played]]


def honest_part(title: str, trace: Trace) -> tuple[str, Trace] | None:
    """Return the last run without an attack, under a title, for a comparison; None if there is none."""
    honest = honest_run(trace)
    return None if honest is None else (title, honest)


class Ending(NamedTuple):
    """The card at the end of a login: its lesson, the answer, and the next drill.

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


class ServerOwner:
    """Turns the fault of an emulator off by the setting that stands for it, and on again.

    Args:
        name: what is owned, such as a host name.
    """

    def __init__(self, name: str, setting: OwnerSetting, world: DrillWorld) -> None:
        self.name = name
        self.setting = setting
        self._world = world
        self._faults = world.emulator.faults

    @property
    def is_on(self) -> bool:
        return self.setting.on is not bool(self._world.emulator.faults)

    def switch(self, *, on: bool) -> None:
        self._world.emulator.set_faults(() if on is self.setting.on else self._faults)
        self._world.options()  # writes again what a program reads at each try


class DemoLogin(NamedTuple):
    """The extras of a login in the demo; other logins have none.

    Attributes:
        name: what the login is called in the title; empty for its resource.
        player: signs in for the user.
        owner: changes the setting that makes the login fail.
        plays: whether all stages run at once, and the player signs in.
        ending: what the end of the login answers; None where nothing was asked.
    """

    name: str = ""
    player: Player | None = None
    owner: ServerOwner | None = None
    plays: bool = False
    ending: Ending | None = None


class OwnerScreen(Dialog[bool]):
    """Shows the setting; ends with true to run the stage again with it as it is then.

    Args:
        stage: the title of the stage that failed.
    """

    BINDINGS = keys("owner")

    boxes = getters.query_one("#owner-boxes", Static)

    def __init__(self, owner: ServerOwner, stage: str) -> None:
        super().__init__()
        self._owner = owner
        self._stage = stage

    def body(self) -> ComposeResult:
        with DialogBox(f"You are the owner of {self._owner.name}"):
            yield Static(Content(self._owner.setting.path), classes="dialog-words")
            yield Static(id="owner-boxes", classes="dialog-words")
            yield Static(
                Content(f"Space switches it. Enter runs {self._stage} again."), classes="dialog-hint"
            )

    def on_mount(self) -> None:
        self.boxes.can_focus = True
        self.boxes.focus()
        self._show()

    def action_switch(self) -> None:
        self._owner.switch(on=not self._owner.is_on)
        self._show()

    def _show(self) -> None:
        owner, setting = self._owner, self._owner.setting
        rows = [((setting.beside, "$quiet"), True)] if setting.beside else []
        marked = "" if owner.is_on is setting.on else "  ◀ this one"
        lines = [
            Content.assemble(_box(on=owner.is_on), (setting.box, "bold"), (marked, "$text-warning")),
            *(Content.assemble(_box(on=on), name) for name, on in rows),
        ]
        self.boxes.update(Content("\n").join(lines))


def _box(*, on: bool) -> tuple[str, str]:
    return ("[✔] ", "bold $text-success") if on else ("[ ] ", "bold $text-error")


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

    def can_next_login(self) -> bool:
        return self.display and self._ending is not None and bool(self._ending.following)

    def can_login_anew(self) -> bool:
        return self.display and self._is_finished  # a stage that failed has the same key

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
            ("N", f"new drill: {ending.following}", bool(ending.following)),
            ("=", "compare", ending.before is not None),
            ("m", "save", True),
        )
        labels = [Content.assemble((key, _KEY), f" {name}") for key, name, does in offered if does]
        return wrap_between_keys(Content(" · ").join(labels), max(1, self.app.size.width - _AROUND))


def _item(name: str, text: Content) -> Item:
    return Item(text, Content.styled(name, "$text-muted"), _NAMES)


def _last_arrow(trace: Trace) -> Content:
    """Draw the last message of the login, or the finding of authlens itself."""
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
