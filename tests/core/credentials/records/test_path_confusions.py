"""A public corpus of paths that servers read in different ways, against everything that judges a path."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.plain_token import NotPlain, plain_login
from authlens_core.oauth.discovery.resource_metadata import read_resource_metadata
from authlens_core.values.errors import NoLogin
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.secret import Body
from authlens_core.values.url import covers, usable_url
from support.grants import grant, put

CORPUS: Final = tomllib.loads((Path(__file__).parent / "path_confusions.toml").read_text("utf-8"))
PATHS: Final = [entry["path"] for entry in CORPUS["confusion"]]


@pytest.fixture
def index_path(tmp_path: Path) -> Path:
    """The index of a login for /app."""
    path = tmp_path / "index.sqlite3"
    index = Index(path)
    resource = "https://wiki.example.com/app"
    put(index, replace(grant(), resource=resource, resource_url=resource), 1)
    index.close()
    return path


@pytest.mark.parametrize("path", PATHS)
def test_an_ambiguous_path_is_below_no_path(path: str) -> None:
    """H322."""
    assert not covers("https://h/app", f"https://h{path}")
    assert not covers("https://h/app/", f"https://h{path}")


@pytest.mark.parametrize("path", PATHS)
def test_the_short_way_of_token_gives_nothing_for_an_ambiguous_path(index_path: Path, path: str) -> None:
    """H322: it leaves the URL to the whole program, or finds no login."""
    with suppress(NotPlain):
        assert plain_login(index_path, f"https://wiki.example.com{path}") is None


@pytest.mark.parametrize("path", PATHS)
def test_metadata_of_another_path_is_not_believed_for_an_ambiguous_one(path: str) -> None:
    """RFC 9728 §3.3."""
    url = usable_url(f"https://h{path}")
    if url is None:
        return
    document = b'{"resource": "https://h/app", "authorization_servers": ["https://team.example"]}'
    fields = Headers.of([("content-type", "application/json")])
    response = Response(200, headers=fields, body=Body(document))
    assert read_resource_metadata(response, requested=url, loopback_http=False).value is None


@pytest.mark.parametrize("resource", ["/a//b", "/a;v=1/..;", "/a%2f/b", "/a/%252e%252e"])
def test_a_resource_with_an_ambiguous_path_covers_itself_alone(resource: str) -> None:
    assert covers(f"https://h{resource}", f"https://h{resource}")
    assert not covers(f"https://h{resource}", f"https://h{resource}/x")


@pytest.mark.parametrize("path", ["/app/..;/admin", "/app//admin", "/app/%252e"])
async def test_a_url_that_is_not_covered_for_its_path_says_how_to_write_it(path: str) -> None:
    credentials = Credentials.memory()
    with pytest.raises(NoLogin) as refused:
        credentials.covering(f"https://h{path}")
    assert "Write it without //" in str(refused.value.cure)
    with pytest.raises(NoLogin) as missing:
        credentials.covering("https://h/app/x")
    assert "authlens login https://h/app/x" in str(missing.value.cure)
    await credentials.aclose()
