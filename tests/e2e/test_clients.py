"""`authlens clients` and `client-metadata` as processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.verb_process import authlens, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

URL = "https://client.example/authlens.json"


async def test_the_document_to_host_names_its_own_url(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    done = await authlens(machine, "client-metadata", URL, "--port", "9000")
    document = json.loads(done.answer)
    assert document["client_id"] == URL
    assert document["redirect_uris"] == ["http://localhost:9000/callback", "http://127.0.0.1:9000/callback"]
    for wrong in ("http://client.example/a", "https://client.example", "https://client.example/a#b"):
        assert (await authlens(machine, "client-metadata", wrong)).code == 2
