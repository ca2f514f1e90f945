"""The QR code of the link: how much room it needs, and when it closes."""

from authlens_tui.screens.wizard.link import QrScreen
from support.screens import press, run_screen, until, wizard_on

LINK = (
    "https://team.example/authorize?response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A8400%2Fcallback"
    f"&state=s{'x' * 250}"
)


async def test_a_small_terminal_is_told_how_much_room_the_qr_code_needs() -> None:
    """Half a symbol helps no one. A larger window draws it."""
    screen = QrScreen(LINK)
    async with run_screen(screen, size=(80, 20)) as (app, pilot):
        assert "needs 23 rows" in str(screen.caption.content)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen.code.drawing is not None)
        await press(pilot, "escape", then=lambda: app.screen is not screen)


async def test_the_qr_code_closes_when_the_answer_comes() -> None:
    """The result is what matters then."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.panel.has_focus)
        await press(pilot, "k", then=QrScreen)
        wizard.pane.panel.empty()
        await until(pilot, lambda: app.screen is wizard)
