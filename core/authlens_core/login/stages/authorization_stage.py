"""Stage 5: a secret that ties the code to this login (RFC 7636); nothing is sent.

Stage 6: the user signs in, elsewhere, and the code comes back (RFC 6749 §4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from secrets import token_bytes
from typing import Final

from msgspec.structs import replace

from authlens_core.cloudflare.team import REPORTS, for_team, refusal_on
from authlens_core.diagnosis.diagnose import find_cause
from authlens_core.login.client_attempts import attempt_after, last_attempt
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, PlannedRequest, StageResult, unanswered
from authlens_core.login.stages.registration_stage import OFFLINE_ACCESS, requested_scope
from authlens_core.oauth.authorization import (
    AuthorizationResponse,
    ExpectedResponse,
    RepeatedParameter,
    authorization_url,
    url_parameters,
)
from authlens_core.oauth.dpop import DpopKey, make_dpop_key
from authlens_core.oauth.id_token import OPENID
from authlens_core.oauth.pkce import make_pkce, make_state
from authlens_core.oauth.pushed_authorization import (
    pushed_authorization_request,
    pushed_authorization_url,
    read_pushed_authorization,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.failure_reason import refusal
from authlens_core.values.check import (
    Check,
    CheckId,
    Diagnosis,
    ErrorCode,
    failures,
    requirement,
)
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.formats.form import FormPair, FormRefused
from authlens_core.values.safe_text import safe_line
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url, UrlRefused, parse_url

_LONGEST_PAGE: Final = 240  # characters of what the browser shows
_READY: Final = requirement("authorization.ready")


class PkceStage(LoginStage):
    """Draws a new verifier and state at every run, so that no two attempts share anything."""

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:  # noqa: ARG002
        """Draw the verifier, its challenge, and the state."""
        pkce = make_pkce(token_bytes)
        state = make_state(token_bytes)
        again = pkce.draws - 1
        drawn = "first attempt" if again == 0 else f"generated again {again} time{'s' if again > 1 else ''}"
        checks = (
            requirement("pkce.method").passed("code_challenge = BASE64URL(SHA256(code_verifier))"),
            requirement("pkce.first_character").passed(f"starts with {pkce.code_challenge[0]!r}, {drawn}"),
        )
        display_facts: tuple[Fact, ...] = (
            Fact(
                FactId.CODE_VERIFIER, pkce.code_verifier, "RFC 7636 §4.1", "32 random bytes, in memory only"
            ),
            Fact(
                FactId.CODE_CHALLENGE,
                pkce.code_challenge,
                "RFC 7636 §4.2",
                "sent when you authorize",
            ),
            Fact(FactId.CODE_CHALLENGE_METHOD, "S256", "RFC 7636 §4.3"),
            Fact(FactId.STATE, state, "RFC 6749 §10.12", "must come back with the code"),
        )
        nonce = None
        # Only with this scope is there an ID token, which the nonce ties to this login.
        if OPENID in (requested_scope(facts) or "").split():
            nonce = make_state(token_bytes)
            spec = "OpenID Connect Core §3.1.2.1"
            display_facts = (
                *display_facts,
                Fact(FactId.NONCE, nonce, spec, "must come back in the ID token"),
            )
        key, of_key = drawn_key(facts)
        new = replace(facts, pkce=pkce, state=state, nonce=nonce, dpop_key=key)
        return StageResult(new, checks, (*display_facts, *of_key))


def drawn_key(facts: Facts) -> tuple[DpopKey | None, tuple[Fact, ...]]:
    """Return a new key for the tokens, if they have to be bound to one, and what is shown of it."""
    if not facts.needs_dpop:
        return None, ()
    key = make_dpop_key()
    return key, (
        Fact(FactId.DPOP_PRIVATE_KEY, key.private_jwk, "RFC 9449 §4.2", "signs the requests"),
        Fact(FactId.DPOP_JKT, key.thumbprint, "RFC 9449 §5, §10", "its thumbprint, for the tokens"),
    )


class AuthorizationStage:
    """Builds the link. What comes back is read by `learn_response`, whatever brought it."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the pushed authorization request, if the server takes it; it goes before the browser's."""
        return _pushed(facts, self.learn(facts, ()).facts.authorization_url, sent)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Build the authorization URL from what is known and, if it was pushed, its reference."""
        plain = self._with_link(facts)
        pushed = [e for e in exchanges if e.purpose is Purpose.PUSHED_AUTHORIZATION]
        return _referred(plain, pushed) if pushed and plain.facts.authorization_url else plain

    def _with_link(self, facts: Facts) -> StageResult:
        page, client, pkce = facts.server.authorization_endpoint, facts.client, facts.pkce
        state = facts.state
        if page is None or client is None or pkce is None or state is None:
            return StageResult(facts, (_READY.failed("an earlier stage is missing"),))
        scope = requested_scope(facts)
        # Servers that know offline_access grant it only to a user who was asked (OpenID Connect Core §11).
        extra: list[FormPair] = [("audience", facts.options.audience or "")]
        if scope and OFFLINE_ACCESS in scope.split():
            extra.append(("prompt", "consent"))
        if facts.nonce is not None:
            extra.append(("nonce", facts.nonce))
        # Binds the code, too, so that one which was stolen cannot be exchanged with another key (RFC 9449
        # §10).
        if facts.dpop_key is not None:
            extra.append(("dpop_jkt", facts.dpop_key.thumbprint))
        try:
            url = authorization_url(
                page,
                client_id=client.client_id,
                redirect_uri=client.redirect_uri,
                state=state,
                code_challenge=pkce.code_challenge,
                resource=facts.resource,
                scope=scope,
                extra=extra,
            )
        except RepeatedParameter as repeated:
            return StageResult(facts, (_unusable(str(repeated)),))
        drawn = {"state": state, "nonce": facts.nonce}
        display_facts = tuple(
            Fact(name, drawn.get(name) or value, _PARAMETER_SPEC.get(name, ""))
            for name, value in url_parameters(url)
        )
        return StageResult(replace(facts, authorization_url=url, scope=scope, code=None), (), display_facts)


def _pushed(facts: Facts, link: str | None, sent: Sequence[Exchange]) -> PlannedRequest | None:
    """Return the pushed authorization request after those `sent`, if the server takes it (RFC 9126)."""
    endpoint, attempt = facts.server.pushed_authorization_request_endpoint, attempt_after(facts, sent)
    if attempt is None or endpoint is None or link is None:
        return None
    # What the endpoint's URL has of its own is the server's and stays in the link.
    endpoint_parameters = len(url_parameters(facts.server.authorization_endpoint or ""))
    parameters: list[FormPair] = [
        # The secret itself and not its text, so that the record masks it.
        (name, facts.state if name == "state" and facts.state is not None else value)
        for name, value in url_parameters(link)[endpoint_parameters:]
    ]
    try:
        url = parse_url(endpoint, loopback_http=facts.loopback_http)
        request = pushed_authorization_request(url, attempt.client, parameters)
    except (UrlRefused, FormRefused):
        return None
    return attempt.planned(request, Purpose.PUSHED_AUTHORIZATION)


def _referred(plain: StageResult, sent: Sequence[Exchange]) -> StageResult:
    """Return the link that holds the reference to the pushed request instead of its parameters."""
    facts, pushed = plain.facts, sent[-1]
    if pushed.complete_response is None:
        return replace(unanswered(facts, pushed, "pushed.answer"), display_facts=plain.display_facts)
    reading = read_pushed_authorization(pushed.complete_response)
    page = facts.server.authorization_endpoint
    if page is None or facts.client is None:
        return plain
    attempt = last_attempt(facts, facts.client, sent)
    checks = (*attempt.checks, *reading.checks)
    if reading.value is None:
        error = read_error(pushed.complete_response)
        checks = (*checks, *scope_checks(facts, plain.facts.scope, error))
        diagnosis = refusal(
            Stage.AUTHORIZATION, error, checks=failures(checks), exchange=pushed, kind=facts.server_kind
        )
        return StageResult(facts, checks, plain.display_facts, diagnosis)
    try:
        link = pushed_authorization_url(
            page,
            client_id=facts.client.client_id,
            request_uri=reading.value.request_uri,
        )
    except RepeatedParameter as repeated:
        return StageResult(facts, (_unusable(str(repeated)),))
    display_facts = (
        *plain.display_facts,
        Fact(FactId.REQUEST_URI, reading.value.request_uri, "RFC 9126 §2.2", "in the link"),
    )
    return StageResult(replace(facts, authorization_url=link, client=attempt.client), checks, display_facts)


_PARAMETER_SPEC = {
    "response_type": "RFC 6749 §4.1.1",
    "client_id": "RFC 6749 §2.2",
    "redirect_uri": "RFC 6749 §3.1.2",
    "scope": "RFC 6749 §3.3",
    "state": "RFC 6749 §10.12",
    "code_challenge": "RFC 7636 §4.3",
    "code_challenge_method": "RFC 7636 §4.3",
    "resource": "RFC 8707 §2",
    "audience": "Auth0, Authorization Code Flow",
    "nonce": "OpenID Connect Core §3.1.2.1",
    "dpop_jkt": "RFC 9449 §10",
}


def expected_response(facts: Facts) -> ExpectedResponse:
    """Return what a response must match to belong to this login.

    Raises:
        ValueError: before the link was built.
    """
    if facts.server_metadata is None or facts.state is None or facts.client is None:
        raise ValueError("there is no authorization request yet")
    return ExpectedResponse(
        state=facts.state,
        issuer=facts.server_metadata.stated_issuer,
        iss_required=facts.server_metadata.authorization_response_iss_parameter_supported,
        redirect_uri=facts.client.redirect_uri,
        any_issuer=facts.options.any_issuer,
        any_state=facts.options.any_state,
    )


def learn_response(facts: Facts, response: AuthorizationResponse) -> StageResult:
    """Return what the browser's answer taught; the same for the listener and for a pasted URL."""
    display_facts = (
        () if response.code is None else (Fact(FactId.CODE, response.code, "RFC 6749 §4.1.2", "works once"),)
    )
    diagnosis, checks = None, response.checks
    if response.error is not None:
        checks = (*checks, *scope_checks(facts, facts.scope, response.error))
        failed = failures(checks)
        diagnosis = refusal(Stage.AUTHORIZATION, response.error, checks=failed, kind=facts.server_kind)
    return StageResult(replace(facts, code=response.code), checks, display_facts, diagnosis)


