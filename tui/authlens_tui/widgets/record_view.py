"""One stage in full: what it came to, what was sent and came back, what was checked, how to repeat it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TabbedContent, TabPane

from authlens_core.export.redaction import Redactor
from authlens_core.oauth.http_message import Request
from authlens_core.trace.messages import Underway
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.wire.exchange import Exchange
from authlens_tui.widgets.checks_view import checks_summary
from authlens_tui.widgets.diagram_view import DiagramView
from authlens_tui.widgets.document import LAYING_OUT, DocumentView
from authlens_tui.widgets.lines import LineList
from authlens_tui.widgets.record_lines import (
    RAW_TABS,
    Aspect,
    Known,
    Tab,
    hides_secrets,
    known_secrets,
    tab_label,
    tab_lines,
)
from authlens_tui.widgets.search import SearchBar

__all__ = ["RecordView", "Tab"]

_TABS: Final = tuple(Tab)
_LIGHT: Final = 65_536  # bytes of bodies that are made into lines at once; more is made aside
_KEPT: Final = 24  # tabs whose lines are kept
_AROUND_DIAGRAM: Final = 6  # cells: two of border, two of padding, a scroll bar, the mark of an arrow
_DIAGRAM_UNSEEN: Final = 100  # cells it is laid out for before there is a width

_Key = tuple[int, int, Tab, Aspect, bool]


class RecordView(Widget):
    """Shows a stage before, while and after it runs; a function of its record. Masked until revealed.

    Only the tab that is turned to is made; a long body is masked and laid out in a thread.
    """

    DEFAULT_CSS = """
    RecordView {
        height: 1fr;
        & TabbedContent { height: 1fr; }
        & ContentSwitcher { height: 1fr; }
        & TabPane { padding: 0; height: 1fr; }
        & DocumentView { height: 1fr; }
    }
    """
    HELP = (
        "Tabs, by their number: what the stage came to, the request, the response, the checks, a diagram of "
        "all stages, the same with curl, and where the time went. / searches, v shows bodies as they were "
        "sent, . and , turn to one exchange of several. x shows or masks the secrets."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="record.search", tooltip="Search this tab"),
        Binding("v", "raw", "Raw", id="record.raw", tooltip="Show bodies laid out, or exactly as sent"),
        Binding(
            "full_stop",
            "pick(1)",
            "Exchange",
            key_display=".",
            id="record.exchange",
            tooltip="Show one exchange of several, then the next, then all",
        ),
        Binding(
            "comma",
            "pick(-1)",
            "Exchange before",
            id="record.exchange_back",
            tooltip="Show the exchange before",
            show=False,
        ),
        *(
            Binding(
                f"{number}",
                f"turn_to({number})",
                tab.label,
                id=f"record.{tab}",
                tooltip=f"Turn to the tab {tab.label}",
                show=False,
            )
            for number, tab in enumerate(_TABS, 1)
        ),
    ]

    REVEALED_FOR: ClassVar[float] = 20.0
    """Seconds until revealed secrets are masked again."""

    tabs = getters.query_one(TabbedContent)
    search_bar = getters.query_one(SearchBar)

    class ExchangeChosen(Message):
        """A person opened an arrow of the diagram that belongs to another record than the one shown.

        A screen answers with `show_record(records[record_index])` (or its own way to show that stage) and
        then `show_exchange(exchange_index)`. Arrows of the shown record are opened by the view itself.

        Attributes:
            stage: the stage of the record that the arrow belongs to.
            record_index: its place among the records given to `show_story`; their number for a stage that
                is under way.
            exchange_index: which exchange of that record, or None where the arrow is none of authlens's.
            reply: true for an answer, so that the response is what to show.
        """

        def __init__(
            self, stage: Stage, record_index: int, exchange_index: int | None, *, reply: bool
        ) -> None:
            super().__init__()
            self.stage = stage
            self.record_index = record_index
            self.exchange_index = exchange_index
            self.reply = reply

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._known = Known(Stage.DETECTION)
        self._story: tuple[StageRecord, ...] = ()
        self._told = 0  # counts the stories: a new one may know more secrets
        self._redactor: Redactor | None = None
        self._has_secrets = False
        self._raw = False
        self._picked: int | None = None
        self._reveal = False
        self._mask_again: Timer | None = None
        self._made: dict[_Key, tuple[Known, LineList]] = {}
        self._making: set[_Key] = set()
        self._one_at_a_time = asyncio.Lock()  # threads that compete hold up the screen

    def compose(self) -> ComposeResult:
        """Lay out the tabs; what a server said always stands inside a labelled border."""
        with TabbedContent(initial=Tab.OVERVIEW.value):
            for tab in _TABS:
                with TabPane(tab.label, id=tab.value):
                    kind = DiagramView if tab is Tab.DIAGRAM else DocumentView
                    yield kind(id=f"{tab}-document")
        yield SearchBar()

    # -- what to show ----------------------------------------------------------------------------------

    def show_planned(self, stage: Stage, request: Request | None) -> None:
        """Show the request that `stage` would send, before it is sent."""
        self._show(Known(stage, planned=request))

    def show_ahead(self, stage: Stage) -> None:
        """Show that the turn of `stage` has not come, so that nobody knows yet what it sends."""
        self._show(Known(stage, ahead=True))

    def show_running(self, stage: Stage, request: Request | None, exchanges: tuple[Exchange, ...]) -> None:
        """Show how far a running stage is: the request that is on its way, and what was exchanged before."""
        self._show(
            Known(stage, planned=request, exchanges=exchanges, underway=Underway(stage, exchanges, request))
        )

    def show_record(self, record: StageRecord) -> None:
        """Show the record of a stage that has ended."""
        shown_before = (known for known, _ in self._made.values() if known.record is record)
        known = next(shown_before, None)
        self._show(known or Known(record.stage, record=record, exchanges=record.exchanges))

    def show_story(self, records: Sequence[StageRecord]) -> None:
        """Show in the diagram what has happened up to now, all stages together."""
        story = tuple(records)
        if len(story) == len(self._story) and all(map(_same, story, self._story)):
            return
        self._story = story
        self._told += 1
        self._redactor = None
        self._paint()

    def show_exchange(self, index: int | None, *, reply: bool = True) -> None:
        """Turn to the response (or the request) of exchange `index`; to the overview where there is none."""
        several = index is not None and len(self._known.exchanges) > 1
        self._picked = index if several and index is not None and index < len(self._known.exchanges) else None
        self._turn_to(Tab.OVERVIEW if index is None else Tab.RESPONSE if reply else Tab.REQUEST)
        self._paint()

    def _show(self, known: Known) -> None:
        self._stop_timer()
        if self._reveal:
            self._reveal = False
            self._forget_revealed()
        if known is not self._known:
            self._known, self._picked = known, None
            self._has_secrets, self._redactor = False, None
            for tab in _TABS:
                if tab is not self.tab:
                    self._document(tab).show(())
        counts = checks_summary(known.record.checks) if known.record else ""
        self.tabs.get_tab(Tab.CHECKS.value).label = Content(f"Checks {counts}".rstrip())
        self._paint()

    # -- secrets ---------------------------------------------------------------------------------------

    @property
    def has_secrets(self) -> bool:
        """True when something is masked that could be revealed."""
        return self._reveal or self._has_secrets

    @property
    def revealed(self) -> bool:
        """True while the secrets are shown."""
        return self._reveal

    def toggle_reveal(self) -> bool:
        """Show the secrets of this stage for 20 seconds, or mask them again; another stage begins masked.

        Returns:
            True when they are shown now.
        """
        self._stop_timer()
        self._reveal = not self._reveal
        if self._reveal:
            self._mask_again = self.set_timer(self.REVEALED_FOR, self.mask)
        else:
            self._forget_revealed()
        self._paint()
        return self._reveal

    def _forget_revealed(self) -> None:
        """Keep no line with a secret in it, on a tab or aside."""
        self._made = {key: made for key, made in self._made.items() if not key[-1]}
        for tab in _TABS:
            self._document(tab).show(())

    def mask(self) -> None:
        """Mask the secrets again."""
        if self._reveal:
            self.toggle_reveal()

    def on_mount(self) -> None:
        """Mask the secrets when the person turns to another window."""
        self.watch(self.app, "app_focus", self._window_focus_changed, init=False)

    def _window_focus_changed(self, focused: bool) -> None:  # noqa: FBT001 - called with the new value
        if not focused:
            self.mask()

    def _stop_timer(self) -> None:
        if self._mask_again is not None:
            self._mask_again.stop()
            self._mask_again = None

    # -- tabs and exchanges ----------------------------------------------------------------------------

    @property
    def tab(self) -> Tab:
        """The tab that is turned to."""
        return Tab(self.tabs.active or Tab.OVERVIEW)

    def show_tab(self, step: int) -> None:
        """Turn to the tab `step` places further on, round and round."""
        self._turn_to(_TABS[(_TABS.index(self.tab) + step) % len(_TABS)])

    def action_turn_to(self, number: int) -> None:
        """Turn to a tab by its number, counted from 1."""
        self._turn_to(_TABS[number - 1])

    def _turn_to(self, tab: Tab) -> None:
        reading = isinstance(self.screen.focused, DocumentView) and self.has_focus_within
        self.tabs.active = tab.value
        self._paint()
        if reading:
            self.call_after_refresh(self._document(tab).focus)

    @on(TabbedContent.TabActivated)
    def _turned(self) -> None:
        self._paint()
        self._forget_search()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what does something here."""
        if action == "raw":
            return self.tab in RAW_TABS
        if action == "pick":
            return len(self._known.exchanges) > 1
        return True

    def action_raw(self) -> None:
        """Show bodies exactly as they were sent, or laid out to read."""
        self._raw = not self._raw
        self._paint()

    def action_pick(self, by: int) -> None:
        """Show one exchange of several: the next, the one before, or after the last one all of them."""
        count = len(self._known.exchanges)
        place = (0 if self._picked is None else self._picked + 1) + by
        place %= count + 1
        self._picked = place - 1 if place else None
        self._paint()

    @on(DiagramView.ArrowChosen)
    def _arrow_chosen(self, event: DiagramView.ArrowChosen) -> None:
        event.stop()
        arrow = event.arrow
        record = self._story[arrow.record_index] if arrow.record_index < len(self._story) else None
        shown = self._known.underway is not None if record is None else record is self._known.record
        if shown:
            self.show_exchange(arrow.exchange_index, reply=arrow.reply)
        else:
            self.post_message(
                self.ExchangeChosen(arrow.stage, arrow.record_index, arrow.exchange_index, reply=arrow.reply)
            )

    # -- how it is shown -------------------------------------------------------------------------------

    def as_text(self, tab: Tab | None = None, *, masked: bool = True) -> str:
        """Return what a tab shows, whole and unless told otherwise masked, for the clipboard.

        Args:
            tab: which; the open one by default.
            masked: false returns what a person sees who revealed the secrets.
        """
        wanted = self.tab if tab is None else tab
        key = self._key(wanted, masked=masked)
        if key not in self._made:
            self._keep(key, self._known, self._make(wanted, masked=masked))
        return "\n".join(self._made[key][1].texts)

    def on_resize(self) -> None:
        """Draw the diagram for the width there is now."""
        if self.tab is Tab.DIAGRAM:
            self._paint()

    def _document(self, tab: Tab) -> DocumentView:
        return self.query_one(f"#{tab}-document", DocumentView)

    def _key(self, tab: Tab, *, masked: bool) -> _Key:
        return id(self._known), self._told, tab, self._aspect(tab), not masked

    def _aspect(self, tab: Tab) -> Aspect:
        if tab is Tab.DIAGRAM:
            width = self.content_size.width
            return Aspect(width=width - _AROUND_DIAGRAM if width else _DIAGRAM_UNSEEN)
        return Aspect(self._raw and tab in RAW_TABS, self._picked)

    def _paint(self) -> None:
        """Show the open tab: at once where it is little to do, else when it is made."""
        if not self.is_mounted:
            return
        tab = self.tab
        document = self._document(tab)
        for one in _TABS:
            self._document(one).label(tab_label(one, self._known, raw=self._raw), self._subtitle(one))
        key = self._key(tab, masked=not self._reveal)
        if key in self._made and self._redactor is not None:
            document.show(self._made[key][1])
        elif self._is_light():
            self._redactor = self._redactor or Redactor(known_secrets(self._known, self._story))
            self._has_secrets = hides_secrets(self._known, self._redactor)
            self._keep(key, self._known, self._make(tab, masked=not self._reveal))
            document.show(self._made[key][1])
        else:
            document.show(LAYING_OUT)
            if key not in self._making:
                self._making.add(key)
                self._make_aside(key, tab)
        if self.is_attached:
            self.refresh_bindings()

    def _is_light(self) -> bool:
        stories = sum(Known(one.stage, exchanges=one.exchanges).weight for one in self._story)
        return self._known.weight + stories <= _LIGHT

    def _make(self, tab: Tab, *, masked: bool) -> LineList:
        redactor = self._redactor or Redactor(known_secrets(self._known, self._story))
        self._redactor = redactor
        return LineList(tab_lines(tab, self._known, self._story, redactor, self._aspect(tab), masked=masked))

    @work(group="lines", description="lines")
    async def _make_aside(self, key: _Key, tab: Tab) -> None:
        """Make the lines of a tab in a thread, and show them if they are still wanted."""
        try:
            async with self._one_at_a_time:
                if key == self._key(tab, masked=not self._reveal):
                    await self._make_in_thread(key, tab)
        finally:
            self._making.discard(key)

    async def _make_in_thread(self, key: _Key, tab: Tab) -> None:
        known, story, aspect, masked = self._known, self._story, self._aspect(tab), not self._reveal
        redactor, is_new = self._redactor, self._redactor is None
        if redactor is None:
            redactor = await asyncio.to_thread(lambda: Redactor(known_secrets(known, story)))
        made = redactor
        lines = await asyncio.to_thread(
            lambda: LineList(tab_lines(tab, known, story, made, aspect, masked=masked))
        )
        if key != self._key(tab, masked=not self._reveal):
            return
        self._redactor = made
        self._keep(key, known, lines)
        if tab is self.tab:
            self._document(tab).show(lines)
        if is_new:
            hides = await asyncio.to_thread(hides_secrets, known, made)
            if known is self._known:
                self._has_secrets = hides
                self.refresh_bindings()

    def _keep(self, key: _Key, known: Known, lines: LineList) -> None:
        while len(self._made) >= _KEPT:
            del self._made[next(iter(self._made))]
        self._made[key] = known, lines

    def _subtitle(self, tab: Tab) -> str:
        several = len(self._known.exchanges) > 1 and tab not in (Tab.OVERVIEW, Tab.CHECKS, Tab.DIAGRAM)
        place = "all" if self._picked is None else f"{self._picked + 1}"
        words = (
            f"{place} of {len(self._known.exchanges)}, . turns on" if several else "",
            "secrets shown, x masks them" if self._reveal else "",
        )
        return " · ".join(word for word in words if word)

    # -- searching -------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Open the field for the words to look for."""
        self.search_bar.open()

    @on(SearchBar.Wanted)
    def _search_wanted(self, event: SearchBar.Wanted) -> None:
        event.stop()
        self._search(event.words)

    @work(exclusive=True, group="search", description="search")
    async def _search(self, words: str) -> None:
        self.search_bar.tell_searching()
        place, count = await self._document(self.tab).search(words)
        self.search_bar.tell(place, count)

    @on(SearchBar.Turned)
    def _search_turned(self, event: SearchBar.Turned) -> None:
        event.stop()
        self.search_bar.tell(*self._document(self.tab).turn_match(event.by))

    @on(SearchBar.Closed)
    def _search_closed(self, event: SearchBar.Closed) -> None:
        event.stop()
        self._document(self.tab).forget_matches()
        self._document(self.tab).focus()

    def _forget_search(self) -> None:
        if self.search_bar.is_open:
            for tab in _TABS:
                self._document(tab).forget_matches()
            self._search(self.search_bar.field.value)


def _same(one: object, other: object) -> bool:
    return one is other
