"""A finished trace, read-only: every stage of a login, a refresh, a revocation or a probe, as it was."""

from __future__ import annotations

from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.screen import Screen

from authlens_core.trace.arrows import Arrow
from authlens_core.trace.record import StageRecord, Trace
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.trace.open_session import NamedTrace, OpenSessionScreen, StoredTraces
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.wizard.status_words import listed
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.reading_area import ReadingArea
from authlens_tui.widgets.record.record_messages import ArrowChosen
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.record.signs import stage_accent
from authlens_tui.widgets.stepper import StageStep, Stepper, state_of
from authlens_tui.widgets.title_bar import TitleBar, without_https

_EMPTY: Final = (
    "This session has no stages: nothing was sent when it was saved, or the stages were left out of the "
    "file.\n\nThere is nothing to show. Press Esc to go back, or = to compare it with another session."
)
_NARROW, _SHORT = 100, 16  # cells and rows, as in the wizard


class TraceScreen(ActionChecks, Screen[None]):
    """Shows every record of a trace in the wizard's views; nothing can be sent from here.

    Args:
        replay: where it was opened from, such as a file's name; then its secrets are fingerprints. Empty for
            what this program has just done.
        stored: where more traces of the same credential are, to compare with; None where there are none.
        issuer: who issued the credential's tokens, for their signatures.
        opened: the arrow whose exchange is shown first; None for the record that says how it ended.
    """

    app = getters.app(TerminalApp)

    CSS_PATH = "trace.tcss"
    BINDINGS = keys("trace")

    record_view = getters.query_one(RecordView)
    stepper = getters.query_one(Stepper)

    def __init__(
        self,
        trace: Trace,
        *,
        replay: str = "",
        stored: StoredTraces | None = None,
        issuer: str | None = None,
        opened: Arrow | None = None,
    ) -> None:
        super().__init__()
        self._issuer = issuer
        self.trace = trace
        self._replay = replay
        self._stored = stored
        self._opened = opened

    def compose(self) -> ComposeResult:
        kind, resource = self.trace.kind.value, without_https(self.trace.resource_url)
        yield TitleBar(f"{kind} of {resource}", note=_note(self.trace, self._replay))
        with ReadingArea(id="trace"):
            yield Stepper()
            yield RecordView()
            yield Static(Content(_EMPTY), id="nothing")
        if self.trace.tampering:
            yield Static(_changes(self.trace), id="marks")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the record that says how it ended."""
        self.record_view.issuer = self._issuer
        self.stepper.border_title = self.trace.kind.value.capitalize()
        self.stepper.steps = tuple(_step(n, record) for n, record in enumerate(self.trace.records, 1))
        self.set_class(not self.trace.records, "-empty")
        if self.trace.records:
            self.show_record(len(self.trace.records) - 1)
        if self._opened is not None:
            self._open(self._opened)
        if len(self.trace.records) == 1:  # there is no stage to select
            self.record_view.read()
        self.on_resize()

    def on_resize(self) -> None:
        """Fold the stages into one line where there is no room, or only one."""
        size = self.app.size  # the screen has its own after the first frame
        small = size.width < _NARROW or size.height < _SHORT
        folded = small or len(self.trace.records) < 2
        self.set_class(folded, "-folded")
        self.stepper.set_class(folded, "-line")

    def show_record(self, index: int) -> None:
        self.stepper.selected = index
        self.record_view.show(self.trace.records, self.trace.records[index])
        self.refresh_bindings()

    @on(Stepper.Chosen)
    def _chosen(self, message: Stepper.Chosen) -> None:
        self.show_record(message.index)

    @on(ArrowChosen)
    def _arrow_chosen(self, message: ArrowChosen) -> None:
        self._open(message.arrow)

    def _open(self, arrow: Arrow) -> None:
        if arrow.record_index < len(self.trace.records):
            self.show_record(arrow.record_index)
            self.record_view.show_exchange(arrow.exchange_index, reply=arrow.reply)

    def action_back(self) -> None:
        # The app's own screen is empty, unless it is the dashboard.
        if any(type(below) is not Screen for below in self.app.screen_stack[:-1]):
            self.app.pop_screen()
        else:
            self.app.exit()

    def action_save(self) -> None:
        self.app.push_screen(ExportScreen(self.trace))

    def action_compare(self) -> None:
        """Ask for the other trace."""
        question = OpenSessionScreen(
            "Compare with", self._stored, without=self.trace.trace_id, without_file=self._replay
        )
        self.app.push_screen(question, self._compare)

    def _compare(self, other: NamedTrace | None) -> None:
        if other is not None:
            names = self._replay or "this trace", other.name
            self.app.push_screen(CompareScreen(self.trace, other.trace, names))

    def action_reveal(self) -> None:
        self.record_view.toggle_reveal()

    def can_reveal(self) -> bool:
        return not self._replay and self.record_view.has_secrets  # a replay has only masks

    def on_screen_suspend(self) -> None:
        # Below another screen no one would see that secrets are shown, until they are back with this one.
        self.record_view.mask()

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        await self.app.copy(await self.record_view.copied_text(), "the shown text")

    def can_copy(self) -> bool:
        return bool(self.trace.records)


def _note(trace: Trace, replay: str) -> str:
    """Return the origin of the trace, its time, and that it is read-only."""
    began = f"{trace.started_at:%Y-%m-%d %H:%M %Z}".strip()
    description = f"{replay}, read-only, secrets are fingerprints" if replay else "read-only"
    return f"{description} · {began}"


def _changes(trace: Trace) -> Content:
    return Content.assemble(("≠ TAMPERED ", "bold $text-warning"), f"on purpose: {listed(trace.tampering)}")


def _step(number: int, record: StageRecord) -> StageStep:
    flow = record.flow
    again = f" ({record.attempt})" if record.attempt > 1 else ""
    changed = " TAMPERED" if record.tampering else ""
    label, title = flow.number(record.stage) or number, flow.info(record.stage).title
    accent = stage_accent(record.stage, flow)
    return StageStep(label, f"{title}{again}{changed}", *state_of(record), accent=accent)
