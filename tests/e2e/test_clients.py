"""`authlens clients` and `client-metadata` as processes."""

import json
from pathlib import Path

import pytest

from support.verb_process import authlens, emulated, log_in, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
URL = "https://client.example/authlens.json"


async def test_a_client_is_listed_kept_while_a_login_uses_it_and_deleted_afterwards(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    async with emulated("--profile", "generic") as url:
        await log_in(machine, url)
        (client,) = json.loads((await authlens(machine, "clients", "--json")).answer)
        assert client["deletable"] is True
        refused = await authlens(machine, "clients", "--forget", client["client_id"])
        assert (refused.code, "authlens revoke" in " ".join(refused.words.split())) == (2, True), (
            refused.words
        )
        assert (await authlens(machine, "revoke", url)).code == 0
        done = await authlens(machine, "clients", "--forget", client["client_id"])
        assert (done.code, "reading it returned 401" in done.words) == (0, True), done.words
        assert json.loads((await authlens(machine, "clients", "--json")).answer) == []


async def test_the_document_to_host_names_its_own_url(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    done = await authlens(machine, "client-metadata", URL, "--port", "9000")
    document = json.loads(done.answer)
    assert document["client_id"] == URL
    assert document["redirect_uris"] == ["http://localhost:9000/callback", "http://127.0.0.1:9000/callback"]
    for wrong in ("http://client.example/a", "https://client.example", "https://client.example/a#b"):
        assert (await authlens(machine, "client-metadata", wrong)).code == 2
