"""The panel while it waits: what it says of the ways back, and how it hands the link out."""

from collections.abc import Mapping

import pytest
from textual.app import ComposeResult
from textual.events import Paste
from textual.pilot import Pilot

from authlens_core.desk.callback_offer import callback_offer
from authlens_core.values.user_screen import UserScreen
from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel, PasteField
from authlens_tui.widgets.authorization.qr_code import QrCodeWanted
from support.screens import text_of

LINK = (
    "https://team.example/authorize?response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A8400%2Fcallback"
    "&state=s"
)
TALL = (80, 40)
SSH = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 2222"}


class Waiting(BaseApp):
    """An app with the panel alone."""

    def __init__(self, environ: Mapping[str, str], port: int | None, link: str) -> None:
        super().__init__(environ)
        self._shown = (port, link)
        self.pasted: list[str] = []
        self.qr_codes: list[str] = []

    def compose(self) -> ComposeResult:
        yield AuthorizationPanel()

    def on_mount(self) -> None:
        """Show the link."""
        port, link = self._shown
        panel = self.query_one(AuthorizationPanel)
        redirect_uri = None if port is None else f"http://localhost:{port}/callback"
        panel.show_link(link, callback_offer(redirect_uri, UserScreen(self.environ)))
        panel.show_remaining(300.0)
        panel.focus()

    def on_authorization_panel_pasted(self, message: AuthorizationPanel.Pasted) -> None:
        self.pasted.append(message.text.reveal())

    def on_qr_code_wanted(self, message: QrCodeWanted) -> None:
        self.qr_codes.append(message.url)


def waiting(environ: Mapping[str, str] | None = None, port: int | None = 8400, link: str = LINK) -> Waiting:
    """Make an app that waits; by default on the person's own machine, listening."""
    return Waiting({} if environ is None else environ, port, link)


def said(app: Waiting) -> str:
    statics = app.screen_stack[0].query_one(AuthorizationPanel).query(Static)
    return " ".join(" ".join(str(each.content) for each in statics if each.display).split())


async def test_the_way_back_can_be_tried_before_a_code_is_spent() -> None:
    """A link to the test page, and by which family it was reached."""
    app = waiting()
    async with app.run_test(size=TALL):
        assert "Test that your browser can reach authlens: http://localhost:8400/test not reached" in said(
            app
        )
        app.query_one(AuthorizationPanel).show_tunnel("IPv4")
        assert "reached over IPv4: the browser can get back here" in said(app)
        app.query_one(AuthorizationPanel).show_tunnel("IPv6")
        assert "reached over IPv4 and IPv6" in said(app)


@pytest.mark.parametrize(("environ", "told"), [(SSH, True), ({}, False)])
async def test_after_a_silence_over_ssh_the_cure_is_told(environ: Mapping[str, str], told: bool) -> None:
    """Nothing came. On one's own machine a person may simply not have tried."""
    app = waiting(environ)
    async with app.run_test(size=TALL):
        panel = app.query_one(AuthorizationPanel)
        panel.shown_at -= 45
        panel.show_remaining(255.0)
        assert ("Not reached in 0:45" in said(app)) is told
        assert ("run the ssh line" in said(app)) is told


async def test_over_ssh_the_line_is_filled_in() -> None:
    """Host and port of this session, the escape for it, and what a jump host changes."""
    app = waiting(SSH)
    async with app.run_test(size=TALL):
        text = said(app)
        assert "Test the tunnel: http://localhost:8400/test" in text
        assert "ssh -N -L 8400:localhost:8400" in text
        assert "@198.51.100.7 -p 2222" in text
        assert "~C" in text
        assert "jump host" in text


async def test_the_ssh_line_has_a_row_of_its_own() -> None:
    """Selected with the mouse, it is a command and nothing else; the words before it fill one row."""
    app = waiting(SSH)
    async with app.run_test(size=(80, 24)):
        line = callback_offer("http://localhost:8400/callback", UserScreen(SSH)).forward_line
        rows = [row.strip(" ▏▕│▎") for row in text_of(app).splitlines()]
        assert line in rows
        assert rows[rows.index(line) - 1].startswith("The browser is on another machine?")


@pytest.mark.parametrize("environ", [SSH, {"DISPLAY": ":0"}, {"container": "podman"}])
@pytest.mark.parametrize("port", [8400, None])
async def test_that_the_last_address_can_be_pasted_is_always_said(
    environ: Mapping[str, str], port: int | None
) -> None:
    """With and without SSH; without a port it is the way and not a problem."""
    app = waiting(environ, port)
    async with app.run_test(size=TALL):
        panel = app.query_one(AuthorizationPanel)
        where = panel.query_one("#ways" if port is None else "#problems", Static)
        assert "Copy its address, then press ^v" in str(where.content)


