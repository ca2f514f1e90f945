"""Every credential that this machine holds, of every kind, as rows of one table.

An `InventoryEntry` is what all kinds have in common; the credential itself stays in it. Everything here
is a function of values: nothing is read, written or asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from authlens_core.cloudflare.cloudflared_token import CloudflaredKind, CloudflaredToken, sure_address
from authlens_core.cloudflare.team import is_team_host
from authlens_core.credentials.records.grant import (
    CredentialStatus,
    Grant,
    StatusKind,
    utc_now,
)
from authlens_core.credentials.records.lifetime import is_soon
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.values.safe_text import safe_line
from authlens_core.values.store_kind import CredentialKind

SOON: Final = timedelta(minutes=15)
AHEAD: Final = timedelta(hours=24)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_EVER: Final = datetime.min.replace(tzinfo=UTC)
# Characters of a text that is shown: a server chooses its URL and its issuer, and may fill no screen.
_LONGEST: Final = 300

_URGENT: Final = (
    # Tokens that should be dead come first, then what stops work now, then what will; what is over comes
    # last.
    StatusKind.REVOCATION_FAILED,
    StatusKind.LOGIN_NEEDED,
    StatusKind.REFUSED,
    StatusKind.UNKNOWN,
    StatusKind.INTERRUPTED,
    StatusKind.LOGIN_WAITING,
    StatusKind.EXPIRED,
    StatusKind.UNREADABLE,
    StatusKind.FOREIGN,
    StatusKind.NOT_YET,
    StatusKind.REFRESHABLE,
    StatusKind.SOON,
    StatusKind.LIVE,
    StatusKind.UNKNOWN_END,
    StatusKind.UNTESTED,
    StatusKind.RENEWAL_ENDED,
    StatusKind.REVOKED,
)


class SortOrder(StrEnum):
    """How the table is sorted, in the words that say so."""

    ENDS = "by expiry"
    NEEDS = "most urgent first"
    NEWEST = "newest first"
    RESOURCE = "by resource"
    PROVEN = "longest unverified first"
    KIND = "by kind"
    TEAM = "by team"
    PERSON = "by account"

    def following(self) -> SortOrder:
        """Return the next one, round and round."""
        orders = list(SortOrder)
        return orders[(orders.index(self) + 1) % len(orders)]

    def arrange(self, entries: Iterable[InventoryEntry], now: datetime) -> tuple[InventoryEntry, ...]:
        return tuple(sorted(entries, key=lambda entry: (*self._rank(entry, now), entry.title)))

    def _rank(self, entry: InventoryEntry, now: datetime) -> tuple[Any, ...]:
        ends = entry.token_ends or _NEVER
        match self:
            case SortOrder.ENDS:
                return (ends,)
            case SortOrder.NEEDS:
                # What has just expired is more likely missed than what expired last month.
                return _URGENT.index(entry.status(now).kind), abs(ends - now)
            case SortOrder.NEWEST:
                return (_NEVER - (entry.since or _EVER),)
            case SortOrder.PROVEN:
                # Never verified comes first: nothing is known of it.
                return (entry.last_proven_at or _EVER,)
            case SortOrder.RESOURCE:
                return ()
            case SortOrder.KIND:
                return entry.kind, ends
            case SortOrder.TEAM:
                return not entry.team, entry.team
            case SortOrder.PERSON:
                return not entry.person, entry.person


class InventoryEntry(Struct, frozen=True):
    """One credential. Every text is safe to show and holds no secret.

    Attributes:
        entry_id: of the grant, the service token or the file of cloudflared; unique among all of them.
        title: what it opens, without `https://`, and the name of its account.
        url: what to call to see whether it works; empty if nothing can be called with it, and where what
            is known of it can mean several addresses.
        team: the team domain, else the host of the login server; empty if unknown.
        person: whom it names; empty if it does not say.
        token_ends: when what is sent to the resource ends; None if unknown.
        login_ends: when the login behind it ends, so that a user is needed; None if unknown.
    """

    entry_id: str
    kind: CredentialKind
    title: str
    url: str
    team: str
    person: str
    token_ends: datetime | None
    since: datetime | None
    source: Grant | CloudflaredToken | ServiceToken
    login_ends: datetime | None = None
    last_proven_at: datetime | None = None

    @property
    def grant(self) -> Grant | None:
        return self.source if isinstance(self.source, Grant) else None

    def require_grant(self) -> Grant:
        """Return the grant, for an action that applies to grants alone.

        Raises:
            ValueError: it is another kind of credential.
        """
        if self.grant is None:
            raise ValueError("only a grant can be refreshed or revoked")
        return self.grant

    @property
    def cloudflared(self) -> CloudflaredToken | None:
        return self.source if isinstance(self.source, CloudflaredToken) else None

    @property
    def service_token(self) -> ServiceToken | None:
        return self.source if isinstance(self.source, ServiceToken) else None

    @property
    def is_of_team(self) -> bool:
        """Whether its login server is a team's of Cloudflare Access."""
        return is_team_host(self.team)

    @property
    def can_be_asked_about(self) -> bool:
        """True if a resource can be asked whether it works; which one may have to be found first."""
        token = self.cloudflared
        if token is None:
            return bool(self.url)
        return token.opens_application and not token.problem and "*" not in token.host

    def status(self, now: datetime) -> CredentialStatus:
        """Return its status at `now`, in the words that all kinds share."""
        match self.source:
            case CloudflaredToken() as token:
                return describe_cloudflared(token, now)
            case held:
                return held.status(now)

    def life_left(self, now: datetime) -> float | None:
        """Return the share of its life that the token has left, from 0 to 1; None if unknown."""
        began, ends = self._began, self.token_ends
        if ends is None:
            return None
        if ends <= now:
            return 0.0
        if began is None or began >= ends:
            return None
        return min(1.0, (ends - now) / (ends - began))

    @property
    def _began(self) -> datetime | None:
        match self.source:
            case Grant() as grant:
                return grant.refreshed_at
            case CloudflaredToken() as token:
                return token.issued_at
            case token:
                return token.secret_from or token.added_at

    @property
    def user_needed_at(self) -> datetime | None:
        """When it stops to work unless a user logs in; None if unknown, or if no user is ever needed."""
        if self.login_ends is not None:
            return self.login_ends
        is_renewed = self.grant is not None and self.grant.can_refresh
        return None if is_renewed else self.token_ends

    @property
    def words(self) -> str:
        """What a filter looks in, besides kind and state, in small letters."""
        return f"{self.title}\n{self.team}\n{self.person}".casefold()

    def matches(self, text: str, now: datetime) -> bool:
        """Return whether it has every word of `text`, in any case, anywhere in what a row shows.

        Looked in are resource, team, person, kind and state.
        """
        shown = self.words
        missing = [word for word in text.casefold().split() if word not in shown]
        # The status takes longest, and few searches are for one.
        more = f"{self.kind.label}\n{self.status(now).word}".casefold() if missing else ""
        return all(word in more for word in missing)


