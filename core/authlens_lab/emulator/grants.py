"""What an authorization server remembers: clients, codes, device logins, grants and tokens.

One store for every profile; what differs is data (`GrantRules`). Nothing here knows HTTP, and all is bounded.
Sources: RFC 6749, 7009, 7591, 7592, 7636, 8628, 9449, 9700.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from authlens_core.values.word_files import words
from authlens_lab.emulator import randomness
from authlens_lab.emulator.issued import (
    DEVICE_GRANT,
    MACHINE_GRANTS,
    AccessToken,
    AuthorizationCodes,
    DeviceLogin,
    GrantRules,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
    put,
)
from authlens_lab.emulator.ledger import Ledger, Reason, What
from authlens_lab.emulator.profile import Profile

TOKEN_CHARACTERS: Final = 65  # of a token of Access after the prefix, as observed
DENIED_BY_POLICY: Final = "mallory@example.com"
DEVICE_LIFETIME: Final = 600.0  # seconds
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words
_EARLY: Final = 0.2  # seconds that a poll may be early, because clocks and networks jitter


class Grants:
    """The memory of an authorization server.

    Args:
        clock: the time in seconds since the epoch.
        access_token_lifetime: seconds an access token is good for.

    Attributes:
        denied: users and programs that the policy refuses at each use of a grant.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        rules: GrantRules,
        *,
        access_token_lifetime: int,
    ) -> None:
        self._clock = clock
        self.ledger = Ledger()
        self.rules = rules
        self.access_token_lifetime = access_token_lifetime
        self.denied = set(rules.denied)
        self._clients: dict[str, RegisteredClient] = {}
        self.codes = AuthorizationCodes(clock, self.ledger)
        self._devices: dict[str, DeviceLogin] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._refresh_tokens: dict[str, IssuedGrant] = {}

    def forget_everything(self) -> None:
        self._clients.clear()
        self._devices.clear()
        self.codes.forget()
        self._access_tokens.clear()
        self._refresh_tokens.clear()

    # Clients

    def register(
        self,
        redirect_uris: tuple[str, ...],
        *,
        name: str = "",
        auth_method: str = "none",
        grant_types: tuple[str, ...] = ("authorization_code", "refresh_token"),
        managed: bool = False,
    ) -> RegisteredClient:
        """Return a new client; one that is `managed` has a token that reads and deletes it (RFC 7592)."""
        client = RegisteredClient(
            client_id=self.rules.client_id(),
            redirect_uris=redirect_uris,
            name=name,
            auth_method=auth_method,
            grant_types=grant_types,
            issued_at=int(self._clock()),
            secret="" if auth_method == "none" else randomness.token_urlsafe(32),
            management_token=randomness.token_urlsafe(32) if managed else "",
        )
        put(self._clients, client.client_id, client)
        return client

    def client(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)

    def registered(self, client_id: str) -> RegisteredClient:
        """Return the client with this id.

        Raises:
            OAuthRefusal: invalid_client.
        """
        client = self._clients.get(client_id)
        if client is None:
            reason = "Client not found" if client_id else "client_id is missing"
            raise OAuthRefusal("invalid_client", reason, 401)
        return client

    def delete_client(self, client: RegisteredClient) -> None:
        """Forget a client; with it its grants and tokens end (RFC 7592 §2.3)."""
        del self._clients[client.client_id]
        for grant in self._refresh_tokens.values():
            grant.alive = grant.alive and grant.client_id != client.client_id

    def redeem(
        self, code: str, client: RegisteredClient, *, redirect_uri: str | None, verifier: str
    ) -> IssuedGrant:
        """Return a new grant for a code (RFC 6749 §4.1.3, RFC 7636 §4.6).

        Raises:
            OAuthRefusal: invalid_grant, saying which of the checks failed.
        """
        taken = self.codes.take(code, client, redirect_uri=redirect_uri, verifier=verifier)
        if isinstance(taken, Reason):
            if (first := self.codes.used.get(code)) is not None:
                # RFC 6749 §4.1.2: a code used twice was stolen, so the tokens of its first use end, too.
                self._end(first, Reason.USED)
            raise self._invalid("code", taken)
        expires_at = self._clock() + self.rules.grant_lifetime
        grant = IssuedGrant(
            client.client_id,
            taken.user,
            expires_at,
            scope=taken.scope,
            nonce=taken.nonce,
            audience=taken.audience,
        )
        self.codes.used[code] = grant
        return grant

    # Device logins

    def start_device(
        self, client: RegisteredClient, scope: str, *, lifetime: float = DEVICE_LIFETIME
    ) -> DeviceLogin:
        """Return a new device login."""
        now = self._clock()
        letters = [randomness.choice(_LETTERS) for _ in range(8)]
        user_code = f"{''.join(letters[:4])}-{''.join(letters[4:])}"
        # The first poll may come after one interval, which is a second.
        device_code = randomness.token_urlsafe(32)
        login = DeviceLogin(
            client.client_id,
            device_code,
            user_code,
            scope,
            now + lifetime,
            now + 1,
            beside=self.ledger.browser,
        )
        put(self._devices, device_code, login)
        self.ledger.note(What.DEVICE_STARTED, at="server", scope=scope, device=device_code)
        return login

    def device_of(self, user_code: str) -> DeviceLogin | None:
        """Return the device login that waits with this user code, or None."""
        # RFC 8628 §6.1: users type small letters and blanks.
        wanted = user_code.strip().upper()
        return next((login for login in self._devices.values() if login.user_code == wanted), None)

    def decide_device(self, login: DeviceLogin, user: str) -> None:
        """Let `user` approve a device login; an empty name denies it."""
        login.user, login.denied = user, not user
        if user:
            self.ledger.note(What.DEVICE_APPROVED, at="server", user=user, device=login.device_code)

    def poll_device(
        self, device_code: str, client: RegisteredClient, *, refuses_first_poll: bool = False
    ) -> IssuedGrant:
        """Return the grant of a device login that the user approved (RFC 8628 §3.5).

        Raises:
            OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token or invalid_grant.
        """
        login, now = self._devices.get(device_code), self._clock()
        if login is None or login.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Device code not found")
        login.polls += 1
        if now >= login.expires_at:
            raise OAuthRefusal("expired_token", "The device code has expired")
        slow = refuses_first_poll and login.polls == 1
        if slow or now < login.next_poll - _EARLY:
            # RFC 8628 §3.5: five seconds more, for this poll and for every later one.
            login.interval += 5
            login.next_poll = now + login.interval
            raise OAuthRefusal("slow_down", "Poll less often")
        login.next_poll = now + login.interval
        if login.denied:
            raise OAuthRefusal("access_denied", "The user denied the request")
        if not login.user:
            raise OAuthRefusal("authorization_pending", "The user has not finished yet")
        del self._devices[device_code]  # it works once, like any other code
        expires_at = now + self.rules.grant_lifetime
        return IssuedGrant(client.client_id, login.user, expires_at, scope=login.scope)

    # Tokens

    def refresh(self, refresh_token: str, client: RegisteredClient, *, jkt: str = "") -> IssuedGrant:
        """Return the grant of a refresh token (RFC 6749 §6, RFC 9700 §4.14).

        A token that was rotated out ends the whole grant: there is a copy of it. With `grace`, the one
        before the newest is accepted until the newest is used.

        Args:
            jkt: the thumbprint of the key that signed the proof of the request; empty without one.

        Raises:
            OAuthRefusal: invalid_grant.
        """
        grant = self._refresh_tokens.get(refresh_token)
        # One answer for both: a client cannot find out whether another's token exists.
        if grant is None or grant.client_id != client.client_id:
            self._note_refresh(refresh_token, "", Reason.UNKNOWN)
            raise self._invalid("refresh_token", Reason.UNKNOWN)
        is_newest = grant.refresh_token == refresh_token
        # A client that lost the answer sends the old token again. Some servers forgive the one before the
        # newest.
        graced = self.rules.grace and grant.previous_token == refresh_token
        comes_again = not is_newest and not graced
        reused = self.rules.detects_reuse and comes_again
        used = self.rules.ends_replaced and comes_again
        reason = Reason.REUSED if reused else self._why_no_refresh(grant, used=used)
        if reason is not None:
            self._note_refresh(refresh_token, grant.user, reason)
            # RFC 9700 §4.14.2: thief and owner both lose it, because nothing tells them apart.
            if reused:
                self._end(grant, Reason.REUSED)
            raise self._invalid("refresh_token", reason)
        # RFC 9449 §5: the refresh token of a public client is bound to the key, too.
        if grant.jkt != jkt:
            self._note_refresh(refresh_token, grant.user, Reason.NO_PROOF)
            raise OAuthRefusal("invalid_grant", "The refresh token is bound to another key")
        grant.previous_token = refresh_token
        self._note_refresh(refresh_token, grant.user)
        return grant

    def _why_no_refresh(self, grant: IssuedGrant, *, used: bool) -> Reason | None:
        if not grant.alive:
            return Reason.REVOKED
        if used:
            return Reason.USED
        if grant.expires_at <= self._clock():
            return Reason.EXPIRED
        return Reason.USER_REFUSED if grant.user in self.denied else None

    def _note_refresh(self, refresh_token: str, user: str, reason: Reason | None = None) -> None:
        what = What.REFRESHED if reason is None else What.REFRESH_REFUSED
        self.ledger.note(what, at="server", user=user, reason=reason, refresh=refresh_token)

    def issue(self, grant: IssuedGrant, access_token: str) -> dict[str, Any]:
        """Store a new access token; return what the answer says of the tokens (RFC 6749 §5.1)."""
        expires_at = self._clock() + self.access_token_lifetime
        put(self._access_tokens, access_token, AccessToken(grant, expires_at))
        answer = {"access_token": access_token, "expires_in": self.access_token_lifetime}
        if grant.refreshable and (self.rules.rotation or not grant.refresh_token):
            # The old one stays in the table: that it comes again is how a theft shows.
            answer["refresh_token"] = grant.refresh_token = self.rules.refresh_token()
            put(self._refresh_tokens, grant.refresh_token, grant)
        self.ledger.note(
            What.TOKEN_ISSUED,
            at="server",
            user=grant.user,
            scope=grant.scope,
            audience=grant.audience or "any",
            token=access_token,
            refresh=answer.get("refresh_token", ""),
        )
        return answer

    def has_access_token(self, token: str) -> bool:
        return token in self._access_tokens

    def access_token(self, token: str, *, self_contained: bool = False) -> AccessToken | None:
        """Return what a live access token stands for, or None.

        Args:
            self_contained: it is judged by its signature and times alone, so it outlives its grant.
        """
        entry = self._access_tokens.get(token)
        if entry is None or entry.expires_at <= self._clock():
            return None
        grant = entry.grant
        ended = not grant.alive and not self_contained
        return None if ended or grant.refused_by_the_edge or grant.user in self.denied else entry

    def why_refused(self, token: str) -> Reason:
        """Return why `access_token` has nothing for this token."""
        entry = self._access_tokens.get(token)
        if entry is None:
            return Reason.UNKNOWN
        return Reason.EXPIRED if entry.expires_at <= self._clock() else Reason.REVOKED

    def revoke(self, token: str, client: RegisteredClient) -> None:
        """End a token (RFC 7009 §2.1): a refresh token takes its whole grant, an access token goes alone.

        An unknown token, or one of another client, changes nothing (§2.2).
        """
        grant = self._refresh_tokens.get(token)
        if grant is not None and grant.client_id == client.client_id:
            self._end(grant, Reason.REVOKED)
        access = self._access_tokens.get(token)
        if access is not None and access.grant.client_id == client.client_id:
            del self._access_tokens[token]

    def expire_access_tokens(self, user: str | None = None) -> None:
        """End the access tokens of one user or of all; their grants can still be refreshed."""
        self._access_tokens = {
            token: entry
            for token, entry in self._access_tokens.items()
            if user is not None and entry.grant.user != user
        }

    def refuse_access_tokens(self) -> None:
        """Refuse the access tokens of today's grants, those of later refreshes too."""
        for grant in self._refresh_tokens.values():
            grant.refused_by_the_edge = True

    def end_grants(self) -> None:
        for grant in self._refresh_tokens.values():
            grant.alive = False
        for entry in self._access_tokens.values():  # a program's grant has no refresh token
            entry.grant.alive = False

    def _end(self, grant: IssuedGrant, reason: Reason) -> None:
        if grant.alive:
            self.ledger.note(What.GRANT_ENDED, at="server", user=grant.user, reason=reason)
        grant.alive = False

    def _invalid(self, what: str, reason: Reason) -> OAuthRefusal:
        return OAuthRefusal("invalid_grant", self.rules.refusals[what][reason])


def new_token() -> str:
    """Return an access or a refresh token, in the form in which Access issues both."""
    return "oauth:" + randomness.token_urlsafe(64)[:TOKEN_CHARACTERS]


_REFUSALS: Final = words("emulator", "authlens_lab")
RULES: Final = GrantRules(
    refusals=_REFUSALS["standard-refusals"],
    grant_types=("authorization_code", "refresh_token", DEVICE_GRANT),
    # It is typed behind an option, and what starts with a dash would be another option.
    client_id=lambda: randomness.token_urlsafe(16).lstrip("-"),
    refresh_token=partial(randomness.token_urlsafe, 32),
)
ACCESS_RULES: Final = GrantRules(
    refusals=_REFUSALS["access-refusals"],
    grant_types=("authorization_code", "refresh_token"),
    client_id=lambda: str(randomness.uuid4()),
    refresh_token=new_token,
    denied=frozenset({DENIED_BY_POLICY}),
)
_RULES: Final = {
    Profile.ACCESS: ACCESS_RULES,
    Profile.MACHINE: replace(RULES, grant_types=tuple(sorted(MACHINE_GRANTS))),
}


def rules_of(profile: Profile) -> GrantRules:
    return _RULES.get(profile, RULES)
