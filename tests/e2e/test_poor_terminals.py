"""Terminals that can do little: small, of few colours or none, without UTF-8, dumb, or none at all."""

import asyncio
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.person import Person
from support.preloaded import Preloaded
from support.server_process import ended
from support.terminal import Terminal, left_on, plain_link, terminal
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))
ANY_PORT = ("--port", "0")  # other tests use the usual one
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?[34]8[;:]2[;:]")
PALETTE = re.compile(rb"\x1b\[(?:[0-9;]*;)?[34]8[;:]5[;:]")
ANY_COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:[349][0-7]|10[0-7]|[34]8[;:][25])[;:m]")
IN_C = ("LC_ALL=C",)
OF_LATIN_1 = ("-u", "LC_ALL", "LANG=de_DE.ISO-8859-1")  # not installed: Python would write UTF-8
BY_CTYPE = ("-u", "LC_ALL", "LC_CTYPE=POSIX", "LANG=de_DE.UTF-8")
NO_LOCALE = ("-u", "LC_ALL", "-u", "LC_CTYPE", "-u", "LANG")


async def walked(screen: Terminal) -> None:
    """Walk the demo to its end and leave."""
    await screen.wait_for("A normal")
    screen.press("enter")
    await screen.wait_for("╭─ A normal login")
    screen.press("a")
    await screen.wait_for("· · · · · · · ·")
    screen.press("a")
    await screen.wait_for("✔ ✔ ✔ ✔ ✔ ▶ · ·")
    screen.press("s")
    await screen.wait_for("✔ ✔ ✔ ✔ ✔ ✔ ✔ ✔")
    screen.press("q")
    assert await screen.wait_for_exit() == 0
    assert left_on(screen.raw) == []


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 12), (20, 5)])
async def test_a_login_on_a_small_screen(columns: int, rows: int, program: Preloaded) -> None:
    async with terminal(("demo", "--port", "0"), columns=columns, rows=rows, forked_from=program) as screen:
        await walked(screen)


@pytest.mark.parametrize(
    ("settings", "forbidden"),
    [(("TERM=linux", "COLORTERM="), (COLOUR, PALETTE)), (("NO_COLOR=1",), (ANY_COLOUR,))],
    ids=["16 colours", "NO_COLOR"],
)
async def test_a_login_with_few_colours(
    settings: tuple[str, ...], forbidden: tuple[re.Pattern[bytes], ...]
) -> None:
    """No colour is sent that the terminal does not have, or that nobody wants."""
    async with terminal(("env", *settings, AUTHLENS, "demo", "--port", "0"), columns=80, rows=24) as screen:
        await walked(screen)
        assert [found[0] for pattern in forbidden if (found := pattern.search(screen.raw))] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("TERM=dumb",), "TERM=dumb"),
        (("TERM=",), "TERM is not set"),
        (("TERM=vt52",), "TERM=vt52"),
        (("TERM=foo",), "If it can: export TERM=xterm-256color"),
        (IN_C, "LC_ALL=C. If your terminal shows UTF-8: export LC_ALL=C.UTF-8."),
        (OF_LATIN_1, "LANG=de_DE.ISO-8859-1. If your"),
        (BY_CTYPE, "LC_CTYPE=POSIX. If your"),
        (("AUTHLENS_PLAIN=1",), "No full screen, because of"),
    ],
)
async def test_a_url_is_logged_in_to_line_by_line(
    settings: tuple[str, ...], words: str, machine: dict[str, str], resource: str
) -> None:
    """H167: the conversation in place of the full screen, and why."""
    async with terminal(
        ("env", *settings, AUTHLENS, resource, *ANY_PORT), env=machine, columns=200
    ) as screen:
        await screen.wait_for("Waiting 300 seconds")
        assert words in screen.text()
        assert "The login continues without the full screen." in screen.text()
        assert b"\x1b" not in screen.raw
        async with Person() as person:
            callback = await person.callback_url(plain_link(screen))
        screen.send(f"{urlsplit(callback).query}\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        assert settings not in (IN_C, OF_LATIN_1, BY_CTYPE) or screen.raw.isascii()


async def test_a_whole_plain_login_moves_no_cursor_and_draws_nothing(
    machine: dict[str, str], resource: str
) -> None:
    """For screen readers: every line is written once, from left to right, until the end."""
    async with terminal((AUTHLENS, "--plain", resource, *ANY_PORT), env=machine, columns=200) as screen:
        await screen.wait_for("Waiting 300 seconds")
        async with Person() as person:
            callback = await person.callback_url(plain_link(screen))
        screen.send(f"{urlsplit(callback).query}\r")
        await screen.wait_for("Authenticated.")
        assert await screen.wait_for_exit() == 0
        shown = screen.raw.decode()
        assert "\x1b" not in shown
        assert "\b" not in shown
        assert shown.count("\r") == shown.count("\r\n")
        assert re.search("[\u2500-\u259f\u2800-\u28ff]", shown) is None


async def test_where_no_locale_is_set_the_full_screen_comes(machine: dict[str, str], resource: str) -> None:
    """A container, `env -i`: nobody said that the terminal shows anything else than UTF-8."""
    async with terminal(("env", *NO_LOCALE, AUTHLENS, resource, *ANY_PORT), env=machine) as screen:
        await screen.wait_for("Next: ")
        screen.press("q")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize("kind", ["xterm-kitty", "alacritty", "tmux-256color", "linux"])
async def test_a_newer_terminal_that_this_machine_does_not_know_has_its_full_screen(
    kind: str, machine: dict[str, str], resource: str
) -> None:
    """Over SSH: terminfo lags behind, and the console of Linux needs no second screen."""
    async with terminal(("env", f"TERM={kind}", AUTHLENS, resource, *ANY_PORT), env=machine) as screen:
        await screen.wait_for("Next: ")
        screen.press("q")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (IN_C, "! terminal     The full screen needs UTF-8, but the locale has another encoding: LC_ALL=C."),
        (("TERM=vt52",), "! terminal     This terminal cannot show a full screen (TERM=vt52)."),
        (NO_LOCALE, "utf-8, the default without a locale."),
    ],
)
async def test_doctor_says_the_same_of_the_terminal(
    settings: tuple[str, ...], words: str, machine: dict[str, str]
) -> None:
    """Design §6: what is found, and what to do."""
    async with terminal(("env", *settings, AUTHLENS, "doctor"), env=machine, columns=200) as screen:
        await screen.wait_for_exit()
        assert words in screen.text()
        assert settings != IN_C or screen.raw.isascii()


