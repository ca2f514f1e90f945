r"""A file of options for curl's `--config`: one line each, so that no value becomes an option or an address.

Source: docs/cmdline-opts/config.md and `parseconfig` (src/tool_parsecfg.c) of curl 8.14.1. A line is a name
without dashes, ` = ` and a value in quotes, in which a backslash escapes the next character.
"""

from __future__ import annotations

from authlens_core.grammars.curl_header import has_control_character


def config_line(name: str, value: str | None = None) -> str:
    """Return one line with the option `name`, and its line end.

    Raises:
        ValueError: the value has a control character, which no URL and no field of a request has.
    """
    if value is None:
        return f"{name}\n"
    if has_control_character(value):
        raise ValueError("a value has a control character")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{quoted}"\n'
