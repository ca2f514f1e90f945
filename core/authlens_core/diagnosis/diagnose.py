"""Find the cause of a failure: the first row of the table in `causes.py` that fits.

`find_cause` returns a row or None; `diagnose` has words for every failure: it quotes an unknown answer. A
server may repeat a secret that was sent: `without_echoes` of `trace/failure_reason.py` masks it in the
record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from authlens_core.diagnosis.classification import Classification, classify
from authlens_core.diagnosis.credential import Credential, credential_of, pair_problems, secrets_sent
from authlens_core.diagnosis.evidence import (
    error_lines,
    phrase_in,
    quoted,
    status_line,
    whole_answer,
)
from authlens_core.diagnosis.protection import Protection, Trait
from authlens_core.diagnosis.server_kind import ServerKind, kind_in, server_words
from authlens_core.values.check import NO_ANSWER, UNKNOWN, Check, Diagnosis, Layer
from authlens_core.values.exchange import Exchange, Request, Response
from authlens_core.values.formats.error_response import OAuthError, read_error
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage

if TYPE_CHECKING:
    from authlens_core.diagnosis.causes import Cause

# Lines of evidence that fit beside a cause.
_MOST_LINES: Final = 6
_SPEAKS_OAUTH: Final = frozenset(
    {Stage.REGISTRATION, Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.REFRESH, Stage.REVOKE}
)
_ASKS_THE_RESOURCE: Final = frozenset({Stage.DETECTION, Stage.ACCESS, Stage.PROBE})
# Subjects of checks that look at the form of an answer and not at what it says.
_ABOUT_THE_ANSWER: Final = frozenset({"status", "document", "media_type", "protection", "accepted", "proof"})


def find_cause(
    stage: Stage,
    *,
    error: OAuthError | None = None,
    checks: Sequence[Check] = (),
    exchange: Exchange | None = None,
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return the cause of a failure, or None if no known one fits.

    Args:
        stage: it happened in.
        error: the OAuth error, if there is one; read from `exchange` where it is not given.
        checks: those that failed.
        kind: which product the server is, as far as earlier stages saw; what `exchange` shows counts, too.
    """
    return _Failure(stage, checks, exchange, kind, error=error).cause()


