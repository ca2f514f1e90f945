"""Make the pictures in this folder from the real program on the embedded emulator.

    python screenshots/make.py [FOLDER]

Nothing is drawn by hand: the demo is walked with the keys that a person presses.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import resvg_py
from textual.pilot import Pilot

from authlens_core.trace.record import Stage
from authlens_tui.demo import DemoApp
from authlens_tui.screens.wizard import WizardScreen

_SIZE = (120, 40)
_PATIENCE = 20.0


async def _until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for something to be on the screen, in bounded time."""
    async with asyncio.timeout(_PATIENCE):
        while not condition():
            await pilot.pause(0.05)
    await pilot.pause(0.3)


def _wizard(app: DemoApp) -> WizardScreen | None:
    return app.screen if isinstance(app.screen, WizardScreen) else None


def _at(app: DemoApp, stage: Stage | None) -> bool:
    wizard = _wizard(app)
    return wizard is not None and wizard.login.position is stage and wizard.login.running is None


def _waiting(app: DemoApp) -> bool:
    wizard = _wizard(app)
    return wizard is not None and wizard.login.wait.waiting


async def make(folder: Path, size: tuple[int, int] = _SIZE) -> list[Path]:
    """Walk the demo and return the pictures that were written."""
    app = DemoApp(port=0)
    made: list[Path] = []

    def picture(name: str) -> None:
        svg = app.export_screenshot(title="authlens", simplify=True)
        path = folder / f"{name}.png"
        path.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, font_family="Fira Code")))
        made.append(path)

    async with app.run_test(size=size) as pilot:
        await _until(pilot, lambda: _at(app, Stage.DETECTION))
        picture("wizard-before")
        await pilot.press("n")
        await _until(pilot, lambda: _at(app, Stage.RESOURCE_METADATA))
        for _ in range(2):
            await pilot.press("right_square_bracket")
        await _until(pilot, lambda: True)
        picture("wizard-response")
        for _ in range(3):
            await pilot.press("right_square_bracket")
        await pilot.press("a")
        await _until(pilot, lambda: _waiting(app))
        picture("wizard-authorization")
        await pilot.press("s")
        await _until(pilot, lambda: _at(app, None))
        picture("wizard-authenticated")
        await pilot.press("left_square_bracket")
        await _until(pilot, lambda: True)
        picture("wizard-diagram")
        await pilot.press("d")
        await _until(pilot, lambda: _wizard(app) is None)
        picture("dashboard")
    return made


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for path in asyncio.run(make(target)):
        sys.stdout.write(f"{path.name}\n")
