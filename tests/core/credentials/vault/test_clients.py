"""Registered clients are reused (RG-12)."""

from typing import Any

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.secret import Secret

ISSUER = "https://as.example"
REDIRECT = "http://localhost:8400/callback"
PUBLIC = Client("public-id", REDIRECT)

CONFIDENTIAL = Client(
    "confidential-id",
    REDIRECT,
    "client_secret_basic",
    Secret("s3cret"),
    registration_access_token=Secret("manage"),
    registration_client_uri="https://as.example/register/1",
    client_secret_expires_at=0,
    scope="a b",
    issued_at=1,
)


async def test_a_client_comes_back_as_it_was(credentials: Credentials) -> None:
    """RG-12: with its secrets and every field."""
    for client in (PUBLIC, CONFIDENTIAL, PUBLIC):
        await credentials.clients.remember(ISSUER, client)
        assert await credentials.clients.find(ISSUER, REDIRECT) == client


async def test_a_client_and_its_line_in_the_history_are_one_transaction(credentials: Credentials) -> None:
    """Each waits for the disk four times, while the user waits for the link."""
    statements: list[str] = []
    credentials.index.connection.set_trace_callback(statements.append)
    await credentials.clients.remember(ISSUER, PUBLIC)
    credentials.index.connection.set_trace_callback(None)
    assert statements.count("COMMIT") == 1
    assert "public-id" in credentials.index.events()[0].detail


async def test_a_client_is_known_at_one_issuer_for_one_redirect_uri(credentials: Credentials) -> None:
    """RG-12: host and port are part of the key, and so is the issuer, slash for slash."""
    await credentials.clients.remember(ISSUER, PUBLIC)
    assert await credentials.clients.find(f"{ISSUER}/", REDIRECT) is None
    assert await credentials.clients.find(ISSUER, REDIRECT.replace("localhost", "127.0.0.1")) is None
    assert await credentials.clients.find(ISSUER, REDIRECT.replace("8400", "8401")) is None


async def test_a_forgotten_client_is_gone_and_stays_in_the_history(
    credentials: Credentials, store: Any
) -> None:
    """Register again, keep the old id in the history."""
    await credentials.clients.remember(ISSUER, CONFIDENTIAL)
    await credentials.clients.forget(ISSUER, REDIRECT)
    assert await credentials.clients.find(ISSUER, REDIRECT) is None
    assert store.entries == {}
    assert "confidential-id" in credentials.index.events()[0].detail


async def test_a_client_without_its_secret_is_not_known(credentials: Credentials, store: Any) -> None:
    """Amazon-q #948: half a registration would fail in a confusing way."""
    await credentials.clients.remember(ISSUER, CONFIDENTIAL)
    store.entries.clear()
    assert await credentials.clients.find(ISSUER, REDIRECT) is None


async def test_a_client_whose_secret_expired_is_not_known(credentials: Credentials) -> None:
    """RFC 7591 §3.2.1: client_secret_expires_at, 0 being never."""
    await credentials.clients.remember(
        ISSUER, Client("x", REDIRECT, "client_secret_post", Secret("s"), client_secret_expires_at=1)
    )
    assert await credentials.clients.find(ISSUER, REDIRECT) is None


async def test_forgetting_a_client_that_is_not_there_does_nothing(credentials: Credentials) -> None:
    await credentials.clients.forget(ISSUER, REDIRECT)
    assert credentials.index.events() == ()