def inventory_of(
    grants: Iterable[Grant],
    cloudflared: Iterable[CloudflaredToken] = (),
    service_tokens: Iterable[ServiceToken] = (),
) -> tuple[InventoryEntry, ...]:
    """Return one row for each credential, in the order given.

    What one kind tells is used for the others: an application token of cloudflared ends for good with the
    organisation token of its team, and a service token is of the team that guards the same host.
    """
    files = tuple(cloudflared)
    # A token of an application is renewed by the login at the team for as long as that lasts.
    logins = {
        token.team: token.expires_at
        for token in files
        if token.kind is CloudflaredKind.ORGANISATION and token.team
    }
    entries = [*map(_of_grant, grants), *(_of_cloudflared(token, logins) for token in files)]
    teams = {_host(entry.title): entry.team for entry in entries if entry.is_of_team}
    entries += [_of_service_token(token, teams) for token in service_tokens]
    return tuple(entries)


class Expiries(Struct, frozen=True):
    """When the credentials in use expire.

    Attributes:
        expired: how many have.
        soon: how many will within `SOON`.
        coming: the title of each that will within `AHEAD`, and when, the next one first.
    """

    expired: int = 0
    soon: int = 0
    coming: tuple[tuple[str, datetime], ...] = ()


def expiries_of(entries: Iterable[InventoryEntry], now: datetime) -> Expiries:
    """Return when the credentials that someone still wants expire."""
    ends = [
        (entry.token_ends, entry.title)
        for entry in entries
        if entry.token_ends is not None and (entry.grant is None or entry.grant.state.is_wanted)
    ]
    coming = sorted((end, title) for end, title in ends if now < end <= now + AHEAD)
    return Expiries(
        sum(end <= now for end, _ in ends),
        sum(end <= now + SOON for end, _ in coming),
        tuple((title, end) for end, title in coming),
    )


