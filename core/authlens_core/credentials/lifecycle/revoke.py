"""Revoking a grant (RFC 7009) and verifying it: only what the server confirmed is called revoked.

The refresh token goes first, which should end its access tokens too; then the access token, each with its own
result. Then the resource is called until it refuses the token. Only then are the tokens removed from this
machine. A grant whose revocation was started and not confirmed stays stored and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from authlens_core.credentials.lifecycle.action_result import Revoked, RevokeOutcome, TokenResult
from authlens_core.credentials.lifecycle.operation import LockedGrant
from authlens_core.credentials.lifecycle.probe_call import ask, status_words, token_accepted
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import GrantState, utc_now
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.diagnosis.evidence import sent_in
from authlens_core.oauth.revocation import RevocationOutcome, TokenHint, read_revocation, revocation_request
from authlens_core.trace.record import Fact, Stage
from authlens_core.values.check import CheckId, ErrorCode, requirement
from authlens_core.values.errors import AuthlensError, Refused, StillValid, UsageError
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import Fix, fix, step
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, UrlRefused
from authlens_core.wire.client import Wire

# How long a resource that still accepts the token is asked again: Cloudflare Access needs 20 to 30 s.
PROOF_SECONDS: Final = 31.0
_SPEC = "RFC 7009 §2"
_PURPOSES: Final[Mapping[TokenHint, Purpose]] = {
    "access_token": Purpose.REVOKE_ACCESS_TOKEN,
    "refresh_token": Purpose.REVOKE_REFRESH_TOKEN,
}


def proof_pauses(seconds: float) -> tuple[float, ...]:
    """Return the pauses between the calls of a resource: doubled up to 8 s, `seconds` together."""
    pauses: list[float] = []
    left = seconds
    while left > 0:
        pauses.append(min(2.0 ** min(len(pauses), 3), left))
        left -= pauses[-1]
    return tuple(pauses)


async def revoke(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    *,
    waiting: Callable[[float], None] = lambda _seconds: None,
    pauses: Sequence[float] | None = None,
) -> Revoked:
    """Revoke the tokens of a grant at its server, verify that, and remove them from this machine.

    Args:
        waiting: called with the seconds that it may take, where the resource still accepts the token after
            the server has confirmed the revocation, and is asked again.
        pauses: seconds between these calls; None for those of `PROOF_SECONDS`.

    Raises:
        LoginNeeded: there is no such grant, or its secrets are gone or damaged: it can only be forgotten.
        NoSecretStore: the store or the index could not be used.
        LockBusy: another process was refreshing the grant all the time.
    """
    # The lock of a refresh: one that ran meanwhile would get new tokens, which no one would revoke.
    before = credentials.get(grant_id)
    async with credentials.locks.hold(*refresh_lock(before), purpose="revoking"):
        grant, secrets = await credentials.load(grant_id)
        done = await _RevokeOperation(credentials, wire, grant, secrets, utc_now).run(
            waiting, proof_pauses(PROOF_SECONDS) if pauses is None else pauses
        )
    # With a grant that was revoked its traces went, too: what ended it is stored for its URL.
    credentials.traces.keep(grant_id, done.trace)
    return done


@dataclass(eq=False)
class _RevokeOperation(LockedGrant):
    """One revocation, under the lock."""

    stage: ClassVar[Stage] = Stage.REVOKE
    results: list[TokenResult] = field(default_factory=list)
    still_accepted: bool | None = None
    proves_nothing: bool = False

    async def run(self, waiting: Callable[[float], None], pauses: Sequence[float]) -> Revoked:
        endpoint = self._endpoint()
        if isinstance(endpoint, Revoked):
            return endpoint
        self._mark_begun()
        # First: RFC 7009 §2.1 wants the access tokens of a revoked refresh token to end with it.
        if self.secrets.refresh_token is not None:
            await self._revoke(endpoint, self.secrets.refresh_token, "refresh_token")
        await self._revoke(endpoint, self.secrets.access_token, "access_token")
        await self._prove()
        if self.still_accepted and self._is_confirmed():
            self._mark_confirmed()
            # A resource may cache what the server said of a token (RFC 7662 §4), so its refusal can come
            # late.
            waiting(sum(pauses))
            for pause in pauses:
                await asyncio.sleep(pause)
                await self._prove()
                if not self.still_accepted:
                    break
        if self._is_confirmed():
            return await self._remove()
        # RFC 7009 §2.1 has the client authenticate first: a server that forgot it refuses every token of it.
        if self._client_is_unknown():
            return await self._lost_client()
        return await self._end_renewal() if self._is_irrevocable() else self._keep()

    def _endpoint(self) -> Url | Revoked:
        text = self.grant.revocation_endpoint
        if text is None:
            cause = "The server has no revocation endpoint, so the tokens cannot be revoked from here."
            self.record.failed(CheckId.REVOKE_ENDPOINT, "none", "none")
        else:
            try:
                return self.endpoint(text)
            except UrlRefused as refused:
                cause = f"The stored revocation endpoint is refused: {refused}."
                self.record.failed(CheckId.REVOKE_ENDPOINT, text, "invalid")
        words = "Let it expire, revoke it on the server's page, or remove it from this machine"
        cure = step(words, "authlens forget URL")
        return self._result(RevokeOutcome.NO_ENDPOINT, f"{cause} {self._time_left()}", cure)

    def _mark_begun(self) -> None:
        # Before the first request: whatever interrupts what follows, the grant is not taken for live.
        note = f"A revocation was begun at {self.now():%Y-%m-%d %H:%M:%S} UTC and not confirmed."
        self.grant = self.credentials.update(
            replace(self.grant, state=GrantState.REVOCATION_FAILED, note=note)
        )

    async def _revoke(self, endpoint: Url, token: Secret, hint: TokenHint) -> None:
        try:
            exchange = await self.send_as_client(
                lambda client: revocation_request(endpoint, client, token=token, hint=hint),
                _PURPOSES[hint],
                self.signer(),
            )
        except ValueError as error:
            self.results.append(TokenResult(hint, None, safe_line(str(error))))
            self.record.checks.append(requirement(f"revoke.{hint}", "revoke.client").failed(str(error)))
            return
        if exchange.answer is None:
            cause = exchange.no_answer.cause
            self.record.checks.append(requirement(f"revoke.{hint}", "revoke.answer").failed(cause))
            self._learn(TokenResult(hint, None, f"not confirmed: {cause}"))
            return
        reading = read_revocation(exchange.answer, now=self.now(), sent=self._hidden(exchange))
        self.record.checks.extend(replace(check, name=f"revoke.{hint}") for check in reading.checks)
        words = reading.checks[0].seen if reading.checks else str(exchange.answer.status)
        summary = f"{reading.outcome.value.replace('_', ' ')} ({words})"
        self._learn(TokenResult(hint, reading.outcome, summary, reading.retry_after))

    def _hidden(self, exchange: Exchange) -> tuple[Secret, ...]:
        return (*sent_in((exchange,)), *self.secrets.known)

    def _learn(self, result: TokenResult) -> None:
        self.results.append(result)
        self.record.facts.append(Fact(result.token, result.summary, _SPEC))

    def _mark_confirmed(self) -> None:
        # A caller that does not want to wait for the proof finds the server's word here.
        note = "The server confirmed the revocation, but the resource still accepted the access token."
        self.grant = self.credentials.update(replace(self.grant, note=note))

    async def _prove(self) -> None:
        """Call the resource with the token that should be dead; the last call is what counts."""
        check = requirement(CheckId.REVOKE_PROOF)
        ended = self._remaining() == 0
        # Each call replaces the verdict of the one before; all of them stay as exchanges.
        self.record.checks[:] = [each for each in self.record.checks if each.name != check.name]
        try:
            asked = await ask(self.credentials, self.wire, self.grant, self.secrets)
        except UsageError as error:
            self.record.checks.append(check.warned(error.cause))
            return
        self.record.exchanges.extend(asked)
        exchange = asked[-1]
        self.still_accepted = token_accepted(exchange)
        status = status_words(exchange)
        # An expired token is refused whether or not it was revoked.
        if self.still_accepted is False and ended:
            self.proves_nothing = True
            self.record.checks.append(check.noticed(status))
        elif self.still_accepted is False:
            self.record.checks.append(check.passed(status))
        else:
            self.record.checks.append(check.warned(status, "accepted"))

    def _is_confirmed(self) -> bool:
        """Every token is confirmed; an access token that cannot be revoked counts when it is refused."""
        for result in self.results:
            ended_with_it = (
                result.token == "access_token"  # noqa: S105 - the kind of a token
                and result.outcome is RevocationOutcome.UNSUPPORTED
                and self.secrets.refresh_token is not None
                and self.still_accepted is False
            )
            if result.outcome is not RevocationOutcome.REVOKED and not ended_with_it:
                return False
        return True

    def _is_irrevocable(self) -> bool:
        """Return whether all is revoked but an access token of a kind that the server cannot revoke."""
        *others, last = self.results  # the access token is the last one
        revoked = all(result.outcome is RevocationOutcome.REVOKED for result in others)
        return revoked and last.outcome is RevocationOutcome.UNSUPPORTED

    async def _end_renewal(self) -> Revoked:
        """Remove the refresh token; the grant stays, to show until when the access token works."""
        ended = "The server gave no refresh token, so this login cannot be renewed"
        if self.secrets.refresh_token is not None:
            ended = "The server revoked the refresh token, so this login cannot be renewed"
        note = f"{ended}. It cannot revoke the access token: it is self-contained and {self._works_until()}."
        left = replace(self.grant, state=GrantState.RENEWAL_ENDED, note=note)
        try:
            self.grant = await self.credentials.save(left, replace(self.secrets, refresh_token=None))
        except AuthlensError:
            self.grant = self.credentials.update(left)  # the next revocation removes it
        self.credentials.record(AccessKind.RENEWAL_ENDED, self.grant.grant_id, f"{self._words()}; {note}")
        cure = "No need to retry. If the token was leaked, ask the owner of the resource to block it."
        return self._result(RevokeOutcome.RENEWAL_ENDED, note, cure)

    def _works_until(self) -> str:
        remaining, ends = self._remaining(), self.grant.expires_at
        if remaining is None or ends is None:
            return "works until an unknown time"
        if remaining == 0:
            return "has expired"
        minutes = max(1, round(remaining / 60))
        left = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
        day = "%H:%M" if remaining < 12 * 3600 else "%Y-%m-%d %H:%M"
        return f"works until {ends.astimezone():{day}} ({left})"

    async def _remove(self) -> Revoked:
        grant = self.grant
        told = f"{self._words()}; {self._proof()}"
        erased = await self.credentials.discard(grant.grant_id, AccessKind.REVOKED, told)
        self.grant = replace(grant, state=GrantState.REVOKED, note="")
        if self.still_accepted:
            summary = (
                f"The server confirmed it, but the resource still accepts the token. {self._time_left()}"
            )
        elif self.still_accepted is None:
            summary = "The server confirmed it; authlens could not verify it at the resource."
        elif self.proves_nothing:
            summary = (
                "Revoked: the server confirmed it. The access token had already expired, so the "
                "resource's refusal does not verify it."
            )
        else:
            summary = "Revoked: the server confirmed it and the resource refuses the access token."
        cure = "" if erased else "The keyring still has the revoked tokens; the next save deletes them."
        return self._result(RevokeOutcome.REVOKED, summary, cure, removed=erased)

    def _client_is_unknown(self) -> bool:
        return any(check.error_code == ErrorCode.INVALID_CLIENT for check in self.record.checks)

    async def _lost_client(self) -> Revoked:
        """Keep the tokens, which no one can revoke as a client that the server does not know."""
        await self.lose_client()
        note = (
            "The server does not know the client of this login any more, or refuses its secret, so it "
            f"revokes nothing for it: {self._words()}. {self._time_left()}"
        )
        self.grant = self.credentials.update(replace(self.grant, note=note))
        self.credentials.record(AccessKind.REVOCATION_FAILED, self.grant.grant_id, note)
        cure = fix(
            step("Remove the login from this machine", f"authlens forget {self.grant.grant_id}"),
            "If a token was leaked, ask the server's owner to end your sessions.",
        )
        return self._result(RevokeOutcome.FAILED, note, cure)

    def _keep(self) -> Revoked:
        note = f"The revocation was not confirmed: {self._words()}. {self._time_left()}"
        self.grant = self.credentials.update(replace(self.grant, note=note))
        self.credentials.record(AccessKind.REVOCATION_FAILED, self.grant.grant_id, note)
        waits = [result.retry_after for result in self.results if result.retry_after]
        when = f"in {max(waits)} s" if waits else "again"
        cure = (
            f"Try {when}. Removing it from this machine (authlens forget) does not revoke it at the server."
        )
        return self._result(RevokeOutcome.FAILED, note, cure)

    def _proof(self) -> str:
        """Return what the resource said last, and how long after the beginning, for the history."""
        last = self.record.exchanges[-1]
        status = f"{last.response.status}" if last.response is not None else "nothing"
        took = self._seconds_until(last)
        return f"the resource answered the access token with {status} after {took:.1f} s"

    def _seconds_until(self, last: Exchange) -> float:
        return (last.ended_at - self.record.exchanges[0].started_at).total_seconds()

    def _words(self) -> str:
        return "; ".join(f"{_name(result)} {result.summary}{_untried(result)}" for result in self.results)

    def _remaining(self) -> float | None:
        ends = self.grant.expires_at
        return None if ends is None else max(0.0, (ends - self.now()).total_seconds())

    def _time_left(self) -> str:
        remaining = self._remaining()
        if remaining is None:
            return "It is not known how long the access token stays valid."
        if remaining == 0:
            return "The access token has expired."
        return f"The access token may stay valid for {round(remaining)} s more."

    def _result(
        self, outcome: RevokeOutcome, summary: str, cure: str | Fix, *, removed: bool = False
    ) -> Revoked:
        ended = outcome is RevokeOutcome.REVOKED and self.still_accepted is not True
        refused = (
            Refused
            if outcome is RevokeOutcome.REVOKED or self.record.lost is None
            else self.record.lost.error_type
        )
        if outcome is RevokeOutcome.RENEWAL_ENDED:
            refused = StillValid
        return Revoked(
            outcome=outcome,
            summary=summary,
            cure=cure,
            error_type=None if ended else refused,
            trace=self.record.trace(passed=ended),
            details=self._details(),
            grant=self.grant,
            tokens=tuple(self.results),
            still_accepted=self.still_accepted,
            removed=removed,
        )

    def _details(self) -> tuple[str, ...]:
        """Return the result of each token, then the resource's answer and when it came."""
        details = [
            f"{_name(result).capitalize()}: {result.summary}{_untried(result)}." for result in self.results
        ]
        # Nothing was sent with a client or a token that cannot be.
        last = self.record.exchanges[-1] if self.record.exchanges else None
        if last is not None and last.purpose is Purpose.ACCESS:
            took = round(self._seconds_until(last) * 1000)
            details.append(f"The resource answered the token with {status_words(last)}, {took} ms later.")
        return tuple(details)


def _name(result: TokenResult) -> str:
    return result.token.replace("_", " ")


def _untried(result: TokenResult) -> str:
    """Say that only the server's word is known of a refresh token.

    It is not tried: a server that did not revoke it would issue new tokens, which would have to be revoked in
    turn, and a server that did may report the attempt as a stolen token (RFC 9700 §4.14.2).
    """
    confirmed = result.token == "refresh_token" and result.outcome is RevocationOutcome.REVOKED  # noqa: S105
    return " according to the server; not tested" if confirmed else ""