def scope_checks(facts: Facts, scope: str | None, error: OAuthError | None) -> Iterator[Check]:
    """Yield that the server refuses the `scope` of a request which the resource names, and not the user."""
    if error is None or error.error != ErrorCode.INVALID_SCOPE or facts.options.scope is not None:
        return
    if scope:
        check = requirement(CheckId.AUTHORIZATION_SCOPE, scope=scope, server=facts.server.issuer)
        yield check.failed(f"{error}; asked for: {scope}")


def no_callback(
    facts: Facts, seconds: float, ignored: int, *, stopped: bool = False, page: str = "", unproven: str = ""
) -> Check:
    """Return the check for a wait that ended without an answer.

    Args:
        stopped: the user ended it.
        page: what the browser showed; empty if unknown.
        unproven: what came without a state, an error or a code.
    """
    others = f"; {ignored} other request{'s' if ignored != 1 else ''} ignored" if ignored else ""
    others += f"; an answer without a state came: {unproven}" if unproven else ""
    # A server that does not know it shows an error instead.
    where = f" at {facts.redirect_uri}" if facts.redirect_uri else ""
    browser = f"; the browser shows “{safe_line(page, _LONGEST_PAGE)}”" if page else ""
    actual = f"nothing{where} in {seconds:.0f} seconds{others}{browser}"
    # The cause is the same if the user stopped first.
    check = requirement(CheckId.AUTHORIZATION_TIMEOUT, "authorization.callback").failed(actual)
    diagnosis = browser_diagnosis(page, facts.issuer)
    if diagnosis is None:
        diagnosis = find_cause(Stage.AUTHORIZATION, checks=(check,), kind=facts.server_kind)
    if stopped:
        check = requirement(CheckId.AUTHORIZATION_STOPPED, "authorization.callback").noticed(actual)
    if diagnosis is None:
        return check
    # A failure has the cause as its diagnosis.
    return replace(check, why=diagnosis.cause if stopped else check.why, cure=diagnosis.cure)


def browser_diagnosis(page: str, issuer: Url | None) -> Diagnosis | None:
    """Return what a page of the server means on which the browser ended; None if it is not a known one."""
    page_refusal = refusal_on(page)
    if page_refusal is None:
        return None
    cure = for_team(page_refusal.cure, issuer.host if issuer is not None else "")
    evidence = safe_line(page, _LONGEST_PAGE)
    return Diagnosis("refused_in_the_browser", page_refusal.meaning, cure, (evidence,), source=REPORTS)


def _unusable(reason: str) -> Check:
    return requirement("authorization.endpoint").failed(reason)
