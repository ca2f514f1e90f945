"""Start a login whose tokens are stored, whose client is reused and whose record is kept.

Another process may run a login for the same resource: `pending_login` runs this one alone, or joins that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.operation import note_nonces
from authlens_core.credentials.lifecycle.probe_call import token_accepted
from authlens_core.credentials.lifecycle.request_headers import no_credential
from authlens_core.credentials.records.grant import (
    Grant,
    GrantSecrets,
    GrantState,
    MachineSource,
    grant_id_for,
)
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import why_nothing_can_be_stored
from authlens_core.credentials.vault.save_login import (
    earlier_logins,
    is_another_user,
    remove_replaced,
    save_login,
)
from authlens_core.desk.session import Session
from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.pending_login import PendingLogin
from authlens_core.login.stage_work import Stored
from authlens_core.login.tampering.editing import EditForm, FormField, RequestChanges
from authlens_core.login.tampering.experiment import Experiment
from authlens_core.login.tampering.experiments import attacks_on, ended_in
from authlens_core.login.tampering.request_edit import EditLocation
from authlens_core.oauth.person import person_in
from authlens_core.state.locks import LockBusy
from authlens_core.trace.events import (
    AuthorizationReady,
    DeviceCodeReady,
    Event,
    StageEnded,
    Watcher,
)
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.values.check import Check, CheckId, Layer, requirement
from authlens_core.values.errors import AuthlensError, LoginNeeded, NoSecretStore, StateUnusable, TimedOut
from authlens_core.values.fix import LOG_IN_AGAIN, Fix, WayOn
from authlens_core.values.login_options import BROWSER_WAIT, Options, StoredOptions, remembered_for

__all__ = [
    "BROWSER_WAIT",
    "AuthlensError",
    "AuthorizationReady",
    "DeviceCodeReady",
    "EditForm",
    "EditLocation",
    "Event",
    "Experiment",
    "Facts",
    "Fix",
    "FormField",
    "Grant",
    "Login",
    "Options",
    "Outcome",
    "PendingLogin",
    "RequestChanges",
    "Stage",
    "StageEnded",
    "StageRecord",
    "Trace",
    "WayOn",
    "attacks_on",
    "discover",
    "ended_in",
    "join_login",
    "missing_credential",
    "pending_login",
    "start_login",
]


_DISCOVERY: Final = frozenset({Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA})
# Tokens that are older belong to a login before the one that was joined.
_OBTAINED_BEFORE: Final = timedelta(minutes=1)


def start_login(
    session: Session, resource_url: str, options: Options | None = None, *, account: str | None = None
) -> Login:
    """Return a login whose tokens are stored in this session, and whose client is reused.

    Args:
        account: the name that they are stored under; None for the one that was chosen, or the default.

    Raises:
        UrlRefused: when the URL cannot be used, with all the reasons.
    """
    credentials = session.credentials
    earlier = None
    with suppress(StateUnusable):  # a login needs no index until its tokens are stored
        # Another authorization server than last time may be a mix-up, so the login compares them.
        chosen = options or Options()
        by_program = chosen.program is not None
        earlier = credentials.last_login(resource_url, chosen.client_id, by_program=by_program)
    login = Login(
        resource_url,
        session.wire,
        options=options,
        registry=credentials.clients,
        keeper=partial(store_tokens, credentials, account=account),
        earlier_issuer=earlier.issuer if earlier is not None else None,
        earlier_by_program=earlier is not None and earlier.machine is not None,
        remembered=_remembered(credentials, resource_url),
    )
    login.watch(lambda event: _note_verdict(credentials, login, event))
    login.watch(_TraceKeeper(credentials, login).on_event)
    return login


def _remembered(credentials: Credentials, url: str) -> dict[str, StoredOptions]:
    """Return what was decided for each issuer in earlier logins; the newest that decided something counts."""
    decided: dict[str, dict[str, str | bool]] = {}
    with suppress(StateUnusable):
        for grant in credentials.list():
            for name, value in remembered_for(grant.remembered, same_url=grant.resource_url == url):
                # By issuer: what one server was allowed, another that is named today must not be.
                decided.setdefault(grant.issuer, {}).setdefault(name, value)
    return {issuer: tuple(options.items()) for issuer, options in decided.items()}


async def discover(
    resource_url: str, options: Options | None = None, *, watcher: Watcher = lambda _event: None
) -> tuple[Facts, Trace]:
    """Find out what protects a resource, and whether a login is possible; nothing is registered or stored.

    Returns:
        What was learned, and the record, whose last stage says what failed if something did.

    Raises:
        UrlRefused: when the URL cannot be used, with all the reasons.
    """
    from authlens_core.wire.client import Wire  # a login has the sender of its session

    async with Wire() as wire, aclosing(Login(resource_url, wire, options=options)) as login:
        login.watch(watcher)
        while login.position in _DISCOVERY:
            record = await login.step()
            if record.outcome is not Outcome.PASSED:
                break
    return login.facts, login.trace


async def missing_credential(resource_url: str) -> AuthlensError:
    """Return what a resource needs for which nothing is stored; it is asked without a credential.

    Returns:
        `NotProtected` where it needs nothing, `NoCredential` where a user can log in, or what stops a login.

    Raises:
        UrlRefused: when the URL cannot be used, with all the reasons.
    """
    facts, trace = await discover(resource_url)
    obstacle = trace.records[-1].error
    if obstacle is not None:
        return obstacle
    by_access = facts.classification is not None and facts.classification.layer is Layer.ACCESS
    return await why_nothing_can_be_stored() or no_credential(resource_url, service_token=by_access)


def pending_login(session: Session, url: str) -> PendingLogin:
    """Return the login for `url`, of this process or of another one."""
    credentials = session.credentials
    account = credentials.account_of_login(url)
    return PendingLogin.of(credentials.locks, url, account, persistent=credentials.store.persistent)


async def join_login(
    session: Session,
    pending: PendingLogin,
    *,
    on_link: Callable[[str, str], None],
    bound: float = BROWSER_WAIT,
) -> Grant:
    """Wait for the login of another process, and return the grant that it stored.

    Args:
        on_link: called with the link of that login, when there is one, and the code that is entered there.

    Raises:
        TimedOut: it lasts longer than `bound` seconds.
        LoginNeeded: it has ended without a token.
    """
    started_at = datetime.now(UTC)
    if not await pending.over(bound, on_link):
        raise TimedOut(f"The other login did not finish within {bound:.0f} seconds.", "Try again.")
    grant = session.credentials.find(pending.url)
    # Its tokens were asked for before its lock was free, and may have been before we came.
    earliest = started_at - _OBTAINED_BEFORE
    if grant is None or grant.state is not GrantState.LIVE or grant.obtained_at < earliest:
        raise LoginNeeded("The other login ended without a token.", LOG_IN_AGAIN)
    return grant


class _TraceKeeper:
    """Keeps the record of a login that received tokens or failed, once, when its requests are over.

    Masking and storing it takes longer than the request that follows the exchange. It is kept after that one;
    after `PATIENCE`, when the user leaves it for later, or it failed or was stopped; or before the
    credentials are closed.
    """

    PATIENCE: Final = 1.0  # seconds

    def __init__(self, credentials: Credentials, login: Login) -> None:
        self._credentials = credentials
        self._login = login
        self._due: asyncio.TimerHandle | None = None

    def on_event(self, event: Event) -> None:
        if isinstance(event, AuthorizationReady | DeviceCodeReady):  # the user is at the browser meanwhile
            asyncio.get_running_loop().run_in_executor(None, self._credentials.get_ready)
        if not isinstance(event, StageEnded):
            return
        may_end = event.record.stage is Stage.EXCHANGE or event.record.outcome is not Outcome.PASSED
        if event.record.stage is Stage.ACCESS:
            self.keep()
        elif may_end and self._due is None:
            self._due = asyncio.get_running_loop().call_later(self.PATIENCE, self.keep)
            self._credentials.before_close.append(self.keep)

    def keep(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
            self._credentials.before_close.remove(self.keep)
        if not self._login.keeps_nothing:
            self._credentials.traces.keep(self._login.facts.grant_id or "", self._login.trace)


def _note_verdict(credentials: Credentials, login: Login, event: Event) -> None:
    """Note what the resource said to a token that this login has just received."""
    if not isinstance(event, StageEnded) or event.record.stage is not Stage.ACCESS:
        return
    grant_id, exchanges = login.facts.grant_id, event.record.exchanges
    if grant_id is None or not exchanges or login.keeps_nothing:
        return
    note_nonces(credentials, exchanges)
    accepted = token_accepted(exchanges[-1])
    if accepted is None:
        return
    reason = event.record.reason
    words = reason.cause if reason else ""
    if accepted:
        words = "The resource accepts the token."
    with suppress(AuthlensError):  # the login has ended well, whether or not this can be noted
        grant = credentials.get(grant_id)
        # A refresh may have replaced the token that was sent: its verdict is not the new one's.
        grant = replace(grant, refreshed_at=login.facts.tokens_asked_at or grant.refreshed_at)
        credentials.note_verdict(grant, datetime.now(UTC), accepted=accepted, words=words)


async def store_tokens(credentials: Credentials, facts: Facts, *, account: str | None = None) -> Stored:
    """Store the tokens of a login and report where; a store that fails is a warning, not the end.

    Args:
        account: as in `start_login`.
    """
    received = grant_of(facts, datetime.now(UTC))
    if received is None:
        return Stored()
    grant, secrets = received
    store, earlier = credentials.store, None
    with suppress(StateUnusable):  # an index that cannot be read refuses the tokens below
        default = credentials.account_of_login(grant.resource_url)
        grant = replace(grant, account=default if account is None else account)
        earlier = next(earlier_logins(credentials.list(), grant), None)
    try:
        grant = await credentials.written(save_login(credentials, grant, secrets))
    except AuthlensError as error:
        failed = requirement(CheckId.EXCHANGE_STORED).warned(error.cause, cure=error.cure)
        return Stored(checks=(failed,))
    with suppress(NoSecretStore, LockBusy):  # the tokens are kept, with or without a line in the history
        await remove_replaced(credentials, grant, facts.lost_clients)
    with suppress(NoSecretStore, LockBusy):
        url = grant.resource_url
        credentials.record(AccessKind.LOGIN, grant.grant_id, f"{url} at {grant.issuer}", resource=url)
    good = requirement(CheckId.EXCHANGE_STORED).passed(f"in {store.name}, read back and verified")
    return Stored(grant.grant_id, (good, *_account_checks(credentials, earlier, grant)))


def _account_checks(credentials: Credentials, earlier: Grant | None, grant: Grant) -> Iterator[Check]:
    """Yield what is said of the earlier login of the account, where it may be another user's."""
    if earlier is None or grant.machine is not None:
        return
    account = requirement(CheckId.EXCHANGE_ACCOUNT)
    if is_another_user(earlier, grant):
        with suppress(AuthlensError):
            name = credentials.get(earlier.grant_id).account
            yield account.noticed(f"The earlier login, of {earlier.person}, stays, as the account {name}.")
    elif earlier.can_refresh and not (earlier.subject and grant.subject):
        yield account.noticed(
            "It is used instead of the earlier login; no token says whether that was the same user."
        )


