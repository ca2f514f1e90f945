"""The store as a whole against a simple model, with deaths and failures wherever they fall."""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.store.secret_store import MemoryStore, SecretStoreFailed
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.state.locks import Locks
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.secret import Secret

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SECRETS = st.builds(
    GrantSecrets,
    st.text(min_size=1, max_size=2_500).map(Secret),
    st.none() | st.text(min_size=1, max_size=20).map(Secret),
)


class Died(Exception):
    """The program ended here."""


class Fragile(MemoryStore):
    """Fails when its countdown reaches zero, after having done what was asked or before."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1

    def _tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise SecretStoreFailed("broken")

    async def get(self, entry: str) -> Secret | None:
        self._tick()
        return await super().get(entry)

    async def set(self, entry: str, value: Secret) -> None:
        """Write, then fail: the caller cannot tell."""
        await super().set(entry, value)
        self._tick()

    async def delete(self, entry: str) -> None:
        await super().delete(entry)
        self._tick()


def _grant(name: str, note: str) -> Grant:
    return Grant(
        grant_id=name,
        resource_url=f"https://{name}.example",
        resource=None,
        issuer="https://as.example",
        token_endpoint="https://as.example/token",
        client_id="c",
        redirect_uri="http://localhost:8400/callback",
        obtained_at=NOW,
        refreshed_at=NOW,
        note=note,
    )


class StoreModel(RuleBasedStateMachine):
    """Saves, forgets, dies and fails; the model is a dictionary of what has to be readable."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.store = Fragile()
        self.step: Callable[[SaveStep], None] = lambda _step: None
        self.model: dict[str, tuple[str, GrantSecrets]] = {}
        self.may_be_left = False
        self.credentials = self._open()

    def _open(self) -> Credentials:
        path = Path(self.directory.name)
        index = Index(path / "index.sqlite3")
        return Credentials(index, self.store, Locks(path), on_step=self._on_step)

    def _on_step(self, step: SaveStep) -> None:
        self.step(step)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @rule(target=names, name=st.sampled_from("abc"), note=st.text("xy", max_size=3), secrets=SECRETS)
    def save(self, name: str, note: str, secrets: GrantSecrets) -> str:
        """Save, and it is there."""
        self._run(self.credentials.save(_grant(name, note), secrets))
        self.model[name] = (note, secrets)
        self.may_be_left = False
        return name

    @rule(name=names, note=st.text("xy", max_size=3), secrets=SECRETS, step=st.sampled_from(SaveStep))
    def die(self, name: str, note: str, secrets: GrantSecrets, step: SaveStep) -> None:
        """Die at a step of a save; the switch decides which one is there afterwards."""

        def dies(now: SaveStep) -> None:
            if now is step:
                raise Died

        self.step = dies
        with contextlib.suppress(Died):
            self._run(self.credentials.save(_grant(name, note), secrets))
        self.step = lambda _step: None
        if step in (SaveStep.SWITCHED, SaveStep.OLD_DELETED):
            self.model[name] = (note, secrets)
        self.may_be_left = True
        self.credentials.index.close()
        self.credentials = self._open()

    @rule(name=names, secrets=SECRETS, at=st.integers(1, 12))
    def fail(self, name: str, secrets: GrantSecrets, at: int) -> None:
        """Let one call of the store fail in the middle of a save."""
        self.store.left = at
        try:
            self._run(self.credentials.save(_grant(name, "failing"), secrets))
            self.model[name] = ("failing", secrets)
        except NoSecretStore:
            pass
        self.store.left = -1
        self.may_be_left = True

    @rule(name=consumes(names))
    def forget(self, name: str) -> None:
        assert self._run(self.credentials.forget(name))
        self.model.pop(name, None)
        self.may_be_left = False

    @rule(name=names)
    def update(self, name: str) -> None:
        """Change facts only."""
        grant = self.credentials.index.grant(name)
        if grant is not None:
            self.credentials.update(replace(grant, note="updated"))
            self.model[name] = ("updated", self.model[name][1])

    @invariant()
    def everything_is_readable(self) -> None:
        """What the model has is there, whole, and nothing else is."""
        assert {grant.grant_id for grant in self.credentials.list()} == set(self.model)
        for name, (note, secrets) in self.model.items():
            grant, found = self._run(self.credentials.load(name))
            assert (grant.note, found) == (note, secrets)

    @invariant()
    def every_entry_is_accounted_for(self) -> None:
        """An entry of the store belongs to a valid generation or is noted as left over."""
        index = self.credentials.index
        known = {
            sealed.entry_name(left.key, left.generation, n)
            for left in index.leftovers()
            for n in range(left.entries)
        }
        for grant in self.credentials.list():
            text_entries = [e for e in self.store.values if e.startswith(f"authlens:{grant.grant_id}:")]
            known |= {e for e in text_entries if int(e.split(":")[2]) == grant.generation}
        assert set(self.store.values) <= known
        assert self.may_be_left or index.leftovers() == ()

    def teardown(self) -> None:
        self.credentials.index.close()
        self.loop.close()
        self.directory.cleanup()


StoreModel.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoreModel = StoreModel.TestCase