def _host(title: str) -> str:
    return title.partition("/")[0].partition(" ")[0]


def _of_grant(grant: Grant) -> InventoryEntry:
    return InventoryEntry(
        entry_id=grant.grant_id,
        kind=grant.kind,
        title=_title_of(grant),
        url=grant.resource_url,
        team=safe_line(_host(grant.issuer.rpartition("://")[-1]), _LONGEST),
        person=safe_line(_account_of(grant), _LONGEST),
        token_ends=grant.expires_at,
        login_ends=grant.login_ends,
        since=grant.obtained_at,
        last_proven_at=grant.last_proven_at,
        source=grant,
    )


def _title_of(grant: Grant) -> str:
    """Return its resource, with its account if it has a name: two logins there are told apart by it."""
    title = safe_line(_bare(grant.resource_url), _LONGEST)
    return f"{title} ({grant.account})" if grant.account else title


def _account_of(grant: Grant) -> str:
    """Return whom a login names: its account, and the user or the client of a program."""
    person = grant.person if grant.kind is CredentialKind.OAUTH else grant.client_id
    if grant.account and person not in ("", grant.account):
        return f"{grant.account} ({person})"
    return grant.account or person


def _of_cloudflared(token: CloudflaredToken, logins: dict[str, datetime | None]) -> InventoryEntry:
    is_login = token.kind is CloudflaredKind.ORGANISATION
    return InventoryEntry(
        entry_id=token.token_id,
        kind=CredentialKind.CLOUDFLARED,
        title=f"{token.host} (team login)" if is_login else token.host,
        url="" if is_login or token.problem else sure_address(token.host),
        team=token.team,
        person=token.person,
        token_ends=token.expires_at,
        login_ends=token.expires_at if is_login else logins.get(token.team),
        since=token.issued_at,
        source=token,
    )


def _of_service_token(token: ServiceToken, teams: dict[str, str]) -> InventoryEntry:
    title = safe_line(_bare(token.url), _LONGEST)
    return InventoryEntry(
        entry_id=token.token_id,
        kind=CredentialKind.SERVICE_TOKEN,
        title=title,
        url=token.url,
        team=teams.get(_host(title), ""),
        person=safe_line(token.label or token.client_id, _LONGEST),
        token_ends=token.expires_at,
        since=token.added_at,
        last_proven_at=token.last_proven_at,
        source=token,
    )


def _bare(url: str) -> str:
    return url.removeprefix("https://").removesuffix("/")


# -- cloudflared -------------------------------------------------------------------------------------------


def describe_cloudflared(token: CloudflaredToken, now: datetime | None = None) -> CredentialStatus:
    """Return the status of `token` at `now` (default: the present). Nothing here can refresh it."""
    moment = now or utc_now()
    left = None if token.expires_at is None else (token.expires_at - moment).total_seconds()
    waits = token.lock is not None and token.lock.holds
    kind = _cloudflared_kind(token, left, moment, waits=waits)
    note = token.problem if kind is StatusKind.UNREADABLE else ""
    if kind is StatusKind.FOREIGN:
        note = (
            "The token in this file is not for the application in its name, so it is not sent. To get "
            "the right token: authlens login URL --cloudflared"
        )
    if kind is StatusKind.NOT_YET and token.not_before is not None:
        note = f"It is valid from {token.not_before:%Y-%m-%d %H:%M:%S} UTC. Check this machine's clock."
    if kind is StatusKind.EXPIRED:
        note = "cloudflared removes it at the next login: authlens login URL --cloudflared"
    if waits and token.lock is not None:
        note = f"{note} cloudflared (process {token.lock.pid}) waits for a login.".lstrip()
    return CredentialStatus(kind, kind.value, left, note=note)


def _cloudflared_kind(
    token: CloudflaredToken, left: float | None, now: datetime, *, waits: bool
) -> StatusKind:
    if token.problem:
        return StatusKind.LOGIN_WAITING if waits or token.pending_url else StatusKind.UNREADABLE
    if left is not None and left <= 0:
        return StatusKind.LOGIN_WAITING if waits else StatusKind.EXPIRED
    if token.is_foreign:
        return StatusKind.FOREIGN
    if token.is_early(now):
        return StatusKind.NOT_YET
    if left is None:
        return StatusKind.UNKNOWN_END
    return StatusKind.SOON if is_soon(left, token.issued_at, token.expires_at) else StatusKind.LIVE
