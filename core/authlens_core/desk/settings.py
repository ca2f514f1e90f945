"""What a user has set: in the app (`settings.json`), and by hand in `config.toml`.

The program writes `settings.json` at each change; losing it costs nothing but the settings. It only reads
`config.toml`, which has the theme, columns of the dashboard, notices and keys, and writes the first one, with
every line commented out.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import AuthlensError, FileUnusable, StateUnusable
from authlens_core.values.formats.json_document import JsonRefused, load_object
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.settings import (
    COLUMN_KEYS,
    DASHBOARD_COLUMNS,
    FRACTIONS,
    LEADS,
    MOST_FAVOURITES,
    DashboardColumn,
    Settings,
)

__all__ = [
    "COLUMN_KEYS",
    "DASHBOARD_COLUMNS",
    "FRACTIONS",
    "LEADS",
    "MOST_FAVOURITES",
    "AuthlensError",
    "Config",
    "DashboardColumn",
    "NoticeKind",
    "Settings",
    "SettingsFile",
    "config_path",
    "read_config",
]

_VERSION: Final = 1
_LARGEST: Final = 64 * 1024  # bytes of either file
_ANOTHER_FILE: Final = "Move it away, or name another file in AUTHLENS_CONFIG."


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
        self.present, _ = _fitting(Settings, self._members)

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
        try:
            with own_file(self._path).open("rb") as file:
                # One byte more than allowed, to know a file that is too long without reading it whole.
                data = file.read(_LARGEST + 1)
        except (OSError, StateUnusable) as error:
            self.problem = f"The settings cannot be read: {error}"
            return
        try:
            self._members = load_object(data if len(data) <= _LARGEST else b"")
        except JsonRefused:
            self.problem = "The settings cannot be read, so the defaults apply until you change them."

    def change(self, **changes: Any) -> Settings:
        """Set something, and keep it; what is set holds from now on even if it could not be kept.

        Raises:
            ValueError: a setting cannot have that value.
            StateUnusable: the file could not be written; the old one stays.
        """
        _, wrong = _fitting(Settings, changes)
        if wrong:
            raise ValueError(f"{wrong[0]} cannot be that")
        # Applied before it is written: a full disk must not keep a theme from changing.
        self.present = replace(self.present, **changes)
        if self._path is not None:
            # What a newer authlens has written is kept, though it means nothing here.
            self._members = {"version": _VERSION, **self._members, **changes}
            try:
                private_file.replace(self._path, json.dumps(self._members, indent=2).encode())
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StateUnusable(
                    f"The settings could not be written: {reason}.", "They apply until authlens ends."
                ) from error
        return self.present


# Every setting with an example, commented out.
_TEMPLATE: Final = Path(__file__).with_name("config.toml")


class NoticeKind(StrEnum):
    """How a notice reaches a user who looks elsewhere."""

    BELL = "bell"
    OSC_9 = "osc9"
    OSC_777 = "osc777"


class Config(Struct, frozen=True):
    """What the file says.

    Attributes:
        theme: the name of a theme; empty for the one of the settings.
        columns: of the dashboard, in their order; empty for those of the program.
        before_expiry: seconds before a token expires at which a notice comes; 0 for none.
        problems: what the file has that is unknown or cannot be, a sentence each.
    """

    theme: str = ""
    columns: tuple[str, ...] = ()
    before_expiry: int = 0
    notice: NoticeKind = NoticeKind.BELL
    keys: Mapping[str, str] = {}
    problems: tuple[str, ...] = ()


def config_path(*, create: bool = False) -> Path:
    """Return where the file is: `AUTHLENS_CONFIG`, else the platform's own place.

    Args:
        create: true to write a first file if there is none.

    Raises:
        FileUnusable: what is there is not a regular file.
        OSError: it cannot be written.
    """
    named = os.environ.get("AUTHLENS_CONFIG")
    if named:
        path = Path(named).expanduser()
    else:
        from platformdirs import user_config_path

        path = user_config_path("authlens", appauthor=False) / "config.toml"
    if create:
        write_template(path)
    return path


def first_file() -> str:
    """Return the first file: every setting with an example, commented out.

    docs/configuration.md is written from it.
    """
    return _TEMPLATE.read_text(encoding="utf-8").replace("COLUMNS", json.dumps(COLUMN_KEYS))


def read_config(path: Path | None = None) -> Config:
    """Return what the file says; the defaults where there is none."""
    where = path or config_path()
    if not _is_there(where):
        return Config()
    # Most users have no such file, and the first paint waits for this.
    from authlens_core.state.regular_file import read_regular

    try:
        data = read_regular(where, _LARGEST).data
    except FileNotFoundError:  # a link to a file that does not exist
        return Config()
    except FileUnusable as error:
        return Config(problems=(error.cause,))
    try:
        return _checked(msgspec.toml.decode(data))
    except (msgspec.DecodeError, RecursionError) as error:
        return Config(problems=(f"{where} is not TOML: {safe_line(str(error), NAME)}.",))


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # why it cannot be read is reported by what reads it
    return True


def write_template(path: Path) -> None:
    """Write a first file, if there is none.

    Raises:
        FileUnusable: what is there is not a regular file.
        OSError: it cannot be written.
    """
    from authlens_core.state.regular_file import kind_of

    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        # Written through such a link, the file would appear at a place that no one expects.
        if path.is_symlink():
            raise FileUnusable(f"{path} is a link to a file that does not exist.", _ANOTHER_FILE) from None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file.create(path, first_file().encode())
    else:
        if not stat.S_ISREG(mode):
            raise FileUnusable(f"{path} is {kind_of(mode)}, not a regular file.", _ANOTHER_FILE)


class _File(Struct):
    theme: str = ""
    dashboard: dict[str, Any] = {}
    notices: dict[str, Any] = {}
    keys: dict[str, Any] = {}


class _Dashboard(Struct):
    columns: tuple[str, ...] = ()


class _Notices(Struct):
    before_expiry: Annotated[int, Meta(ge=0)] = 0
    how: NoticeKind = NoticeKind.BELL


_Table = TypeVar("_Table", bound=Struct)


def _checked(members: dict[str, Any]) -> Config:
    """Return what of `members` can be; each mistake is a sentence, and the rest applies."""
    problems: list[str] = []
    file = _table(_File, members, "config.toml", problems)
    dashboard = _table(_Dashboard, file.dashboard, "[dashboard] of config.toml", problems)
    notices = _table(_Notices, file.notices, "[notices] of config.toml", problems)
    columns = tuple(column for column in dashboard.columns if column in COLUMN_KEYS)
    keys = {name: value for name, value in file.keys.items() if isinstance(value, str) and value}
    unknown = (safe_line(column, NAME) for column in dashboard.columns if column not in columns)
    problems += [f"There is no column {column}." for column in unknown]
    problems += [f"The keys of {safe_line(name, NAME)} are not a text." for name in file.keys.keys() - keys]
    return Config(file.theme, columns, notices.before_expiry, notices.how, keys, tuple(problems))


def _table(kind: type[_Table], members: dict[str, Any], where: str, problems: list[str]) -> _Table:
    table, wrong = _fitting(kind, members)
    unknown = (name for name in members if name not in kind.__struct_fields__)
    problems += [f"{where} has no {safe_line(name, NAME)}." for name in unknown]
    problems += [
        f"{name} in config.toml cannot be that. Write, for example: {_example(name)}" for name in wrong
    ]
    return table


def _fitting(kind: type[_Table], members: Mapping[str, Any]) -> tuple[_Table, list[str]]:
    """Return the settings in `members`, and the names of those that cannot be that and have their default."""
    settings: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in msgspec.structs.fields(kind):
        name = setting.name
        try:
            if name in members:
                settings[name] = msgspec.convert(members[name], setting.type)
        except msgspec.ValidationError:
            wrong.append(name)
    return kind(**settings), wrong


def _example(name: str) -> str:
    """Return the line of the first file that sets `name`, which says what it can be, or its heading."""
    lines = (line.removeprefix("# ") for line in first_file().split("\n"))
    return next(line for line in lines if line.startswith((f"{name} = ", f"[{name}]")))
