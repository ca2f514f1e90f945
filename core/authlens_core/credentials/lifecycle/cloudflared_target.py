"""Probing with a token of cloudflared, which goes only to an address that names the application it is for.

The name of its file alone is a guess wherever it can be read in several ways (`cloudflared_token`),
and a credential goes to no guessed host. So the address is asked first, without a credential, which
application it is; only the AUD of the file lets the token follow.

A token of cloudflared is never copied: cloudflared has it on disk, reads it there, and deletes it when it has
expired; a second copy in the keyring would be a second truth. So it is read at the moment it is needed, and
only what was found out is stored: the trace, and a line in the history.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from msgspec import Struct

from authlens_core.cloudflare.cloudflared_files import cloudflared_fields, read_cloudflared_token
from authlens_core.cloudflare.cloudflared_token import (
    CloudflaredKind,
    CloudflaredToken,
    can_only_mean,
    names_of,
    readings,
    sure_address,
)
from authlens_core.cloudflare.team import LOGIN_PATH
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import AuthlensError, LoginNeeded, UsageError
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.fix import step
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, parse_url, require_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE

if TYPE_CHECKING:
    from authlens_core.credentials.lifecycle.action_result import ProbeResult

_LONGEST: Final = 16 * 1024  # characters of a URL that are looked at


class NamedApplication(Struct, frozen=True):
    """The application that an answer names.

    Attributes:
        team: the host of the login page; empty where the answer does not lead there.
    """

    audience: str
    team: str = ""


class TokenTarget(Struct, frozen=True):
    """An address that a token may be sent to, and what was asked to find that out."""

    url: str
    asked: tuple[Exchange, ...] = ()


def refuse_unusable(token: CloudflaredToken, now: datetime) -> None:
    """Refuse a token that opens nothing, or nothing yet, before anyone is asked.

    Raises:
        UsageError: it is an organisation token, which opens no application.
        LoginNeeded: it is for another application than its file says, or its time starts later.
    """
    if token.kind is not CloudflaredKind.APPLICATION:
        raise UsageError(
            "The organisation token does not open any application.",
            "Test the token of an application instead.",
        )
    if token.is_foreign:
        raise LoginNeeded(
            "The token in this file is not for the application in its name, so it was not sent.",
            step("To get the right token", "authlens login URL --cloudflared"),
        )
    if token.is_early(now):
        raise LoginNeeded(
            f"This token is not valid before {token.not_before:%Y-%m-%d %H:%M:%S} UTC, so it was not sent.",
            step("Check the clock of this machine, or log in again", "authlens login URL --cloudflared"),
        )


async def place_for(wire: Wire, token: CloudflaredToken, url: str) -> TokenTarget:
    """Return `url` as a place for `token`; it is asked first where its host does not say so automatically.

    Raises:
        UsageError: the URL cannot be used, or the file of the token is for another one.
        LoginNeeded: it is another application, or it does not say which.
        NetworkFailure, TimedOut: it did not answer.
    """
    target = require_url(url)
    if token.host not in names_of(target):
        raise UsageError(
            f"This token of cloudflared is for {token.host}, not for {url}.", step("See", "authlens list")
        )
    if can_only_mean(token.host, target):
        return TokenTarget(target.text)
    exchange = await _ask(wire, target)
    if _is_of(token, exchange):
        return TokenTarget(target.text, (exchange,))
    if exchange.response is None:
        raise _no_answer(exchange)
    raise LoginNeeded(
        f"{url} is not the application of this cloudflared token, so the token was not sent.",
        step("Log in to this address", f"authlens login {shlex.quote(url)} --cloudflared"),
    )


async def place_of(wire: Wire, token: CloudflaredToken) -> TokenTarget:
    """Return the one place that the name of the file of `token` can mean, found by asking.

    Two hosts that both say that they are its application are one too many: either may be lying.

    Raises:
        UsageError: none is found, or more than one; the user has to name the URL.
    """
    sure = sure_address(token.host)
    if sure:
        return TokenTarget(sure)
    asked: list[Exchange] = []
    fitting: list[str] = []
    for urls in readings(token.host):
        url = await _first(wire, token, urls, asked)
        if url is not None:
            fitting.append(url)
    if len(fitting) == 1:
        return TokenTarget(fitting[0], tuple(asked))
    if "*" in token.host:
        why = "It is for a wildcard host"
    elif fitting:
        why = "More than one host claims to be its application"
    else:
        why = "Its file name has a hyphen for each slash, and no known address matches it"
    raise UsageError(
        f"authlens does not know which URL this token is for. {why}; it was not sent.",
        step("Name the URL", "authlens probe --kept URL"),
    )


async def _first(
    wire: Wire, token: CloudflaredToken, urls: tuple[str, ...], asked: list[Exchange]
) -> str | None:
    for url in urls:
        exchange = await _ask(wire, parse_url(url))
        asked.append(exchange)
        if _is_of(token, exchange):
            return url
        if exchange.response is None:  # the other paths are on the same host
            return None
    return None


async def _ask(wire: Wire, target: Url) -> Exchange:
    # As a browser asks: an application with Managed OAuth answers a program with a Bearer challenge, which
    # has no AUD in it.
    request = Request("GET", target.text, Headers.of([("Accept", "text/html")]))
    plain = target.scheme == "http"
    return await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=Purpose.APPLICATION)


def application_named_in(response: Response) -> NamedApplication | None:
    """Return the application that an answer to a request without a credential names.

    The redirect to the login page has its AUD as `kid`, a refusal as `cf-access-aud`. Neither is signed: they
    name the application of a host that is trusted already, and make no host trustworthy.
    """
    if 300 <= response.status < 400:
        location = response.headers.get("location") or ""
        address, _, query = location[:_LONGEST].partition("#")[0].partition("?")
        try:
            target = parse_url(address, loopback_http=True)
            named = parse_qs(query, max_num_fields=50).get("kid", [])
        except ValueError:
            return None
        is_login = target.path.startswith(f"{LOGIN_PATH}/") and len(named) == 1
        return NamedApplication(named[0], target.host) if is_login else None
    named = list(response.headers.get_all("cf-access-aud"))
    return NamedApplication(named[0].strip()) if response.status in (401, 403) and len(named) == 1 else None


def _is_of(token: CloudflaredToken, exchange: Exchange) -> bool:
    """Return whether the answer names the AUD of `token`, and its team where both are known."""
    named = None if exchange.response is None else application_named_in(exchange.response)
    if named is None or not token.audience or named.audience != token.audience:
        return False
    return not named.team or not token.team or named.team == token.team


def _no_answer(exchange: Exchange) -> AuthlensError:
    lost = exchange.no_answer
    return lost.error_type(
        f"authlens could not check whether the cloudflared token is for this address: {lost.cause}", lost.cure
    )


# -- probe --------------------------------------------------------------------------------------------------


async def probe_cloudflared(
    credentials: Credentials,
    wire: Wire,
    token: CloudflaredToken,
    url: str | None = None,
) -> ProbeResult:
    """Call the application with a token that cloudflared keeps.

    Args:
        url: the address to ask; None is the one that the file name can mean, see `cloudflared_target`.

    Raises:
        UsageError: it opens no application, or which address it is for is not known; the token was not sent.
        LoginNeeded: the file is gone, or holds no token that may be sent there.
        NetworkFailure, TimedOut: the address did not say which application it is.
    """
    refuse_unusable(token, utc_now())
    if read_cloudflared_token(token) is None:
        raise _gone()
    target = await (place_of(wire, token) if url is None else place_for(wire, token, url))
    # Read again: asking the address took time, and cloudflared may have replaced or deleted the file.
    jwt = read_cloudflared_token(token)
    if jwt is None:
        raise _gone()
    return await probe_jwt(credentials, wire, target.url, jwt, token.token_id, before=target.asked)


def _gone() -> LoginNeeded:
    return LoginNeeded(
        "cloudflared has no usable token in this file.", step("Run", "authlens login URL --cloudflared")
    )


async def probe_jwt(
    credentials: Credentials,
    wire: Wire,
    url: str,
    jwt: Secret,
    token_id: str = "",
    *,
    before: Sequence[Exchange] = (),
) -> ProbeResult:
    """Call `url` with a token of Access in `cf-access-token`; keep the trace where it belongs to a file.

    The caller knows that the token is for `url`: it was got for it, or `cloudflared_target` found out.
    `before` is what that took, for the trace.

    Raises:
        UsageError: the URL cannot be used; nothing was sent.
    """
    # `headers` and `curl` ask which application an address is, and judge no answer.
    from authlens_core.credentials.lifecycle.probe_call import call_resource, note_probe

    result = await call_resource(
        wire,
        url,
        cloudflared_fields(jwt),
        secret=jwt,
        purpose=Purpose.CLOUDFLARED_TOKEN,
        before=before,
    )
    note_probe(credentials, token_id, result)
    return result
