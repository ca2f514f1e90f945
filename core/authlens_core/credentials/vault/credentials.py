"""The credentials of this user on this machine: grants in the index, their secrets in the store."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from authlens_core.credentials.records.accounts import account_of_login, login_for
from authlens_core.credentials.records.grant import (
    Grant,
    GrantSecrets,
    GrantState,
    TokenVerdict,
)
from authlens_core.credentials.records.index import AccessKind, Index
from authlens_core.credentials.records.record_json import grant_secrets_from_json, secrets_to_json
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.records.traces import Traces
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.store.secret_store import MemoryStore, SecretStore
from authlens_core.credentials.vault.clients import Clients
from authlens_core.credentials.vault.generations import Generations, PendingWrites, SaveStep, load_secrets
from authlens_core.credentials.vault.service_tokens import ServiceTokens
from authlens_core.state.locks import Locks
from authlens_core.state.paths import state_directory
from authlens_core.values.errors import AuthlensError, LoginNeeded, NoLogin, StateUnusable
from authlens_core.values.finish import finish
from authlens_core.values.fix import fix, step
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import covers, rewrite

# Seconds that closing waits for a write that was started; container runtimes kill a process after 10.
EXIT_BOUND: Final = 6.0
# The facts of the index that name the default account of a resource, whose identifier follows.
DEFAULT_ACCOUNT: Final = "account of "


class Credentials:
    """Everything that logins left behind. Close it with `aclose()`.

    Args:
        index: grants without secrets.
        locks: one refresh, and one save, at a time.
        traces: the file for the last traces of each grant; None keeps them in memory.
        account: the one that a URL means; None for the resource's default. See `accounts.login_for`.
    """

    def __init__(
        self,
        index: Index,
        store: SecretStore,
        locks: Locks,
        *,
        on_step: Callable[[SaveStep], None] = lambda _step: None,
        traces: Path | None = None,
        account: str | None = None,
    ) -> None:
        self.index = index
        self.store = store
        self.locks = locks
        self.account = account
        self.traces = Traces(traces, self._known)
        self.unfinished = PendingWrites()
        self.written = self.unfinished.written
        self.generations = Generations(index, store, locks, self.unfinished, on_step)
        self.clients = Clients(self.generations, self.record)
        self.service_tokens = ServiceTokens(self.generations, self.record)
        self.leaving = asyncio.Event()
        self.before_close: list[Callable[[], None]] = []
        """Called when closing starts, while everything is still open."""
        self.held: dict[str, tuple[Grant, GrantSecrets]] = {}
        """By id, what the server issued and the store did not take; it counts instead of what is stored."""
        # What is stored may be spent. Closing tries to save this again.

    @classmethod
    def open(
        cls,
        store: SecretStore,
        directory: Path | None = None,
        *,
        index: Index | None = None,
        account: str | None = None,
    ) -> Credentials:
        """Open the index of the state directory; a store that forgets gets an index that forgets, too.

        Args:
            index: that index, if it is open; closing the credentials closes it.
            account: as in the constructor.

        Raises:
            StateUnusable: the state directory or the index cannot be used.
        """
        if not store.persistent:
            return cls(Index(None), store, Locks(None), account=account)
        state = state_directory(directory)
        index = index or Index(state / "index.sqlite3")
        return cls(index, store, Locks(state), traces=state / "traces.sqlite3", account=account)

    @classmethod
    async def on(
        cls, store: SecretStore, *, index: Index | None = None, account: str | None = None
    ) -> Credentials:
        """Do the same for a store that is open, and close it if that fails: its helper would stay behind."""
        try:
            return cls.open(store, index=index, account=account)
        except BaseException:  # a Ctrl-C, too
            await store.aclose()
            raise

    @classmethod
    def memory(cls) -> Credentials:
        """Return credentials that are gone when the process ends, and that write no file."""
        return cls.open(MemoryStore())

    async def aclose(self) -> None:
        """Close the index and let go of the store, when what was started has ended.

        A save, and a refresh whose answer is on its way, is waited for, at most `EXIT_BOUND` seconds: it may
        hold the only copy of a token that the server has just replaced. What a store did not take is offered
        to it again. A caller that is cancelled meanwhile waits all the same.
        """
        await finish(self._close())

    async def _close(self) -> None:
        self.leaving.set()
        try:
            for work in tuple(self.before_close):
                work()
            # A refresh token that the server has replaced exists only here: losing it ends the login.
            if self.unfinished or self.held:
                # A task of its own: a bare `wait_for` would cancel the write at the end of the time.
                await asyncio.wait({asyncio.create_task(self._settle())}, timeout=EXIT_BOUND)
                # What is late still notes how far it came: the next start then marks the grant as unknown,
                # not as live.
                await self.unfinished.give_up(1.0)
        finally:
            self.traces.close()
            self.index.close()
            await self.store.aclose()

    async def _settle(self) -> None:
        await self.unfinished.settle()
        for grant, secrets in tuple(self.held.values()):
            with suppress(AuthlensError):
                await self.save(grant, secrets)

    def note_store(self) -> str:
        """Remember which store is in use; call it when the store is open, and show what it returns.

        Returns:
            A sentence where there are logins that were stored in another one, or the empty string.
        """
        places = [
            *(grant.place for grant in self.list()),
            *(token.place for token in self.service_tokens.list()),
        ]
        elsewhere = [kind for kind in places if kind is not self.store.place]
        if elsewhere:
            stored = "1 login is" if len(elsewhere) == 1 else f"{len(elsewhere)} logins are"
            command = self.store.place.move_command
            way = f"To move them here: {command}" if command else "This session cannot use them."
            return f"{stored} stored in {elsewhere[0].words}, but {self.store.name} is open. {way}"
        before, present = self.index.fact("store"), self.store.name
        if before == present or self.index.read_only:
            return ""
        if before is not None and self.list():
            return (
                f"The logins were stored in {before}, but {present} is open: their tokens may not be "
                "found. PYTHON_KEYRING_BACKEND selects the keyring."
            )
        self.index.set_fact("store", present)
        return ""

    def remember_place(self) -> None:
        """Let this store be the one that is opened from now on, without a question; memory is not."""
        if self.store.persistent:
            self.index.set_fact("place", self.store.place)
            self.index.set_fact("store", self.store.name)

    # Grants

    def list(self) -> tuple[Grant, ...]:
        """Return every grant that can be read, newest login first, without revoked ones that expired."""
        grants = self.index.grants()[0]
        if any(grant.state is GrantState.RENEWAL_ENDED for grant in grants):
            return tuple(grant for grant in grants if not grant.is_over)
        return grants

    def get_ready(self) -> None:
        """Load what stores the trace of a login, so that storing it takes less time."""
        import authlens_core.cloudflare.cloudflared_files  # noqa: F401 - what `_known` needs

        self.traces.get_ready()

    def _known(self) -> frozenset[str]:
        from authlens_core.cloudflare.cloudflared_files import CloudflaredDirectory

        grants, damaged = self.index.grants()
        files = (token.token_id for token in CloudflaredDirectory().find())
        return frozenset(
            (*(grant.grant_id for grant in grants), *damaged, *self.service_tokens.ids(), *files)
        )

    def find(self, url: str, kind: CredentialKind | None = None) -> Grant | None:
        """Return the grant for `url`, of this kind: same origin, a prefix of the path; the closest wins.

        Raises:
            NoAccount: the account that was chosen has none, though others have.
        """
        return self._login_for((grant for grant in self.list() if kind in (None, grant.kind)), url)

    def _login_for(self, grants: Iterable[Grant], url: str) -> Grant | None:
        return login_for(tuple(grants), url, self.account, self.index.facts(DEFAULT_ACCOUNT))

    def account_of_login(self, url: str) -> str:
        """Return the account that a login to `url` is for."""
        return account_of_login(self.list(), url, self.account, self.index.facts(DEFAULT_ACCOUNT))

    def choose_account(self, url: str, name: str) -> None:
        """Let a URL mean the account `name` from now on, if it has a login for `url`; else change nothing."""
        account = name.lower()
        if account and any(
            login.account == account and covers(login.resource_url, url) for login in self.list()
        ):
            self.account = account

    def use_account(self, grant: Grant) -> None:
        """Let the account of `grant` be the default of its resource."""
        self.index.set_fact(f"{DEFAULT_ACCOUNT}{grant.resource_identifier}", grant.account)

    def last_login(self, url: str, client_id: str | None, *, by_program: bool = False) -> Grant | None:
        """Return the last login to `url` by this client, else by any; a program's first if `by_program`."""
        account = self.account_of_login(url)
        grants = [grant for grant in self.list() if grant.account == account]
        programs = [grant for grant in grants if by_program and grant.machine is not None]
        for group in (programs, grants):
            # A later login by another client says nothing about who may get what the owner gave this one.
            same_client = (grant for grant in group if grant.client_id == (client_id or ""))
            if last := login_for(same_client, url, account, {}) or login_for(group, url, account, {}):
                return last
        return None

    def covering(self, url: str) -> Grant:
        """Return the grant for `url`, as `find` does.

        Raises:
            NoLogin: there is none.
        """
        grant = self.find(url)
        if grant is None:
            raise self.no_login(url)
        return grant

    def no_login(self, url: str) -> NoLogin:
        """Return the error where no grant covers `url`, with how to get one."""
        root = "/".join((*url.split("/")[:3], ""))
        near = (grant.resource_url for grant in self.list() if grant.resource_url.startswith(root))
        meant = [f"Did you mean {address}? There is a login for it." for address in near][:1]
        login = step("Run", f"authlens login {shlex.quote(url)}")
        cure = rewrite(url) or fix(*meant, login, step("All credentials", "authlens list"))
        return NoLogin(f"There is no login for {url} on this machine.", cure)

    def get(self, grant_id: str) -> Grant:
        """Return one grant.

        Raises:
            LoginNeeded: there is none.
        """
        grant = self.index.grant(grant_id)
        if grant is None:
            raise LoginNeeded("This login is not on this machine.", "Log in first.")
        return grant

    def lock(
        self, grant: Grant, purpose: str, *, bound: float = 30.0, give_up: Callable[[], bool] = bool
    ) -> AbstractAsyncContextManager[None]:
        """Hold the lock of a refresh of a grant; as `Locks.hold`."""
        return self.locks.hold(*refresh_lock(grant), purpose=purpose, bound=bound, give_up=give_up)

    async def save(self, grant: Grant, secrets: GrantSecrets) -> Grant:
        """Store a grant with new secrets, and return it with its generation.

        Raises:
            NoSecretStore: it could not be stored; what was stored before stays, unharmed.
            LockBusy: another process was writing all the time.
        """
        grant = replace(grant, has_refresh_token=secrets.refresh_token is not None)
        text = secrets_to_json(secrets, grant)
        saved = await self.generations.save(LOGINS, grant.grant_id, grant, text)
        self.held.pop(grant.grant_id, None)
        return saved

    async def load(self, grant_id: str) -> tuple[Grant, GrantSecrets]:
        """Return a grant and its secrets, both of one generation.

        Raises:
            LoginNeeded: there is no such grant, or its secrets are gone or damaged (`SecretsDamaged`).
            NoSecretStore: the store could not be asked, or is not the one that they are in.
        """
        if grant_id in self.held:
            # The store has an older refresh token, which the server may no longer accept.
            self.get(grant_id)  # it may have been forgotten meanwhile
            return self.held[grant_id]
        cure = "Log in again to replace them."
        grant, text = await load_secrets(self.store, grant_id, lambda: self.get(grant_id), cure)
        secrets = grant_secrets_from_json(text)
        if secrets is None:
            raise sealed.SecretsDamaged(
                "The tokens of this login cannot be read from the secret store.", cure
            )
        return grant, secrets

    def update(self, grant: Grant) -> Grant:
        """Store the facts of a grant whose secrets stay; another process's newer generation is left alone.

        Returns:
            What is stored now.
        """
        return grant if self.index.update(grant) else self.get(grant.grant_id)

    def note_verdict(self, asked: Grant, at: datetime, *, accepted: bool, words: str = "") -> Grant:
        """Note what the resource said to the access token of `asked`; whatever else is noted stays.

        A token that was replaced meanwhile verifies the login, and says nothing of the present token:
        only the date of the verification is noted.

        Args:
            asked: the grant as it was when its token was sent.
            accepted: what it was.
            words: the same as one sentence, without a secret; it is made safe to show.

        Raises:
            LoginNeeded: there is no such grant any more.
        """

        def change(grant: Grant) -> Grant:
            noted = replace(grant, last_proven_at=at) if accepted else grant
            if grant.refreshed_at != asked.refreshed_at:
                return noted
            verdict = TokenVerdict.ACCEPTED if accepted else TokenVerdict.REFUSED
            return replace(noted, last_tested=at, last_verdict=verdict, last_words=words)

        changed = LOGINS.change(self.index, asked.grant_id, change)
        return self.get(asked.grant_id) if changed is None else changed

    async def forget(self, grant_id: str) -> bool:
        """Remove a grant and its traces from this machine; the server is not asked: its tokens stay valid.

        Returns:
            False if its secrets could not be deleted from the store yet; a later save does it.
        """
        return await self.discard(
            grant_id, AccessKind.FORGOTTEN, "removed from this machine; not revoked at the server"
        )

    async def discard(self, grant_id: str, kind: str, detail: str) -> bool:
        """Remove a grant for another reason than `forget`, with its own words in the history."""
        # One that cannot be read is removed as well.
        grant = LOGINS.readable(self.index, grant_id)
        erased = await self.generations.remove(lambda: LOGINS.remove(self.index, grant_id))
        # After the secrets: traces hold only masks, so they are what may be left over by a crash.
        others = {other.resource_url for other in self.index.grants()[0]}
        urls = () if grant is None or grant.resource_url in others else (grant.resource_url,)
        self.traces.drop(grant_id, *urls)
        self.record(kind, grant_id, detail)
        return erased

    # History

    def record(self, kind: str, grant_id: str, detail: str = "", *, resource: str = "") -> None:
        """Append to the history. `detail` must hold no secret; it is made safe to show.

        Args:
            kind: an `AccessKind`.
            resource: the URL of the credential, in the event that begins it: its name when it is gone.
        """
        # What the history is about has happened: a full disk must not turn it into a failure.
        with suppress(StateUnusable):
            self.index.add_event(kind, grant_id, detail, resource=resource)


def refresh_lock(grant: Grant) -> tuple[str, ...]:
    return "refresh", grant.issuer, grant.client_id, grant.resource_identifier
