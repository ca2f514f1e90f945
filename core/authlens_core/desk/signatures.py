"""Verify the signatures of tokens: whose keys to ask for, the fetch as a recorded exchange, the verdict.

The keys come from the server that the login trusts, never from a place that the token names (RFC 8725 §3.10).
Where no login is known, a token of Access may name its team: only Cloudflare can serve a team's host, but
anyone can have a team, so the verdict says whose keys they were and that the token chose them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.cloudflare.team import is_login_page, is_team_host
from authlens_core.oauth.jwks import Signature, Verification, jwks_request, verify
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.formats.jwt import Jwt
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, usable_url
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.limits import METADATA

if TYPE_CHECKING:
    from authlens_core.login.stage_work import Sender

__all__ = [
    "Secret",
    "Signature",
    "Verification",
    "check_signatures",
]

_ACCESS_KEYS: Final = "/cdn-cgi/access/certs"
_NO_PLACE: Final = Verification(
    Signature.NOT_CHECKED,
    "The location of the keys is unknown: the server names no jwks_uri, and it is not an Access team.",
)


class KeySource(Struct, frozen=True):
    """Where keys are fetched.

    Attributes:
        issuer: whose keys they are; a token of another issuer is reported as one.
        from_token: true where nothing but the token says so.
    """

    url: Url
    issuer: str
    from_token: bool = False


def key_source(
    jwt: Jwt, *, issuer: str | None = None, jwks_uri: str | None = None, loopback_http: bool = False
) -> KeySource | None:
    """Return where the keys for `jwt` are, or None when no server that may be asked is known.

    Args:
        jwks_uri: the `jwks_uri` of that issuer's metadata.
        loopback_http: true at the emulator, whose team is on this machine.
    """
    if issuer is not None and jwks_uri is not None:
        url = usable_url(jwks_uri, loopback_http=loopback_http)
        return KeySource(url, issuer) if url is not None else None
    named = jwt.claims.get("iss") if issuer is None and jwt.claims is not None else issuer
    team = usable_url(named, loopback_http=loopback_http) if isinstance(named, str) else None
    # Anyone can write any issuer into a token, so only Cloudflare's own hosts are asked for its sake.
    if team is None or not (is_team_host(team.host) or (loopback_http and team.is_loopback)):
        return None
    keys = usable_url(f"{team.origin}{_ACCESS_KEYS}", loopback_http=loopback_http)
    return KeySource(keys, team.origin, from_token=issuer is None) if keys is not None else None


async def check_signatures(
    wire: Sender,
    tokens: Mapping[Secret, Jwt],
    record: StageRecord,
    story: Sequence[StageRecord],
    *,
    issuer: str | None = None,
) -> tuple[dict[Secret, Verification], tuple[Exchange, ...]]:
    """Verify the signatures of `tokens`, by keys that are fetched without a credential, each set once.

    The keys are those of the server that the login trusts.

    Args:
        tokens: the tokens in `record`, each with its parts.
        story: the records of the trace. If plain http was used in it, which only this machine may,
            keys may come from this machine too.
        issuer: the issuer of a grant, for a trace without server metadata. Without either, the keys are those
            of the team to whose login page `record` leads, because the token in that link names no issuer.

    Returns:
        The verdicts by token, and the exchanges that fetched the keys.
    """
    known, jwks_uri = trusted_issuer(story)
    # Plain http only where the login had it: on this machine.
    plain = any(exchange.request.url.startswith("http:") for stage in story for exchange in stage.exchanges)
    trusted = known or issuer or _login_team(record)
    verdicts: dict[Secret, Verification] = {}
    fetched: dict[Url, Exchange] = {}
    for token, jwt in tokens.items():
        source = key_source(jwt, issuer=trusted, jwks_uri=jwks_uri, loopback_http=plain)
        if source is None:
            verdicts[token] = _NO_PLACE
            continue
        url = source.url
        if url not in fetched:
            fetched[url] = await wire.send(
                jwks_request(url),
                limits=METADATA,
                loopback_http=plain,
                # The token or the server names it, not the user: it must not reach into a private network.
                addresses=AddressPolicy.ANY if url.is_loopback else AddressPolicy.PUBLIC_ONLY,
                purpose=Purpose.SIGNING_KEYS,
            )
        verdicts[token] = _judged(jwt, fetched[url], source)
    return verdicts, tuple(fetched.values())


def trusted_issuer(story: Sequence[StageRecord]) -> tuple[str | None, str | None]:
    """Return the issuer and the `jwks_uri` in the server metadata that a login accepted, or None for each."""
    passed = [
        record
        for record in story
        if record.stage is Stage.SERVER_METADATA and record.outcome is Outcome.PASSED
    ]
    response = passed[-1].exchanges[-1].response if passed and passed[-1].exchanges else None
    members = {} if response is None else object_in(response.body.reveal())
    issuer, jwks_uri = members.get("issuer"), members.get("jwks_uri")
    return (issuer if isinstance(issuer, str) else None), (jwks_uri if isinstance(jwks_uri, str) else None)


def _login_team(record: StageRecord) -> str | None:
    for exchange in record.exchanges:
        location = exchange.response.headers.get("location") if exchange.response is not None else None
        try:
            url = urlsplit(location or "")
        except ValueError:
            continue
        if is_login_page(url.path):
            return f"{url.scheme}://{url.netloc}"
    return None


def _judged(jwt: Jwt, exchange: Exchange, source: KeySource) -> Verification:
    """Return the verdict with the keys that `exchange` brought, or why it brought none."""
    response = exchange.complete_response
    if response is None:
        words = f"The keys could not be fetched: {exchange.no_answer.cause}"
        return Verification(Signature.NOT_CHECKED, words)
    if response.status != 200:
        words = f"The keys could not be fetched: {source.url.host} answered {response.status}."
        return Verification(Signature.NOT_CHECKED, words)
    return _named(jwt, verify(jwt, response.body, datetime.now(UTC)), source)


def _named(jwt: Jwt, found: Verification, source: KeySource) -> Verification:
    """Say whose keys they were, and whether the token names another issuer (RFC 7519 §4.1.1)."""
    if found.signature is not Signature.VALID:
        return found
    notes = found.notes
    issuer = jwt.claims.get("iss") if jwt.claims is not None else None
    if isinstance(issuer, str) and issuer.rstrip("/") != source.issuer.rstrip("/"):
        notes = (*notes, f"The token names the issuer {safe_line(issuer)}; these are not its keys.")
    if source.from_token:
        notes = (
            *notes,
            "Only the token names this team, and anyone can create a team: check that it is yours.",
        )
    reason = f"{found.reason.rstrip('.')}, by a key of {safe_line(source.issuer)}."
    return replace(found, reason=reason, notes=notes)
