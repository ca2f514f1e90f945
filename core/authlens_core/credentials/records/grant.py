"""What a login leaves behind: a `Grant` without secrets, and the `GrantSecrets` that belong to it.

The two are separate types because they live in separate places: the first in the index, which is a plain
file, the second in the keyring.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, Self

from msgspec import Struct
from msgspec.structs import asdict, replace

from authlens_core.credentials.records.lifetime import is_soon
from authlens_core.credentials.records.owner import digest_of
from authlens_core.values.safe_text import safe_fields
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType, Need
from authlens_core.values.store_kind import CredentialKind, StoreKind

if TYPE_CHECKING:
    from authlens_core.values.login_options import Options

# Two machines that share a state directory may differ by a time zone; more is a clock that is wrong.
CLOCK_TOLERANCE: Final = timedelta(days=1)


class TokenVerdict(StrEnum):
    """What the resource said when it was last asked with a credential."""

    UNTESTED = "untested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    """The answer was about something else than the token: the network, the origin, a block."""


class GrantState(StrEnum):
    """What is known of a grant apart from the clock."""

    LIVE = "live"
    LOGIN_NEEDED = "login needed"
    """The server refused the refresh token (`invalid_grant`): only a user can go on."""
    UNKNOWN = "unknown"
    """A refresh was sent and its answer was lost; the refresh token may be spent."""
    INTERRUPTED = "interrupted"
    """The process ended between sending a refresh and storing its answer."""
    REVOCATION_FAILED = "revocation failed"
    """The server did not confirm a revocation; the tokens are stored so that it can be tried again."""
    REVOKED = "revoked"
    """The server confirmed the revocation."""
    RENEWAL_ENDED = "renewal ended"
    """Nothing renews the access token, and the server cannot revoke it: it works until it expires."""

    @property
    def is_wanted(self) -> bool:
        """Whether the grant is in use: false once a revocation was started."""
        return self not in (GrantState.REVOCATION_FAILED, GrantState.REVOKED, GrantState.RENEWAL_ENDED)


def require_time_zones(record: object, *names: str) -> None:
    """Refuse a record one of whose times is naive.

    Raises:
        ValueError: with its name.
    """
    for name in names:
        moment: datetime | None = getattr(record, name)
        if moment is not None and moment.utcoffset() is None:
            raise ValueError(f"{name} needs a time zone")


class MachineSource(Struct, frozen=True):
    """How a program gets its next token, besides its secrets: the options of its login of the same names.

    Attributes:
        assertion_file: read for each token.
        idp: the token endpoint of an identity provider.
    """

    grant_type: GrantType
    assertion_file: str | None = None
    idp: str | None = None
    idp_client_id: str | None = None


class Grant(Struct, frozen=True):
    """One grant, without its secrets. All times are aware datetimes in UTC.

    Attributes:
        grant_id: see `grant_id_for`.
        resource: the `resource` of the metadata, verbatim (RFC 9728 §2), or None.
        issuer: the authorization server's issuer identifier, verbatim (RFC 8414 §2).
        token_endpoint: where the refresh token goes, and nowhere else.
        revocation_endpoint: RFC 7009 §2, or None if the server has none.
        refreshed_at: when the present access token was asked for.
        expires_at: when the access token ends; None if the server did not say.
        login_ends: when a user has to log in again, whatever is refreshed; None if the server did not say.
        last_tested: when the resource last accepted or refused the present access token.
        last_verdict: which of the two it was; `UNTESTED` where it was not asked with this token yet. An
            answer about something else leaves it as it was.
        last_words: the verdict as one sentence, safe to show; beside `UNTESTED` that on an earlier token.
        machine: how a program got it without a user, and gets the next; None if a user logged in.
        state: what is known apart from the clock.
        note: one sentence on the state.
        remembered: the options of its login that its server's next logins have again, each with its value.
        retry_at: when a refresh that failed for a reason that passes may be tried again; None: at any time.
        attempts: how many refreshes have failed like that, one after another.
        generation: which generation of secrets is the valid one; 0 before the first save.
        needs: what the server wants of the client's requests, as its refusals said.
        account: the name that the user gave the login; empty for the resource's default account.
        subject: the `sub` of the user at the issuer, if a token says it.
        person: what that token calls the user: an address or a name, safe to show.
    """

    grant_id: str
    resource_url: str
    resource: str | None
    issuer: str
    token_endpoint: str
    client_id: str
    redirect_uri: str
    obtained_at: datetime
    refreshed_at: datetime
    expires_at: datetime | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_method: str = "none"  # noqa: S105 - a method, not a password
    scope: str | None = None
    token_type: str = "Bearer"  # noqa: S105 - a type, not a token
    method: Literal["GET", "POST"] = "GET"
    has_refresh_token: bool = False
    last_proven_at: datetime | None = None
    last_tested: datetime | None = None
    last_verdict: TokenVerdict = TokenVerdict.UNTESTED
    last_words: str = ""
    state: GrantState = GrantState.LIVE
    note: str = ""
    retry_at: datetime | None = None
    attempts: int = 0
    generation: int = 0
    place: StoreKind = StoreKind.KEYRING
    needs: tuple[Need, ...] = ()
    remembered: tuple[tuple[str, str | bool], ...] = ()
    machine: MachineSource | None = None
    account: str = ""
    subject: str = ""
    person: str = ""
    login_ends: datetime | None = None

    def __post_init__(self) -> None:
        names = (
            "obtained_at",
            "refreshed_at",
            "expires_at",
            "last_proven_at",
            "last_tested",
            "retry_at",
            "login_ends",
        )
        require_time_zones(self, *names)
        safe_fields(self, "note", "last_words", "account", "person")
        # A record in which it is so was edited; nothing may be reckoned from it.
        if self.expires_at is not None and self.expires_at < self.refreshed_at:
            raise ValueError("expires_at is before refreshed_at")

    @property
    def kind(self) -> CredentialKind:
        return CredentialKind.OAUTH if self.grant_type is None else CredentialKind.MACHINE

    @property
    def resource_identifier(self) -> str:
        """The resource that its tokens are for; the URL of the login where the metadata names none."""
        return self.resource or self.resource_url

    @property
    def account_key(self) -> tuple[str, str]:
        """What the logins of one account at one resource have in common."""
        return self.resource_identifier, self.account

    @property
    def grant_type(self) -> GrantType | None:
        """The grant of a program; None where a user logged in."""
        return None if self.machine is None else self.machine.grant_type

    @property
    def is_renewable(self) -> bool:
        """Whether a new access token needs no user: by a refresh token, or as a program got this one."""
        return self.has_refresh_token or self.machine is not None

    def status(self, now: datetime | None = None) -> CredentialStatus:
        """Return its status at `now` (default: the present)."""
        moment = now or utc_now()
        remaining = None if self.expires_at is None else (self.expires_at - moment).total_seconds()
        # What was decided comes before what was seen, and that before what the clock says. The verdict is on
        # the present token: a refresh or a login gives one that the resource has not seen.
        kind = BY_STATE.get(self.state) or self._verdict_kind or _by_clock(self, remaining)
        note = self.note
        if kind in (StatusKind.REFUSED, StatusKind.UNTESTED):
            note = f"{self.last_words} {note}".strip()
        if self.refreshed_at - moment > CLOCK_TOLERANCE:
            note = "The clock of this machine looks wrong: this token was issued in the future."
        if self.retry_at is not None and timedelta(0) < self.retry_at - moment <= CLOCK_TOLERANCE:
            note = f"{note} Auto-refresh tries again in {_shortly(self.retry_at - moment)}.".lstrip()
        return CredentialStatus(kind, kind.value, remaining, self.can_refresh, note)

    @property
    def _verdict_kind(self) -> StatusKind | None:
        refusal = self.last_words if self.last_verdict is TokenVerdict.UNTESTED else ""
        kind = StatusKind.UNTESTED if refusal else None
        return StatusKind.REFUSED if self.last_verdict is TokenVerdict.REFUSED else kind

    @property
    def is_over(self) -> bool:
        """Whether it is an access token that could not be revoked, and has expired."""
        ended = self.expires_at is not None and self.expires_at <= utc_now()
        return self.state is GrantState.RENEWAL_ENDED and ended

    @property
    def can_refresh(self) -> bool:
        """Whether a new access token can be had now, without a user."""
        return self.state is GrantState.LIVE and self.is_renewable

    def others_of_resource(self, grants: Iterable[Grant]) -> tuple[Grant, ...]:
        """Return the other grants of its account: another client or port is another login."""
        same = (grant for grant in grants if grant.account_key == self.account_key)
        return tuple(grant for grant in same if grant.grant_id != self.grant_id)

    @property
    def remembered_flags(self) -> Iterator[str]:
        """The options of a command that its server's next logins have again."""
        from authlens_core.values.login_options import OPTIONS  # few logins have remembered options

        return (OPTIONS[name].flag for name, _ in self.remembered if name in OPTIONS)

    def machine_options(self, secrets: GrantSecrets | None = None) -> Options:
        """Return the options of another login of the program, with its secrets if they are at hand."""
        from authlens_core.values.login_options import OPTIONS, Options  # a stored token needs none

        source = {} if self.machine is None else asdict(self.machine)
        own = {name: getattr(secrets, name) for name in OPTIONS if hasattr(secrets, name)}
        return Options(client_id=self.client_id, **source, **own)


