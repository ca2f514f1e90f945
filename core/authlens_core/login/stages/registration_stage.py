"""Stage 4: tell the server who is asking (RFC 7591), or use a client it knows already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.diagnosis.diagnose import find_cause
from authlens_core.login.callback.binding import redirect_uri
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, unanswered
from authlens_core.oauth.client_authentication import PRIVATE_KEY_JWT, Client, secret_method
from authlens_core.oauth.registration import (
    CODE_GRANTS,
    ClientWish,
    is_client_metadata_url,
    read_registration,
    registration_request,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.failure_reason import refusal
from authlens_core.values.check import Check, CheckId, failures, requirement
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import step
from authlens_core.values.formats.error_response import read_error
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url

CLIENT_NAME: Final = "authlens"
OFFLINE_ACCESS: Final = "offline_access"
_SPEC: Final = "RFC 7591 §3"
_NOT_FOUND: Final = 404


class RegistrationStage:
    """Registers a public client, unless one is given or known for this issuer and redirect URI."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the registration; after a refusal one of another kind, and never one whose answer was lost.

        None when a client is at hand.
        """
        # A registration that is repeated leaves a second client behind that cannot be deleted: most servers
        # have no RFC 7592.
        endpoint, wish = _endpoint(facts), _wish(facts, sent)
        at_hand = _client_at_hand(facts) is not None or failures(_document_checks(facts))
        if endpoint is None or wish is None or at_hand:
            return None
        request = registration_request(
            endpoint,
            wish,
            redirect_uri=redirect_uri_of(facts),
            client_name=CLIENT_NAME,
            scope=requested_scope(facts),
            resource=facts.resource,
            initial_access_token=facts.options.initial_access_token,
        )
        return PlannedRequest(request, Purpose.REGISTRATION, repeats=bool(sent))

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Keep the client: a given one, a known one, or the one just registered."""
        problems = _document_checks(facts)
        if failures(problems):
            return StageResult(facts, problems)
        at_hand = _client_at_hand(facts)
        if at_hand is not None:
            client, check = at_hand
            return with_client(facts, client, (*problems, check))
        if not exchanges:
            return StageResult(facts, (_nothing_to_use(facts),))
        # One that was registered as another kind than asked for may do where no other is registered.
        registered = [e for e in exchanges if e.status is not None and e.status < 300]
        exchange = (registered or exchanges)[-1]
        if exchange.complete_response is None:
            return unanswered(facts, exchange, "registration.answer", once=True)
        reading = read_registration(
            exchange.complete_response,
            redirect_uri=facts.redirect_uri or "",
            endpoint=_endpoint(facts),
            now=exchange.started_at,
            chosen_method=facts.options.client_auth,
            methods=facts.server.token_endpoint_auth_methods_supported,
            grant=facts.flow.grant_type,
        )
        checks = (*_not_used(facts), *_refusals(exchanges[:-1]), *reading.checks)
        if reading.value is None:
            remark = f"The redirect URI sent was {facts.redirect_uri}."
            error = read_error(exchange.complete_response)
            kind = facts.server_kind
            missing = tuple(_no_server(facts, exchange))
            diagnosis = refusal(
                Stage.REGISTRATION, error, remark=remark, checks=missing, exchange=exchange, kind=kind
            )
            return StageResult(facts, (*checks, *missing), diagnosis=diagnosis)
        stored_client = facts.stored_client
        # 2: replaced once already because no answer came, so another silence has another reason.
        client = replace(
            reading.value, unanswered=2 if stored_client is not None and stored_client.unanswered else 0
        )
        return with_client(replace(facts, registered_at=exchange.ended_at), client, checks)


def _no_server(facts: Facts, exchange: Exchange) -> Iterator[Check]:
    """Yield that no document names the server, and that it has nothing at the default path."""
    if facts.resource_metadata is None and not facts.server.document and exchange.status == _NOT_FOUND:
        check = requirement(CheckId.REGISTRATION_AT_ORIGIN, origin=facts.server.issuer)
        yield check.failed(f"{exchange.request.url} answers {exchange.status}")


def _wish(facts: Facts, sent: Sequence[Exchange]) -> ClientWish | None:
    """Return the kind of client to ask for after the answers `sent`; None if another changes nothing."""
    options, flow = facts.options, facts.flow
    wish: ClientWish | None = ClientWish(
        (*CODE_GRANTS, *flow.extra_grant_types), options.client_auth or "none"
    )
    for exchange in sent:
        if wish is None or exchange.response is None:
            return None
        wish = wish.after(exchange.response, (flow.grant_type, "refresh_token"))
    return wish


def _refusals(refused: Sequence[Exchange]) -> Iterator[Check]:
    """Yield why the server was asked again for a client of another kind."""
    for exchange in refused:
        if exchange.response is not None:
            problem = read_error(exchange.response) or "a client with a secret, and none was given"
            yield requirement("registration.metadata").noticed(
                f"{exchange.response.status} {problem}; asked for another kind"
            )


def requested_scope(facts: Facts) -> str | None:
    """Return the scope to ask for: the user's choice, the challenge's, the resource's, or none.

    Where a scope is asked for and the server knows `offline_access`, that is added: some servers give a
    refresh token only then (OpenID Connect Core §11; Model Context Protocol, Authorization).
    """
    if facts.options.scope is not None:
        return facts.options.scope or None
    scope = facts.challenge_scope
    supported = facts.resource_metadata.scopes_supported if facts.resource_metadata else None
    if scope is None and supported:
        scope = " ".join(supported)
    offered = facts.server.scopes_supported or ()
    # Without it OpenID Connect servers return no refresh token (Core §11), and the login ends with the access
    # token.
    # A program gets none: it asks for the next access token as it asked for this one.
    if facts.flow.is_by_program:
        return scope
    # Only beside another scope: alone, it would be all that is asked for.
    if scope and OFFLINE_ACCESS in offered and OFFLINE_ACCESS not in scope.split():
        return f"{scope} {OFFLINE_ACCESS}"
    return scope


