"""Every screen and dialog by key alone: something has the focus, a footer tells keys, and one leads out.

The screens are those of the pictures, in every state that is pictured.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib import import_module, util
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.widgets.key_footer import KeyFooter
from support.screens import Host, Picture, frozen, until

pytestmark = pytest.mark.slow

SIZES: Final = ((120, 40), (40, 12), (80, 24), (120, 40))
_PATIENCE: Final = 5.0  # seconds until what a new size moves is where it belongs
_ENDS_ALONE: Final = frozenset({"move-store-under-way"})  # secrets on their way are not abandoned
_WAYS_OUT: Final = ("escape", "escape", "escape", "d", "b", "q")


def pictures() -> list[Picture]:
    """Return every picture of this folder."""
    found: list[Picture] = []
    for path in sorted(Path(__file__).parent.glob("test_snapshots*.py")):
        spec = util.spec_from_file_location(f"by_key_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module: Any = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.PICTURES
    return found


PICTURES: Final = pictures()


@pytest.fixture(autouse=True)
def real_cloudflared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what a picture of cloudflared replaces."""
    module = import_module("authlens_tui.screens.cloudflared")
    monkeypatch.setitem(vars(module), "run_login", vars(module)["run_login"])


def faults(app: Host) -> list[str]:
    """Return what is wrong with the screen as it is drawn now."""
    screen, found = app.screen, []
    if isinstance(screen, QrScreen):
        return []  # nothing but the code and the words beside it, which name the keys
    focused = screen.focused
    if focused is None:
        found.append("nothing has the focus")
    elif not seen(focused):
        found.append(f"the focus is on {focused!r}, which is not on the screen")
    footers = [one for one in screen.query(KeyFooter) if seen(one)]
    if not footers:
        found.append("there is no footer")
    elif not footers[0].render_line(0).text.strip():
        found.append("the footer is empty")
    return found


def seen(widget: Widget) -> bool:
    """Say whether any cell of a widget is on the screen."""
    return widget.is_on_screen and bool(widget.region.intersection(widget.screen.region).area)


async def leaves(app: Host, pilot: Pilot[int]) -> bool:
    """Press what leads back or out, one key after the other; return whether the screen went."""
    screen, ended = app.screen, []
    app.exit = lambda *_, **__: ended.append(True)  # type: ignore[method-assign]
    for key in _WAYS_OUT:
        await pilot.press(key)
        await pilot.pause()
        if app.screen is not screen or app.left or ended:
            return True
    return False


@pytest.mark.parametrize("picture", PICTURES, ids=str)
async def test_focus_footer_and_a_way_out_at_each_size(picture: Picture) -> None:
    """Smaller and back: the keyboard never dies."""
    with frozen():
        made = picture.make()
        screen = made if not hasattr(made, "__await__") else await made
        app = Host()
        async with app.run_test(size=SIZES[0]) as pilot:
            await app.push_screen(screen)
            await pilot.pause()
            await picture.walk(pilot)
            await until(pilot, lambda: isinstance(app.screen, picture.screen))
            found = {}
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await until(pilot, lambda size=size: app.screen.size == size)  # type: ignore[misc]
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE):
                        await until(pilot, lambda: not faults(app))
                if wrong := faults(app):
                    found[size] = wrong
            assert found == {}
            assert picture.name in _ENDS_ALONE or await leaves(app, pilot), "no key leads out"