@pytest.mark.parametrize(
    "verb", [("--help",), ("list",), ("login", "--help"), ("token", "https://no.example/")]
)
async def test_in_the_locale_c_all_words_are_ascii(verb: tuple[str, ...], machine: dict[str, str]) -> None:
    """No sign that the person's encoding cannot show, in no verb."""
    async with terminal(("env", *IN_C, AUTHLENS, *verb), env=machine) as screen:
        await screen.wait_for_exit()
        assert screen.raw.isascii()
        assert b"\\u" not in screen.raw


async def test_in_words_for_one_who_listens(machine: dict[str, str], resource: str) -> None:
    """A screen reader reads lines from the top: words, no signs, no columns, nothing drawn over."""
    async with terminal((AUTHLENS, "--plain", resource, *ANY_PORT), env=machine, columns=200) as screen:
        await screen.wait_for("Waiting 300 seconds")
        assert "Stage 1 of 8, Detection: passed." in screen.text()
        assert not re.search(r"[✔✖–]", screen.text())
        assert b"\x1b" not in screen.raw
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130
    async with terminal((AUTHLENS, "--plain"), env=machine) as screen:
        await screen.wait_for("authlens login URL")
        assert await screen.wait_for_exit() == 0


async def test_with_no_terminal_at_all_the_browser_is_the_way_back(
    machine: dict[str, str], resource: str
) -> None:
    """`authlens URL` from a script: words on stderr, nothing that steers a terminal, the same exit codes."""
    process = await asyncio.create_subprocess_exec(
        *(AUTHLENS, resource, *ANY_PORT),
        env=machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    while b"code_challenge=" not in said or not said.endswith(b"\n"):
        said += await asyncio.wait_for(process.stderr.readline(), PATIENCE)
        assert process.returncode is None, said
    link = next(line for line in said.decode().splitlines() if "code_challenge=" in line)
    async with Person() as person:
        await person.authorize(link)
    answer, words = await ended(process)
    assert process.returncode == 0, words
    assert answer == b""
    assert b"this is not a terminal" in said
    assert b"\x1b" not in said + words
