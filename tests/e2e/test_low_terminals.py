"""The app in terminals of few rows and columns, with real keys: what ends it loses the tokens in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from support.preloaded import Preloaded
from support.terminal import Terminal, terminal
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
ROWS = range(5, 21)


"""Twenty rows are the least in which the dashboard shows its detail."""


COLUMNS = (20, 33, 80, 170)


@asynccontextmanager
async def dashboard(program: Preloaded, columns: int, rows: int) -> AsyncIterator[Terminal]:
    """Log in to the demo, in memory, and go on to the dashboard."""
    command = ("demo", "--fault", "plain", "--play", "--port", "0")
    async with terminal(command, columns=columns, rows=rows, forked_from=program) as screen:
        folded = columns < 100 or rows < 20
        await screen.wait_for("✔ ✔ ✔ ✔ ✔ ✔ ✔ ✔" if folded else "✔ 8 Access")
        # A login that has ended is left by this key; it does nothing before.
        screen.press("escape")
        await screen.wait_for("Credentials: " if columns < 33 else "Credentials: 1")
        yield screen


QUITS_HERE = "Press ctrl+c again, or ctrl+q, to quit."


async def answered(screen: Terminal, words: str) -> None:
    """Press ctrl+c, wait for its answer, and until a second press means the same again."""
    screen.press("ctrl+c")
    await says(screen, words)
    await screen.wait_until(lambda: "quit." not in screen.text(), "the end of the answer")


QUITS = "Press ctrl+c again, or q, to quit."


async def says(screen: Terminal, words: str) -> None:
    """Wait until the words are on the screen, on however many rows."""
    wanted = words.split()

    def shown() -> bool:
        rows = "".join(letter if letter.isalnum() or letter in "+.," else " " for letter in screen.text())
        found = iter(rows.split())
        return all(word in found for word in wanted)

    await screen.wait_until(shown, repr(words), PATIENCE)


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (80, 12), (80, 18), (20, 19), (80, 20), (170, 10)])
async def test_a_login_in_a_low_terminal_ends_on_the_dashboard(
    columns: int, rows: int, program: Preloaded
) -> None:
    """H300: the detail is hidden there, and its text is replaced each second."""
    async with dashboard(program, columns, rows) as screen:
        screen.press("p", "down", "tab")
        screen.resize(120, 40)
        await screen.wait_for("● live")
        screen.press("ctrl+q")
        assert await screen.wait_for_exit() == 0


async def test_the_dashboard_is_resized_through_every_low_size(program: Preloaded) -> None:
    """H300: down and up again, row by row, while it shows a token that only this process has."""
    async with dashboard(program, 120, 40) as screen:
        for columns in COLUMNS:
            for rows in (*reversed(ROWS), *ROWS):
                screen.resize(columns, rows)
                screen.press("tab")
                await screen.wait_for("authlens")
        screen.resize(120, 40)
        await screen.wait_for("● live")
        screen.press("ctrl+q")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize(("columns", "rows"), [(20, 8), (80, 18), (120, 40)])
async def test_ctrl_c_on_the_dashboard_names_the_keys_that_quit(
    columns: int, rows: int, program: Preloaded
) -> None:
    """In the table, in the detail or what follows it, and in the field, which takes the letter q."""
    async with dashboard(program, columns, rows) as screen:
        await answered(screen, QUITS)
        screen.press("tab")
        await answered(screen, QUITS)
        screen.press("/")
        await screen.wait_for("Find  esc" if columns > 20 else "resource")
        await answered(screen, QUITS_HERE)
        screen.press("ctrl+c")
        await says(screen, QUITS_HERE)
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("?", "On this screen"),
        (",", "Settings"),
        ("v", "Revoke"),
        ("\x10", "Search actions and "),
        ("x", "esc Hide"),
    ],
)
@pytest.mark.parametrize(("columns", "rows"), [(80, 18), (120, 40)])
async def test_ctrl_c_in_a_dialog_names_the_key_that_goes_back(
    key: str, title: str, columns: int, rows: int, program: Preloaded
) -> None:
    """No other key of the app reaches a dialog but ctrl+q."""
    async with dashboard(program, columns, rows) as screen:
        await screen.wait_for("? Help")  # the footer has titles of dialogs, too, and is painted last
        before = screen.text().count(title)
        screen.press(key)
        await screen.wait_until(lambda: screen.text().count(title) > before, title)
        await answered(screen, f"Press esc to go back. {QUITS_HERE}")
        opened = screen.text().count(title)
        screen.press("escape")
        await screen.wait_until(lambda: screen.text().count(title) < opened, "the dashboard")
        screen.press("ctrl+q")
        assert await screen.wait_for_exit() == 0


async def test_ctrl_c_in_a_field_with_a_selection_copies_it_and_names_the_keys(program: Preloaded) -> None:
    """The URL that a new login suggests is selected."""
    async with dashboard(program, 120, 40) as screen:
        screen.press("N")
        await screen.wait_for("New login")
        screen.press("ctrl+c")
        await says(screen, "The selection Press esc to go back. Press ctrl+q to quit.")
        screen.press("ctrl+q")
        assert await screen.wait_for_exit() == 0
