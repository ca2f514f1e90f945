"""What new tokens make of a grant: its record, and what the trace shows of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, TokenVerdict
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.token import TokenResponse
from authlens_core.trace.record import Fact, FactId


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
        # The verdict was on the old token; it says nothing about this one.
        last_tested=None,
        last_verdict=TokenVerdict.UNTESTED,
        last_words="",
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
