"""A record in plain sentences: who answered what, what that means, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.cloudflare.team import is_team_host
from authlens_core.trace.failure_reason import decisive
from authlens_core.trace.record import FactId, Outcome, Stage, StageRecord, fact_text
from authlens_core.values.check import NO_ANSWER, Check, CheckId, Layer, Severity
from authlens_core.values.exchange import Response, WireFailure
from authlens_core.values.fix import Fix
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret

_MAX: Final = 300  # characters of a value in a sentence


class Overview(Struct, frozen=True):
    """A record in words. Texts may hold values of the record, so they pass a redactor before they are shown.

    Attributes:
        cause: why it failed, a sentence; empty where it did not.
        evidence: the lines of the raw answer that show the cause.
        check: the failed check that `cause` and `matters` are about.
        failure: why there was no answer, if `cause` tells that.
        matters: why what failed matters, and where that is written; empty where it did not fail.
        tampering: what was changed on purpose; empty where nothing was.
    """

    sentences: tuple[str, ...]
    cause: str = ""
    cure: str | Fix = ""
    evidence: tuple[str, ...] = ()
    matters: str = ""
    tampering: tuple[str, ...] = ()
    check: Check | None = None
    failure: WireFailure | None = None


def overview(record: StageRecord) -> Overview:
    """Return `record` in words; for a login, a refresh, a revocation and a probe alike."""
    reader = _RecordReader(record)
    if record.outcome is Outcome.CANCELLED:
        waited = next((c for c in record.checks if c.name == CheckId.AUTHORIZATION_STOPPED), None)
        came = () if waited is None else (f"Received: {waited.seen}.",)
        return Overview(
            ("You stopped it before it finished.", *_answers(reader), *came),
            "" if waited is None else waited.why,
            "" if waited is None else waited.cure,
            tampering=record.tampering,
        )
    reason = record.reason
    if reason is not None:
        check = record.refused_attack or record.decisive_check
        matters = " ".join((check.why, f"({check.spec})" if check.spec and check.why else "")).strip()
        return Overview(
            tuple(_answers(reader)),
            reason.cause,
            cure=reason.cure,
            evidence=reason.evidence,
            matters=matters,
            tampering=record.tampering,
            check=check,
            failure=reader.failure if reason.name in (NO_ANSWER, check.name) else None,
        )
    return Overview(tuple(_SENTENCES[record.stage](reader)), tampering=record.tampering)


class _RecordReader:
    """A record, with what the sentences ask of it."""

    def __init__(self, record: StageRecord) -> None:
        self.record = record
        self.last = decisive(record.stage, record.exchanges)

    @property
    def by_program(self) -> bool:
        """Whether no user takes part."""
        return self.record.flow.is_by_program

    @property
    def response(self) -> Response | None:
        return self.last.response if self.last is not None else None

    @property
    def failure(self) -> WireFailure | None:
        return self.last.failure if self.last is not None else None

    @property
    def host(self) -> str:
        """Return the host whose answer decided."""
        return _host(self.last.request.url) if self.last is not None else ""

    def text(self, name: FactId) -> str:
        """Return the first fact of this name, masked and cut; empty if there is none or it has no value."""
        facts = (fact for fact in self.record.facts if fact.name == name and fact.value is not None)
        return next((safe_line(fact_text(fact), _MAX) for fact in facts), "")

    def has(self, name: FactId) -> bool:
        return any(fact.name == name and fact.value is not None for fact in self.record.facts)

    def severity(self, name: CheckId) -> Severity | None:
        """Return how the check of this name came out; None if it was not made."""
        return next((check.severity for check in self.record.checks if check.name == name), None)


def _answers(reader: _RecordReader) -> Iterator[str]:
    """Yield which host gave the answer that decided."""
    if reader.last is None:
        return
    if reader.response is None:
        yield f"There was no answer from {reader.host}."
    else:
        yield f"{reader.host} answered {reader.response.status}."


def _detection(reader: _RecordReader) -> Iterator[str]:
    answered = f"The resource answered {reader.response.status}" if reader.response is not None else ""
    names_metadata = reader.severity(CheckId.DETECTION_METADATA) is Severity.PASS
    yield f"{answered}{' and named its metadata document' if names_metadata else ''}."
    answer, team = reader.text(FactId.ANSWER), _team(reader)
    if answer:
        yield answer
    if Layer.ACCESS in reader.record.learned(FactId.PROTECTED_BY, str) or team:
        yield f"It is behind Cloudflare Access{f', team {team}' if team else ''}."
    if reader.severity(CheckId.DETECTION_METADATA_GUESSED) is Severity.WARNING:
        yield "It did not say where its metadata is, so the well-known URLs are tried next."


def _team(reader: _RecordReader) -> str:
    # Only the redirect to its login page names the team.
    location = reader.response.headers.get("location") if reader.response is not None else None
    host = _host(location or "")
    return host.partition(".")[0] if is_team_host(host) else ""


def _resource_metadata(reader: _RecordReader) -> Iterator[str]:
    name = reader.text(FactId.RESOURCE)
    servers = [safe_line(url, _MAX) for url in reader.record.learned(FactId.AUTHORIZATION_SERVERS, str)]
    if name:
        yield f"The resource calls itself {name}, and that covers the URL you asked for."
    if len(servers) == 1:
        yield f"It trusts one authorization server: {servers[0]}."
    elif servers:
        yield f"It trusts {len(servers)} authorization servers; {servers[0]} is asked."
    if servers and is_team_host(_host(servers[0])):
        yield f"That is the team {_host(servers[0]).partition('.')[0]} of Cloudflare Access."


def _server_metadata(reader: _RecordReader) -> Iterator[str]:
    issuer = reader.text(FactId.ISSUER) or reader.host
    if reader.by_program:
        yield f"{issuer} published where programs get tokens, and how they authenticate there."
    else:
        yield f"{issuer} published where to sign in and where to get tokens."
        yield from _for_users(reader)
    if not reader.has(FactId.REVOCATION_ENDPOINT):
        yield "It cannot revoke tokens: they stay valid until they expire."


def _for_users(reader: _RecordReader) -> Iterator[str]:
    yield (
        "It allows clients to register themselves."
        if reader.has(FactId.REGISTRATION_ENDPOINT)
        else "This server does not allow clients to register themselves: it needs a client_id."
    )
    methods = reader.record.learned(FactId.CODE_CHALLENGE_METHODS_SUPPORTED, tuple)
    if any("S256" in listed for listed in methods):
        yield "It supports PKCE with S256, so a stolen code is useless."


def _registration(reader: _RecordReader) -> Iterator[str]:
    client, redirect_uri = reader.text(FactId.CLIENT_ID), reader.text(FactId.REDIRECT_URIS)
    if reader.last is None:
        yield f"Nothing was sent: the server knows this client already, as {client}."
    else:
        yield f"The server registered authlens as {client}."
    if redirect_uri:
        yield f"It sends codes to {redirect_uri} only, an address of this machine."
    if reader.by_program:
        yield "Its owner registered it there. What it authenticates with is stored like a token."
    elif reader.has(FactId.CLIENT_SECRET):
        yield "It gave a client secret too, although authlens requested none; it is stored like a token."


def _pkce(_seen: _RecordReader) -> Iterator[str]:
    yield "authlens generated a secret, the code_verifier, and holds it in memory."
    yield "Only its SHA-256, the code_challenge, goes into the link. Nothing was sent."


def _authorization(reader: _RecordReader) -> Iterator[str]:
    if reader.has(FactId.USER_CODE):
        page, code = reader.text(FactId.VERIFICATION_URI), reader.text(FactId.USER_CODE)
        yield f"On any device, open {page} and enter {code}."
        yield "Do so only if you started this login. Meanwhile the next stage asks for the tokens."
        return
    if not reader.has(FactId.CODE):
        yield "The link is ready; the sign-in happens in your browser."
        return
    yield "You signed in, and the browser returned a code that works once."
    if reader.severity(CheckId.AUTHORIZATION_STATE) is Severity.PASS:
        yield "Its state matches this login, so the response is ours."


def _tokens(reader: _RecordReader) -> Iterator[str]:
    # In a session file the token is a mask, which says nothing about it.
    token = next(iter(reader.record.learned(FactId.ACCESS_TOKEN, Secret)), None)
    if token is None:
        return
    shape = (
        "a JWT, which can be read"
        if parse_jwt(token) is not None
        else "opaque: only the server can tell what is in it"
    )
    yield f"The access token is {shape}."
    for lifetime in reader.record.learned(FactId.EXPIRES_IN, timedelta):
        yield f"It is valid for {_span(int(lifetime.total_seconds()))}."
    if reader.has(FactId.REFRESH_TOKEN):
        yield "A refresh token gets the next one without a sign-in."
    elif reader.by_program:
        yield "There is no refresh token: authlens gets the next one in the same way."
    else:
        yield "There is no refresh token: when it expires, you sign in again."


def _exchange(reader: _RecordReader) -> Iterator[str]:
    if reader.by_program:
        yield "The server accepted the program and returned an access token."
        yield from _tokens(reader)
        return
    yield "The server accepted the code and the code_verifier and returned tokens; the code is used up."
    yield from _tokens(reader)


def _refresh(reader: _RecordReader) -> Iterator[str]:
    if reader.last is None:
        yield "Nothing was sent: another process had already refreshed it."
        return
    yield "The server returned a new access token without a sign-in."
    if reader.by_program:
        return
    rotation = reader.severity(CheckId.REFRESH_ROTATION)
    if rotation is Severity.PASS:
        yield "The refresh token was replaced too; the old one is invalid."
    elif rotation is not None:
        yield "The refresh token stays the same."
    if len(reader.record.exchanges) > 1 and reader.last.purpose.repeats:
        status = f"the server answered {reader.response.status}" if reader.response else "there was no answer"
        yield f"Then the old refresh token was sent again: {status}."


def _access(reader: _RecordReader) -> Iterator[str]:
    status = reader.response.status if reader.response is not None else None
    layer = reader.text(FactId.ANSWERED_BY)
    # Access refuses by 401 and 403 only, so what failed is behind it.
    if status is not None and status >= 500:
        yield f"The token was accepted, but then the answer was {status}."
        yield "The login works; the application behind it does not."
        return
    if status is not None:
        yield f"The resource answered {status} to the access token: the login works."
    if layer:
        yield "The application itself answered." if layer == Layer.ORIGIN else f"{layer} answered."


def _probe(reader: _RecordReader) -> Iterator[str]:
    if reader.response is not None:
        yield f"The resource answered {reader.response.status} and accepts the token."


def _revoke(reader: _RecordReader) -> Iterator[str]:
    for fact in reader.record.facts:
        if fact.name in (FactId.REFRESH_TOKEN, FactId.ACCESS_TOKEN):
            yield f"The server, about the {fact.name.replace('_', ' ')}: {safe_line(fact_text(fact), _MAX)}."
    proof = next((c for c in reader.record.checks if c.name == CheckId.REVOKE_PROOF), None)
    if proof is not None:
        status = safe_line(proof.seen, _MAX)
        yield {
            Severity.PASS: f"Asked again with the old token, the resource refused it ({status}).",
            Severity.NOTICE: f"The resource refused the old token ({status}), which had already expired.",
        }.get(
            proof.severity,
            "The resource did not refuse the old token; some resources check only the expiry.",
        )


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


def _host(url: str) -> str:
    try:
        return safe_line(urlsplit(url).hostname or "", _MAX)
    except ValueError:
        return ""


_SENTENCES: Final[Mapping[Stage, Callable[[_RecordReader], Iterator[str]]]] = {
    Stage.DETECTION: _detection,
    Stage.RESOURCE_METADATA: _resource_metadata,
    Stage.SERVER_METADATA: _server_metadata,
    Stage.REGISTRATION: _registration,
    Stage.PKCE: _pkce,
    Stage.AUTHORIZATION: _authorization,
    Stage.EXCHANGE: _exchange,
    Stage.ACCESS: _access,
    Stage.REFRESH: _refresh,
    Stage.REVOKE: _revoke,
    Stage.PROBE: _probe,
}