class GrantSecrets(Struct, frozen=True):
    """The secrets of one generation of a grant.

    `dpop_key` is the private key that its tokens are bound to (RFC 9449), as JSON; `client_key` is what the
    client signs with (RFC 7523), as the user gave it. `assertion_command` prints a program's assertion, and a
    secret may be among its arguments.
    """

    access_token: Secret
    refresh_token: Secret | None = None
    client_secret: Secret | None = None
    dpop_key: Secret | None = None
    client_key: Secret | None = None
    idp_client_secret: Secret | None = None
    assertion_command: Secret | None = None

    @property
    def known(self) -> tuple[Secret, ...]:
        """All of them, to be masked where a server repeats one."""
        secrets: list[Secret | None] = [getattr(self, name) for name in self.__struct_fields__]
        return tuple(secret for secret in secrets if secret)


def grant_id_for(issuer: str, resource: str, client_id: str, redirect_uri: str, *account: str) -> str:
    """Return the identifier of the grant for these, so that a second login replaces the first.

    Two logins that differ in any of them are two grants: the same host with two resources, two issuers or
    two clients never share tokens. The port of a loopback redirect URI is no difference (RFC 8252 §7.3): a
    client listens on whatever port is free.

    Args:
        account: its name, if it has one, and what else tells it from another login of that name.
    """
    # A digest and not a random id: another login to the same resource must find the grant that it replaces.
    return digest_of("grant", issuer, resource, client_id, _on_any_port(redirect_uri), *account)


