"""What if…: the experiments on a login, declared in `words/experiments.toml`, and what each changes.

What the specification demands is stated before one runs, and held against the answer. One acts after the
login: it has the stage in which a refresh token is used twice.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote_plus

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, unanswered
from authlens_core.login.tampering.experiment import FOREIGN_ISSUER, Experiment, Referee, other_text
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit
from authlens_core.oauth.client_assertion import signed
from authlens_core.oauth.token import read_token_response, refresh_request, rotation_check
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.check import Check, ErrorCode, Severity, requirement
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.word_files import words
from authlens_core.wire.limits import TOKEN

# Still our own listener: if the server is fooled, no code goes to a stranger.
_ELSEWHERE: Final = "?other=1"


def _edited(
    location: EditLocation, name: str, value: str | Secret | None, _: Facts
) -> tuple[RequestEdit, ...]:
    return (RequestEdit(location, name, value),)


def _wrong_verifier(facts: Facts) -> tuple[RequestEdit, ...]:
    verifier = facts.pkce.code_verifier.reveal() if facts.pkce else ""
    return (RequestEdit(EditLocation.FORM, "code_verifier", Secret(other_text(verifier))),)


def _plain(facts: Facts) -> tuple[RequestEdit, ...]:
    verifier = facts.pkce.code_verifier if facts.pkce else Secret("")
    return (
        # With plain the challenge is the verifier itself (RFC 7636 §4.2), so the login would go on to the
        # end.
        RequestEdit(EditLocation.QUERY, "code_challenge", verifier),
        RequestEdit(EditLocation.QUERY, "code_challenge_method", "plain"),
    )


def _other_redirect(location: EditLocation, facts: Facts) -> tuple[RequestEdit, ...]:
    registered = facts.client.redirect_uri if facts.client else ""
    return (RequestEdit(location, "redirect_uri", f"{registered}{_ELSEWHERE}"),)


def _wrong_state(facts: Facts) -> tuple[RequestEdit, ...]:
    state = facts.state.reveal() if facts.state else ""
    return (RequestEdit(EditLocation.CALLBACK, "state", Secret(other_text(state))),)


def _signs(facts: Facts) -> bool:
    """Whether the program has a key of its own; what a platform signed cannot be signed again here."""
    by_itself = facts.options.grant_type is GrantType.CLIENT_CREDENTIALS
    return by_itself and facts.options.client_key is not None


def _shows_secret(facts: Facts) -> bool:
    return facts.flow.is_by_program and facts.options.client_secret is not None


def _parameter(facts: Facts) -> str:
    """Return the parameter with an assertion that another party signed; empty in a login without one."""
    program = facts.options.program
    return "" if program is None else program.assertion


def _shows_assertion(facts: Facts) -> bool:
    return _signs(facts) or bool(_parameter(facts))


def _asks_a_provider(facts: Facts) -> bool:
    program = facts.options.program
    return program is not None and program.listed_as is not None


def _assertion(facts: Facts, audience: str | None = None) -> Secret:
    """Return a new assertion of the client's key, for its server or for another."""
    client, endpoint = facts.client, facts.token_endpoint
    if client is None or endpoint is None:
        return Secret("")
    # Without what this server turned out to need: the audience is the one that is to be tried.
    plain = replace(client, needs=()) if audience else client
    assertion = signed(plain, audience or facts.server.issuer, endpoint, now=datetime.now(UTC)).assertion
    return assertion or Secret("")


def _forged(facts: Facts) -> tuple[RequestEdit, ...]:
    signs_itself = _signs(facts)
    whole = (_assertion(facts) if signs_itself else facts.assertion or Secret("")).reveal()
    signed_text, dot, signature = whole.rpartition(".")
    # The first character: bits of the last one may mean nothing.
    other = f"{'B' if signature.startswith('A') else 'A'}{signature[1:]}"
    member = "client_assertion" if signs_itself else _parameter(facts)
    return (RequestEdit(EditLocation.FORM, member, Secret(f"{signed_text}{dot}{other}")),)


def _for_another(facts: Facts) -> tuple[RequestEdit, ...]:
    return (RequestEdit(EditLocation.FORM, "client_assertion", _assertion(facts, FOREIGN_ISSUER)),)


def _wrong_secret(facts: Facts) -> tuple[RequestEdit, ...]:
    client = facts.client
    if client is None or client.client_secret is None:
        return ()
    other = Secret(other_text(client.client_secret.reveal()))
    if not client.sends_basic:
        return (RequestEdit(EditLocation.FORM, "client_secret", other),)
    pair = base64.b64encode(f"{quote_plus(client.client_id)}:{quote_plus(other.reveal())}".encode())
    return (RequestEdit(EditLocation.HEADER, "Authorization", Secret(f"Basic {pair.decode()}")),)


