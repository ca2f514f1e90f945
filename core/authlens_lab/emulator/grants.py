"""What an authorization server remembers: clients, codes, device logins, grants and tokens.

One store for every profile; what differs is data (`GrantRules`). Nothing here knows HTTP, and all is bounded.
Sources: RFC 6749, 7009, 7591, 7592, 7636, 8628, 9449, 9700.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final

from authlens_lab.emulator import randomness
from authlens_lab.emulator.issued import (
    AccessToken,
    AuthorizationCode,
    DeviceLogin,
    GrantRules,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
    put,
    s256,
)
from authlens_lab.emulator.ledger import Ledger, Reason, What

CODE_LIFETIME: Final = 60.0  # seconds
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
        code_lifetime: seconds that a new code works.
    """

    def __init__(self, clock: Callable[[], float], rules: GrantRules, *, access_token_lifetime: int) -> None:
        self._clock = clock
        self.ledger = Ledger()
        self.rules = rules
        self.access_token_lifetime = access_token_lifetime
        self.code_lifetime = CODE_LIFETIME
        self.denied = set(rules.denied)
        self.forget_everything()

    def forget_everything(self) -> None:
        self._clients: dict[str, RegisteredClient] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._used_codes: dict[str, IssuedGrant] = {}
        self._devices: dict[str, DeviceLogin] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._refresh_tokens: dict[str, IssuedGrant] = {}

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

    # Codes

    def issue_code(self, grant: IssuedGrant, *, redirect_uri: str, challenge: str) -> str:
        """Return a new code for a grant; without a challenge it is redeemed without a verifier."""
        code = randomness.token_urlsafe(32)
        expires_at = self._clock() + self.code_lifetime
        put(self._codes, code, AuthorizationCode(grant, redirect_uri, challenge, expires_at))
        self._note(What.CODE_ISSUED, grant, scope=grant.scope, code=code)
        return code

    def redeem(
        self, code: str, client: RegisteredClient, *, redirect_uri: str | None, verifier: str
    ) -> IssuedGrant:
        """Return the grant of a code (RFC 6749 §4.1.3, RFC 7636 §4.6).

        The code is used from then on, whatever is wrong with the request: a guess must not be made twice.

        Raises:
            OAuthRefusal: invalid_grant, saying which of the checks failed.
        """
        entry = self._codes.pop(code, None)
        if entry is None:
            first = self._used_codes.get(code)
            reason = Reason.UNKNOWN if first is None else Reason.USED
            self.ledger.note(What.CODE_REFUSED, at="server", reason=reason, code=code)
            if first is not None:
                # RFC 6749 §4.1.2: a code used twice was stolen, so the tokens of its first use end, too.
                self._end(first, Reason.USED)
            raise self._invalid("code", reason)
        grant = entry.grant
        put(self._used_codes, code, grant)
        problem = self._problem(entry, client, redirect_uri, verifier)
        if problem is not None:
            grant.alive = False
            self._note(What.CODE_REFUSED, grant, reason=problem, code=code)
            raise self._invalid("code", problem)
        self._note(What.CODE_REDEEMED, grant, scope=grant.scope, code=code)
        grant.expires_at = self._clock() + self.rules.grant_lifetime
        return grant

    def _problem(
        self, code: AuthorizationCode, client: RegisteredClient, redirect_uri: str | None, verifier: str
    ) -> Reason | None:
        if code.expires_at <= self._clock():
            return Reason.EXPIRED
        if code.grant.client_id != client.client_id:
            return Reason.WRONG_CLIENT
        # RFC 6749 §4.1.3: it shows that the code was delivered to the client that asked for it.
        if code.redirect_uri != redirect_uri:
            return Reason.WRONG_REDIRECT
        # RFC 9700 §4.8.2: a verifier is refused where there was no challenge.
        challenge = s256(verifier) if verifier or code.challenge else ""
        same = hmac.compare_digest(challenge.encode(), code.challenge.encode())
        return None if same else Reason.WRONG_VERIFIER

    # Device logins

    def start_device(
        self, client: RegisteredClient, scope: str, *, lifetime: float = DEVICE_LIFETIME
    ) -> DeviceLogin:
        """Return a new device login."""
        now = self._clock()
        letters = "".join(randomness.choice(_LETTERS) for _ in range(8))
        login = DeviceLogin(
            grant=IssuedGrant(client_id=client.client_id, scope=scope),
            device_code=randomness.token_urlsafe(32),
            user_code=f"{letters[:4]}-{letters[4:]}",
            expires_at=now + lifetime,
            # The first poll may come after one interval, which is a second.
            next_poll=now + 1,
            beside=self.ledger.browser,
        )
        put(self._devices, login.device_code, login)
        self.ledger.note(What.DEVICE_STARTED, at="server", scope=scope, device=login.device_code)
        return login

    def device_of(self, user_code: str) -> DeviceLogin | None:
        """Return the device login that waits with this user code, or None."""
        # RFC 8628 §6.1: users type small letters and blanks.
        typed = user_code.strip().upper()
        return next((login for login in self._devices.values() if login.user_code == typed), None)

    def decide_device(self, login: DeviceLogin, user: str) -> None:
        """Let `user` approve a device login; an empty name denies it."""
        login.grant.user, login.denied = user, not user
        if user:
            self._note(What.DEVICE_APPROVED, login.grant, device=login.device_code)

    def poll_device(
        self, device_code: str, client: RegisteredClient, *, refuses_first_poll: bool = False
    ) -> IssuedGrant:
        """Return the grant of a device login that the user approved (RFC 8628 §3.5).

        Raises:
            OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token or invalid_grant.
        """
        login, now = self._devices.get(device_code), self._clock()
        if login is None or login.grant.client_id != client.client_id:
            raise OAuthRefusal("invalid_grant", "Device code not found")
        login.polls += 1
        if now >= login.expires_at:
            raise OAuthRefusal("expired_token", "The device code has expired")
        is_refused = refuses_first_poll and login.polls == 1
        is_early = now < login.next_poll - _EARLY
        if is_refused or is_early:
            # RFC 8628 §3.5: five seconds more, for this poll and for every later one.
            login.interval += 5
        login.next_poll = now + login.interval
        if is_refused or is_early:
            raise OAuthRefusal("slow_down", "Poll less often")
        if login.denied:
            raise OAuthRefusal("access_denied", "The user denied the request")
        if not login.grant.user:
            raise OAuthRefusal("authorization_pending", "The user has not finished yet")
        del self._devices[device_code]  # it works once, like any other code
        login.grant.expires_at = now + self.rules.grant_lifetime
        return login.grant

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
            self.ledger.note(What.REFRESH_REFUSED, at="server", reason=Reason.UNKNOWN, refresh=refresh_token)
            raise self._invalid("refresh_token", Reason.UNKNOWN)
        reason = self._why_no_refresh(grant, refresh_token, jkt)
        if reason is None:
            grant.previous_token = refresh_token
            self._note(What.REFRESHED, grant, refresh=refresh_token)
            return grant
        self._note(What.REFRESH_REFUSED, grant, reason=reason, refresh=refresh_token)
        # RFC 9700 §4.14.2: thief and owner both lose it, because nothing tells them apart.
        if reason is Reason.REUSED:
            self._end(grant, reason)
        raise self._invalid("refresh_token", reason)

    def _why_no_refresh(self, grant: IssuedGrant, refresh_token: str, jkt: str) -> Reason | None:
        # A client that lost the answer sends the old token again. Some servers forgive the one before the
        # newest.
        is_graced = self.rules.grace and grant.previous_token == refresh_token
        is_replaced = grant.refresh_token != refresh_token and not is_graced
        if is_replaced and self.rules.detects_reuse:
            return Reason.REUSED
        if not grant.alive:
            return Reason.REVOKED
        if is_replaced and self.rules.ends_replaced:
            return Reason.USED
        if grant.expires_at <= self._clock():
            return Reason.EXPIRED
        if grant.user in self.denied:
            return Reason.USER_REFUSED
        # RFC 9449 §5: the refresh token of a public client is bound to the key, too.
        return None if grant.jkt == jkt else Reason.NO_PROOF

    def issue(self, grant: IssuedGrant, access_token: str) -> dict[str, Any]:
        """Store a new access token; return what the answer says of the tokens (RFC 6749 §5.1)."""
        expires_at = self._clock() + self.access_token_lifetime
        put(self._access_tokens, access_token, AccessToken(grant, expires_at))
        answer = {"access_token": access_token, "expires_in": self.access_token_lifetime}
        if grant.refreshable and (self.rules.rotation or not grant.refresh_token):
            # The old one stays in the table: that it comes again is how a theft shows.
            answer["refresh_token"] = grant.refresh_token = self.rules.token()
            put(self._refresh_tokens, grant.refresh_token, grant)
        self._note(
            What.TOKEN_ISSUED,
            grant,
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
        is_live = self_contained or grant.alive
        is_refused = grant.refused_by_the_edge or grant.user in self.denied
        return entry if is_live and not is_refused else None

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
        for token, entry in list(self._access_tokens.items()):
            if user in (None, entry.grant.user):
                del self._access_tokens[token]

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
            self._note(What.GRANT_ENDED, grant, reason=reason)
        grant.alive = False

    def _note(self, what: What, grant: IssuedGrant, **fields: Any) -> None:
        self.ledger.note(what, at="server", user=grant.user, **fields)

    def _invalid(self, what: str, reason: Reason) -> OAuthRefusal:
        return OAuthRefusal("invalid_grant", self.rules.refusals[what][reason])
