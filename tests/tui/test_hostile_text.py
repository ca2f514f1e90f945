"""Whatever a server says is shown as text, in every widget that shows it (H146 to H151)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from authlens_core.export.redaction import NoRedactor, RedactedBody, Redactor
from authlens_core.trace.record import Fact, Outcome, Stage, StageRecord
from authlens_core.values.check import Check
from authlens_core.values.exchange import (
    JSON_TYPE,
    Exchange,
    FailureKind,
    Headers,
    Request,
    Response,
    WireFailure,
)
from authlens_core.values.secret import Body, Secret
from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.line_filters import FilterChain, Scrubbing, scrubbed
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import Line
from authlens_tui.widgets.record.checks_view import check_lines
from authlens_tui.widgets.record.exchange_view import body_lines, header_lines, request_lines, response_lines
from authlens_tui.widgets.record.overview_lines import explained_fact_lines
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.record.timing import timing_lines
from authlens_tui.widgets.stepper import StageStep, Stepper
from authlens_tui.widgets.title_bar import TitleBar
from support.made_checks import failed, passed
from support.screens import until
from support.terminal import Terminal
from tui.hostile import HOSTILE

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
CHOICE: Final = ("action", "lone closing tag", "clipboard", "C1", "bidi", "imitation")
"""What the gate shows in every widget; the weekly tests show the rest."""
KINDS: Final = [
    pytest.param(CHOICE, id="choice", marks=pytest.mark.slow),
    pytest.param(tuple(kind for kind in HOSTILE if kind not in CHOICE), id="rest", marks=pytest.mark.weekly),
]


def exchange(text: str) -> Exchange:
    """Make an exchange with `text` everywhere a server or a proxy can put it."""
    data = text.encode("utf-8", "surrogatepass")
    return Exchange(
        Request("GET", f"https://h/?q={text}", Headers.of([("X-Sent", text)]), Body(data)),
        Response(200, text, Headers.of([(text, text), ("Content-Type", JSON_TYPE)]), Body(data)),
        WireFailure(FailureKind.TLS, text, text, may_have_arrived=True),
        NOW,
        0.1,
        peer=text,
        proxy=text,
        tls=text,
    )


def check(text: str) -> Check:
    return failed("a.b", text, text, why=text, spec=text, cure=text, overridable=True)


def record(text: str) -> StageRecord:
    facts = (Fact(text, text, text, text), Fact("secret", Secret(text or "x")))
    return StageRecord(Stage.DETECTION, Outcome.FAILED, NOW, 0.1, (exchange(text),), (check(text),), facts)


Show = Callable[["Showing", str], Any]


def shown(lines: Callable[[str], Iterable[Line]]) -> Show:
    """Return what shows `lines` of a text in a document."""

    async def show(app: Showing, text: str) -> None:
        app.query_one(DocumentView).show(lines(text))

    return show


def json_body(text: str) -> Iterable[Line]:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return body_lines(RedactedBody(f"{{{quoted}:[{quoted}]}}", 1))


async def shown_record(app: Showing, text: str) -> None:
    """A whole stage, revealed and on every tab."""
    view = app.query_one(RecordView)
    view.show((), record(text))
    view.toggle_reveal()
    view.action_tab(2)


async def shown_steps(app: Showing, text: str) -> None:
    app.query_one(Stepper).steps = (StageStep(1, text), StageStep(2, text))


async def shown_waiting(app: Showing, text: str) -> None:
    """What came to the listener, and a paste that was refused."""
    panel = app.query_one(AuthorizationPanel)
    panel.show_ignored(text, 2)
    panel.show_tunnel(text)
    panel.show_refused_paste(text)


async def shown_toast(app: Showing, text: str) -> None:
    app.notify(text, title=text, markup=False)


LINES: Final[dict[str, Callable[[str], Iterable[Line]]]] = {
    "headers": lambda text: header_lines(((text, text), ("A", text)), NoRedactor()),
    "raw body": lambda text: body_lines(RedactedBody(text, len(text), True), raw=True),
    "JSON body": json_body,
    "form body": lambda text: body_lines(RedactedBody(f"{text}={text}&{text}", 1), is_form=True),
    "request": lambda text: request_lines(exchange(text).request, Redactor()),
    "response": lambda text: response_lines(exchange(text), Redactor()),
    "response, revealed": lambda text: response_lines(exchange(text), NoRedactor()),
    "timing": lambda text: timing_lines(exchange(text)),
    "checks": lambda text: check_lines([check(text), passed(text, text, text)]),
    "facts": lambda text: explained_fact_lines(record(text).facts, Stage.DETECTION, Redactor()),
    "facts, revealed": lambda text: explained_fact_lines(record(text).facts, Stage.DETECTION, NoRedactor()),
}
WIDGETS: Final[dict[str, tuple[Callable[[str], Widget], Show]]] = {
    **{name: (lambda _: DocumentView(), shown(lines)) for name, lines in LINES.items()},
    "record": (lambda _: RecordView(), shown_record),
    "steps": (lambda _: Stepper(), shown_steps),
    "waiting": (lambda _: AuthorizationPanel(), shown_waiting),
    "title bar": (lambda text: TitleBar(text, text), lambda app, text: _nothing()),
    "toast": (lambda _: TitleBar("x", "y"), shown_toast),
}


async def _nothing() -> None:
    """Do nothing: the widget was made with the text."""


class Showing(BaseApp):
    """Holds one widget at a time, and remembers when an action was run that only hostile markup names."""

    def __init__(self) -> None:
        super().__init__({})
        self.boomed = False

    def get_line_filters(self) -> tuple[FilterChain]:
        (chain,) = super().get_line_filters()
        return (FilterChain([one for one in chain.filters if not isinstance(one, Scrubbing)]),)

    def compose(self) -> ComposeResult:
        yield Container()

    async def hold(self, widget: Widget) -> None:
        """Show a widget in the place of the one before, and no toast."""
        self.clear_notifications()
        place = self.query_one(Container)
        await place.remove_children()
        await place.mount(widget)

    def action_boom(self) -> None:
        """What must never run."""
        self.boomed = True


def painted(app: Showing) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join(segment.text for strip in strips for segment in strip if not segment.control)


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("widget", WIDGETS)
async def test_hostile_text_is_shown_and_never_obeyed(widget: str, kinds: tuple[str, ...]) -> None:
    """V-5 and V-6, by the first layer alone: no markup, no control character, no crash, no freeze."""
    make, show = WIDGETS[widget]
    app = Showing()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        for kind in kinds:
            text = HOSTILE[kind]
            await app.hold(make(text))
            await show(app, text)
            await pilot.pause()
            for x, y in ((3, 2), (6, 4)):
                await pilot.click(offset=(x, y))
            await pilot.resize_terminal(33, 9)
            await pilot.pause()
            lines = painted(app).split("\n")
            assert len(lines) >= 9, kind
            assert all(line.isprintable() for line in lines), kind
            assert not app.boomed, kind
            assert app.is_running, kind
            await pilot.resize_terminal(80, 24)


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "[" + '"x",' * 250_000 + "1]", "a\n" * 500_000, "漢" * 300_000]
)
@pytest.mark.parametrize("raw", [True, False])
async def test_a_huge_body_does_not_hold_up_the_keys(text: str, raw: bool) -> None:
    """H149: laid out in a thread, scrolled at once, whole down to its last character."""
    view = DocumentView()
    app = Showing()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.hold(view)
        view.show(body_lines(RedactedBody(text, len(text)), raw=raw))
        await until(pilot, lambda: view.layout_ready)
        view.focus()
        await pilot.press("pagedown")
        assert view.scroll_offset.y > 0
        view.scroll_end(animate=False)
        await pilot.pause()
        assert text.rstrip()[-1] in painted(app)


async def test_the_second_layer_holds_where_the_first_was_forgotten(
    run_app: Callable[..., AbstractAsyncContextManager[Terminal]],
) -> None:
    """Raw text in a Static, a title, a toast and an Input is replaced on its way out."""
    more = r"""