_CHANGES: Final[Mapping[str, Callable[[Facts], tuple[RequestEdit, ...]]]] = {
    "wrong_verifier": _wrong_verifier,
    "missing_resource": partial(_edited, EditLocation.QUERY, "resource", None),
    "plain_pkce": _plain,
    "other_redirect_authorization": partial(_other_redirect, EditLocation.QUERY),
    "other_redirect_exchange": partial(_other_redirect, EditLocation.FORM),
    "wrong_state": _wrong_state,
    "foreign_iss": partial(_edited, EditLocation.CALLBACK, "iss", FOREIGN_ISSUER),
    "wrong_secret": _wrong_secret,
    "forged_assertion": _forged,
    "foreign_audience": _for_another,
    "foreign_grant": partial(_edited, EditLocation.FORM, "audience", FOREIGN_ISSUER),
}
"""What an experiment changes, by its name; the others repeat a request as it is."""
_APPLIES: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "wrong_secret": _shows_secret,
    "forged_assertion": _shows_assertion,
    "foreign_audience": _signs,
    "foreign_grant": _asks_a_provider,
    "reused_assertion": _shows_assertion,
}
"""In which logins an experiment means something; the others in each that goes through a link."""
_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "stage": Stage,
    "referee": Referee,
    "accepted": Severity,
    "errors": lambda codes: tuple(map(ErrorCode, codes)),
    "request": Purpose,
    "follow_up": lambda later: _declared(**later),
}


def _declared(name: str, **entry: Any) -> Experiment:
    entry |= {key: kind(entry[key]) for key, kind in _TYPES.items() if key in entry}
    code: Mapping[str, Mapping[str, Any]] = {"change": _CHANGES, "applies": _APPLIES}
    return Experiment(name, **entry, **{key: table[name] for key, table in code.items() if name in table})


@cache
def experiments(on: str = "user") -> tuple[Experiment, ...]:
    """Return the experiments on the login of a `"user"` or of a `"program"`."""
    return tuple(_declared(name, **entry) for name, entry in words("experiments")[on].items())


def _every() -> tuple[Experiment, ...]:
    return (*experiments(), *experiments("program"))


def find_experiment(name: str) -> Experiment | None:
    """Return the experiment of that name, follow-ups included, or None."""
    every = (*_every(), *(experiment.follow_up for experiment in experiments()))
    return next((experiment for experiment in every if experiment and experiment.name == name), None)


def ended_in(record: StageRecord) -> tuple[tuple[Experiment, Check], ...]:
    """Return the experiments that ended in a record, each with the check that says how."""
    verdicts = ((find_experiment(check.subject), check) for check in record.checks if check.judges_attack)
    return tuple((experiment, check) for experiment, check in verdicts if experiment is not None)


def attacks_on(facts: Facts) -> tuple[Experiment, ...]:
    """Return the experiments that mean something in this login."""
    return tuple(experiment for experiment in _every() if experiment.applies(facts))


_REFRESH_TOKEN: Final = requirement("experiment.refresh_token")


class StaleRefreshStage:
    """One honest refresh; the second request, the same again, is the experiment's own."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the refresh, once; None without a refresh token."""
        endpoint, client, tokens = facts.token_endpoint, facts.client, facts.tokens
        if sent or endpoint is None or client is None or tokens is None or tokens.refresh_token is None:
            return None
        request = refresh_request(
            endpoint, client, refresh_token=tokens.refresh_token, resource=facts.resource
        )
        return PlannedRequest(request, Purpose.REFRESH, limits=TOKEN)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the honest refresh, and say whether the server replaced the refresh token."""
        old = facts.tokens.refresh_token if facts.tokens else None
        if not exchanges or old is None:
            return StageResult(facts, (_REFRESH_TOKEN.failed("the server returned none"),))
        # The repetition is not among these: it is the experiment's, and judged by its verdict.
        exchange = exchanges[-1]
        if exchange.complete_response is None:
            return unanswered(facts, exchange, "refresh.answer")
        reading = read_token_response(
            exchange.complete_response,
            resource=facts.resource,
            scope=facts.scope,
            grant="refresh_token",
            sent=(old,),
            proved=facts.dpop_key is not None,
        )
        if reading.value is None:
            return StageResult(facts, reading.checks)
        new = reading.value.refresh_token
        display_facts = (
            Fact(FactId.REFRESH_TOKEN, old, "RFC 6749 §6", "the old one"),
            *(() if new is None else (Fact(FactId.REFRESH_TOKEN, new, "RFC 6749 §6", "the new one"),)),
        )
        # A server may send the same token again, which replaces nothing.
        replaced = new is not None and new != old
        return StageResult(facts, (*reading.checks, rotation_check(replaced=replaced)), display_facts)


STALE_REFRESH: Final = StaleRefreshStage()
