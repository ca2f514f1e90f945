"""The owner of what the demo simulates, who changes the setting that makes a login fail."""

from __future__ import annotations

from urllib.parse import urlsplit

from authlens_core.learning.desk.drill_world import DrillWorld
from authlens_core.learning.drill.drill import OwnerSetting


class EmulatorOwner:
    """Turns the fault of an emulator off by the setting that stands for it, and on again."""

    def __init__(self, world: DrillWorld, setting: OwnerSetting) -> None:
        self.name = setting.of or urlsplit(world.resource_url).hostname or ""
        self.setting = setting
        self._world = world
        self._faults = world.emulator.faults

    @property
    def is_on(self) -> bool:
        return self.setting.on is not bool(self._world.emulator.faults)

    def switch(self, *, on: bool) -> None:
        self._world.emulator.set_faults(() if on is self.setting.on else self._faults)
        self._world.options()  # writes again what a program reads at each try
