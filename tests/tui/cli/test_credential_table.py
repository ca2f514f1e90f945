"""The table of `authlens list`: the kind says which server issued a token, in few cells."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.credentials.inventory.inventory import holdings_of
from authlens_tui.cli.credential_table import table_lines
from support.grants import NOW, grant


def test_the_kind_names_the_server_without_its_scheme() -> None:
    local = replace(grant("a"), issuer="http://127.0.0.1:41341")
    _, [(line, _)] = table_lines(holdings_of([local]), NOW)
    assert line.endswith("OAuth at 127.0.0.1:41341")
