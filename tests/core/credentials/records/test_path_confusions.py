"""A public corpus of paths that servers read in different ways, against everything that judges a path."""

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


ORDINARY: Final = (
    *("/app", "/app/", "/app/x", "/app/a%20b", "/app/a;v=1", "/app/v1.2/x", "/app/.well-known/x", "/app/..x"),
    *("/app/%C3%9Cbersicht", "/app/%D0%9E%D0%B1%20%D0%B5%D0%B4%D0%B5", "/app/%E4%B8%AD%E6%96%87", "/app/a,b"),
    *("/app/What%3F", "/app/C%23", "/app/a:b@c", "/app/a+b/+/c", "/app/%C4%AF%C5%A1/x", "/app/don%E2%80%99t"),
    *("/app/a%E2%80%93b", "/app/$metadata", "/app/(a)!*", "/app/~x/-/_", "/app/x?q=..%2f", "/app/%7Bid%7D"),
    # npm: a package with a scope; a title with a slash.
    *("/app/@scope%2fname", "/app/%40scope%2Fname/-/name-1.0.0.tgz", "/app/TCP%2FIP"),
    # Emoji, one of them of three with joiners between; brackets of Japanese; a Persian word.
    *("/app/%F0%9F%8E%89", "/app/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB", "/app/%E3%80%8C%E3%81%82%E3%80%8D"),
    *("/app/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85", "/app/20%C2%B0C"),
)


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
def test_the_whole_origin_has_no_way_out(path: str) -> None:
    """Its credential goes to every path that a URL may have; the host stays the same."""
    url = usable_url(f"https://h{path}")
    assert covers("https://h", f"https://h{path}") is (url is not None)
    assert url is None or url.origin == "https://h"


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


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_paths_are_covered(path: str) -> None:
    assert covers("https://h/app", f"https://h{path}")
    assert covers("https://h", f"https://h{path}")


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
