"""The rehearsal's scenarios on MCP servers and APIs, and the emulator that each scenario runs on."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final

from authlens_core.emulator.access.faults import Fault
from authlens_core.emulator.access.rehearsal import SCENARIOS
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.profile import Profile, StandardFault
from authlens_core.emulator.scenario import Scenario, ScenarioGroup, StandardCase
from authlens_core.emulator.standard.emulator import StandardEmulator

_standard = partial(Scenario, group=ScenarioGroup.STANDARD)

# What the standard emulator shows that Cloudflare Access does not have.
STANDARD_SCENARIOS: Final[tuple[Scenario, ...]] = (
    _standard(
        StandardCase(
            "device-code",
            "A login by device code",
            "Stage 6 shows a code instead of a link. Stage 7 asks for the tokens until you have entered it.",
            device=True,
            how="Enter starts it. a runs the login up to the code, and s enters and approves it for you.",
        ),
        "The browser is on another device and cannot reach this machine. How does the token get here?",
        "authlens asks for it. It polls the token endpoint and gets authorization_pending until you "
        "approve; nothing comes back to a callback. Enter a code only if you started that login yourself.",
    ),
    _standard(
        StandardCase(
            "par-required",
            "A pushed authorization request",
            "authlens sends the request to the server first; the link has only a reference to it.",
            faults=(StandardFault.PAR_REQUIRED,),
        ),
        "The link has only client_id and request_uri. Where are the scope and the challenge?",
        "At the server: authlens pushed them in a request of its own (RFC 9126). The browser never has them, "
        "so no one can read or change them there.",
    ),
    _standard(
        StandardCase(
            "dpop-required",
            "A resource that requires DPoP",
            "Tokens are bound to a key: each request has a signed proof besides the token.",
            faults=(StandardFault.DPOP_REQUIRED,),
        ),
        "Someone copies the access token out of a log. Can they use it?",
        "No. Each request needs a proof, signed by a key that never leaves this machine (RFC 9449). A proof "
        "is for one method and one URL, so a copied proof does not help either.",
    ),
    _standard(
        StandardCase(
            "step-up",
            "The token lacks a scope",
            "Stage 8 returns 403 insufficient_scope and names the scope that the resource wants.",
            faults=(StandardFault.STEP_UP,),
            how="Enter starts it. a runs the login up to the link, and s signs in for you. Stage 8 fails: "
            "press t to authorize again, and s again.",
        ),
        "The token is valid, but the resource answers 403. Would a refresh help?",
        "No: a refresh returns the same scopes. You need a new authorization with the missing scope "
        "(step-up). t asks for the old scopes and the new one together.",
    ),
    _standard(
        StandardCase(
            "jwt-access-tokens",
            "An access token that cannot be revoked",
            "The access token is a JWT. The server revokes only the refresh token.",
            faults=(StandardFault.JWT_ACCESS_TOKENS,),
            how="Enter starts it. Run the whole login (a, then s), leave it with d, and on the dashboard "
            "press v to revoke.",
            ends_at_the_dashboard=True,
        ),
        "You revoke the login and the server answers unsupported_token_type. Is the access token dead?",
        "No. A JWT is checked by its signature and its expiry, so it works until it expires. The refresh "
        "token is revoked, so no new access token follows. That is why access tokens should be short-lived.",
    ),
    _standard(
        StandardCase(
            "default-paths",
            "An old MCP server",
            "The server publishes no metadata. It has only /authorize, /token and /register (2025-03-26).",
            Profile.MCP,
            (StandardFault.DEFAULT_PATHS,),
            how="Enter starts it. a stops at stage 2 and again at stage 3; g continues each time. Then a, "
            "and s signs in for you.",
        ),
        "No document names the login server. May authlens guess where it is?",
        "Only if you decide so. MCP 2025-03-26 had default paths, but nothing confirms that they belong to "
        "this resource, so authlens stops and asks. g or --legacy-paths uses them.",
    ),
    _standard(
        StandardCase(
            "open-initialize",
            "An MCP server that asks late",
            "initialize answers without a token; the 401 comes only at tools/list.",
            Profile.MCP,
            (StandardFault.OPEN_INITIALIZE, StandardFault.GET_404),
        ),
        "The first MCP call returns 200 without a token. Is the server open to everyone?",
        "No. authlens makes the next calls of an MCP client too, up to tools/list, and finds the 401 there. "
        "Stage 8 makes the same call with the token; a call that needs no token would verify nothing.",
    ),
)

# The scenarios in the order of the menu.
ALL_SCENARIOS: Final[tuple[Scenario, ...]] = (*SCENARIOS, *STANDARD_SCENARIOS)


def emulator_with(
    cases: Collection[Fault | StandardCase], *, access_token_lifetime: int = 60
) -> Emulator | StandardEmulator:
    """Return a new emulator, not started: with faults of Access, or for the one case of another server."""
    faults: list[Fault] = []
    for case in cases:
        if isinstance(case, StandardCase):
            return StandardEmulator(
                case.profile, faults=case.faults, access_token_lifetime=access_token_lifetime
            )
        faults.append(case)
    return Emulator(faults=faults, access_token_lifetime=access_token_lifetime)
