"""One stage in full: what it came to, what was sent, what came back, what was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Final, TypeVar

from textual import getters
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TabbedContent, TabPane

from authlens_core.export.redaction import Redactor, secrets_in
from authlens_core.export.secret_forms import MASKED
from authlens_core.oauth.check import Severity
from authlens_core.oauth.http_message import Request
from authlens_core.secret import Secret
from authlens_core.trace.messages import Underway
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.wire.exchange import Exchange
from authlens_tui.widgets.checks_view import check_lines, checks_summary
from authlens_tui.widgets.diagram import diagram_lines
from authlens_tui.widgets.document import DocumentView
from authlens_tui.widgets.exchange_view import duration, failure_lines, request_lines, response_lines
from authlens_tui.widgets.facts_view import fact_lines
from authlens_tui.widgets.lines import BLANK, Line, Tone, line, prose

__all__ = ["RecordView"]

_T = TypeVar("_T")
_GRAVE: Final = frozenset({Severity.FAILURE, Severity.WARNING})
_TABS: Final = (
    ("overview", "Overview"),
    ("request", "Request"),
    ("response", "Response"),
    ("checks", "Checks"),
    ("diagram", "Diagram"),
)
_DIAGRAM_UNSEEN: Final = 100  # cells it is laid out for before the tab has a width

_AHEAD: Final = "Its turn has not come. What it sends is shown here before it is sent."


class RecordView(Widget):
    """Shows a stage before, while and after it runs; a function of its record. Masked until revealed."""

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
        "Tabs: what the stage came to, the request, the response, the checks, and a diagram of all stages. "
        "x shows or masks the secrets."
    )

    REVEALED_FOR: ClassVar[float] = 20.0
    """Seconds until revealed secrets are masked again."""

    tabs = getters.query_one(TabbedContent)

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
        self._record: StageRecord | None = None
        self._planned: Request | None = None
        self._exchanges: tuple[Exchange, ...] = ()
        self._story: tuple[StageRecord, ...] = ()
        self._underway: Underway | None = None
        self._stage: Stage = Stage.DETECTION
        self._ahead = False
        self._reveal = False
        self._has_secrets = False
        self._mask_again: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the tabs; what a server said always stands inside a labelled border."""
        with TabbedContent(initial="overview"):
            for name, title in _TABS:
                with TabPane(title, id=name):
                    yield DocumentView(id=f"{name}-document")

    # -- what to show ----------------------------------------------------------------------------------

    def show_planned(self, stage: Stage, request: Request | None) -> None:
        """Show the request that `stage` would send, before it is sent."""
        self._reset(stage)
        self._planned = request
        self._paint()

    def show_ahead(self, stage: Stage) -> None:
        """Show that the turn of `stage` has not come, so that nobody knows yet what it sends."""
        self._reset(stage)
        self._ahead = True
        self._paint()

    def show_running(self, stage: Stage, request: Request | None, exchanges: tuple[Exchange, ...]) -> None:
        """Show how far a running stage is: the request that is on its way, and what was exchanged before."""
        self._reset(stage)
        self._planned, self._exchanges = request, exchanges
        self._underway = Underway(stage, exchanges, request)
        self._paint()
        self._paint_diagram()

    def show_record(self, record: StageRecord) -> None:
        """Show the record of a stage that has ended."""
        self._reset(record.stage)
        self._record = record
        self._exchanges = record.exchanges
        self._paint()

    def show_story(self, records: Sequence[StageRecord]) -> None:
        """Show in the diagram what has happened up to now, all stages together."""
        self._story = tuple(records)
        self._paint_diagram()

    def on_resize(self) -> None:
        """Draw the diagram for the width there is now."""
        self._paint_diagram()

    @property
    def has_secrets(self) -> bool:
        """True when something is masked that could be revealed."""
        return self._has_secrets

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
        self._paint()
        return self._reveal

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

    def show_tab(self, step: int) -> None:
        """Turn to the tab `step` places further on, round and round."""
        names = [name for name, _ in _TABS]
        self.tabs.active = names[(names.index(self.tabs.active) + step) % len(names)]

    def show_exchange(self, index: int | None, *, reply: bool = True) -> None:
        """Turn to the response (or the request) of exchange `index`; to the overview where there is none."""
        self.tabs.active = "overview" if index is None else "response" if reply else "request"

    def as_text(self) -> str:
        """Return what the open tab shows, whole and with its secrets masked, for the clipboard."""
        name = self.tabs.active or "overview"
        return "\n".join(one.text for one in self._lines(name, self._redactor()))

    def _reset(self, stage: Stage) -> None:
        self._stage, self._record, self._planned, self._exchanges = stage, None, None, ()
        self._ahead = self._reveal = False
        self._underway = None
        self._stop_timer()

    # -- how it is shown -------------------------------------------------------------------------------

    def _paint_diagram(self) -> None:
        document = self.query_one("#diagram-document", DocumentView)
        document.label("who said what to whom")
        document.show(self._lines("diagram", self._redactor()))

    def _paint(self) -> None:
        redactor = None if self._reveal else self._redactor()
        shown = "secrets shown, x masks them" if self._reveal else ""
        masked = False
        for name, label in self._labels().items():
            document = self.query_one(f"#{name}-document", DocumentView)
            document.label(label, shown)
            document.show(self._lines(name, redactor))
            masked = masked or any(MASKED.search(one.text) for one in document.lines)
        self._has_secrets = self._reveal or masked
        counts = checks_summary(self._record.checks) if self._record else ""
        self.tabs.get_tab("checks").label = Content(f"Checks {counts}".rstrip())

    def _labels(self) -> dict[str, str]:
        answered = any(exchange.response is not None for exchange in self._exchanges)
        return {
            "overview": "what goes out next" if self._planned is not None else "what it came to",
            "request": "request · not sent yet"
            if self._planned is not None
            else "request · sent by authlens",
            "response": "response · from the server" if answered else "response",
            "checks": "what was checked",
        }

    def _lines(self, name: str, redactor: Redactor | None) -> Iterator[Line]:
        match name:
            case "request":
                requests = [exchange.request for exchange in self._exchanges]
                if self._planned is not None:
                    requests.append(self._planned)
                return _each(requests, lambda request: request_lines(request, redactor), self._nothing())
            case "response":
                return _each(
                    self._exchanges, lambda one: response_lines(one, redactor), "There is no response yet."
                )
            case "diagram":
                return self._diagram(self._redactor())
            case "checks":
                record = self._record
                return check_lines(record.checks, record.overridden) if record else check_lines(())
            case _:
                return self._overview(redactor)

    def _diagram(self, redactor: Redactor) -> Iterator[Line]:
        if not self._story and self._underway is None:
            return iter([prose("Nothing was said yet.", Tone.MUTED)])
        # Two cells of border, two of padding, one for the scroll bar.
        width = self.content_size.width - 5 if self.content_size.width else _DIAGRAM_UNSEEN
        return diagram_lines(self._story, width, redactor, underway=self._underway)

    def _overview(self, redactor: Redactor | None) -> Iterator[Line]:
        if self._planned is not None:
            yield from request_lines(self._planned, redactor)
        for exchange in self._exchanges:
            yield _in_one_line(exchange)
            if exchange.failure is not None:
                yield from failure_lines(exchange.failure)
        record = self._record
        if record is None:
            if self._planned is None and not self._exchanges:
                yield prose(self._nothing(), Tone.MUTED)
            return
        grave = [check for check in record.checks if check.severity in _GRAVE]
        if grave:
            yield BLANK
            yield from check_lines(grave, record.overridden)
        if record.facts:
            yield BLANK
            yield from fact_lines(record.facts, redactor)

    def _nothing(self) -> str:
        return _AHEAD if self._ahead else "Nothing is sent in this stage."

    def _redactor(self) -> Redactor:
        """Mask what the record knows as secret, and what stands under a telling name in its messages."""
        known = [fact.value for fact in self._record.facts] if self._record else []
        secrets = [value for value in known if isinstance(value, Secret)]
        for exchange in (*self._exchanges, *(one for record in self._story for one in record.exchanges)):
            secrets.extend(secrets_in(exchange))
        return Redactor(secrets)


def _in_one_line(exchange: Exchange) -> Line:
    response = exchange.response
    outcome = ("no answer", Tone.BAD)
    if response is not None:
        outcome = (str(response.status), Tone.GOOD if response.status < 400 else Tone.WARNING)
    return line(
        (f"{exchange.request.method:<5}", Tone.TITLE),
        exchange.request.url,
        (" → ", Tone.MUTED),
        outcome,
        (f"  {duration(exchange.elapsed)}", Tone.MUTED),
        hang=5,
    )


def _each(things: Iterable[_T], lines: Callable[[_T], Iterable[Line]], nothing: str) -> Iterator[Line]:
    known = list(things)
    if not known:
        yield prose(nothing, Tone.MUTED)
    for number, thing in enumerate(known, 1):
        if len(known) > 1:
            yield line((f"── {number} of {len(known)} " + "─" * 20, Tone.MUTED))
        yield from lines(thing)
        if number < len(known):
            yield BLANK
