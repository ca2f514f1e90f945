"""One stage in full: what it came to, what was sent and came back, what was checked, how to repeat it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import is_
from typing import ClassVar, Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
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
from authlens_tui.widgets.made_tabs import MadeTabs, Masking, TabKey
from authlens_tui.widgets.record_keys import RECORD_KEYS
from authlens_tui.widgets.record_lines import (
    RAW_TABS,
    Aspect,
    Known,
    Tab,
    hides_secrets,
    known_secrets,
    tab_label,
    tab_lines,
    tab_place,
    weight,
)
from authlens_tui.widgets.search import SearchBar

__all__ = ["RecordView", "Tab"]

_TABS: Final = tuple(Tab)
_LIGHT: Final = 65_536  # bytes of bodies that are made into lines at once; more is made aside
_AROUND_DIAGRAM: Final = 6  # cells: two of border, two of padding, a scroll bar, the mark of an arrow
_DIAGRAM_UNSEEN: Final = 100  # cells it is laid out for before there is a width


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
    BINDINGS: ClassVar[list[BindingType]] = RECORD_KEYS

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
        self._raw = False
        self._picked: int | None = None
        self._reveal = False
        self._mask_again: Timer | None = None
        self._made = MadeTabs()
        self._making: set[TabKey] = set()
        self._one_at_a_time = asyncio.Lock()  # threads that compete hold up the screen

    def compose(self) -> ComposeResult:
        """Lay out the tabs; what a server said always stands inside a labelled border."""
        with TabbedContent(initial=Tab.OVERVIEW.value):
            for tab in _TABS:
                with TabPane(tab.label, id=tab.value):
                    kind = DiagramView if tab is Tab.DIAGRAM else DocumentView
                    yield kind(id=f"{tab}-document")
        yield SearchBar(lambda: self._document(self.tab))

    # -- what to show ----------------------------------------------------------------------------------

    def show_planned(self, stage: Stage, request: Request | None) -> None:
        """Show the request that `stage` would send, before it is sent."""
        self._show(Known(stage, planned=request))

    def show_ahead(self, stage: Stage) -> None:
        """Show that the turn of `stage` has not come, so that nobody knows yet what it sends."""
        self._show(Known(stage, ahead=True))

    def show_running(self, stage: Stage, request: Request | None, exchanges: tuple[Exchange, ...]) -> None:
        """Show how far a running stage is: the request that is on its way, and what was exchanged before."""
        underway = Underway(stage, exchanges, request)
        self._show(Known(stage, planned=request, exchanges=exchanges, underway=underway))

    def show_record(self, record: StageRecord) -> None:
        """Show the record of a stage that has ended."""
        self._show(
            self._made.known_of(record) or Known(record.stage, record=record, exchanges=record.exchanges)
        )

    def show_story(self, records: Sequence[StageRecord]) -> None:
        """Show in the diagram what has happened up to now, all stages together."""
        story = tuple(records)
        if len(story) == len(self._story) and all(map(is_, story, self._story)):
            return
        self._story = story
        self._told += 1
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
        masking = self._made.masking(self._known, self._told)
        return self._reveal or bool(masking and masking.hides)

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
        self._made.forget_revealed()
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
        if self.search_bar.is_open:
            self.search_bar.search()

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
        key = self._key(self.tab if tab is None else tab, masked=masked)
        lines = self._made.get(key) or self._make_now(key)
        return "\n".join(lines.texts)

    def on_resize(self) -> None:
        """Draw the diagram for the width there is now."""
        if self.tab is Tab.DIAGRAM:
            self._paint()

    def _document(self, tab: Tab) -> DocumentView:
        return self.query_one(f"#{tab}-document", DocumentView)

    def _key(self, tab: Tab, *, masked: bool) -> TabKey:
        return TabKey(self._known, self._told, tab, self._aspect(tab), masked)

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
            place = tab_place(one, self._known, self._picked)
            words = (place, "secrets shown, x masks them" if self._reveal else "")
            label = tab_label(one, self._known, raw=self._raw)
            self._document(one).label(label, " · ".join(word for word in words if word))
        if isinstance(document, DiagramView):
            places = (n for n, record in enumerate(self._story) if record is self._known.record)
            document.begin_at = next(places, None)
        key = self._key(tab, masked=not self._reveal)
        lines = self._made.get(key)
        if lines is not None:
            document.show(lines)
        elif self._is_light():
            document.show(self._make_now(key))
        else:
            document.show(LAYING_OUT)
            if key not in self._making:
                self._making.add(key)
                self._make_aside(key)
        self.refresh_bindings()

    def _is_light(self) -> bool:
        told = (exchange for record in self._story for exchange in record.exchanges)
        unread = sum(weight(exchange) for exchange in told if not self._made.has_read(exchange))
        return self._known.weight + unread <= _LIGHT

    def _make_now(self, key: TabKey) -> LineList:
        masking = self._made.masking(key.known, key.told)
        if masking is None:
            redactor = self._redactor(key.known, self._story)
            masking = Masking(redactor, hides_secrets(key.known, redactor))
            self._made.keep_masking(key.known, key.told, masking)
        lines = _lines(key, self._story, masking.redactor)
        self._made.keep(key, lines)
        return lines

    def _redactor(self, known: Known, story: Sequence[StageRecord]) -> Redactor:
        return Redactor(known_secrets(known, story, self._made.secrets_of))

    @work(group="lines", description="lines")
    async def _make_aside(self, key: TabKey) -> None:
        """Make the lines of a tab in a thread, and show them if they are still wanted."""
        try:
            async with self._one_at_a_time:
                if key == self._key(self.tab, masked=not self._reveal):
                    await self._make_in_thread(key)
        finally:
            self._making.discard(key)

    async def _make_in_thread(self, key: TabKey) -> None:
        known, story = key.known, self._story
        masking = self._made.masking(known, key.told)
        if masking is None:
            masking = Masking(await asyncio.to_thread(self._redactor, known, story))
            self._made.keep_masking(known, key.told, masking)
        redactor = masking.redactor
        lines = await asyncio.to_thread(_lines, key, story, redactor)
        if key.masked or self._reveal:
            self._made.keep(key, lines)
        if key == self._key(self.tab, masked=not self._reveal):
            self._document(key.tab).show(lines)
        if masking.hides is None:
            hides = await asyncio.to_thread(hides_secrets, known, redactor)
            self._made.keep_masking(known, key.told, Masking(redactor, hides))
            self.refresh_bindings()

    # -- searching -------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Open the field for the words to look for."""
        self.search_bar.open()


def _lines(key: TabKey, story: Sequence[StageRecord], redactor: Redactor) -> LineList:
    return LineList(tab_lines(key.tab, key.known, story, redactor, key.aspect, masked=key.masked))
