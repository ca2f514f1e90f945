"""Revoking a grant (RFC 7009) and verifying it: only what the server confirmed is called revoked.

The refresh token goes first, which should end its access tokens too; then the access token, each with its own
result. Then the resource is called until it refuses the token. Only then are the tokens removed from this
machine. A grant whose revocation was started and not confirmed stays stored and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import Revoked, RevokeOutcome, TokenResult
from authlens_core.credentials.lifecycle.operation import LockedGrant
from authlens_core.credentials.lifecycle.probe_call import ask, status_words, token_accepted
from authlens_core.credentials.records.grant import GrantState, utc_now
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.diagnosis.evidence import sent_in
from authlens_core.oauth.revocation import RevocationOutcome, TokenHint, read_revocation, revocation_request
from authlens_core.trace.fact import Fact
from authlens_core.values.check import CheckId, ErrorCode, requirement
from authlens_core.values.errors import AuthlensError, Refused, StillValid, UsageError
from authlens_core.values.exchange import Purpose
from authlens_core.values.fix import Fix, fix, step
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
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
    pauses: Sequence[float] = (),
) -> Revoked:
    """Revoke the tokens of a grant at its server, verify that, and remove them from this machine.

    Args:
        waiting: called with the seconds that it may take, where the resource still accepts the token after
            the server has confirmed the revocation, and is asked again.
        pauses: seconds before each of these calls, as of `proof_pauses`; none by default.

    Raises:
        LoginNeeded: there is no such grant, or its secrets are gone or damaged: it can only be forgotten.
        NoSecretStore: the store or the index could not be used.
        LockBusy: another process was refreshing the grant all the time.
    """
    # The lock of a refresh: one that ran meanwhile would get new tokens, which no one would revoke.
    async with credentials.lock(credentials.get(grant_id), "revoking"):
        grant, secrets = await credentials.load(grant_id)
        done = await _RevokeOperation(credentials, wire, grant, secrets, utc_now).run(waiting, pauses)
    # With a grant that was revoked its traces went, too: what ended it is stored for its URL.
    credentials.traces.keep(grant_id, done.trace)
    return done


@dataclass(eq=False)
class _RevokeOperation(LockedGrant):
    """One revocation, under the lock."""

    stage: ClassVar[Stage] = Stage.REVOKE
    results: list[TokenResult] = field(default_factory=list)
    still_accepted: bool | None = None

    async def run(self, waiting: Callable[[float], None], pauses: Sequence[float]) -> Revoked:
        endpoint = self._endpoint()
        if isinstance(endpoint, Revoked):
            return endpoint
        # Before the first request: whatever interrupts what follows, the grant is not taken for live.
        begun = f"A revocation was begun at {self.now():%Y-%m-%d %H:%M:%S} UTC and not confirmed."
        self.mark(begun, state=GrantState.REVOCATION_FAILED)
        # First: RFC 7009 §2.1 wants the access tokens of a revoked refresh token to end with it.
        if self.secrets.refresh_token is not None:
            await self._revoke(endpoint, self.secrets.refresh_token, "refresh_token")
        await self._revoke(endpoint, self.secrets.access_token, "access_token")
        await self._prove()
        if self.still_accepted and self._is_confirmed():
            # A caller that does not want to wait for the proof finds the server's word here.
            self.mark(
                "The server confirmed the revocation, but the resource still accepted the access token."
            )
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
        if any(check.error_code == ErrorCode.INVALID_CLIENT for check in self.record.checks):
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
        if exchange.complete_response is None:
            cause = exchange.no_answer.cause
            self.record.checks.append(requirement(f"revoke.{hint}", "revoke.answer").failed(cause))
            self._learn(TokenResult(hint, None, f"not confirmed ({cause})"))
            return
        sent = (*sent_in((exchange,)), *self.secrets.known)
        reading = read_revocation(exchange.complete_response, now=self.now(), sent=sent)
        self.record.checks.extend(replace(check, name=f"revoke.{hint}") for check in reading.checks)
        words = reading.checks[0].seen if reading.checks else str(exchange.complete_response.status)
        summary = f"{reading.outcome.value.replace('_', ' ')} ({words})"
        self._learn(TokenResult(hint, reading.outcome, summary, reading.retry_after))

    def _learn(self, result: TokenResult) -> None:
        self.results.append(result)
        self.record.facts.append(Fact(result.token, result.summary, _SPEC))

    async def _prove(self) -> None:
        """Call the resource with the token that should be dead; the last call is what counts."""
        check = requirement(CheckId.REVOKE_PROOF)
        # Each call replaces the verdict of the one before; all of them stay as exchanges.
        self.record.checks[:] = [each for each in self.record.checks if each.name != check.name]
        try:
            asked = await ask(self.credentials, self.wire, self.grant, self.secrets)
        except UsageError as error:
            self.record.checks.append(check.warned(error.cause))
            return
        self.record.exchanges.extend(asked)
        status = status_words(asked[-1])
        self.still_accepted = token_accepted(asked[-1])
        if self.still_accepted is not False:
            self.record.checks.append(check.warned(status, "accepted"))
        else:
            # An expired token is refused whether or not it was revoked.
            self.record.checks.append(check.noticed(status) if self._has_expired() else check.passed(status))

    def _is_confirmed(self) -> bool:
        """Every token is confirmed; an access token that cannot be revoked counts when it is refused."""
        if self._is_irrevocable():
            return self.secrets.refresh_token is not None and self.still_accepted is False
        return all(result.outcome is RevocationOutcome.REVOKED for result in self.results)

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
        note = f"{ended}. It cannot revoke the access token, which is self-contained. {self._time_left()}"
        left = replace(self.grant, state=GrantState.RENEWAL_ENDED, note=note)
        try:
            self.grant = await self.credentials.save(left, replace(self.secrets, refresh_token=None))
        except AuthlensError:
            self.grant = self.credentials.update(left)  # the next revocation removes it
        self.credentials.record(AccessKind.RENEWAL_ENDED, self.grant.grant_id, f"{self._words()}; {note}")
        cure = "No need to retry. If the token was leaked, ask the owner of the resource to block it."
        return self._result(RevokeOutcome.RENEWAL_ENDED, note, cure)

    async def _remove(self) -> Revoked:
        grant = self.grant
        words = f"{self._words()}; {self._proof()}"
        erased = await self.credentials.discard(grant.grant_id, AccessKind.REVOKED, words)
        self.grant = replace(grant, state=GrantState.REVOKED, note="")
        if self.still_accepted:
            summary = (
                f"The server confirmed it, but the resource still accepts the token. {self._time_left()}"
            )
        elif self.still_accepted is None:
            summary = "The server confirmed it; authlens could not verify it at the resource."
        elif self._has_expired():
            summary = (
                "Revoked: the server confirmed it. The access token had already expired, so the "
                "resource's refusal does not verify it."
            )
        else:
            summary = "Revoked: the server confirmed it and the resource refuses the access token."
        cure = "" if erased else "The keyring still has the revoked tokens; the next save deletes them."
        return self._result(RevokeOutcome.REVOKED, summary, cure, removed=erased)

    async def _lost_client(self) -> Revoked:
        """Keep the tokens, which no one can revoke as a client that the server does not know."""
        await self.lose_client()
        note = (
            "The server does not know the client of this login any more, or refuses its secret, so it "
            f"revokes nothing for it: {self._words()}. {self._time_left()}"
        )
        cure = fix(
            step("Remove the login from this machine", f"authlens forget {self.grant.grant_id}"),
            "If a token was leaked, ask the server's owner to end your sessions.",
        )
        return self._failed(note, cure)

    def _keep(self) -> Revoked:
        waits = [result.retry_after for result in self.results if result.retry_after]
        when = f"in {max(waits)} s" if waits else "again"
        cure = (
            f"Try {when}. Removing it from this machine (authlens forget) does not revoke it at the server."
        )
        return self._failed(f"The revocation was not confirmed: {self._words()}. {self._time_left()}", cure)

    def _failed(self, note: str, cure: str | Fix) -> Revoked:
        self.mark(note, AccessKind.REVOCATION_FAILED)
        return self._result(RevokeOutcome.FAILED, note, cure)

    def _words(self) -> str:
        return "; ".join(map(_said, self.results))

    def _proof(self) -> str:
        """Return what the resource said last, and how long after the beginning; empty if it was not asked."""
        # Nothing was sent with a client or a token that cannot be.
        last = self.record.exchanges[-1] if self.record.exchanges else None
        if last is None or last.purpose is not Purpose.ACCESS:
            return ""
        took = (last.ended_at - self.record.exchanges[0].started_at).total_seconds()
        if last.response is None:
            return "the resource did not answer"
        return f"the resource answered the token with {last.status}, {round(took * 1000)} ms later"

    def _has_expired(self) -> bool:
        ends = self.grant.expires_at
        return ends is not None and ends <= self.now()

    def _time_left(self) -> str:
        ends = self.grant.expires_at
        if ends is None:
            return "It is not known how long the access token works."
        if self._has_expired():
            return "The access token has expired."
        left = ends - self.now()
        minutes = max(1, round(left.total_seconds() / 60))
        shown = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
        day = "%H:%M" if left < timedelta(hours=12) else "%Y-%m-%d %H:%M"
        return f"The access token may work until {ends.astimezone():{day}} ({shown})."

    def _result(
        self, outcome: RevokeOutcome, summary: str, cure: str | Fix, *, removed: bool = False
    ) -> Revoked:
        ended = outcome is RevokeOutcome.REVOKED and self.still_accepted is not True
        error_type: type[AuthlensError] = Refused
        if outcome is RevokeOutcome.RENEWAL_ENDED:
            error_type = StillValid
        elif outcome is not RevokeOutcome.REVOKED and self.record.lost is not None:
            error_type = self.record.lost.error_type
        details = (*map(_said, self.results), self._proof())
        return Revoked(
            outcome=outcome,
            summary=summary,
            cure=cure,
            error_type=None if ended else error_type,
            trace=self.record.trace(passed=ended),
            details=tuple(f"{said[0].upper()}{said[1:]}." for said in details if said),
            grant=self.grant,
            tokens=tuple(self.results),
            still_accepted=self.still_accepted,
            removed=removed,
        )


def _said(result: TokenResult) -> str:
    """Return what was said of a token; of a refresh token only the server's word is known.

    It is not tried: a server that did not revoke it would issue new tokens, which would have to be revoked in
    turn, and a server that did may report the attempt as a stolen token (RFC 9700 §4.14.2).
    """
    confirmed = result.token == "refresh_token" and result.outcome is RevocationOutcome.REVOKED  # noqa: S105
    untried = " according to the server; not tested" if confirmed else ""
    return f"{result.token.replace('_', ' ')}: {result.summary}{untried}"
