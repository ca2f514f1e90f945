"""The view of one record: its outcome, requests, responses and checks, and how to repeat it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Final

from msgspec.structs import replace
from textual import getters, on, work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TabbedContent, TabPane

from authlens_core.trace.record import Exchange, Outcome, RunningStage, Stage, StageRecord
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.document import LAYING_OUT, DocumentView
from authlens_tui.widgets.document.folding_view import FoldingView
from authlens_tui.widgets.document.search import SearchBar
from authlens_tui.widgets.key_binding import ActionChecks, default_css, keys
from authlens_tui.widgets.record.checks_view import FixWords, checks_summary
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.record.jwt_lines import Verdicts, verdict_words
from authlens_tui.widgets.record.record_lines import (
    EXCHANGE_TABS,
    RAW_TABS,
    StageSnapshot,
    Tab,
    ViewOptions,
    raw_messages,
    requests_of,
    responses_of,
    tab_label,
    tab_place,
)
from authlens_tui.widgets.record.record_messages import (
    ArrowChosen,
    Revealed,
    SignatureWanted,
)
from authlens_tui.widgets.record.signs import last_badge
from authlens_tui.widgets.record.tab_cache import TabCache, TabKey

_TABS: Final = tuple(Tab)
_SIDE_BY_SIDE: Final = (Tab.REQUEST, Tab.RESPONSE)
_WIDE: Final = 160  # cells of the screen from which on the two are side by side, as the app's breakpoint
_AROUND_DIAGRAM: Final = 6  # cells: two of border, two of padding, a scroll bar, the mark of an arrow
_DIAGRAM_UNSEEN: Final = 100  # cells it is laid out for before there is a width


class RecordView(ActionChecks, Widget):
    """Shows a stage before, while and after it runs; a function of its record. Masked until revealed.

    Only the tab that is turned to is made; a long body is masked and laid out in a thread.
    """

    DEFAULT_CSS = default_css(__file__)
    BINDINGS = keys("record")
    ALLOW_MAXIMIZE = True

    REVEALED_FOR: ClassVar[float] = 20.0
    """Seconds until revealed secrets are masked again."""

    tabs = getters.query_one(TabbedContent)
    search_bar = getters.query_one(SearchBar)

    issuer: str | None = None
    """The issuer of the tokens, if the story has no server metadata."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.fixes: Callable[[], FixWords] = lambda: str  # a screen sets it whose keys do what they say
        self._snapshot = StageSnapshot(Stage.DETECTION)
        self._raw = False
        self._picked: int | None = None
        self.revealed = False
        """True while the secrets are shown."""
        self._mask_again: Timer | None = None
        self._made = TabCache()
        self._undone: frozenset[int] = frozenset()
        self._checking: StageRecord | None = None

    def compose(self) -> ComposeResult:
        """Lay out the tabs; what a server said always is inside a labelled border."""
        with TabbedContent(initial=Tab.OVERVIEW.value):
            for tab in _TABS:
                with TabPane(tab.label, id=tab.value):
                    kind = DiagramView if tab is Tab.DIAGRAM else FoldingView
                    yield kind(id=f"{tab}-document")
        yield SearchBar(lambda: self._document(self.tab))

    def show_exchange(self, index: int | None, *, reply: bool = True) -> None:
        """Turn to the response (or the request) of exchange `index`; to the overview where there is none."""
        message = Tab.RESPONSE if reply else Tab.REQUEST
        self._turn_to(Tab.OVERVIEW if index is None else message)
        self.pick(index)

    def pick(self, index: int | None) -> None:
        """Show only exchange `index` of several; all of them where there is none."""
        self._picked = index if index is not None and 1 < len(self._snapshot.exchanges) > index else None
        self._label_response()
        self._paint()

    def show(
        self,
        records: Sequence[StageRecord],
        stage: StageRecord | RunningStage | StageSnapshot,
        undone: frozenset[int] = frozenset(),
    ) -> None:
        """Show one stage of a trace.

        Args:
            records: the trace so far, drawn in the diagram.
            stage: its record, its progress while it runs, or what is to be sent.
            undone: indexes of the records that no longer count.
        """
        self.mask()
        self._made.tell(records)
        self._undone = undone
        snapshot = self._made.snapshot_of(stage)
        # Emptied, because the other tabs are made again only when they are opened.
        if snapshot is not self._snapshot:
            self._snapshot, self._picked = snapshot, None
            for tab in set(_TABS) - {self.tab}:
                self._document(tab).show(())
        counts = checks_summary(snapshot.record.checks) if snapshot.record else ""
        self.tabs.get_tab(Tab.CHECKS.value).label = Content(f"Checks {counts}".rstrip())
        self._label_response()
        self._paint()

    def _label_response(self) -> None:
        """Show the status of the last response, or of the picked one, on its tab."""
        snapshot = self._snapshot
        exchanges = snapshot.record.exchanges if snapshot.record else snapshot.exchanges
        if self._picked is not None:
            exchanges = snapshot.exchanges[self._picked :][:1]
        badge = last_badge(exchanges, snapshot.record)
        label = Content.assemble("Response ", badge) if badge else Content("Response")
        self.tabs.get_tab(Tab.RESPONSE.value).label = label

    @property
    def record(self) -> StageRecord | None:
        """The record that is shown; None before the stage has ended."""
        return self._snapshot.record

    # -- secrets ---------------------------------------------------------------------------------------

    @property
    def has_secrets(self) -> bool:
        return self.revealed or self._made.hides(self._snapshot)

    def toggle_reveal(self) -> None:
        """Show the secrets for 20 seconds, or mask them again and keep no line with a secret in it."""
        self.revealed = not self.revealed
        if self._mask_again is not None:
            self._mask_again.stop()
        if self.revealed:
            self._mask_again = self.set_timer(self.REVEALED_FOR, self.mask)
            self.post_message(Revealed())
        else:
            self._made.forget_revealed()
            for tab in _TABS:
                self._document(tab).show(())
        self._paint()

    def mask(self) -> None:
        if self.revealed:
            self.toggle_reveal()

    def on_mount(self) -> None:
        """Mask the secrets when the user turns to another window."""
        self.watch(self.app, "app_focus", self._window_focus_changed, init=False)

    def _window_focus_changed(self, focused: bool) -> None:  # noqa: FBT001 - called with the new value
        if not focused:
            self.mask()

    # -- tabs and exchanges ----------------------------------------------------------------------------

    @property
    def tab(self) -> Tab:
        return Tab(self.tabs.active or Tab.OVERVIEW)

    @property
    def document(self) -> DocumentView:
        return self._document(self.tab)

    def read(self) -> None:
        self.document.focus()

    def action_tab(self, step: int) -> None:
        """Turn to the tab `step` places further on, wrapping around."""
        self._turn_to(_TABS[(_TABS.index(self.tab) + step) % len(_TABS)])

    def action_turn_to(self, number: int) -> None:
        self._turn_to(_TABS[number - 1])

    def _turn_to(self, tab: Tab) -> None:
        reading = self.has_focus_within and not self.search_bar.has_focus_within
        self.tabs.active = tab.value
        self._paint()
        if reading:
            self.call_after_refresh(self.read)

    @on(TabbedContent.TabActivated)
    def _turned(self) -> None:
        self._paint()
        if self.search_bar.is_open:
            self.search_bar.search()

    def action_raw(self) -> None:
        """Show bodies exactly as they were sent, or laid out to read."""
        self._raw = not self._raw
        self._paint()

    def can_raw(self) -> bool:
        return self.tab in RAW_TABS

    def action_pick(self, by: int) -> None:
        """Show one exchange of several: the next, the one before, or after the last one all of them."""
        pick = (0 if self._picked is None else self._picked + 1) + by
        pick %= len(self._snapshot.exchanges) + 1
        self.pick(pick - 1 if pick else None)

    def can_pick(self) -> bool:
        return len(self._snapshot.exchanges) > 1 and self.tab in EXCHANGE_TABS

    @on(ArrowChosen)
    def _arrow_chosen(self, event: ArrowChosen) -> None:
        arrow, story = event.arrow, self._made.story.records
        record = story[arrow.record_index] if arrow.record_index < len(story) else None
        is_shown = self._snapshot.underway is not None if record is None else record is self._snapshot.record
        if is_shown:
            event.stop()
            self.show_exchange(arrow.exchange_index, reply=arrow.reply)

    def action_check_signature(self) -> None:
        """Ask for someone who can fetch keys to look at the signatures."""
        record = self._snapshot.record
        if record is not None:
            self._checking = record
            answer = partial(self.show_verdicts, record)
            self.post_message(SignatureWanted(record, self._made.story.records, self.issuer, answer))
            self._paint()

    def can_check_signature(self) -> bool:
        return bool(self._snapshot.jwts)

    def show_verdicts(self, record: StageRecord, verdicts: Verdicts, exchanges: tuple[Exchange, ...]) -> None:
        """Show whether signatures verify, and add the exchanges that fetched the keys."""
        snapshot = self._made.snapshot_of(record)
        checked = replace(snapshot, verdicts=verdicts, exchanges=(*record.exchanges, *exchanges))
        self._made.store_snapshot(record, checked)
        if self._checking is record:
            self._checking = None
        if self._snapshot is snapshot:
            self._snapshot = checked
            if self._picked is None and len(record.exchanges) == 1 and exchanges:
                self._picked = 0  # so that what is read stays as it is
        if self.is_running:
            self._paint(keep_place=True)
            self.notify(verdict_words(verdicts), title="Signature", markup=False)

    # -- how it is shown -------------------------------------------------------------------------------

    async def copied_text(self) -> str:
        """Return the masked text of the open tab to copy: messages as they were sent, other tabs as shown."""
        if self.tab in _SIDE_BY_SIDE:
            messages_of = requests_of if self.tab is Tab.REQUEST else responses_of
            messages = messages_of(self._snapshot, self._picked)
            return await self._made.masked(self._snapshot, lambda masks: raw_messages(messages, masks))
        key = self._key(self.tab, masked=True)
        lines = await self._made.make_aside(key)
        return await asyncio.to_thread("\n".join, lines.texts if lines is not None else ())

    def on_resize(self) -> None:
        """Show the tabs that fit now, and draw the diagram for the width."""
        self._paint()

    def _document(self, tab: Tab) -> DocumentView:
        return self.query_one(f"#{tab}-document", DocumentView)

    def _in_view(self) -> tuple[Tab, ...]:
        """Return the visible tabs: the open one, and its neighbour on a wide screen."""
        wide = self.app.size.width >= _WIDE
        return _SIDE_BY_SIDE if wide and self.tab in _SIDE_BY_SIDE else (self.tab,)

    def _wanted(self) -> list[TabKey]:
        return [self._key(tab, masked=not self.revealed) for tab in self._in_view()]

    def _key(self, tab: Tab, *, masked: bool) -> TabKey:
        return TabKey(self._snapshot, self._made.story, tab, self._aspect(tab, masked=masked))

    def _aspect(self, tab: Tab, *, masked: bool) -> ViewOptions:
        width = (self.content_size.width or _AROUND_DIAGRAM + _DIAGRAM_UNSEEN) - _AROUND_DIAGRAM
        if tab is Tab.DIAGRAM:
            return ViewOptions(width=width, undone=self._undone, masked=masked)
        fixes = self.fixes() if tab in (Tab.OVERVIEW, Tab.CHECKS) else str
        room = width if tab is Tab.TIMING else 0
        return ViewOptions(self._raw and tab in RAW_TABS, self._picked, room, fixes=fixes, masked=masked)

    def _paint(self, *, keep_place: bool = False) -> None:
        """Show the visible tabs: at once if they are small, else when their lines are made."""
        if not self.is_mounted:
            return
        in_view = self._in_view()
        checking = self._checking is not None and self._checking is self._snapshot.record
        for tab in _TABS:
            where = tab_place(tab, self._snapshot, self._picked)
            revealed = "secrets shown, x masks them" if self.revealed else ""
            notes = (where, revealed, "fetching keys …" if checking else "")
            label = tab_label(tab, self._snapshot, raw=self._raw)
            self._document(tab).label(label, " · ".join(word for word in notes if word))
            self._document(tab).turns_pages = tab is self.tab
            self.query_one(f"#{tab}", TabPane).display = tab in in_view
        diagram = self.query_one(DiagramView)
        places = (n for n, record in enumerate(self._made.story.records) if record is self._snapshot.record)
        failed = self._snapshot.record is not None and self._snapshot.record.outcome is Outcome.FAILED
        diagram.point_at(next(places, None), end=failed or self._snapshot.underway is not None)
        for key in self._wanted():
            self._paint_tab(key, keep_place=keep_place)
        self.refresh_bindings()

    def _paint_tab(self, key: TabKey, *, keep_place: bool) -> None:
        document = self._document(key.tab)
        if self._made.has(key) or self._made.is_light(self._snapshot):
            document.show(self._made.make(key), keep_place=keep_place)
        else:
            document.show(LAYING_OUT)
            self._make_aside(key)

    @work(group="lines", description="lines")
    async def _make_aside(self, key: TabKey) -> None:
        """Make the lines of a tab in a thread, and show them if they are still wanted."""
        lines = await self._made.make_aside(key, lambda: key in self._wanted())
        if lines is not None and key in self._wanted():
            self._document(key.tab).show(lines)
        self.refresh_bindings()

    def action_search(self) -> None:
        self.search_bar.open()

    def can_search(self) -> bool:
        return not self.search_bar.has_focus_within
