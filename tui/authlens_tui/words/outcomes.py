"""Results in words: how long a token lasts, how many probes passed, what stays after a removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from authlens_core.desk.forget import CredentialKind, Forgotten
from authlens_core.desk.lifecycle import ActionResult, ProbeResult, Refreshed
from authlens_core.desk.session import StoreKind
from authlens_tui.words.times import in_words

_STAYS_VALID: Final = {
    CredentialKind.OAUTH: "The tokens were not revoked: they stay valid at the server until they expire.",
    CredentialKind.SERVICE_TOKEN: (
        "The service token stays valid at Access until it expires or you delete it: "
        "Zero Trust → Access controls → Service credentials → Service Tokens."
    ),
}


def with_validity(result: ActionResult) -> ActionResult:
    """Add how long the access token is valid to a refresh that went well."""
    if not (isinstance(result, Refreshed) and result.good):
        return result
    seconds = result.grant.status().remaining_seconds
    valid = "no expiry given" if seconds is None else f"valid {in_words(seconds)}"
    if result.is_new:
        return replace(result, summary=f"{result.summary.rstrip('.')}: a new access token, {valid}.")
    return replace(result, summary=f"{result.summary} The access token: {valid}.")


def count_results(results: Iterable[ProbeResult]) -> str:
    """Return how many work and who answered the others: `31 work · 4 refused, from origin`."""
    works, others = 0, Counter[tuple[str, bool, str]]()
    for result in results:
        if result.good:
            works += 1
        else:
            others[result.layer, result.accepted is False, _who_answered(result)] += 1
    counted = (
        f"{count} {'refused' if refused else 'unclear'}, {who}"
        for (_, refused, who), count in sorted(others.items())
    )
    return " · ".join((f"{works} {'works' if works == 1 else 'work'}", *counted))


def _who_answered(result: ProbeResult) -> str:
    if not result.was_sent:
        return "not sent"
    return f"from {result.layer}" if result.was_answered else "no response"


def what_stays_valid(forgotten: Forgotten) -> str:
    return _STAYS_VALID[forgotten.kind]


def where_secrets_are_left(places: tuple[StoreKind, ...], open_now: StoreKind) -> str:
    """Return which stores still hold unwanted secrets, and when they are deleted; empty if there are none."""
    return " ".join(_left_in(kind, open_now) for kind in places)


def after_a_crash(store: StoreKind) -> str:
    """Return a sentence about the stored tokens, for the report of a crash."""
    if store is StoreKind.MEMORY:
        return "Tokens were in memory only: they are lost here, but valid at the server until they expire."
    return f"What was stored so far is safe in {store.words}."


def _left_in(store: StoreKind, open_now: StoreKind) -> str:
    if store is open_now:
        name = store.words[:1].upper() + store.words[1:]
        return f"{name} could not be reached: the next save deletes what is left there."
    return (
        f"Old secrets are still in {store.words}, which cannot be reached. "
        f"authlens deletes them when {store.words} can be opened again."
    )
