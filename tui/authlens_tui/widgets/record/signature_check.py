"""Looking at the signatures of the JWTs in a record, for a person who asked: the keys are fetched then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from authlens_core.explain.message import jwts_of, key_hints
from authlens_core.login.jwks import verify_all
from authlens_core.login.protocols import Sender
from authlens_core.oauth.jwks import Signature
from authlens_core.trace.record import StageRecord
from authlens_core.wire.exchange import Exchange
from authlens_tui.widgets.record.jwt_lines import Verdicts

__all__ = ["check_signatures", "has_jwts", "verdict_words"]

_PURPOSE: Final = "keys, fetched to check signatures"
_LOGIN_PAGE: Final = "/cdn-cgi/access/login"
_WORDS: Final = {
    Signature.VALID: "verified",
    Signature.INVALID: "not genuine",
    Signature.NO_KEY: "not verified",
    Signature.NOT_CHECKED: "not verified",
}


def has_jwts(record: StageRecord | None) -> bool:
    """Say whether there is a signature to look at; a masked token has none."""
    return record is not None and bool(jwts_of(record))


async def check_signatures(
    wire: Sender,
    record: StageRecord,
    story: Sequence[StageRecord],
    *,
    issuer: str | None = None,
    now: datetime | None = None,
) -> tuple[Verdicts, tuple[Exchange, ...]]:
    """Fetch the keys of the server that the login trusts and look at every JWT of `record`.

    Args:
        wire: what sends; a place is asked once, without any credential.
        record: where the tokens stand.
        story: the records of the trace; its server metadata names issuer and `jwks_uri`. Where it has plain
            http in it, which goes nowhere but to this machine, keys may come from this machine too.
        issuer: the issuer of a grant, for a trace that has no server metadata in it. Where that is not known
            either, it is the team to whose login page the record leads: the token in that link names nobody.
        now: the moment for tokens that have ended; this one where it is None.

    Returns:
        The verdicts by token, for the views, and the exchanges that fetched the keys.
    """
    known, jwks_uri = key_hints(story)
    verdicts, exchanges = await verify_all(
        wire,
        {one.token: one.jwt for one in jwts_of(record)},
        issuer=known or issuer or _login_team(record),
        jwks_uri=jwks_uri,
        loopback_http=_speaks_plain_http(story),
        now=now,
    )
    return verdicts, tuple(replace(exchange, purpose=_PURPOSE) for exchange in exchanges)


def verdict_words(verdicts: Verdicts) -> str:
    """Return in a sentence or two what came of it."""
    found = list(verdicts.values())
    if len(found) == 1:
        return f"The token is {_WORDS[found[0].signature]}. {found[0].reason}"
    counts = Counter(_WORDS[one.signature] for one in found)
    return f"{len(found)} tokens: " + ", ".join(f"{count} {words}" for words, count in counts.items()) + "."


def _login_team(record: StageRecord) -> str | None:
    for exchange in record.exchanges:
        location = exchange.response.headers.get("location") if exchange.response is not None else None
        try:
            url = urlsplit(location or "")
        except ValueError:
            continue
        if url.path.startswith(_LOGIN_PAGE):
            return f"{url.scheme}://{url.netloc}"
    return None


def _speaks_plain_http(story: Sequence[StageRecord]) -> bool:
    return any(one.request.url.startswith("http:") for record in story for one in record.exchanges)
