"""The table of `authlens list`: the kind says which server issued a token, in few cells."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.credentials.records.grant import GrantState
from authlens_tui.cli.stored.credential_list import show_table, table_lines
from support.grants import NOW, grant


def test_two_logins_to_one_resource_are_told_apart_by_their_age() -> None:
    """Each login with `--port 0` registers a client, and one client's tokens never replace another's."""
    older = replace(grant("a"), grant_id="older", obtained_at=NOW - timedelta(hours=3))
    newer = replace(grant("a"), grant_id="newer", obtained_at=NOW - timedelta(minutes=2))
    other = grant("b")
    _, lines = table_lines(inventory_of([older, newer, other]), NOW)
    ends = [line.partition(" at ")[2] for line, _ in lines]
    team = ends[2]
    assert ends == [f"{team}, login 3 h ago", f"{team}, login 2 min ago", team]


def test_a_note_beside_a_table_that_is_read_by_a_program_names_its_url(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a pipe it does not come below its row."""
    noted = replace(grant("a"), state=GrantState.LOGIN_NEEDED, note="The server ended the login.")
    show_table(inventory_of([noted]))
    assert capsys.readouterr().err == f"{noted.resource_url}: The server ended the login.\n"