def _endpoint(facts: Facts) -> Url | None:
    return facts.url(facts.server.registration_endpoint)


def redirect_uri_of(facts: Facts) -> str:
    """Return the redirect URI: that of the listener or, before the port is bound, as the options name it.

    That of a program's client is empty: nothing comes back to it.
    """
    if facts.flow.is_by_program:
        return ""
    options = facts.options
    # A client is looked up as soon as the server's metadata is known, when no port is bound yet.
    return facts.redirect_uri or options.redirect_uri or redirect_uri(options.redirect_host, options.port)


def given_client(facts: Facts) -> Client | None:
    """Return the client that the user named, without a redirect URI; None if they named none."""
    options = facts.options
    if options.client_id is None:
        return None
    listed = facts.server.token_endpoint_auth_methods_supported
    method = "none" if options.client_secret is None else secret_method(listed)
    return Client(
        client_id=options.client_id,
        redirect_uri="",
        token_endpoint_auth_method=PRIVATE_KEY_JWT if options.client_key else options.client_auth or method,
        client_secret=options.client_secret,
        client_key=options.client_key,
    )


def _client_at_hand(facts: Facts) -> tuple[Client, Check] | None:
    options = facts.options
    # What the user gave comes before what authlens remembers.
    if (client := given_client(facts)) is not None:
        client = replace(client, redirect_uri=redirect_uri_of(facts))
        return client, requirement("registration.client").passed(client.client_id, "given")
    if options.client_metadata_url is not None and facts.server.client_id_metadata_document_supported:
        client = Client(client_id=options.client_metadata_url, redirect_uri=redirect_uri_of(facts))
        return client, requirement("registration.client").passed(options.client_metadata_url, "document")
    stored_client = facts.stored_client
    if stored_client is None or _why_not(facts, stored_client):
        return None
    return replace(
        stored_client,
        token_endpoint_auth_method=options.client_auth or stored_client.token_endpoint_auth_method,
    ), requirement("registration.client").passed(f"client_id {stored_client.client_id}", "known")


def _why_not(facts: Facts, stored_client: Client) -> str:
    """Return why the stored client is not used in this login; empty if it is."""
    if stored_client.unanswered == 1:
        return "the last login with it got no answer from the browser, so the server may not know it any more"
    # RFC 8628 needs the grant type at registration, and a client of an earlier login may lack it.
    if stored_client.grant_types and facts.flow.grant_type not in stored_client.grant_types:
        return f"it is not registered for the grant {facts.flow.grant_type}"
    if facts.options.client_auth not in (None, "none") and stored_client.client_secret is None:
        return "it has no secret to authenticate with"
    return ""


def _not_used(facts: Facts) -> Iterator[Check]:
    """Yield that a new client was registered although one is stored, and why."""
    stored_client = facts.stored_client
    if stored_client is not None:
        yield requirement("registration.client").noticed(
            f"client_id {stored_client.client_id} is replaced: {_why_not(facts, stored_client)}", "replaced"
        )


def _document_checks(facts: Facts) -> tuple[Check, ...]:
    """Check the Client ID Metadata Document that the user named, and whether the server takes one."""
    url = facts.options.client_metadata_url
    if url is None or facts.options.client_id is not None:
        return ()
    if facts.server.client_id_metadata_document_supported:
        return is_client_metadata_url(url, loopback_http=facts.loopback_http).checks
    registers = facts.server.registration_endpoint is not None
    unsupported = requirement("registration.client_metadata_url").failed(
        "client_id_metadata_document_supported is not true in its metadata",
        "unsupported",
        cure=step("authlens can register itself there", "authlens login URL --new-client")
        if registers
        else step("Ask the owner of the server for a client", "authlens login URL --client-id ID"),
    )
    return (unsupported,)


def _nothing_to_use(facts: Facts) -> Check:
    absent = requirement(CheckId.SERVER_REGISTRATION).failed("")
    diagnosis = find_cause(Stage.REGISTRATION, checks=(absent,), kind=facts.server_kind)
    return requirement(CheckId.REGISTRATION_ENDPOINT).failed(
        "no usable registration_endpoint in the server metadata" if facts.server_metadata else "no metadata",
        cure=diagnosis.cure
        if diagnosis
        else step("Use a pre-registered client", "authlens login URL --client-id ID"),
    )


def with_client(facts: Facts, client: Client, checks: tuple[Check, ...]) -> StageResult:
    """Return the result of the stage that found `client`."""
    display_facts = [
        Fact(FactId.CLIENT_ID, client.client_id, "RFC 7591 §3.2.1"),
        Fact(FactId.TOKEN_ENDPOINT_AUTH_METHOD, client.token_endpoint_auth_method, "RFC 7591 §2"),
    ]
    if client.redirect_uri:
        where = Fact(FactId.REDIRECT_URIS, client.redirect_uri, "RFC 7591 §2", "where the code may be sent")
        display_facts.insert(1, where)
    if client.client_secret is not None:
        display_facts.append(Fact(FactId.CLIENT_SECRET, client.client_secret, "RFC 7591 §3.2.1"))
    return StageResult(replace(facts, client=client), checks, tuple(display_facts))
