"""One refresh of one grant, under its lock: what is decided, what is sent, and the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from secrets import randbelow
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import Refreshed, RefreshOutcome
from authlens_core.credentials.lifecycle.operation import LockedGrant
from authlens_core.credentials.lifecycle.renewal import (
    renewal_facts,
    renewed_grant,
    renewed_secrets,
    request_maker,
)
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.index import AccessKind, Pending
from authlens_core.credentials.records.lifetime import lasts, next_attempt, seconds_until_retry
from authlens_core.credentials.vault.interrupted import mark_if_interrupted
from authlens_core.diagnosis.evidence import sent_in
from authlens_core.diagnosis.server_kind import server_kind
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.dpop import is_bound
from authlens_core.oauth.token import TokenResponse, read_token_response, rotation_check
from authlens_core.trace.failure_reason import refusal_words
from authlens_core.trace.record import Stage
from authlens_core.values.check import CheckId, ErrorCode, Severity, failures, requirement
from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NetworkFailure,
    NoSecretStore,
    Refused,
    ServerMisconfigured,
)
from authlens_core.values.exchange import Purpose, Request, Response, WireFailure
from authlens_core.values.fix import LOG_IN_AGAIN, Fix, again, fix
from authlens_core.values.formats.duration import retry_after
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.url import UrlRefused

if TYPE_CHECKING:
    from authlens_core.credentials.lifecycle.refresh import RefreshOptions

_SPEC = "RFC 6749 §6"
_REFUSED: Final[tuple[str, str | Fix]] = ("The server refused.", again("Try again, or log in again"))


@dataclass(eq=False)
class RefreshOperation(LockedGrant):
    """One refresh, under the lock."""

    stage: ClassVar[Stage] = Stage.REFRESH
    options: RefreshOptions
    sent: bool = False

    async def decide(self, before: Grant) -> Refreshed:
        """Send nothing if there is a reason for that, and refresh where there is none."""
        return (
            # The order matters: only what is stored can be adopted, and a server is not asked about a grant
            # that ended.
            await self._store_held()
            or self.adopt(before)
            or self.stop()
            or self.leave()
            or self.pause()
            or await self.run()
        )

    async def _store_held(self) -> Refreshed | None:
        """Store what the last refresh brought and the store did not take: only this process has it."""
        if self.grant.grant_id not in self.credentials.held:
            return None
        try:
            self.grant = await self.credentials.save(self.grant, self.secrets)
        except AuthlensError as error:
            return self._unsaved(self.grant, self.secrets, error)
        if self._refused() or not self._lasts(None):
            return None
        return self.result(RefreshOutcome.REFRESHED, "Refreshed; stored on a later attempt.")

    # Reasons to send nothing

    def _lasts(self, wanted: timedelta | None) -> bool:
        return lasts(self.grant, wanted, self.record.started_at)  # when the grant was read

    def _refused(self) -> bool:
        """Return whether the stored access token is the one that the resource has refused."""
        return self.options.refused is not None and self.secrets.access_token == self.options.refused

    def adopt(self, before: Grant) -> Refreshed | None:
        """Take what another process has received since `before`, or since it was given the refused token."""
        if self._refused() or self.grant.state is not GrantState.LIVE:
            return None
        # With a refused token, the newer one may have been stored before this caller looked.
        if self.grant.generation == before.generation and self.options.refused is None:
            return None
        # One that was received just now is as good as any, however long is asked for.
        if not self._lasts(None):
            return None
        self.record.checks.append(
            requirement("refresh.adopted").passed("another process refreshed it just now")
        )
        return self.result(RefreshOutcome.ADOPTED, "Another authlens refreshed this login just now.")

    def leave(self) -> Refreshed | None:
        """Leave a token alone that lasts long enough, and say so where there is nothing to refresh with."""
        force = self.options.force or self._refused()
        if self.secrets.refresh_token is None and self.grant.machine is None:
            if self._lasts(timedelta(0)) and not force:
                return self.result(RefreshOutcome.NOT_NEEDED, "The access token is still valid.")
            cause = "The resource refuses the access token. " if self._refused() else ""
            cause += "The server gave no refresh token, so the access token cannot be renewed."
            self.record.failed("refresh.refresh_token", "none")
            return self.result(RefreshOutcome.LOGIN_NEEDED, cause, LOG_IN_AGAIN)
        if force or not self._lasts(self.options.min_ttl):
            return None
        return self.result(RefreshOutcome.NOT_NEEDED, "The access token is still valid.")

    def pause(self) -> Refreshed | None:
        """Leave a server alone for as long as was decided when it failed."""
        left = seconds_until_retry(self.grant, self.record.started_at) if self.options.patient else 0.0
        if not left:
            return None
        wait = max(1, round(left))
        self.record.failed("refresh.wait", f"in {wait} s")
        note = self.grant.note or "The last refresh failed."
        return self.result(RefreshOutcome.TRANSIENT, note, f"The next attempt is in {wait} s.")

    def stop(self) -> Refreshed | None:
        """Stop where a refresh cannot help, or may harm."""
        # The lock is ours, so a refresh that is still noted as started belongs to a process that is gone.
        self.grant = mark_if_interrupted(self.credentials, self.grant) or self.grant
        state, note = self.grant.state, self.grant.note
        if state is GrantState.LOGIN_NEEDED:
            self.record.failed("refresh.state", state.value, "refused")
            return self.result(RefreshOutcome.LOGIN_NEEDED, note or "You need to log in.", LOG_IN_AGAIN)
        if not state.is_wanted:
            self.record.failed("refresh.state", state.value, "revoked")
            cure = again("Revoke it again, or log in again")
            return self.result(RefreshOutcome.LOGIN_NEEDED, note or "This login was revoked.", cure)
        if state in (GrantState.UNKNOWN, GrantState.INTERRUPTED) and not self.options.despite_unknown:
            self.record.failed("refresh.state", state.value, "unsure")
            return self.result(RefreshOutcome.UNKNOWN, note, _MAY_END)
        return None

    # Sending

    async def run(self) -> Refreshed:
        try:
            endpoint = self.endpoint(self.grant.token_endpoint)
            request_of = await request_maker(self, endpoint)
            if isinstance(request_of, Refreshed):
                return request_of
            request_of(self.proved())
        except UrlRefused as refused:
            # The index may have been written by an older authlens, or changed by hand.
            cause = f"The stored token endpoint is refused: {refused}."
            self.record.failed("refresh.token_endpoint", self.grant.token_endpoint)
        except ValueError as error:
            cause = f"The request cannot be made: {error}."
            self.record.failed("refresh.client", cause)
        else:
            return await self._send(request_of)
        return self.result(RefreshOutcome.REFUSED, cause, LOG_IN_AGAIN)

    async def _send(self, request_of: Callable[[Client], Request]) -> Refreshed:
        is_program, signer = self.grant.machine is not None, self.signer()
        if not is_program:
            # Before it is sent: if this process dies now, the next one knows that the token may be used up.
            pending = Pending(self.grant.grant_id, self.grant.generation, self.record.started_at)
            self.credentials.index.mark_pending(pending)
        self.sent = True
        scope = None if is_program else self.grant.scope
        try:
            exchange = await self.send_as_client(request_of, Purpose.REFRESH, signer, scope=scope)
        except asyncio.CancelledError:
            if not is_program:
                self._mark_unknown("The refresh was cancelled after it was sent.")
            raise
        if exchange.complete_response is None:
            return self.no_answer(exchange.no_answer)
        return await self._answered(exchange.complete_response)

    def no_answer(self, failure: WireFailure) -> Refreshed:
        cause, cure = failure.cause, failure.cure
        self.record.failed("refresh.answer", cause, cure=cure)
        # A server that rotates (RFC 9700 §4.14.2) may have replaced the token: sending the old one can end
        # the login.
        if failure.may_have_arrived:
            return self._unknown(f"The refresh was sent but the response was lost: {cause}")
        return self.later(cause, cure)

    async def _answered(self, response: Response) -> Refreshed:
        sent = (*sent_in(self.record.exchanges), *self.secrets.known)
        reading = read_token_response(
            response,
            resource=self.grant.resource,
            scope=self.grant.scope,
            grant="refresh_token" if self.grant.machine is None else "machine",
            sent=sent,
            proved=self.secrets.dpop_key is not None,
        )
        self.record.checks.extend(reading.checks)
        if response.status >= 300 or response.status < 200:
            error = read_error(response, sent)
            refused = error is not None and error.error == ErrorCode.INVALID_CLIENT and response.status < 500
            if refused and await self.lose_client():
                # A refresh token is good for its client alone (RFC 6749 §6).
                lost = "The server does not know the client that authlens registered for this login"
                seen = f"({response.status} {error})"
                return self._login_needed(f"{lost} {seen}. The next login registers a new one.")
            return self._said_no(response, error)
        # It said yes, so the old refresh token may be used up, and no new one can be read.
        if reading.value is None or failures(reading.checks):
            failure = next((c for c in reading.checks if c.severity is Severity.FAILURE), None)
            seen = f"{failure.name}: {failure.seen}" if failure else "unreadable"
            return self._unknown(
                f"The server answered {response.status} with tokens that cannot be used ({seen})."
            )
        # A bearer token where there was a bound one is what an attacker in the path would want.
        if is_bound(self.grant.token_type) and not is_bound(reading.value.token_type):
            return await self._downgraded(reading.value)
        return await self._store(reading.value)

    async def _downgraded(self, tokens: TokenResponse) -> Refreshed:
        """Store the new refresh token and nothing else of an answer that binds its token to no key.

        The old refresh token may be used up, so the grant needs the new one; the access token is dropped
        (RFC 9449 §5), because anyone who copies it could use it.
        """
        cause = "The server returned an access token that is not bound to the key, though the last one was."
        cure = again("Ask the server's owner to bind its tokens to the key again (DPoP), or log in again")
        self.record.failed("refresh.token_type", tokens.token_type, cure=cure)
        if tokens.refresh_token is not None:
            new = replace(self.secrets, refresh_token=tokens.refresh_token)
            try:
                self.grant = await self.credentials.save(self.grant, new)
            except AuthlensError as error:
                return self._unsaved(self.grant, new, error)
            self.secrets = new
            cause = f"{cause} It was dropped; the new refresh token is stored."
        self._back_off(cause, None)
        return self.result(RefreshOutcome.DOWNGRADED, cause, cure)

    def _said_no(self, response: Response, error: OAuthError | None) -> Refreshed:
        wait = retry_after(response, self.now())
        seen = f"{response.status} {error}" if error else f"{response.status}"
        # The one code that speaks of the token (RFC 6749 §5.2); all others may pass, so the grant is kept.
        if error is not None and error.error == ErrorCode.INVALID_GRANT and self.grant.machine is None:
            ended = "it expired, was revoked, or a policy now refuses access"
            return self._login_needed(f"The server refused the refresh token ({seen}): {ended}.")
        # Decided by the status, not by the error code: proxies answer for a server that is down.
        if response.status == 429 or response.status >= 500:
            later = f"Try again in {wait} s." if wait else "Try again in a minute."
            cause = f"The server cannot refresh it at the moment ({seen})."
            self._back_off(cause, wait)
            return self.result(RefreshOutcome.TRANSIENT, cause, later)
        means, cure = _REFUSED
        if error is not None:
            asked = self.record.exchanges[-1] if self.grant.machine is not None else None
            means, cure = refusal_words(Stage.REFRESH, error, server_kind(self.record.server), asked)
        self._back_off(f"{means} ({seen})", wait)
        # The refresh token is for its client alone, and a login may have another one registered.
        lost = error is not None and error.error == ErrorCode.INVALID_CLIENT
        outcome = RefreshOutcome.LOGIN_NEEDED if lost else RefreshOutcome.REFUSED
        return self.result(outcome, f"{means} ({seen})", cure)

    # The outcome for the grant

    def _login_needed(self, note: str) -> Refreshed:
        self.mark(note, AccessKind.REFRESH_LOGIN_NEEDED, state=GrantState.LOGIN_NEEDED)
        return self.result(RefreshOutcome.LOGIN_NEEDED, note, LOG_IN_AGAIN)

    def later(self, cause: str, cure: str | Fix, error_type: type[AuthlensError] | None = None) -> Refreshed:
        self._back_off(cause, None)
        return self.result(RefreshOutcome.TRANSIENT, cause, cure, error_type=error_type)

    def _unknown(self, cause: str) -> Refreshed:
        if self.grant.machine is not None:  # nothing is used up: the same can be asked again
            return self.later(cause, again("Try again; if it fails again, log in again"))
        self._mark_unknown(cause)
        return self.result(RefreshOutcome.UNKNOWN, self.grant.note, _MAY_END)

    def _mark_unknown(self, cause: str) -> None:
        note = f"{cause} The server may have replaced the refresh token."
        self.mark(note, AccessKind.REFRESH_UNKNOWN, state=GrantState.UNKNOWN)

    def _back_off(self, cause: str, asked: int | None) -> None:
        """Note when it is tried again, where every program and the user can see it."""
        # The pause is at its longest long before; the record need not count for months.
        attempts = min(self.grant.attempts + 1, 1_000)
        retry_at = next_attempt(attempts, self.now(), asked=asked, jitter=randbelow(1_000) / 1_000)
        self.mark(f"The last refresh failed: {cause}", attempts=attempts, retry_at=retry_at)

    def mark(self, note: str, kind: AccessKind | None = None, **changes: Any) -> None:
        super().mark(note, kind, **changes)
        self.credentials.index.clear_pending(self.grant.grant_id)  # what it came to is known

    async def _store(self, tokens: TokenResponse) -> Refreshed:
        new = renewed_secrets(self.secrets, tokens)
        renewed = renewed_grant(self.grant, self.client, tokens, self.record.started_at)
        try:
            saved = await self.credentials.save(renewed, new)
        except AuthlensError as error:
            return self._unsaved(renewed, new, error)
        self._learn(saved, new, replaced=tokens.refresh_token is not None)
        self.grant, self.secrets = saved, new
        self.credentials.record(AccessKind.REFRESHED, saved.grant_id, "a new access token is stored")
        return self.result(RefreshOutcome.REFRESHED, "Refreshed.")

    def _unsaved(self, renewed: Grant, new: GrantSecrets, error: AuthlensError) -> Refreshed:
        # The note of a refresh started stays: if this process ends now, the next one finds it.
        self._learn(renewed, new, replaced=new.refresh_token != self.secrets.refresh_token)
        self.record.failed(CheckId.REFRESH_STORED, error.cause, cure=error.cure)
        self.grant, self.secrets = renewed, new
        self.credentials.held[renewed.grant_id] = renewed, new
        cause = f"The server returned new tokens, but they could not be stored: {error.cause}"
        cure = fix(error.cure, "Refresh again before you quit: the new tokens exist only in this program.")
        return self.result(RefreshOutcome.STORE_FAILED, cause, cure)

    def _learn(self, grant: Grant, new: GrantSecrets, *, replaced: bool) -> None:
        if new.refresh_token is not None:
            self.record.checks.append(rotation_check(replaced=replaced))
        self.record.facts.extend(renewal_facts(self.grant, grant, new, replaced=replaced))

    def result(
        self,
        outcome: RefreshOutcome,
        summary: str,
        cure: str | Fix = "",
        *,
        error_type: type[AuthlensError] | None = None,
    ) -> Refreshed:
        error_type = error_type or _ERROR_TYPES.get(outcome)
        if outcome is RefreshOutcome.TRANSIENT and self.record.lost is not None:
            error_type = self.record.lost.error_type
        if self.grant.machine is not None:
            from authlens_core.values.login_command import filled, given_options  # most refreshes need none

            # Another login is the program's, too: one without its options would wait for a user.
            options = given_options(self.grant.machine_options(self.secrets))
            cure = filled(cure, self.grant.resource_url, options)
        return Refreshed(
            outcome=outcome,
            summary=summary,
            cure=cure,
            error_type=error_type,
            trace=self.record.trace(passed=error_type is None),
            grant=self.grant,
            secrets=self.secrets,
        )


_MAY_END: Final = again("Try again (this may end the login), or log in again")
_ERROR_TYPES: Final[Mapping[RefreshOutcome, type[AuthlensError]]] = {
    RefreshOutcome.LOGIN_NEEDED: LoginNeeded,
    RefreshOutcome.UNKNOWN: LoginNeeded,
    RefreshOutcome.REFUSED: Refused,
    RefreshOutcome.DOWNGRADED: ServerMisconfigured,
    RefreshOutcome.TRANSIENT: NetworkFailure,
    RefreshOutcome.STORE_FAILED: NoSecretStore,
}
