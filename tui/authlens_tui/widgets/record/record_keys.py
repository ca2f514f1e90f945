"""The keys of a stage's view, whatever screen it is in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual.binding import Binding, BindingType

from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.record.record_lines import Tab

_EVERYWHERE: Final = [
    bound("record.search", "slash", "search", "Find", "Search this tab"),
    bound("record.raw", "B", "raw", "Raw", "Bodies formatted, or as sent"),
    bound("record.tab", "right_square_bracket", "tab(1)", "Tab", "Next tab", show=False),
    bound("record.tab_back", "left_square_bracket", "tab(-1)", "Tab", "Previous tab", show=False),
    *(
        bound(f"record.{tab}", f"{n}", f"turn_to({n})", tab.label, f"Open the tab {tab.label}", show=False)
        for n, tab in enumerate(Tab, 1)
    ),
]
RECORD_KEYS: Final[list[BindingType]] = [
    *_EVERYWHERE,
    bound(
        "record.copy_menu", "C", "copy_menu", "Copy…", "Copy a message, curl, a member or a link", show=False
    ),
    bound("record.exchange", "full_stop", "pick(1)", "Exchange", "Next exchange, then all"),
    bound("record.exchange_back", "colon", "pick(-1)", "Previous exchange", "Previous exchange", show=False),
    bound("record.signature", "K", "check_signature", "Signature", "Verify the tokens of this stage"),
]


def _handed_on(key: Binding) -> Binding:
    name, _, given = key.action.rstrip(")").partition("(")
    return replace(key, action=f"in_record('{name}'{given and f', {given}'})", show=False)


KEYS_AROUND: Final[list[BindingType]] = [*map(_handed_on, _EVERYWHERE)]
"""The same keys, by the same identifiers, for what is around the view: they hand on to its `in_record`."""