def diagnose(
    stage: Stage,
    checks: Sequence[Check],
    exchange: Exchange | None,
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return why a stage failed; None where a check of ours says all there is to say.

    Args:
        checks: the checks that failed, or that warned where none failed.
        exchange: the request and the answer that decided, if the stage sent something.
    """
    failure = _Failure(stage, checks, exchange, kind)
    cause = failure.cause()
    if cause is not None or exchange is None:
        return cause
    if exchange.complete_response is None:
        return _no_answer(exchange, checks)
    # The check has read the answer and says what is wrong with it: the whole of it would say less.
    if not any(c.subject in _ABOUT_THE_ANSWER for c in checks):
        return None
    return failure.by_code() or failure.unknown(exchange.complete_response)


def _no_answer(exchange: Exchange, checks: Sequence[Check]) -> Diagnosis | None:
    """Return why there is no complete answer, as the sender reported it."""
    failure = exchange.failure
    if failure is None:
        return None
    cure = next((c.cure for c in checks if c.cure), failure.cure)
    request_line = f"{exchange.request.method} {exchange.request.url.partition('?')[0]}"
    line = safe_line(f"{failure.kind} failure: {request_line}")
    return Diagnosis(NO_ANSWER, failure.cause, cure, (line,), layer=Layer.NETWORK)


def _grant_in(request: Request) -> str:
    """Return the grant type that a token request names; empty for another request."""
    if not request.headers.is_form:
        return ""
    return dict(parse_qsl(request.body.reveal().decode("ascii", "replace"))).get("grant_type", "")


class _Failure:
    """One failure, with what the rows of the table ask of it."""

    response: Response | None = None
    status: int | None = None
    classification: Classification | None = None
    protection: Protection | None = None
    sent: tuple[Secret, ...] = ()
    credential = Credential.NONE
    grant = ""

    def __init__(
        self,
        stage: Stage,
        checks: Sequence[Check],
        exchange: Exchange | None,
        kind: ServerKind,
        error: OAuthError | None = None,
    ) -> None:
        self.stage, self.failing, self.kind = stage, checks, kind
        self.checks = {c.name: c.seen for c in checks}
        self.quoted_error = error or OAuthError("")
        if exchange is not None:
            self._read(exchange)
        if self.response is not None and error is None:
            self.quoted_error = read_error(self.response, self.sent) or self.quoted_error
        # A resource may state its reason as a server does; that decides no cause, and is quoted.
        decides = error is not None or stage in _SPEAKS_OAUTH
        self.error = self.quoted_error if decides else OAuthError("")
        # Phrases of causes are in lower case, because servers differ in it.
        self.text = "\n".join(self._texts()).lower()
        if self._layer() is Layer.ACCESS and kind is ServerKind.OTHER:
            self.kind = ServerKind.ACCESS
        elif kind is ServerKind.OTHER:
            self.kind = kind_in(() if exchange is None else (exchange,), text=str(self.error))

    def _read(self, exchange: Exchange) -> None:
        request = exchange.request
        self.response, self.status = exchange.response, exchange.status
        self.classification = classify(exchange)
        self.protection = self.classification.protection
        self.sent = secrets_sent(request)
        self.grant = _grant_in(request)
        self.credential = credential_of(request)
        self.checks |= {name: f"sent: {name}" for name in pair_problems(request)}

    def _layer(self) -> Layer | None:
        return None if self.classification is None else self.classification.layer

    def _texts(self) -> Iterator[str]:
        yield self.error.description
        yield from self.checks.values()
        if self.classification is not None:
            yield self.classification.summary
            yield from self.classification.evidence

    def cause(self) -> Diagnosis | None:
        """Return the first cause that fits: one that a check of ours decides, then what the product says."""
        # Most logins have nothing to be diagnosed.
        from authlens_core.diagnosis.causes import CAUSES, identifiers, literals

        if not (self.error.error or self.error.description):
            return self._first(filter(self._fits, CAUSES))
        # What a check saw counts more than what a server writes.
        decided = (cause for cause in CAUSES if cause.check_decides)
        # General ones say less than the table of causes, which knows the stage.
        return self._first(filter(self._fits, (*decided, *literals(), *identifiers(), *CAUSES)))

    def by_code(self) -> Diagnosis | None:
        """Return what the error code means, if a specification has it."""
        from authlens_core.diagnosis.causes import codes

        return self._first(cause for cause in codes() if cause.name == self.error.error)

    def unknown(self, response: Response) -> Diagnosis:
        """Return the answer itself: nothing that is known fits."""
        check_cure = next((c.cure for c in self.failing if c.cure), "")
        cure = (
            f"{check_cure} See the whole response. Give the server's owner the time and these lines.".lstrip()
        )
        cause = "authlens does not recognise this response:"
        lines = whole_answer(response, self.sent)
        return Diagnosis(UNKNOWN, cause, cure, lines, layer=self._layer())

    def _first(self, causes: Iterable[Cause]) -> Diagnosis | None:
        cause = next(iter(causes), None)
        return None if cause is None else self._diagnosis(cause)

    def _fits(self, cause: Cause) -> bool:
        conditions = (
            (cause.stages, self.stage),
            (cause.errors, self.error.error.lower()),
            (cause.statuses, self.status),
            (cause.protections, self.protection),
            (cause.credentials, self.credential),
            (cause.kinds, self.kind),
            (cause.grants, self.grant),
        )
        return (
            all(not allowed or actual in allowed for allowed, actual in conditions)
            and (not cause.checks or not cause.checks.isdisjoint(self.checks))
            and (not cause.phrases or any(phrase_in(phrase, self.text) for phrase in cause.phrases))
        )

    def _diagnosis(self, cause: Cause) -> Diagnosis:
        lines = [line for line in dict.fromkeys(self._evidence(cause)) if line][:_MOST_LINES]
        layer = self._layer() if self._matters else None
        ray = None if self.classification is None else self.classification.cf_ray
        server = server_words(self.kind)
        cure = server.fill_fix(cause.cure)
        for check in self.failing if cause.check_decides else ():
            if check.name in cause.checks and check.cure:
                cure = check.cure
        why = server.fill(cause.cause)
        return Diagnosis(
            cause.name, why, cure=cure, evidence=tuple(lines), source=cause.source, layer=layer, cf_ray=ray
        )

    @property
    def _matters(self) -> bool:
        """Whether it matters who answered: where the resource was asked, and where something was before."""
        # A classification is about a resource, not an endpoint; that of the edge always holds.
        at_edge = self.protection is not None and self.protection.has(Trait.AT_THE_EDGE)
        return at_edge or self.stage in _ASKS_THE_RESOURCE

    def _evidence(self, cause: Cause) -> Iterator[str]:
        by_the_answer = not (cause.errors or cause.checks) or bool(cause.statuses or cause.protections)
        if self.response is not None:
            yield status_line(self.response)
            yield from (quoted(self.response, name) for name in cause.quotes)
        yield from error_lines(self.quoted_error)
        # Without a response it came on the callback, where it was a parameter.
        label = f"{cause.quotes[0]}=" if cause.quotes and self.response is None else ""
        if self.response is None or not cause.quotes:
            yield from (f"{label}{self.checks[name]}" for name in sorted(cause.checks) if name in self.checks)
        if self.classification is not None and (by_the_answer or cause.checks):
            yield from self.classification.evidence
        # A status alone says little: then the answer is quoted as that of an unknown one is.
        is_bare = not self.error.error and by_the_answer and not cause.protections
        if self.response is not None and is_bare and self.response.status >= 400:
            yield from whole_answer(self.response, self.sent)
