"""Stage 7: the code and the verifier for the tokens (RFC 6749 §4.1.3, RFC 7636 §4.5)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from msgspec.structs import replace

from authlens_core.login.client_attempts import attempt_after, last_attempt
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, PlannedRequest, StageResult, parted, unanswered
from authlens_core.oauth.authorization import url_parameters
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.id_token import id_token_checks, unrequested_check
from authlens_core.oauth.jwks import jwks_request
from authlens_core.oauth.token import TokenResponse, clock_check, code_request, read_token_response
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.failure_reason import refusal
from authlens_core.values.check import Check, CheckId, ErrorCode, failures, requirement
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url, same_site

_CODE: Final = requirement("exchange.code")
_ID_TOKEN: Final = requirement("id_token.form")
_OF_PKCE: Final = ("verifier", "challenge", "pkce")


class TokenStage(LoginStage, ABC):
    """Gets the tokens; each grant says what it sends to the token endpoint."""

    @abstractmethod
    def token_request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next token request after those `sent`, or None if there is none."""

    def given_up(self, facts: Facts, sent: Sequence[Exchange]) -> tuple[Check, ...]:  # noqa: ARG002
        """Return why there are no tokens, if the last answer does not say so itself."""
        return () if sent else (_CODE.failed("no code"),)

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next token request; after the last, the GET of the keys, if an ID token came."""
        planned = self.token_request(facts, sent)
        return planned if planned is not None or not sent else _keys_request(facts, sent)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the tokens and work out when they end."""
        if not exchanges or facts.client is None:
            return StageResult(facts, self.given_up(facts, ()) or (_CODE.failed("no code"),))
        token_exchanges, key_exchanges = parted(exchanges, Purpose.SIGNING_KEYS)
        exchange = token_exchanges[-1]
        if exchange.complete_response is None:
            lost = unanswered(facts, exchange, "exchange.answer", once=True)
            return StageResult(facts, self.given_up(facts, token_exchanges) or lost.checks)
        reading = read_token_response(
            exchange.complete_response,
            resource=facts.resource,
            scope=facts.scope,
            sent=facts.grant_secrets,
            proved=facts.dpop_key is not None,
            grant="machine" if facts.flow.is_by_program else "authorization_code",
        )
        # Of the answer's end: the server wrote its Date within the time that the request took.
        clock = clock_check(exchange.complete_response, now=exchange.ended_at)
        attempt = last_attempt(facts, facts.client, token_exchanges)
        checks = (*attempt.checks, *reading.checks, *filter(None, (clock,)))
        if reading.value is None:
            error = read_error(exchange.complete_response, facts.grant_secrets)
            public_client = _public_client_checks(facts, attempt.client, error)
            checks = (*checks, *public_client, *_verifier_checks(facts, exchange.request, error))
            diagnosis = refusal(
                Stage.EXCHANGE, error, checks=failures(checks), exchange=exchange, kind=facts.server_kind
            )
            # The last answer before a code expires is often "authorization_pending": not what to show.
            if given_up := self.given_up(facts, token_exchanges):
                return StageResult(facts, given_up)
            # A refused code is not tried again: it may be what the server watches for (RFC 6749 §4.1.2).
            return StageResult(replace(facts, code=None), checks, diagnosis=diagnosis)
        tokens = reading.value
        checks = (*checks, *_id_token_checks(facts, tokens, exchange.ended_at, key_exchanges))
        # From the start, so that a slow answer never makes a token look longer-lived than it is.
        expires_at = tokens.lifetime.ends_after(exchange.started_at)
        new = replace(
            facts,
            client=attempt.client,
            tokens=tokens,
            tokens_asked_at=exchange.started_at,
            expires_at=expires_at,
            code=None,
        )
        return StageResult(new, checks, _display_facts(tokens, expires_at))


def _public_client_checks(facts: Facts, client: Client, error: OAuthError | None) -> Iterator[Check]:
    """Yield that the server refuses a client without a secret that it registered as one in this login."""
    is_new = facts.registered_at is not None and client.client_secret is None
    if not is_new or error is None or error.error != ErrorCode.INVALID_CLIENT:
        return
    methods = facts.server.token_endpoint_auth_methods_supported or ()
    with_secret = [method for method in methods if method.startswith("client_secret_")]
    listing = ", and token_endpoint_auth_methods_supported must not list it" if "none" in methods else ""
    check = requirement(
        CheckId.EXCHANGE_PUBLIC_CLIENT,
        server=facts.server.issuer,
        method=(*with_secret, "")[0],
        listing=listing,
    )
    listed = f"lists {', '.join(methods)}" if methods else "does not say how clients authenticate"
    yield check.failed(
        f"the metadata {listed}; the registration gave no client_secret; the token endpoint answers {error}",
        "with_secret" if with_secret and facts.options.client_auth is None else "",
    )


