"""Moving everything from one store to another: each record is in one of them, whatever happens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, GrantState
from authlens_core.credentials.records.index import Index, Pending
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.store.secret_store import MemoryStore, SecretStore, StoreElsewhere
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.credentials.vault.move import move
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.oauth.client_authentication import Client
from authlens_core.state.locks import Locks
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from support.grants import make_grant
from support.made_checks import present

CLIENT = Client("id", "http://localhost:8400/callback", "client_secret_post", Secret("client-canary"))

SERVICE_TOKEN = ServiceToken(
    "t", "https://ci.example", f"{'0' * 32}.access", datetime(2026, 1, 1, tzinfo=UTC), label="ci"
)

SERVICE_SECRET = Secret("0123456789abcdef" * 4)
SECRETS = {name: GrantSecrets(Secret(f"access {name}"), Secret(f"refresh {name}")) for name in "abc"}


class Died(Exception):
    """The program ended here."""


class Kept(MemoryStore):
    """A store that outlives the credentials on it, in the place of the keyring."""

    persistent = True
    place = StoreKind.KEYRING


Both = Callable[..., tuple[Credentials, Credentials]]


@pytest.fixture(params=["one opening", "two openings"])
async def both(state: Path, request: pytest.FixtureRequest) -> AsyncIterator[Both]:
    """Open credentials on the old store and on the plain file, over one index."""
    old, opened = Kept(), []

    def make(on_step: Callable[[SaveStep], None] = lambda _step: None) -> tuple[Credentials, Credentials]:
        index = Index(state / "index.sqlite3")
        source = Credentials(index, old, Locks(state))
        if request.param == "two openings":
            index = Index(state / "index.sqlite3")
        target = Credentials(index, store_at(StoreKind.FILE), Locks(state), on_step=on_step)
        opened.append((source, target))
        return source, target

    yield make
    for source, target in opened:
        await target.store.aclose()
        source.index.close()
        target.index.close()


async def _fill(source: Credentials) -> None:
    for name, secrets in SECRETS.items():
        grant = make_grant(grant_id=name, resource_url=f"https://{name}.example", resource=None)
        await source.save(grant, secrets)
    await source.clients.remember("https://as.example", CLIENT)
    await source.service_tokens.save(SERVICE_TOKEN, SERVICE_SECRET)


async def test_everything_is_in_the_new_store_and_nothing_in_the_old(both: Both, state: Path) -> None:
    source, target = both()
    await _fill(source)
    report = await move(source, target)
    assert (len(report.logins), len(report.service_tokens), len(report.clients)) == (3, 1, 1)
    assert report.failed == ()
    assert source.index.places_left() == ()
    assert [(await target.load(name))[1] for name in "abc"] == list(SECRETS.values())
    known = present(await target.clients.find("https://as.example", CLIENT.redirect_uri))
    assert known.client_secret == Secret("client-canary")
    token, secret = await target.service_tokens.load("t")
    assert secret == SERVICE_SECRET
    assert (token.label, token.place) == ("ci", StoreKind.FILE)
    assert source.store.values == {}  # type: ignore[attr-defined]
    with pytest.raises(StoreElsewhere, match="plain file"):
        await source.load("a")
    with pytest.raises(StoreElsewhere):
        await source.clients.find("https://as.example", CLIENT.redirect_uri)


@pytest.mark.parametrize("step", SaveStep)
@pytest.mark.parametrize("record", [1, 2])
async def test_a_death_at_any_step_leaves_each_record_in_one_store_and_the_next_move_goes_on(
    both: Both, step: SaveStep, record: int
) -> None:
    """Old or new, never neither; and no copy is left behind in the end."""
    left = [record]

    def die(now: SaveStep) -> None:
        left[0] -= now is step
        if left[0] == 0:
            raise Died

    source, target = both(die)
    await _fill(source)
    with pytest.raises(Died):
        await move(source, target)
    source, target = both()
    for grant in source.list():
        holder = source if grant.place is StoreKind.KEYRING else target
        assert (await holder.load(grant.grant_id))[1] == SECRETS[grant.grant_id]
    report = await move(source, target)
    assert report.failed == ()
    assert [(await target.load(name))[1] for name in "abc"] == list(SECRETS.values())
    await target.generations.sweep()
    assert source.store.values == {}  # type: ignore[attr-defined]
    assert source.index.leftovers() == ()


async def test_one_that_fails_stays_and_does_not_stop_the_others(both: Both) -> None:
    """It is named with its reason; the old place stays the one that is opened."""
    source, target = both()
    await _fill(source)
    real = source.store.get

    async def broken(entry: str) -> Secret | None:
        if entry.startswith("authlens:b:"):
            raise StoreElsewhere(StoreKind.MEMORY, "nowhere")
        return await real(entry)

    source.store.get = broken  # type: ignore[method-assign]
    report = await move(source, target)
    assert [name for name, _ in report.failed] == ["https://b.example"]
    assert len(report.logins) == 2
    source.store.get = real  # type: ignore[method-assign]
    assert (await source.load("b"))[1] == SECRETS["b"]
    assert source.index.fact("place") is None


async def test_a_refresh_that_was_interrupted_is_still_known_after_the_move(both: Both) -> None:
    """H129: moving makes nothing valid that may be spent."""
    source, target = both()
    await _fill(source)
    grant = source.get("a")
    source.index.mark_pending(Pending("a", grant.generation, grant.obtained_at))
    await move(source, target)
    assert target.get("a").state is GrantState.INTERRUPTED


async def test_tokens_that_no_store_took_are_moved_too(both: Both) -> None:
    """H130: the only copy is in this program."""
    source, target = both()
    await _fill(source)
    new = GrantSecrets(Secret("newest"), Secret("newest refresh"))
    source.held["a"] = replace(source.get("a"), note="held"), new
    await move(source, target)
    assert (await target.load("a"))[1] == new
    assert source.held == {}


async def test_a_session_in_memory_can_be_kept_after_all(both: Both) -> None:
    """Where a keyring is there later: another index, and the same action."""
    _, target = both()
    memory = Credentials.memory()
    await _fill(memory)
    assert len((await move(memory, target)).logins) == 3
    assert [(await target.load(name))[1] for name in "abc"] == list(SECRETS.values())
    assert memory.list() == ()
    memory.index.close()


def _meanwhile(store: SecretStore, key: str, act: Callable[[], Awaitable[object]]) -> None:
    """Let somebody act once, just after an entry was read."""
    real, left = store.get, [act]

    async def get(entry: str) -> Secret | None:
        value = await real(entry)
        if entry.startswith(f"authlens:{key}") and left:
            await left.pop()()
        return value

    store.get = get  # type: ignore[method-assign]


async def test_a_service_token_that_is_replaced_while_it_moves_has_the_new_secret(both: Both) -> None:
    """Access shows a secret once: the old one must not come back over the new one."""
    source, target = both()
    await _fill(source)
    other, _ = both()
    _meanwhile(source.store, "t:", lambda: other.service_tokens.save(SERVICE_TOKEN, Secret("f" * 64)))
    report = await move(source, target)
    assert (report.service_tokens, report.failed) == ((SERVICE_TOKEN.url,), ())
    token, secret = await target.service_tokens.load("t")
    assert (secret, token.place) == (Secret("f" * 64), StoreKind.FILE)
    assert source.store.values == {}  # type: ignore[attr-defined]
    assert source.index.leftovers() == ()


async def test_a_client_that_is_registered_anew_while_it_moves_has_the_new_secret(both: Both) -> None:
    """The same for the secret of a client: the server has forgotten the old one."""
    source, target = both()
    await _fill(source)
    other, _ = both()
    anew = replace(CLIENT, client_id="anew", client_secret=Secret("new-canary"))
    _meanwhile(source.store, "client-", lambda: other.clients.remember("https://as.example", anew))
    assert (await move(source, target)).failed == ()
    known = present(await target.clients.find("https://as.example", CLIENT.redirect_uri))
    assert (known.client_id, known.client_secret) == ("anew", Secret("new-canary"))
    assert source.index.leftovers() == ()


async def test_a_login_that_is_made_anew_while_it_moves_has_the_new_tokens(both: Both) -> None:
    """A new login holds no lock of the refresh."""
    source, target = both()
    await _fill(source)
    other, _ = both()
    new = GrantSecrets(Secret("newest"), Secret("newest refresh"))
    _meanwhile(source.store, "b:", lambda: other.save(source.get("b"), new))
    assert (await move(source, target)).failed == ()
    assert (await target.load("b"))[1] == new
    assert source.index.leftovers() == ()


async def test_what_is_removed_while_it_moves_does_not_come_back(both: Both) -> None:
    source, target = both()
    await _fill(source)
    other, _ = both()
    _meanwhile(source.store, "t:", lambda: other.service_tokens.remove("t"))
    report = await move(source, target)
    assert (report.service_tokens, report.failed) == ((), ())
    assert target.service_tokens.list() == ()
    assert source.index.leftovers() == ()


async def test_a_replacement_while_a_session_in_memory_moves_is_not_lost(both: Both) -> None:
    """Two indexes: what was copied is out of date, and is copied again."""
    _, target = both()
    memory = Credentials.memory()
    await _fill(memory)
    _meanwhile(
        memory.store,
        "t:",
        lambda: memory.service_tokens.save(SERVICE_TOKEN, Secret("f" * 64)),
    )
    await move(memory, target)
    assert (await target.service_tokens.load("t"))[1] == Secret("f" * 64)
    assert memory.service_tokens.list() == ()
    memory.index.close()


async def test_the_secrets_of_a_record_that_cannot_be_read_come_along_and_it_is_named(both: Both) -> None:
    """Nothing stays behind in the old store; the record can be forgotten from the new one."""
    source, target = both()
    await _fill(source)
    with source.index.writing() as connection:
        connection.execute("UPDATE grants SET record = '{' WHERE grant_id = 'b'")
        connection.execute("UPDATE service_tokens SET record = '[]'")
        connection.execute("UPDATE clients SET record = 'x'")
    report = await move(source, target)
    assert (len(report.logins), report.service_tokens, report.failed) == (2, (), ())
    assert [(one.kind, one.record_id) for one in report.damaged] == [("oauth", "b"), ("service-token", "t")]
    assert source.store.values == {}  # type: ignore[attr-defined]
    assert await target.forget("b")
    assert target.index.leftovers() == ()
