"""The sentences of the dashboard: nothing stored, nothing matches, an error, an automatic refresh."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from authlens_core.desk.credentials import SOON, AuthlensError, Expiries
from authlens_core.desk.settings import DASHBOARD_COLUMNS
from authlens_tui.terminal.content import Content

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Grant
    from authlens_core.desk.lifecycle import ActionResult


_KEY: Final = "bold $text-primary"
_ABOUT: Final = (
    "Every credential of this machine: those authlens stores, and those of cloudflared, which are read-only."
)

_SHOWN: Final = 80  # characters of a filter

_SIGNS: Final[Mapping[bool | None, tuple[str, str]]] = {
    True: ("✔ ", "bold $text-success"),
    False: ("✖ ", "bold $text-error"),
    None: ("", ""),
}


def result_words(sentence: str, *, good: bool | None) -> Content:
    """Return the outcome of an action; `good` is None while it still runs."""
    return Content.assemble(_SIGNS[good], Content(sentence))


def empty_words(*, in_demo: bool, had_some: bool) -> Content:
    where = "in this demo" if in_demo else "on this machine"
    title = "No credentials left.\n\n" if had_some else f"No credentials {where} yet.\n\n"
    events = ("Press ", ("E", _KEY), " for what happened to them.\n\n") if had_some else ()
    start = ((title, "bold"), *events, "Press ", ("N", _KEY))
    if in_demo:
        return Content.assemble(
            *start,
            " and ",
            ("Enter", _KEY),
            " to log in to the simulated resource, or ",
            ("b", _KEY),
            " for the catalogue. Tokens are in memory only, and gone when the demo ends.",
        )
    return Content.assemble(
        *start,
        " and enter the address of a protected page or an MCP server. authlens walks you through the login, "
        "one stage at a time, and stores the tokens.\n",
        ("S", _KEY),
        " adds a service token. ",
        ("W", _KEY),
        " opens the demo, which includes its own server.",
    )


def nothing_matches(text: str) -> Content:
    return Content.assemble(
        ("No match.\n\n", "bold"),
        f"No credential has {text[:_SHOWN]!r} in its resource, team, account, kind or state. ",
        "Press ",
        ("Esc", _KEY),
        " to clear the filter.",
    )


def broken_words(error: AuthlensError) -> Content:
    return Content.assemble(
        ("✖ ", "bold $text-error"),
        error.cause,
        "\n\n",
        str(error.cure),
        "\n\nauthlens retries every second. Your tokens are not affected.",
    )


def title_words(matching: int, whole: int, text: str, expiries: Expiries) -> str:
    if text.strip():
        return f"Credentials: {matching} of {whole} match {text.strip()[:_SHOWN]!r}"
    minutes = int(SOON.total_seconds()) // 60
    expired = f"{expiries.expired} expired" if expiries.expired else ""
    soon = f"{expiries.soon} within {minutes} min" if expiries.soon else ""
    return " · ".join(filter(None, (f"Credentials: {whole}", expired, soon)))


def damaged_words(count: int) -> str:
    """Return how many records cannot be read and what lists them; empty if all can."""
    if not count:
        return ""
    records = "1 record" if count == 1 else f"{count} records"
    return f"! {records} cannot be read: authlens list names them"


def attempt_words(grant: Grant, result: ActionResult) -> Content:
    name = grant.resource_url.removeprefix("https://")
    return Content(f"{result.sign} Auto-refresh of {name}: {result.summary}")


def column_help(visible: Collection[str], keys: Iterable[str]) -> str:
    """Describe the columns that are `visible`, and name the others of those `keys`."""
    by_key = {column.key: column for column in DASHBOARD_COLUMNS}
    columns = [by_key[key] for key in keys if key in by_key]
    described = [f"{column.title} {column.meaning}." for column in columns if column.key in visible]
    others = ", ".join(column.title for column in columns if column.key not in visible)
    more = [f"A wider terminal also shows {others}."] if others else []
    return " ".join((_ABOUT, *described, *more))