@pytest.mark.parametrize("environ", [SSH, {"DISPLAY": ":0"}])
async def test_at_24_rows_problems_are_folded_behind_a_key(environ: Mapping[str, str]) -> None:
    """What to do comes first; over SSH that includes the ssh line."""
    app = waiting(environ)
    async with app.run_test(size=(80, 24)) as pilot:
        shown = text_of(app)
        assert "1 Open this link · 2 Sign in there · 3 Come back here" in shown
        assert "last page" not in shown
        assert "/test" not in shown
        assert "Browser cannot return? Press h" in shown
        assert ("ssh -N -L" in shown) is ("DISPLAY" not in environ)
        await pilot.press("h")
        await pilot.pause()
        assert "Browser can't load the last page?" in text_of(app)
        assert "http://localhost:8400/test" in text_of(app)
        await pilot.press("escape")  # on the wizard this key would cancel the login
        await pilot.pause()
        assert text_of(app) == shown


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        (SSH, "this is an SSH session"),
        ({"container": "podman", "DISPLAY": ":0"}, "this is a container"),
        ({"container": "podman", "BROWSER": "/opt/open-on-the-host"}, None),
    ],
)
async def test_where_no_browser_may_open_it_says_why(environ: Mapping[str, str], why: str | None) -> None:
    """And of a container, that its port is another one."""
    app = waiting(environ)
    async with app.run_test(size=TALL):
        assert (f"authlens opens no browser here: {why}." in said(app)) is (why is not None)
        assert ("The port 8400 of a container is not" in said(app)) is ("container" in environ)


async def test_a_gap_in_the_ssh_line_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is known by which this machine is reached: the person knows one."""
    monkeypatch.setattr("socket.gethostname", lambda: "")
    app = waiting({"SSH_TTY": "/dev/pts/1"})
    async with app.run_test(size=TALL):
        assert "@<this machine>" in said(app)
        assert "Replace <this machine> with the name you use for it" in said(app)


async def test_on_a_few_rows_the_field_and_the_time_stand_alone_while_pasting() -> None:
    """At 20×5 nothing else has room; Esc brings the rest back."""
    app = waiting(SSH)
    async with app.run_test(size=(20, 5)) as pilot:
        panel = app.query_one(AuthorizationPanel)
        panel.take_paste("")
        await pilot.pause()
        assert [one.id for one in panel.children if one.display] == ["countdown", "paste"]
        await pilot.press("escape")
        await pilot.pause()
        assert panel.link.display


async def test_without_a_port_pasting_is_the_way() -> None:
    """And nothing is offered to be tried."""
    app = waiting(SSH, port=None)
    async with app.run_test(size=TALL):
        assert "No port is open here" in said(app)
        assert "/test" not in said(app)
        assert "ssh -N" not in said(app)


async def test_an_address_wrapped_over_lines_is_put_together() -> None:
    """A terminal or a mail cuts long addresses."""
    app = waiting()
    async with app.run_test(size=TALL) as pilot:
        app.query_one(AuthorizationPanel).take_paste("")
        app.query_one(PasteField).post_message(
            Paste("http://localhost:8400/callback?co\n  de=a&\r\nstate=s\n")
        )
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.pasted == ["http://localhost:8400/callback?code=a&state=s"]
        app.query_one(AuthorizationPanel).take_paste("code=b\n&state=s")
        assert app.query_one(PasteField).value == "code=b&state=s"


@pytest.mark.parametrize("characters", [65_537, 1_000_000])
async def test_what_is_too_long_for_an_address_is_refused_and_not_cut(characters: int) -> None:
    """A part of an address would be another answer; nothing of it is kept in the field."""
    app = waiting()
    async with app.run_test(size=TALL) as pilot:
        app.query_one(AuthorizationPanel).take_paste("")
        start = "http://localhost:8400/callback?code=a&state=s&x="
        app.query_one(PasteField).post_message(Paste(start.ljust(characters, "x")))
        await pilot.pause()
        assert f"has {characters:,} characters; an answer has 65,536 at most" in said(app)
        assert app.query_one(PasteField).value == ""
        await pilot.press("enter")
        await pilot.pause()
        assert app.pasted == []


async def test_where_the_full_screen_cannot_be_left_it_says_so() -> None:
    """And names the other ways."""
    app = waiting()
    async with app.run_test(size=TALL) as pilot:
        await pilot.press("U")
        await _until_notified(app, pilot)
        assert "cannot leave the full screen" in next(iter(app._notifications)).message


async def test_the_qr_code_is_asked_for_with_the_link_that_is_shown() -> None:
    """A widget opens no screen: whoever shows the panel does."""
    app = waiting()
    async with app.run_test(size=TALL) as pilot:
        await pilot.press("k")
        await pilot.pause()
        assert app.qr_codes == [LINK]


async def _until_notified(app: Waiting, pilot: Pilot[int]) -> None:
    for _ in range(100):
        if len(app._notifications):
            return
        await pilot.pause(0.02)
