"""The keys of a stage's view, whatever screen it is in."""

from __future__ import annotations

from typing import Final

from textual.binding import BindingType

from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.record.record_lines import Tab


def tab_keys(room: str, action: str, does: str) -> list[BindingType]:
    """Return the number keys of the tabs, each with the number in its action."""
    return [
        bound(f"{room}.{tab}", f"{n}", action.format(n), tab.label, f"{does} {tab.label}", show=False)
        for n, tab in enumerate(Tab, 1)
    ]


RECORD_KEYS: Final[list[BindingType]] = [
    bound("record.search", "slash", "search", "Find", "Search this tab"),
    bound("record.raw", "B", "raw", "Raw", "Bodies formatted, or as sent"),
    bound(
        "record.copy_menu", "C", "copy_menu", "Copy…", "Copy a message, curl, a member or a link", show=False
    ),
    bound("record.exchange", "full_stop", "pick(1)", "Exchange", "Next exchange, then all"),
    bound("record.exchange_back", "colon", "pick(-1)", "Previous exchange", "Previous exchange", show=False),
    bound("record.signature", "K", "check_signature", "Signature", "Verify the tokens of this stage"),
    bound("record.tab", "right_square_bracket", "tab(1)", "Tab", "Next tab", show=False),
    bound("record.tab_back", "left_square_bracket", "tab(-1)", "Tab", "Previous tab", show=False),
    *tab_keys("record", "turn_to({})", "Show the tab"),
]
