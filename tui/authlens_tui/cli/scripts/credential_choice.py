"""What the verbs that send a credential share: their options, and what they say of one bound to a key."""

from __future__ import annotations

import shlex
from argparse import Namespace
from datetime import timedelta

from authlens_core.cloudflare.cloudflared_files import find_cloudflared_token
from authlens_core.credentials.inventory.request_headers import (
    CredentialHeaders,
    credential_kinds,
    headers_for,
)
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.desk.session import Session
from authlens_core.gateway.request_credential import RequestCredential
from authlens_core.values.errors import LoginNeeded, UsageError
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_list, say
from authlens_tui.cli.urls import checked_url


def _kind(arguments: Namespace) -> CredentialKind | None:
    return CredentialKind(arguments.kind) if arguments.kind else None


def _min_ttl(arguments: Namespace) -> timedelta | None:
    return None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl)


def request_credential(session: Session, url: str, arguments: Namespace) -> RequestCredential:
    return RequestCredential(
        session.credentials, session.wire, url, kind=_kind(arguments), min_ttl=_min_ttl(arguments)
    )


async def chosen_headers(session: Session, url: str, arguments: Namespace) -> CredentialHeaders:
    """Return the header fields for `url`, of the kind and the lifetime that the options ask for.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there are none to be had.
    """
    return await headers_for(
        session.credentials, session.wire, url, kind=_kind(arguments), min_ttl=_min_ttl(arguments)
    )


def signed_fields(found: CredentialHeaders, method: str, url: str) -> tuple[tuple[str, str], ...]:
    """Return the fields of one request to `url`.

    Raises:
        UsageError: a bound token cannot be signed for it.
    """
    try:
        return found.for_request(method, url)
    except ValueError as error:
        raise UsageError(f"The request cannot be signed: {error}.", "Correct the URL.") from None


async def show_which(arguments: Namespace) -> int:
    """Print the credentials that cover the URL, the one that is used first; no secret is read.

    Raises:
        LoginNeeded: there is none.
    """
    url = checked_url(arguments.url)
    async with open_session() as session:
        kinds = credential_kinds(session.credentials, url)
        if arguments.kind:
            kinds = tuple(kind for kind in kinds if kind == arguments.kind)
        answer_list(f"{kind.value}  {_described(session, url, kind)}" for kind in kinds)
    if not kinds:
        raise LoginNeeded(f"No credential on this machine is for {url}.", f"Log in: authlens login {url}")
    return 0


def _described(session: Session, url: str, kind: CredentialKind) -> str:
    grant, token = session.credentials.find(url), session.credentials.service_tokens.find(url)
    if kind is CredentialKind.OAUTH and grant is not None:
        return f"{grant.resource_identifier} at {grant.issuer}"
    if kind is CredentialKind.SERVICE_TOKEN and token is not None:
        return f"{token.url} {token.label or token.client_id}"
    file = find_cloudflared_token(url)
    return "" if file is None else f"{file.host} {file.person}".strip()


def refuse_bound(found: CredentialHeaders, url: str, program: str) -> None:
    """Refuse to hand a bound token to a program that cannot sign its requests.

    Raises:
        UsageError: the token is bound.
    """
    if found.signer is not None:
        raise UsageError(
            f"The token is bound to a key (DPoP), and {program} cannot sign its requests.",
            f"Use: authlens proxy {shlex.quote(url)}",
        )


def say_bound(url: str, what: str) -> None:
    """Say that each request needs a proof, and how to get one."""
    shown = shlex.quote(url)
    say(f"The token is bound to a key (DPoP): {what}")
    say(f"  → For one request: authlens curl {shown}     For many: authlens proxy {shown}")
