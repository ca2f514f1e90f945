"""A new token for a program, in the way in which it got the last one: there is no refresh token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from authlens_core.credentials.lifecycle.operation import loopback_http
from authlens_core.oauth.machine_grants import (
    FIRST,
    NOTHING_GIVEN,
    MachineLogin,
    read_first_answer,
)
from authlens_core.state.assertion_source import AssertionSource, read_assertion
from authlens_core.values.errors import AuthlensError
from authlens_core.values.exchange import Purpose
from authlens_core.values.fix import LOG_IN_AGAIN, filled, given_options
from authlens_core.values.url import UrlRefused

if TYPE_CHECKING:
    from authlens_core.credentials.lifecycle.action_result import Refreshed
    from authlens_core.credentials.lifecycle.refresh_operation import RefreshOperation

_EXPECTED = "what the program logs in with"


async def run_machine(operation: RefreshOperation) -> Refreshed:
    """Ask for a new token as the program did at its login, under the lock of its grant."""
    result = await _run(operation)
    grant = operation.grant
    # Another login is the program's, too: one without its options would wait for a user.
    options = given_options(grant.machine_options(operation.secrets))
    return replace(result, cure=filled(result.cure, grant.resource_url, options))


async def _run(operation: RefreshOperation) -> Refreshed:
    record, answer = operation.record, None
    try:
        login = await _login(operation)
        first = login.first_request()
        operation.sent = True
        if first is not None:
            exchange = await operation.send(first, FIRST, None)
            if (answer := exchange.answer) is None:
                return operation.no_answer(exchange.no_answer)
            if (given := read_first_answer(answer, operation.secrets.known)).value is None:
                record.checks.extend(given.checks)
                return operation.later(*NOTHING_GIVEN)
        exchange = await operation.send_as_client(
            lambda client: login.token_request(client, answer), Purpose.REFRESH, operation.signer()
        )
    except AuthlensError as error:
        record.failed("refresh.assertion", error.cause, cure=error.cure)
        # Not the network's: the file or the command that the user named gives no assertion.
        return operation.later(error.cause, error.cure, type(error))
    except (UrlRefused, ValueError) as error:
        record.failed("refresh.client", f"{error}", "program")
        return operation.later(f"The request cannot be made: {error}.", LOG_IN_AGAIN)
    if exchange.answer is None:
        return operation.no_answer(exchange.no_answer)
    return await operation.answered(exchange.answer)


async def _login(operation: RefreshOperation) -> MachineLogin:
    """Return what to log in with; its assertion is read now.

    Raises:
        AuthlensError: there is no assertion.
        UrlRefused: a stored endpoint is no URL that a secret may be sent to.
    """
    grant, assertion = operation.grant, None
    options = grant.machine_options(operation.secrets)
    if options.assertion_file is not None or options.assertion_command is not None:
        assertion = await read_assertion(AssertionSource(options.assertion_file, options.assertion_command))
    return MachineLogin.of(
        options,
        loopback_http=loopback_http(grant),
        token_endpoint=operation.endpoint(grant.token_endpoint),
        issuer=grant.issuer,
        scope=grant.scope,
        resource=grant.resource,
        assertion=assertion,
    )
