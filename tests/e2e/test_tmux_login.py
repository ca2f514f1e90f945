"""A login inside tmux: the connection drops in the middle of the wait, comes back, and the login goes on."""

import base64
import getpass
import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from e2e.fake_browser import beside_a_fake_browser, what_was_opened
from support.needs import program
from support.person import Person
from support.terminal import Tmux, terminal, tmux
from support.verb_process import file_keyring

pytestmark = pytest.mark.e2e
DEMO = (str(Path(sys.executable).with_name("authlens")), "demo", "--port", "0")
COPIED = re.compile(rb"\x1b\]52;[a-z]*;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)")
SIZES = ((80, 24), (20, 5), (132, 43), (40, 12), (200, 60), (60, 8), (100, 30))


async def wait_for_the_browser(screen: Tmux) -> None:
    """Walk to the link."""
    await screen.wait_for("A normal login")
    await screen.press("Enter")
    await screen.wait_for("╭─ A normal login")
    await screen.press("a")
    await screen.wait_for("Next: ")
    await screen.press("a")
    await screen.wait_for("Waiting for the browser")


async def test_detached_in_the_wait_and_attached_elsewhere_the_login_completes(tmp_path: Path) -> None:
    """A copy reaches the terminal outside with tmux's own settings; sizes change as they like."""
    async with tmux(DEMO, tmp_path) as screen:
        await screen.run("set-option", "-g", "set-clipboard", "external")
        await wait_for_the_browser(screen)
        attach = (program("tmux"), "-S", str(tmp_path / "t"), "attach-session")
        env = {name: value for name, value in os.environ.items() if name != "TMUX"} | {"LC_ALL": "C.UTF-8"}
        async with terminal(attach, env=env, columns=120, rows=40) as first:
            await first.wait_for("Waiting for the browser")
            first.press("c")
            await first.wait_until(lambda: COPIED.search(first.raw) is not None, "copy outside")
            copied = COPIED.search(first.raw)
            assert copied is not None
            link = base64.b64decode(copied[1]).decode()
            assert await screen.wait_for_copied(lambda held: held.strip() == link)
            await first.wait_for(f"Copied {len(link)} characters to tmux")
            await screen.run("detach-client")
            await first.wait_for_exit()
        async with terminal(attach, env=env, columns=80, rows=24) as second:
            await second.wait_for("Waiting for the browser")
            # What a terminal that was rebuilt may send: a legacy mouse report that is no UTF-8.
            os.write(second._master, b"\x1b[M\xff\xff\xff")
            for columns, rows in SIZES * 3:
                second.resize(columns, rows)
            second.resize(100, 40)
            await second.wait_for("Waiting for the browser")
            async with Person() as person:
                await person.authorize(link)
            await second.wait_for("Authenticated")
            await screen.press("q")


async def test_the_answer_comes_while_nobody_is_attached(tmp_path: Path) -> None:
    """The login does not need a terminal to look at it."""
    async with tmux(DEMO, tmp_path) as screen:
        await wait_for_the_browser(screen)
        await screen.press("c")
        link = await screen.wait_for_copied(lambda text: "code_challenge=" in text)
        assert link.startswith("http://login.localhost:")
        assert "\n" not in link
        async with Person() as person:
            await person.authorize(link)
        await screen.wait_for("Authenticated")


OVER_SSH = {
    "SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 2222",
    "SSH_CLIENT": "203.0.113.9 50022 2222",
    "SSH_TTY": "/dev/pts/9",
}


def machine(folder: Path) -> dict[str, str]:
    """Return an environment beside a browser that opens at once, as a person may have set."""
    (folder / "home").mkdir(mode=0o700)
    settings = folder / "home" / "settings.json"
    settings.write_text(json.dumps({"version": 1, "open_browser": True}))
    settings.chmod(0o600)
    environ = {name: value for name, value in file_keyring(folder).items() if name != "TMUX"}
    return beside_a_fake_browser(folder, environ) | {
        "BROWSER": "chromium",  # found by PATH, and in a container too
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.parametrize("face", ["full screen", "plain"])
@pytest.mark.parametrize("now_over_ssh", [True, False], ids=["now over ssh", "now here"])
async def test_the_way_back_is_that_of_the_client_that_attached_last(
    face: str, now_over_ssh: bool, tmp_path: Path
) -> None:
    """V-3: the server began elsewhere. The line fits the client, and a browser opens only beside it."""
    env = machine(tmp_path)
    there, here = {**env, **OVER_SSH}, env
    attach = (program("tmux"), "-S", str(tmp_path / "t"), "attach-session")
    command = (DEMO[0], "login") if face == "plain" else (DEMO[0],)
    async with (
        terminal((DEMO[0], "emulator"), env=env) as served,
        tmux(("sh",), tmp_path, env=here if now_over_ssh else there) as screen,
        terminal(attach, env=there if now_over_ssh else here) as client,
    ):
        await served.wait_for("http://")
        resource = re.search(r"http://\S+", served.text())
        assert resource is not None
        await client.wait_for("[0]")
        await screen.send(shlex.join((*command, resource[0], "--port", "0")) + "\n")
        if face != "plain":
            await client.wait_for("Next: ")
            await screen.press("a")
        await client.wait_for("Waiting")
        where = rf"{re.escape(getpass.getuser())}@198\.51\.100\.7 -p 2222"
        line = rf"ssh -N -L (\d+):localhost:\1 -L (\d+):localhost:\2 {where}"
        if now_over_ssh:
            await client.wait_until(
                lambda: re.search(line, " ".join(client.text().split())) is not None, "the way back"
            )
            await screen.press("Enter" if face == "plain" else "O")
            if face != "plain":
                await screen.press("h")  # where it says why none was opened
            await client.wait_for("this is an SSH session")
            assert what_was_opened(tmp_path) == ""
        else:
            await client.wait_until(lambda: "code_challenge=" in what_was_opened(tmp_path), "browser")
            assert "ssh -N" not in client.text()
