"""Text for a widget, before anything is known of the widget's size."""

import pytest

from authlens_tui.terminal.content import Content


@pytest.mark.parametrize("width", [-3, 0, 1])
def test_text_is_wrapped_at_any_width(width: int) -> None:
    """H300: a widget that is hidden, or smaller than its border, has no cell."""
    lines = Content("one two").wrap(width)
    assert [line.plain for line in lines] == ["o", "n", "e", "", "t", "w", "o"]