def _verifier_checks(facts: Facts, request: Request, error: OAuthError | None) -> Iterator[Check]:
    """Yield that the server refuses the verifier whose hash is in the link that the browser opened."""
    if error is None or error.error != ErrorCode.INVALID_GRANT or facts.pkce is None:
        return
    link = dict(url_parameters(facts.authorization_url or ""))
    form = dict(parse_qsl(request.body.reveal().decode("ascii", "replace")))
    # Either of the two may have been changed on purpose.
    is_hashed = link.get("code_challenge") == facts.pkce.code_challenge
    is_sent = Secret(form.get("code_verifier", "")) == facts.pkce.code_verifier
    if is_hashed and is_sent and any(word in error.description.lower() for word in _OF_PKCE):
        check = requirement(CheckId.EXCHANGE_VERIFIER, server=facts.server.issuer)
        yield check.failed("the link has the hash of the verifier that was sent")


class ExchangeStage(TokenStage):
    """Redeems the code once, because a second use may end the grant; again only if the client was refused."""

    def token_request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        endpoint, pkce, attempt = facts.token_endpoint, facts.pkce, attempt_after(facts, sent)
        if attempt is None or endpoint is None or pkce is None or facts.code is None:
            return None
        request = code_request(
            endpoint,
            attempt.client,
            code=facts.code,
            code_verifier=pkce.code_verifier,
            redirect_uri=attempt.client.redirect_uri,
            resource=facts.resource,
        )
        return attempt.planned(request, Purpose.TOKEN)


def _keys_request(facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
    url = _keys_location(facts)
    answered = sent[-1]
    fetched = answered.purpose is Purpose.SIGNING_KEYS
    # The keys are asked for after the tokens: a code is short-lived, and the keys can wait.
    if answered.response is None or url is None or fetched or not facts.wants_id_token:
        return None
    # Only to see whether there is an ID token; `learn` reads the same answer for its checks.
    tokens = read_token_response(
        answered.response,
        resource=facts.resource,
        scope=facts.scope,
        proved=facts.dpop_key is not None,
    ).value
    if tokens is None or tokens.id_token is None:
        return None
    return PlannedRequest(jwks_request(url), Purpose.SIGNING_KEYS)


def _keys_location(facts: Facts) -> Url | None:
    """Return where the server's keys are, if that is on its own site: this stage asks for no approval."""
    keys, home = facts.url(facts.server.jwks_uri), facts.url(facts.server.issuer)
    # A request to another site needs your yes, and the keys decide nothing that is worth a question.
    return keys if keys is not None and home is not None and same_site(keys, home) else None


def _no_keys(facts: Facts) -> str:
    """Return why there are no keys."""
    jwks_url = facts.url(facts.server.jwks_uri)
    if jwks_url is None:
        return "The server names no usable jwks_uri."
    if _keys_location(facts) is None:
        return f"The keys are on another site, {jwks_url.authority}, so they were not fetched."
    return "The server's keys could not be fetched."


def _id_token_checks(
    facts: Facts, tokens: TokenResponse, now: datetime, fetched: Sequence[Exchange]
) -> tuple[Check, ...]:
    client = facts.client
    if client is None:
        return ()
    if not facts.wants_id_token:
        return () if tokens.id_token is None else (unrequested_check(),)
    if tokens.id_token is None:
        return (_ID_TOKEN.warned("none"),)
    keys = fetched[-1].response if fetched else None
    return id_token_checks(
        tokens.id_token,
        issuer=facts.server.stated_issuer,
        client_id=client.client_id,
        nonce=facts.nonce,
        keys=keys.body if keys is not None and keys.status == 200 else None,
        now=now,
        no_keys=_no_keys(facts),
    )


def _display_facts(tokens: TokenResponse, expires_at: datetime | None) -> tuple[Fact, ...]:
    spec, lifetime = "RFC 6749 §5.1", tokens.lifetime
    lasts = None if lifetime.seconds is None else timedelta(seconds=lifetime.seconds)
    facts = [
        Fact(FactId.ACCESS_TOKEN, tokens.access_token, spec),
        Fact(FactId.TOKEN_TYPE, tokens.token_type, spec),
        Fact(FactId.EXPIRES_IN, lasts, spec, lifetime.note),
    ]
    if expires_at is not None:
        facts.append(Fact(FactId.EXPIRES_AT, expires_at, "", "UTC"))
    others = (
        (FactId.REFRESH_TOKEN, tokens.refresh_token, spec),
        (FactId.ID_TOKEN, tokens.id_token, "OpenID Connect Core §3.1.3.3"),
        (FactId.SCOPE, tuple(tokens.scope.split()) if tokens.scope else None, "RFC 6749 §3.3"),
        (FactId.RESOURCE, tokens.resource, "RFC 8707"),
    )
    return (*facts, *(Fact(name, value, source) for name, value, source in others if value))
