"""The keys of a stage's view, whatever screen it is in."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from authlens_tui.widgets.record.record_lines import Tab

RECORD_KEYS: Final[list[BindingType]] = [
    Binding("slash", "search", "Search", key_display="/", id="record.search", tooltip="Search this tab"),
    Binding("v", "raw", "Raw", id="record.raw", tooltip="Show bodies formatted, or exactly as sent"),
    Binding(
        "C",
        "copy_menu",
        "Copy…",
        id="record.copy_menu",
        tooltip="Copy a message, curl, a JSON member or a link",
        show=False,
    ),
    Binding(
        "full_stop",
        "pick(1)",
        "Exchange",
        key_display=".",
        id="record.exchange",
        tooltip="Next exchange, then all",
    ),
    Binding(
        "comma",
        "pick(-1)",
        "Previous exchange",
        id="record.exchange_back",
        tooltip="Previous exchange",
        show=False,
    ),
    Binding(
        "k",
        "check_signature",
        "Signature",
        id="record.signature",
        tooltip="Check the signatures of this stage's tokens",
    ),
    *(
        Binding(
            f"{number}",
            f"turn_to({number})",
            tab.label,
            id=f"record.{tab}",
            tooltip=f"Show the tab {tab.label}",
            show=False,
        )
        for number, tab in enumerate(Tab, 1)
    ),
]
