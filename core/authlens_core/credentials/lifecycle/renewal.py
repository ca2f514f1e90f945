"""How the next token of a grant is asked for, and what new tokens make of its record and its trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.operation import loopback_http
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, TokenVerdict
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.token import TokenResponse, refresh_request
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.errors import AuthlensError
from authlens_core.values.exchange import Request
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url

if TYPE_CHECKING:
    from authlens_core.credentials.lifecycle.action_result import Refreshed
    from authlens_core.credentials.lifecycle.refresh_operation import RefreshOperation

_REFUSED_BEFORE: Final = "The resource refused the token before this one."


async def request_maker(
    operation: RefreshOperation, endpoint: Url
) -> Callable[[Client], Request] | Refreshed:
    """Return what makes the token request for a client; the result where something before it has failed.

    A program has no refresh token. It asks for a token again as at its login, which uses nothing up: its
    assertion is read, and its identity provider is asked first, if it has one.

    Raises:
        ValueError: no request can be made; `UrlRefused` if an address is none to send a secret to.
    """
    grant = operation.grant
    if grant.machine is None:
        token = operation.secrets.refresh_token or Secret("")
        return partial(
            refresh_request, endpoint, refresh_token=token, resource=grant.resource, scope=grant.scope
        )
    from authlens_core.oauth.machine_grants import FIRST, NOTHING_GIVEN, MachineLogin, read_first_answer
    from authlens_core.state.assertion_source import AssertionSource, read_assertion  # few logins need it

    assertion = answer = None
    options = grant.machine_options(operation.secrets)
    try:
        if options.assertion_file is not None or options.assertion_command is not None:
            source = AssertionSource.of(options)
            assertion = await read_assertion(source)
    except AuthlensError as error:
        operation.record.failed("refresh.assertion", error.cause, cure=error.cure)
        # Not the network's: the file or the command that the user named gives no assertion.
        return operation.later(error.cause, error.cure, type(error))
    login = MachineLogin.of(
        options,
        loopback_http=loopback_http(grant),
        token_endpoint=endpoint,
        issuer=grant.issuer,
        scope=grant.scope,
        resource=grant.resource,
        assertion=assertion,
    )
    first = login.first_request()
    if first is not None:
        operation.sent = True
        exchange = await operation.send(first, FIRST, None)
        if (answer := exchange.complete_response) is None:
            return operation.no_answer(exchange.no_answer)
        if (given := read_first_answer(answer, operation.secrets.known)).value is None:
            operation.record.checks.extend(given.checks)
            return operation.later(*NOTHING_GIVEN)
    return lambda client: login.token_request(client, answer)


def renewed_secrets(old: GrantSecrets, tokens: TokenResponse) -> GrantSecrets:
    """Return the secrets of the grant with the new tokens."""
    return replace(
        # RFC 6749 §6: a server that returns no refresh token means that the old one goes on.
        old,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token or old.refresh_token,
    )


def renewed_grant(grant: Grant, client: Client, tokens: TokenResponse, asked_at: datetime) -> Grant:
    """Return the grant with what the answer says, and `client` as it was accepted; it is live again."""
    return replace(
        grant,
        token_type=tokens.token_type,
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        needs=client.needs,
        scope=tokens.scope,
        # Counted from before the request was sent: a token never lives longer here than at the server.
        refreshed_at=asked_at,
        expires_at=tokens.lifetime.ends_after(asked_at),
        login_ends=tokens.login_lifetime.ends_after(asked_at) or grant.login_ends,
        # The verdict was on the old token: of this one it says something only if none was ever accepted.
        last_tested=None,
        last_verdict=TokenVerdict.UNTESTED,
        last_words="" if grant.last_proven_at or not grant.last_words else _REFUSED_BEFORE,
        state=GrantState.LIVE,
        note="",
        retry_at=None,
        attempts=0,
        # Many servers send the refresh token only once, at the login.
        has_refresh_token=tokens.refresh_token is not None or grant.has_refresh_token,
    )


def renewal_facts(before: Grant, grant: Grant, new: GrantSecrets, *, replaced: bool) -> Iterator[Fact]:
    """Yield what a trace shows of new tokens.

    Args:
        replaced: whether the server returned a new refresh token.
    """
    yield Fact(FactId.ACCESS_TOKEN, new.access_token, "RFC 6749 §5.1", "new")
    yield Fact(FactId.EXPIRES_AT, grant.expires_at, "RFC 6749 §5.1", "counted from before the request")
    if new.refresh_token is not None:
        note = "new; replaces the old one" if replaced else "none returned: the old one stays valid"
        yield Fact(FactId.REFRESH_TOKEN, new.refresh_token, "RFC 6749 §6", note)
    if grant.generation != before.generation:
        moved = f"{before.generation} → {grant.generation}"
        yield Fact(FactId.GENERATION, moved, note="written, read back, switched, the old one deleted")
