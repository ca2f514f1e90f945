"""A credential in full: its state, what is known of it, its claims, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from textual.widgets.option_list import Option

from authlens_core.access.cloudflared_files import CloudflaredKind, CloudflaredToken
from authlens_core.credentials.inventory.inventory import Holding, status_of
from authlens_core.credentials.records.grant import CredentialStatus, Grant, StatusKind
from authlens_core.credentials.records.index import Event
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.traces import TraceSummary
from authlens_core.export.secret_names import is_sensitive, mask
from authlens_core.oauth.jwt import Jwt, claims_of
from authlens_core.safe_text import safe_line
from authlens_core.state.settings import Settings
from authlens_core.trace.record import Outcome
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.credentials.credential_row import ago, next_words, tone_of, until
from authlens_tui.words.durations import in_words

__all__ = ["detail_words", "event_words", "trace_option"]

_COLOURS: Final = {"good": "$text-success", "warning": "$text-warning", "bad": "$text-error"}
_OUTCOMES: Final = {
    Outcome.PASSED: ("✔", "$text-success"),
    Outcome.FAILED: ("✖", "$text-error"),
    Outcome.CANCELLED: ("-", "$text-warning"),
}
_NAME: Final = 14  # cells
_MOST_CLAIMS: Final = 40
Facts = Iterator[tuple[str, str]]


def detail_words(
    holding: Holding,
    now: datetime,
    settings: Settings,
    *,
    jwt: Jwt | None = None,
    trouble: str = "",
) -> Content:
    """Return everything known of a credential, no secret among it.

    Args:
        holding: the credential.
        now: the present.
        settings: they tell when it is refreshed automatically.
        jwt: the token itself taken apart, where it is a JWT and was read.
        trouble: why the last automatic refresh could not be tried, or the empty string.
    """
    standing = status_of(holding, now)
    lines: list[Content] = [_state(standing)]
    if standing.note:
        lines += [Content(standing.note)]
    if here := _here(holding, standing):
        lines += [Content(here)]
    if trouble:
        lines += [Content(f"Refreshing by itself: {trouble}")]
    lines += [Content(""), *_table(_facts(holding, now, settings))]
    if jwt is not None:
        lines += [Content(""), Content.styled("Claims, as the token says; not verified here", "bold")]
        lines += _table(_claims(jwt, now))
    return Content("\n").join(lines)


def _here(holding: Holding, standing: CredentialStatus) -> str:
    """Return which key of the dashboard does what the note gives a command for."""
    renewed = standing.kind in (StatusKind.EXPIRED, StatusKind.SOON)
    if holding.service_token is not None and renewed:
        return "Here: u, for the new end or a new secret."
    token = holding.cloudflared
    if token is None or token.kind is not CloudflaredKind.APPLICATION or "*" in token.host:
        return ""
    if token.pending_url is not None:
        return "Here: c copies the link of the login, l begins another."
    return "Here: l, to log in with cloudflared." if standing.kind is StatusKind.EXPIRED else ""


def event_words(events: Sequence[Event], now: datetime) -> Content:
    """Return what happened to a credential, newest first; `e` shows all of it."""
    lines = [Content.styled("Events", "bold")]
    lines += _table((ago(event.at, now), f"{event.kind}  {event.detail}".strip()) for event in events)
    return Content("\n").join(lines) if events else Content("")


def _state(standing: CredentialStatus) -> Content:
    return Content.styled(f"{standing.symbol} {standing.word}", f"bold {_COLOURS[tone_of(standing)]}")


def _table(facts: Iterable[tuple[str, str]]) -> list[Content]:
    return [Content.assemble((f"{name:<{_NAME}}", "$quiet"), safe_line(value)) for name, value in facts]


def _facts(holding: Holding, now: datetime, settings: Settings) -> Facts:
    match holding.source:
        case Grant() as grant:
            yield from _of_grant(grant, now)
            coming = next_words(holding, now, settings)
            if coming:
                yield "by itself", coming
        case ServiceToken() as token:
            yield from _of_service_token(token, now)
        case token:
            yield from _of_cloudflared(token, holding, now)


def _of_grant(grant: Grant, now: datetime) -> Facts:
    yield "resource", grant.resource_url
    if grant.resource is not None and grant.resource != grant.resource_url:
        yield "its metadata", grant.resource
    yield "server", grant.issuer
    yield "access token", until(grant.expires_at, now)
    yield "ends at", _moment(grant.expires_at, "not stated")
    yield "login", f"{ago(grant.obtained_at, now)}; its end is not stated"
    yield "refresh token", "yes" if grant.has_refresh_token else "no: a login every time"
    yield "refreshed", ago(grant.refreshed_at, now)
    if grant.attempts:
        yield "failed tries", str(grant.attempts)
    if grant.last_tested is not None:
        yield "last asked", f"{grant.last_verdict} {ago(grant.last_tested, now)}"
    yield "last proven", ago(grant.last_proven_at, now)
    yield "scope", grant.scope or "none stated"
    yield "client", grant.client_id
    yield "kept in", grant.place.words
    yield "revocation", "offered by the server" if grant.revocation_endpoint else "not offered by the server"


def _of_cloudflared(token: CloudflaredToken, holding: Holding, now: datetime) -> Facts:
    yield "kind", f"cloudflared, {token.kind} token; read-only here"
    yield "host", token.host
    yield "team", token.team or "not known"
    yield "person", token.person or "not named"
    yield "audience", token.audience or "not named"
    yield "issued", ago(token.issued_at, now) if token.issued_at is not None else "not stated"
    if token.is_early(now):
        yield "begins", until(token.not_before, now)
    yield "token", until(token.expires_at, now)
    yield "ends at", _moment(token.expires_at, "not stated")
    if token.kind is CloudflaredKind.APPLICATION:
        yield "login", f"{until(holding.login_ends, now)}: the organisation token of the team"
    if token.pending_url is not None:
        yield "login waits", token.pending_url
    if token.lock is not None:
        yield "lock", f"process {token.lock.pid}, {'at it' if token.lock.holds else 'gone'}"
    yield "file", str(token.path)


def _of_service_token(token: ServiceToken, now: datetime) -> Facts:
    if token.label:
        yield "name", token.label
    yield "resource", token.url
    yield "client id", token.client_id
    yield "sent as", f"{token.form}" + (f", {token.header}" if token.form == "single-header" else "")
    yield "ends", until(token.expires_at, now) if token.expires_at is not None else "nobody said when"
    yield "added", ago(token.added_at, now)
    yield "secret from", ago(token.secret_from, now)
    yield "last tested", ago(token.last_tested, now)
    if token.last_words:
        yield "it said", token.last_words
    yield "last proven", ago(token.last_proven_at, now)
    yield "kept in", token.place.words


def _moment(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _claims(jwt: Jwt, now: datetime) -> Facts:
    yield "alg", jwt.algorithm
    for claim in claims_of(jwt, now)[:_MOST_CLAIMS]:
        if claim.at is not None and claim.seconds is not None:
            span = f"in {in_words(claim.seconds)}" if claim.seconds > 0 else in_words(claim.seconds)
            yield claim.name, f"{claim.at:%Y-%m-%d %H:%M:%S} UTC · {span}"
        else:
            yield claim.name, mask(claim.text) if is_sensitive(claim.name) else claim.text
    for problem in jwt.problems:
        yield "!", problem


def trace_option(kept: TraceSummary, now: datetime) -> Option:
    """Return a kept trace as a line of the history: how it ended, what it was, when."""
    sign, colour = _OUTCOMES.get(kept.outcome, ("·", ""))
    words = Content.assemble((f"{sign} ", colour), f"{kept.kind.value:<8} ", (ago(kept.at, now), "$quiet"))
    return Option(words, id=kept.trace_id)