def grant_of(facts: Facts, now: datetime) -> tuple[Grant, GrantSecrets] | None:
    """Return the tokens the login returned, or None before its exchange has passed."""
    tokens, metadata, client = facts.tokens, facts.server_metadata, facts.client
    if tokens is None or metadata is None or client is None:
        return None
    resource = facts.resource
    asked_at = now if facts.tokens_asked_at is None else facts.tokens_asked_at
    grant = Grant(
        grant_id=grant_id_for(
            metadata.issuer, resource or facts.resource_url.text, client.client_id, client.redirect_uri
        ),
        resource_url=facts.resource_url.text,
        resource=resource,
        issuer=metadata.issuer,
        token_endpoint=metadata.token_endpoint,
        revocation_endpoint=metadata.revocation_endpoint,
        client_id=client.client_id,
        redirect_uri=client.redirect_uri,
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        scope=tokens.scope,
        token_type=tokens.token_type,
        method=facts.method,
        obtained_at=asked_at,
        refreshed_at=asked_at,
        expires_at=facts.expires_at,
        login_ends=tokens.login_lifetime.ends_after(asked_at),
        needs=client.needs,
        remembered=facts.to_remember,
        machine=_machine_source(facts),
    )
    person = person_in(tokens.id_token if facts.wants_id_token else None, tokens.access_token)
    grant = replace(grant, subject=person.subject, person=person.name)
    key = None if facts.dpop_key is None else facts.dpop_key.private_jwk
    secrets = GrantSecrets(
        tokens.access_token,
        tokens.refresh_token,
        client.client_secret,
        key,
        client.client_key,
        None if grant.machine is None else facts.options.idp_client_secret,
        None if grant.machine is None else facts.options.assertion_command,
    )
    return grant, secrets


def _machine_source(facts: Facts) -> MachineSource | None:
    """Return how a program gets its next token; None where a user logged in."""
    if not facts.flow.is_by_program:
        return None
    return MachineSource(**{name: getattr(facts.options, name) for name in MachineSource.__struct_fields__})
