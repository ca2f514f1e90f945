"""Stage 5: a secret that ties the code to this login (RFC 7636). Nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, StageResult
from authlens_core.login.stages.registration_stage import requested_scope
from authlens_core.oauth.dpop import DpopKey, make_dpop_key
from authlens_core.oauth.id_token import OPENID
from authlens_core.oauth.pkce import make_pkce, make_state
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import requirement
from authlens_core.values.exchange import Exchange


class PkceStage(LoginStage):
    """Draws a new verifier and state at every run, so that no two attempts share anything."""

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:  # noqa: ARG002
        """Draw the verifier, its challenge, and the state."""
        pkce = make_pkce(token_bytes)
        state = make_state(token_bytes)
        again = pkce.draws - 1
        drawn = "first attempt" if again == 0 else f"generated again {again} time{'s' if again > 1 else ''}"
        checks = (
            requirement("pkce.method").passed("code_challenge = BASE64URL(SHA256(code_verifier))"),
            requirement("pkce.first_character").passed(f"starts with {pkce.code_challenge[0]!r}, {drawn}"),
        )
        shown: tuple[Fact, ...] = (
            Fact(
                FactId.CODE_VERIFIER, pkce.code_verifier, "RFC 7636 §4.1", "32 random bytes, in memory only"
            ),
            Fact(
                FactId.CODE_CHALLENGE,
                pkce.code_challenge,
                "RFC 7636 §4.2",
                "sent when you authorize",
            ),
            Fact(FactId.CODE_CHALLENGE_METHOD, "S256", "RFC 7636 §4.3"),
            Fact(FactId.STATE, state, "RFC 6749 §10.12", "must come back with the code"),
        )
        nonce = None
        # Only with this scope is there an ID token, which the nonce ties to this login.
        if OPENID in (requested_scope(facts) or "").split():
            nonce = make_state(token_bytes)
            spec = "OpenID Connect Core §3.1.2.1"
            shown = (*shown, Fact(FactId.NONCE, nonce, spec, "must come back in the ID token"))
        key, of_key = drawn_key(facts)
        new = replace(facts, pkce=pkce, state=state, nonce=nonce, dpop_key=key)
        return StageResult(new, checks, (*shown, *of_key))


def drawn_key(facts: Facts) -> tuple[DpopKey | None, tuple[Fact, ...]]:
    """Return a new key for the tokens, if they have to be bound to one, and what is shown of it."""
    if not facts.needs_dpop:
        return None, ()
    key = make_dpop_key()
    return key, (
        Fact(FactId.DPOP_PRIVATE_KEY, key.private_jwk, "RFC 9449 §4.2", "signs the requests"),
        Fact(FactId.DPOP_JKT, key.thumbprint, "RFC 9449 §5, §10", "its thumbprint, for the tokens"),
    )