from textual.widgets import Input
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x07\x1b[5n\x9b5n\x00\ud800\u202e<end>"
def compose(self):
    yield Static(Content("ready"), id="said")
    yield Static(Content(HOSTILE))
    yield Input(value=HOSTILE)
    framed = Static(Content("framed"))
    framed.border_title = Content(HOSTILE)
    yield framed
def on_mount(self):
    self.title = HOSTILE
    self.notify(HOSTILE, markup=False)
Shown.compose = compose
Shown.on_mount = on_mount
"""
    async with run_app(more) as screen:
        await screen.wait_for("<end>")
        screen.press("tab", "k")
        screen.press("q")
        for forbidden in (b"\x1b]52;", b"\x1b]0;", b"\x1b[5n", b"\xc2\x9b", b"\x00", "\u202e".encode()):
            assert forbidden not in screen.raw, forbidden


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_scrubbed_text_is_printable_and_clean_text_is_untouched(text: str) -> None:
    """The replacement is idempotent, and leaves alone what needs nothing."""
    assert scrubbed(text[:1000]).isprintable()
    assert scrubbed(scrubbed(text[:1000])) == scrubbed(text[:1000])
    assert scrubbed("grün 漢字 ✔") == "grün 漢字 ✔"


def test_a_content_makes_each_piece_safe_and_keeps_the_styles_where_they_were() -> None:
    """An escape is longer than its character: the styles after it move along."""
    made = Content.assemble(("a\x1b[2J", "bold"), "\u202e", ("end", "red"))
    assert made.plain == "a\\e[2J\\u202eend"
    assert [made.plain[span.start : span.end] for span in made.spans] == ["a\\e[2J", "end"]
    assert Content("\n").join(["x\x07", made]).plain == "x\\x07\na\\e[2J\\u202eend"
