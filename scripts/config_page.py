"""Write docs/configuration.md from the settings, the options of a login and the keys of the program.

Run `python scripts/pages.py` after a setting or a key changed; tests/architecture holds the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from authlens_core.desk.settings import first_file
from authlens_core.trace.flow import stage_info
from authlens_core.values.login_options import OPTIONS as LOGIN_OPTIONS
from authlens_core.values.login_options import Remembered
from authlens_tui.app.base_app import key_names
from authlens_tui.terminal.themes import DARK, HIGH_CONTRAST, LIGHT, SIXTEEN
from authlens_tui.widgets.credentials.credential_row import columns_for

PAGE: Final = Path(__file__).parents[1] / "docs" / "configuration.md"
_WIDE: Final = 1_000  # cells: every column has room


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "<!-- written by scripts/config_page.py -->",
        "# Configuration",
        "",
        "`authlens config` opens `config.toml` in your editor (`VISUAL` or `EDITOR`), then reports what is",
        "unknown in it; `--check` only reports. `--path` prints where the file is: `AUTHLENS_CONFIG`, or the",
        "folder of your system. authlens reads the file when it starts, and writes only the first one:",
        "",
        "```toml",
        *first_file().rstrip().splitlines(),
        "```",
        "",
        "## Settings",
        "",
        "| table | setting | example | meaning |",
        "|---|---|---|---|",
    )
    yield from _settings()
    names = ", ".join(f"`{theme.name}`" for theme in (DARK, LIGHT, HIGH_CONTRAST, SIXTEEN))
    yield from ("", f"Themes of authlens: {names}. Those of Textual work, too.", "", "## Columns", "")
    yield from ("| name | column |", "|---|---|")
    for column in columns_for(_WIDE):
        if column.key not in {"resource", "state"}:
            yield f"| `{column.key}` | {column.title} |"
    yield from _login_options()
    yield from ("", "## Keys", "")
    yield "The part before the dot is where the key works."
    yield from ("", "| name | key | what it does |", "|---|---|---|")
    for name, binding in key_names().items():
        yield f"| `{name}` | `{binding.key}` | {binding.tooltip or binding.description} |"


def _settings() -> Iterator[str]:
    table = ""
    for line in first_file().splitlines():
        if line.startswith("["):
            table = f"`{line}`"
        elif " = " in line:
            name, _, default = line.removeprefix("# ").partition(" = ")
            example, _, meaning = default.partition("  # ")
            yield f"| {table} | `{name}` | `{example}` | {meaning} |"


_REMEMBERED = {None: "", Remembered.SERVER: "the server", Remembered.RESOURCE: "the URL, at the server"}


def _login_options() -> Iterator[str]:
    yield from (
        "",
        "## Options of a login",
        "",
        "No file sets these: `authlens login URL` and `authlens URL` take them. `e` in the wizard edits them",
        "before the stages named here. With `--remember`, some are stored with the login and apply to the",
        "next logins at the same authorization server: to all of them, or to those to the same URL.",
        "`authlens forget URL` forgets them, too.",
        "",
        "| option | meaning | edited before | remembered for |",
        "|---|---|---|---|",
    )
    for option in LOGIN_OPTIONS.values():
        titles = ", ".join(stage_info(stage).title for stage in option.edited_in)
        stages = titles or f"no: {option.not_edited}"
        value = f" {option.metavar}" if option.metavar else f" {'|'.join(option.choices)}".rstrip()
        flag = f"{option.flag}{value}".replace("|", "\\|")
        remembered = _REMEMBERED[option.remembered]
        yield f"| `{flag}` | {option.help} | {stages} | {remembered} |"
