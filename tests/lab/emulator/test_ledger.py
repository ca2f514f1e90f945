"""The ledger: what happened at a server is written down where it is decided."""

from __future__ import annotations

from contextlib import suppress

from authlens_lab.emulator.issued import OAuthRefusal
from authlens_lab.emulator.ledger import LedgerEvent, Reason, What
from lab.emulator.test_grants import CALLBACK, VERIFIER, code_for, redeemed, store
from support.emulated_access import Clock


def told(event: LedgerEvent) -> tuple[What, str, str, Reason | None]:
    return event.what, event.seat, event.user, event.reason


def test_a_stolen_code_is_seen_with_who_redeemed_it_and_whose_it_was() -> None:
    grants = store(Clock())
    ledger, client = grants.ledger, grants.register((CALLBACK,))
    code = code_for(grants, client)
    with ledger.seated("mallory"):
        grant = redeemed(grants, client, code)
    with suppress(OAuthRefusal):
        grants.redeem(code, client, redirect_uri=CALLBACK, verifier=VERIFIER)
    assert [told(event) for event in ledger.events] == [
        (What.CODE_ISSUED, "you", "ada", None),
        (What.CODE_REDEEMED, "mallory", "ada", None),
        (What.TOKEN_ISSUED, "mallory", "ada", None),
        (What.CODE_REFUSED, "you", "", Reason.USED),
        (What.GRANT_ENDED, "you", "ada", Reason.USED),
    ]
    assert ledger.events[2].refresh == grant.refresh_token


def test_a_refresh_token_that_comes_twice_is_the_alarm_that_ends_the_grant() -> None:
    grants = store(Clock())
    ledger, client = grants.ledger, grants.register((CALLBACK,))
    stolen = redeemed(grants, client, code_for(grants, client)).refresh_token
    with ledger.seated("mallory"):
        grants.issue(grants.refresh(stolen, client), "access-of-the-thief")
    with suppress(OAuthRefusal):
        grants.refresh(stolen, client)
    assert [told(event) for event in ledger.events[-4:]] == [
        (What.REFRESHED, "mallory", "ada", None),
        (What.TOKEN_ISSUED, "mallory", "ada", None),
        (What.REFRESH_REFUSED, "you", "ada", Reason.REUSED),
        (What.GRANT_ENDED, "you", "ada", Reason.REUSED),
    ]
    assert grants.why_refused("access-of-the-thief") is Reason.REVOKED