def _on_any_port(redirect_uri: str) -> str:
    # Reading a stored token needs none.
    from authlens_core.values.login_options import DEFAULT_PORT
    from authlens_core.values.url import usable_url

    url = usable_url(redirect_uri, loopback_http=True)
    # Only of a loopback address may the port change from one login to the next (RFC 8252 §7.3).
    if url is None or not url.is_loopback:
        return redirect_uri
    # Any one port would do; with the default of `--port`, most grants keep the identifier that they have.
    return replace(url, port=DEFAULT_PORT).text


class StatusKind(StrEnum):
    """The status of a credential at one moment, in the words of the dashboard.

    Attributes:
        symbol: one character that says it without colour.
    """

    symbol: str

    LIVE = "live", "●"
    UNKNOWN_END = "live, no expiry", "●"
    SOON = "expires soon", "◐"
    REFRESHABLE = "expired, refreshable", "○"
    EXPIRED = "expired", "×"
    LOGIN_NEEDED = "login needed", "×"
    UNKNOWN = "refresh unknown", "?"
    INTERRUPTED = "refresh interrupted", "?"
    REVOCATION_FAILED = "revocation failed", "!"
    REVOKED = "revoked", "-"
    RENEWAL_ENDED = "renewal ended", "-"
    REFUSED = "resource refuses it", "×"
    """The resource refused it when it was last asked."""
    UNTESTED = "not tested", "?"
    """Nothing has said yet whether it works: a service token, or a login whose tokens were all refused."""
    LOGIN_WAITING = "login in progress", "…"
    """Another program waits for a user to log in (cloudflared)."""
    UNREADABLE = "cannot be read", "!"
    NOT_YET = "not valid yet", "…"
    """Its time starts later (cloudflared)."""
    FOREIGN = "for another app", "×"
    """It is not for the application in whose name it is stored (cloudflared)."""

    def __new__(cls, word: str, symbol: str) -> Self:
        kind = str.__new__(cls, word)
        # The symbol stays out of the value, which scripts read in `list --json`.
        kind._value_, kind.symbol = word, symbol
        return kind


# Every state but LIVE says more than the clock.
BY_STATE: Final[Mapping[GrantState, StatusKind]] = {
    state: StatusKind[state.name] for state in GrantState if state is not GrantState.LIVE
}


class CredentialStatus(Struct, frozen=True):
    """The status of a credential at one moment.

    Attributes:
        word: the same in words.
        remaining_seconds: seconds until the access token ends, negative afterwards; None if unknown.
        refreshable: true when a refresh may help and no person is needed first.
        note: what is odd about it, or the empty string.
    """

    kind: StatusKind
    word: str
    remaining_seconds: float | None
    refreshable: bool = False
    note: str = ""


def _by_clock(grant: Grant, remaining: float | None) -> StatusKind:
    if remaining is None:
        return StatusKind.UNKNOWN_END
    if remaining > 0 and not is_soon(remaining, grant.refreshed_at, grant.expires_at):
        return StatusKind.LIVE
    if remaining > 0:
        return StatusKind.SOON
    return StatusKind.REFRESHABLE if grant.is_renewable else StatusKind.EXPIRED


def _shortly(wait: timedelta) -> str:
    seconds = max(1, round(wait.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def utc_now() -> datetime:
    return datetime.now(UTC)


_WORKS: Final = frozenset({StatusKind.LIVE, StatusKind.SOON, StatusKind.UNKNOWN_END})
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def working_logins(grants: Iterable[Grant], now: datetime) -> Mapping[str, Grant]:
    """Return for each resource URL the grant whose access token works longest, if there is one.

    One that the resource refuses, or whose revocation was tried, does not count, whatever its expiry.
    """
    works = [grant for grant in grants if grant.status(now).kind in _WORKS]
    return {grant.resource_url: grant for grant in sorted(works, key=lambda grant: grant.expires_at or _LAST)}
