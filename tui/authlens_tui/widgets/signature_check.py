"""Looking at the signatures of the JWTs in a record, for a person who asked: the keys are fetched then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authlens_core.explain.message import jwts_of, key_hints
from authlens_core.login.jwks import verify_all
from authlens_core.login.ports import Sender
from authlens_core.trace.record import StageRecord
from authlens_core.wire.exchange import Exchange
from authlens_tui.widgets.jwt_lines import Verdicts

__all__ = ["check_signatures", "has_jwts"]


def has_jwts(record: StageRecord | None) -> bool:
    """Say whether there is a signature to look at."""
    return record is not None and bool(jwts_of(record))


async def check_signatures(
    wire: Sender,
    record: StageRecord,
    story: Sequence[StageRecord],
    *,
    issuer: str | None = None,
    loopback_http: bool = False,
    now: datetime | None = None,
) -> tuple[Verdicts, tuple[Exchange, ...]]:
    """Fetch the keys of the server that the login trusts and look at every JWT of `record`.

    Args:
        wire: what sends; a place is asked once, without any credential.
        record: where the tokens stand.
        story: the records of the trace; its server metadata names issuer and `jwks_uri`.
        issuer: the issuer of a grant, for a trace that has no server metadata in it.
        loopback_http: true at the emulator.
        now: the moment for tokens that have ended; this one where it is None.

    Returns:
        The verdicts by token, for the views, and the exchanges that fetched the keys.
    """
    known, jwks_uri = key_hints(story)
    tokens = {one.token: one.jwt for one in jwts_of(record)}
    return await verify_all(
        wire, tokens, issuer=known or issuer, jwks_uri=jwks_uri, loopback_http=loopback_http, now=now
    )
