"""Each identifier of a cause is that of a row, and each row has one."""

from __future__ import annotations

from authlens_core.diagnosis.causes import CAUSES, client_messages, server_messages
from authlens_core.values.check import CauseId


def test_every_identifier_is_used_by_a_row() -> None:
    messages = (cause for cause in client_messages() if "." not in cause.name)
    of_users = (cause for cause in CAUSES if not cause.grants)
    names = {cause.name for cause in (*of_users, *messages)}
    assert set(CauseId) <= names <= {*CauseId, *(cause.name for cause in server_messages())}
