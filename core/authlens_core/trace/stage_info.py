"""What each stage is, in words for a user: its name, what it does and why it exists."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import GrantType, Stage


@dataclass(frozen=True, slots=True)
class StageInfo:
    """The words for one stage.

    Attributes:
        what: what happens, one or two plain sentences.
        why: what would go wrong without it.
        announces: what it does next, after its title, where its request does not say it.
    """

    title: str
    specification: str
    what: str
    why: str
    announces: str = ""


STAGE_INFO: Final[Mapping[Stage, StageInfo]] = MappingProxyType(
    {
        Stage.DETECTION: StageInfo(
            "Detection",
            "RFC 9110 §11, RFC 6750 §3, RFC 9728 §5",
            "authlens requests the resource without a credential and reads the refusal. The refusal "
            "names what protects the resource and where its metadata is.",
            "Without it authlens cannot know whether the resource uses OAuth, or which server to ask.",
        ),
        Stage.RESOURCE_METADATA: StageInfo(
            "Resource metadata",
            "RFC 9728",
            "The resource publishes a small document: its own name, and the authorization servers it trusts.",
            "The name must cover the URL you asked for. Otherwise another site could send you to its own "
            "server and collect your tokens.",
        ),
        Stage.SERVER_METADATA: StageInfo(
            "Server metadata",
            "RFC 8414",
            "The authorization server publishes its endpoints and what it can do. Four things are needed: "
            "public clients (none), the authorization code grant, PKCE with S256, and a place to register.",
            "Endpoints are never guessed. The issuer in the document must be the server that was named. "
            "Otherwise one server could present another server's document.",
        ),
        Stage.REGISTRATION: StageInfo(
            "Registration",
            "RFC 7591",
            "The server must know the client. authlens registers as a public client and names its "
            "redirect URI: a port on this machine that it already listens on.",
            "A server that sends codes only to registered addresses cannot be tricked into sending them "
            "to an attacker.",
        ),
        Stage.PKCE: StageInfo(
            "PKCE",
            "RFC 7636",
            "authlens generates a secret, the code_verifier. Only its SHA-256, the code_challenge, goes "
            "through the browser. Nothing is sent in this stage.",
            "An attacker who steals the code from the callback cannot use it: the exchange needs the "
            "verifier.",
        ),
        Stage.AUTHORIZATION: StageInfo(
            "Authorization",
            "RFC 6749 §4.1, RFC 8252, RFC 8707, RFC 9207",
            "You open the link in a browser and sign in there. The server then sends the browser back to "
            "this machine with a code. authlens never sees your password.",
            "The state in the link comes back with the code. If it differs, the response belongs to "
            "another login and is ignored.",
            "gives you a link for your browser and waits",
        ),
        Stage.EXCHANGE: StageInfo(
            "Exchange",
            "RFC 6749 §4.1.3, RFC 7636 §4.5",
            "authlens sends the code together with the code_verifier and receives the tokens. A code "
            "works once, so this request is never repeated.",
            "Tokens never pass through the browser, its history or the address bar.",
        ),
        Stage.ACCESS: StageInfo(
            "Access",
            "RFC 6750",
            "authlens calls the resource again, this time with the access token in the Authorization header.",
            "A token is useful only if the resource accepts it. This request verifies that.",
        ),
        Stage.REFRESH: StageInfo(
            "Refresh",
            "RFC 6749 §6",
            "The refresh token is exchanged for a new access token, without a browser.",
            "Access tokens are short-lived so that a stolen one is soon worthless.",
        ),
        Stage.REVOKE: StageInfo(
            "Revoke",
            "RFC 7009",
            "authlens asks the server to revoke the refresh token, then the access token, and then calls "
            "the resource to verify that it refuses.",
            "Removing a token from this machine does not revoke it. Only the server can.",
        ),
        Stage.PROBE: StageInfo(
            "Probe",
            "RFC 6750",
            "authlens calls the resource to see whether the credential works.",
            "A token that has not expired may still have been revoked.",
        ),
    }
)

# Where a stage differs from the one of an authorization code grant.
_BY_GRANT_TYPE: Final[Mapping[tuple[GrantType, Stage], StageInfo]] = MappingProxyType(
    {
        (GrantType.DEVICE_CODE, Stage.AUTHORIZATION): StageInfo(
            "Authorization",
            "RFC 8628 §3.1–3.3",
            "authlens asks the server for a code. You open the server's page on any device, enter the code "
            "and sign in there. Nothing has to come back to this machine.",
            "A login without a browser and without a port here. Enter only a code that you asked for: "
            "someone who sends you theirs gets your access.",
            "asks for a code that you enter on another device",
        ),
        (GrantType.DEVICE_CODE, Stage.EXCHANGE): StageInfo(
            "Exchange",
            "RFC 8628 §3.4–3.5",
            "authlens asks the token endpoint again and again, as often as the server allows, until you have "
            "entered the code. Then it receives the tokens.",
            "The device_code never leaves this connection: the code that you enter is of no use without it.",
        ),
    }
)


def stage_info(stage: Stage, grant_type: GrantType | None = None) -> StageInfo:
    """Return the words for `stage` in a login with `grant_type`; those of the code grant if that is None."""
    own = _BY_GRANT_TYPE.get((grant_type, stage)) if grant_type is not None else None
    return own or STAGE_INFO[stage]
