"""The store of grants under both emulators: what its rules decide, without HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from authlens_lab.emulator import randomness
from authlens_lab.emulator.grants import Grants
from authlens_lab.emulator.issued import (
    ACCESS_RULES,
    RULES,
    GrantRules,
    IssuedGrant,
    OAuthRefusal,
    RegisteredClient,
    s256,
)
from authlens_lab.emulator.ledger import Reason
from support.emulated_access import Clock

VERIFIER = "v" * 43
CALLBACK = "http://127.0.0.1:8400/callback"


def store(clock: Clock, **rules: Any) -> Grants:
    """Return a store whose refusals are the names of their reasons."""
    refusals: dict[str, dict[str, str]] = {
        what: {reason: f"{what} {reason}" for reason in Reason} for what in ("code", "refresh_token")
    }
    chosen = GrantRules(
        refusals=refusals,
        grant_types=(),
        client_id=lambda: randomness.token_hex(4),
        token=lambda: randomness.token_hex(8),
        grant_lifetime=3600,
        **rules,
    )
    return Grants(clock, chosen, access_token_lifetime=60)


def code_for(grants: Grants, client: RegisteredClient) -> str:
    grant = IssuedGrant(client_id=client.client_id, user="ada")
    return grants.issue_code(grant, redirect_uri=CALLBACK, challenge=s256(VERIFIER))


def redeemed(grants: Grants, client: RegisteredClient, code: str) -> IssuedGrant:
    grant = grants.redeem(code, client, redirect_uri=CALLBACK, verifier=VERIFIER)
    grants.issue(grant, randomness.token_hex(8))
    return grant


def test_a_code_used_twice_ends_the_tokens_of_its_first_use() -> None:
    """RFC 6749 §4.1.2."""
    grants = store(Clock())
    client = grants.register((CALLBACK,))
    code = code_for(grants, client)
    grant = redeemed(grants, client, code)

    with pytest.raises(OAuthRefusal, match="code used"):
        grants.redeem(code, client, redirect_uri=CALLBACK, verifier=VERIFIER)

    assert not grant.alive


def test_a_refresh_token_used_twice_ends_every_token_of_its_grant() -> None:
    grants = store(Clock())
    client = grants.register((CALLBACK,))
    first = redeemed(grants, client, code_for(grants, client)).refresh_token
    newest = str(grants.issue(grants.refresh(first, client), "access")["refresh_token"])

    with pytest.raises(OAuthRefusal, match="refresh_token reused"):
        grants.refresh(first, client)

    assert grants.access_token("access") is None
    with pytest.raises(OAuthRefusal, match="refresh_token revoked"):
        grants.refresh(newest, client)


def test_a_refresh_token_that_another_client_presents_ends_nothing() -> None:
    """Else any client could end the grants of all others with a token that is worth nothing."""
    grants = store(Clock())
    client, other = grants.register((CALLBACK,)), grants.register((CALLBACK,))
    grant = redeemed(grants, client, code_for(grants, client))
    first = grant.refresh_token
    grants.issue(grants.refresh(first, client), "access")

    with pytest.raises(OAuthRefusal, match="refresh_token unknown"):
        grants.refresh(first, other)

    assert grant.alive


def test_a_self_contained_access_token_outlives_its_grant_and_not_its_time() -> None:
    clock = Clock()
    grants = store(clock)
    client = grants.register((CALLBACK,))
    grant = redeemed(grants, client, code_for(grants, client))
    grants.issue(grant, "jwt")
    grants.end_grants()

    assert grants.access_token("jwt") is None
    assert grants.access_token("jwt", self_contained=True) is not None
    clock.now += 60
    assert grants.access_token("jwt", self_contained=True) is None


def test_every_profile_has_words_for_every_reason() -> None:
    for rules in (ACCESS_RULES, RULES):
        assert set(rules.refusals["code"]) == {
            *(Reason.UNKNOWN, Reason.USED, Reason.EXPIRED, Reason.WRONG_CLIENT, Reason.WRONG_REDIRECT),
            Reason.WRONG_VERIFIER,
        }
        assert set(rules.refusals["refresh_token"]) == {
            *(
                Reason.UNKNOWN,
                Reason.REVOKED,
                Reason.USED,
                Reason.REUSED,
                Reason.EXPIRED,
                Reason.USER_REFUSED,
                Reason.NO_PROOF,
            ),
        }
