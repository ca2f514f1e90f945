"""What a user has set, in a small JSON file of the state directory.

Members that this version does not know stay: a newer one wrote them. A value that cannot be is ignored.
Losing the file costs nothing but the settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable
from authlens_core.values.quick_dataclass import dataclass

# Shares of the life of an access token after which it may be refreshed.
FRACTIONS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
# Seconds before its end at which it is refreshed at the latest.
LEADS: Final = (30, 60, 120, 300)
MOST_FAVOURITES: Final = 20
_LONGEST_URL: Final = 2_000  # characters of a favourite
_VERSION: Final = 1
_LARGEST: Final = 64 * 1024  # bytes of the file


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user has set.

    Attributes:
        background_refresh: refresh what is due while the dashboard is open.
        refresh_at: the share of its life after which an access token is due, from 0.5 to 1.
        refresh_before: seconds before its end at which it is due at the latest.
        open_browser: open the link of a login at once where the browser is on this machine; else on a key.
        theme: the name of the theme; empty for the one that fits the terminal.
        favourites: URLs that a new login offers first, the newest first.
    """

    background_refresh: bool = True
    refresh_at: float = 0.8
    refresh_before: int = 60
    open_browser: bool = False
    theme: str = ""
    favourites: tuple[str, ...] = ()


def _is_fit(name: str, value: Any) -> bool:
    if name == "refresh_at":
        return isinstance(value, int | float) and not isinstance(value, bool) and 0.5 <= value < 1
    if name == "refresh_before":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 3600
    if name == "theme":
        return isinstance(value, str) and len(value) <= 100
    if name == "favourites":
        few = isinstance(value, list | tuple) and len(value) <= MOST_FAVOURITES
        return few and all(isinstance(one, str) and len(one) <= _LONGEST_URL for one in value)
    return isinstance(value, bool)


class SettingsFile:
    """The settings, read once and written at each change.

    Args:
        path: the file; None keeps them in memory.

    Attributes:
        problem: why the file could not be read, one sentence; empty if it could, or is not there.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._members: dict[str, Any] = {}
        self.problem = ""
        self._read()
        self.present = _settings(self._members)

    @classmethod
    def open(cls, directory: Path | None = None) -> SettingsFile:
        """Return the settings of the state directory; the defaults if it cannot be used."""
        try:
            return cls(state_directory(directory) / "settings.json")
        except StateUnusable as error:
            defaults = cls(None)
            defaults.problem = error.cause
            return defaults

    def _read(self) -> None:
        if self._path is None or not os.path.lexists(self._path):
            return
        found: Any = None
        try:
            with own_file(self._path).open("rb") as file:
                data = file.read(_LARGEST + 1)
        except (OSError, StateUnusable) as error:
            self.problem = f"The settings cannot be read: {error}"
            return
        with suppress(ValueError, RecursionError):
            found = json.loads(data) if len(data) <= _LARGEST else None
        if isinstance(found, dict):
            self._members = found
        else:
            self.problem = "The settings cannot be read, so the defaults apply until you change them."

    def change(self, **changes: Any) -> Settings:
        """Set something, and keep it; what is set holds from now on even if it could not be kept.

        Raises:
            ValueError: a setting cannot have that value.
            StateUnusable: the file could not be written; the old one stays.
        """
        for name, value in changes.items():
            if not _is_fit(name, value):
                raise ValueError(f"{name} cannot be that")
        self.present = replace(self.present, **changes)
        if self._path is not None:
            # What a newer authlens has written is kept, though it means nothing here.
            self._members |= {"version": max(_VERSION, self._written_by()), **changes}
            try:
                private_file.replace(self._path, json.dumps(self._members, indent=2).encode())
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StateUnusable(
                    f"The settings could not be written: {reason}.", "They apply until authlens ends."
                ) from error
        return self.present

    def _written_by(self) -> int:
        version = self._members.get("version")
        return version if isinstance(version, int) else 0


def _settings(members: Mapping[str, Any]) -> Settings:
    names = (field.name for field in fields(Settings))
    fit = {name: members[name] for name in names if name in members and _is_fit(name, members[name])}
    if "favourites" in fit:
        fit["favourites"] = tuple(fit["favourites"])
    return Settings(**fit)
