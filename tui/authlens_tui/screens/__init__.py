"""The screens: layout and key bindings only."""
