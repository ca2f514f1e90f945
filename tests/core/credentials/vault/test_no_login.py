"""No login covers an address: the login beside it is named."""

from __future__ import annotations

import pytest

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import NoLogin


async def test_a_login_beside_the_address_is_named(credentials: Credentials, saved: Grant) -> None:
    """Seen-newcomers B10: `/nope` beside a login for `/mcp`."""
    origin = "/".join(saved.resource_url.split("/")[:3])
    with pytest.raises(NoLogin) as beside:
        credentials.covering(f"{origin}/nope-of-none")
    assert f"Did you mean {saved.resource_url}?" in str(beside.value.cure)
    with pytest.raises(NoLogin) as elsewhere:
        credentials.covering("https://nothing-stored.example/nope")
    assert "Did you mean" not in str(elsewhere.value.cure)
