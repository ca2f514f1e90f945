"""A key of a screen or a widget, as one line of a table."""

from __future__ import annotations

from textual.binding import Binding


def bound(
    known_as: str,
    key: str,
    action: str,
    name: str,
    meaning: str,
    *,
    show: bool = True,
    sign: str | None = None,
    priority: bool = False,
) -> Binding:
    """Return the binding of a key.

    Args:
        known_as: its name in the user's configuration, such as `trace.save`.
        name: a word or two for the footer.
        meaning: a short sentence for the help, the palette and the mouse.
        show: false for a key that the footer leaves out.
        sign: the key as the footer shows it, where Textual would show its name.
        priority: true for a key that works even where a field with the focus takes it.
    """
    return Binding(
        key, action, name, id=known_as, tooltip=meaning, show=show, key_display=sign, priority=priority
    )
