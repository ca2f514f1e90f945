"""Causes recognised by a check of ours: what was missing, what did not match, who did not come."""

from __future__ import annotations

from typing import Final

from authlens_core.cloudflare.team import LOGOUT
from authlens_core.diagnosis.cause import AGENTS_GUIDE, MANAGED_GUIDE, REPORTS, Cause
from authlens_core.diagnosis.protection import MANAGED_OAUTH
from authlens_core.values.cause_id import CauseId
from authlens_core.values.check import CheckId
from authlens_core.values.stage import Stage
from authlens_core.values.way_on import CureOption, WayOn

_REGISTER_BEFOREHAND: Final = (
    f"Ask the owner to turn it on: {MANAGED_OAUTH} (API: dynamic_client_registration.enabled). Or use a "
    "pre-registered client: authlens login URL --client-id ID. If the server accepts client metadata "
    "documents, host one: authlens client-metadata URL."
)
_GIVEN_CLIENT: Final = CureOption(WayOn.CLIENT_ID, "--client-id ID")

SEEN_HERE: Final = (
    Cause(
        name=CauseId.NO_ANSWER_IN_TIME,
        cause="The browser did not return. Some errors are shown only in the browser and never reach "
        "authlens: “That account does not have access”, “Unable to find your Access application!” "
        "or “Invalid nonce”. WARP can also redirect the login to the wrong place.",
        cure="Check the browser. If it could not reach localhost, paste the address it shows, or forward "
        f"the port to this machine (over SSH: ssh -L). If it shows an error, open {LOGOUT}, then "
        "sign in again with the right account. If WARP interfered, pause it, and ask the owner to "
        "give each hostname its own application.",
        options=(CureOption(WayOn.OTHER_HOST),),
        source=REPORTS,
        checks=frozenset({CheckId.AUTHORIZATION_TIMEOUT}),
    ),
    Cause(
        name=CauseId.PORT_TAKEN,
        cause="Another program uses the callback port, often a login that was never finished.",
        cure="Stop that program, or use another port.",
        options=(CureOption(WayOn.OTHER_PORT),),
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.REGISTRATION_PORT}),
    ),
    Cause(
        name=CauseId.PORT_TAKEN_ON_ONE_ADDRESS,
        cause="Another program uses the callback port on ::1 only. A browser sent to localhost may reach "
        "that program.",
        cure="Stop that program, redirect to 127.0.0.1, where the port is free, or use another port.",
        options=(CureOption(WayOn.OTHER_HOST), CureOption(WayOn.OTHER_PORT)),
        source="RFC 8252 §7.3, §8.3",
        checks=frozenset({CheckId.REGISTRATION_PORT_HALF}),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="This server does not allow clients to register themselves: its metadata has no "
        "registration_endpoint. At Access, Managed OAuth or its dynamic client registration is off.",
        cure=_REGISTER_BEFOREHAND,
        options=(_GIVEN_CLIENT, CureOption(WayOn.CLOUDFLARED), CureOption(WayOn.SERVICE_TOKEN)),
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.SERVER_REGISTRATION}),
        quotes=("registration_endpoint",),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="The server's registration endpoint does not register clients.",
        cure=_REGISTER_BEFOREHAND,
        options=(_GIVEN_CLIENT,),
        source=AGENTS_GUIDE,
        stages=frozenset({Stage.REGISTRATION}),
        statuses=frozenset({404, 405, 501}),
    ),
    Cause(
        name=CauseId.TOO_MANY_REGISTRATIONS,
        cause="The server limits registrations (too many requests).",
        cure="Wait a minute. authlens reuses a client it has registered; keep the same --port and "
        "--redirect-host.",
        source="RFC 6585 §4",
        stages=frozenset({Stage.REGISTRATION}),
        statuses=frozenset({429}),
    ),
    Cause(
        name=CauseId.METADATA_OF_ANOTHER_RESOURCE,
        cause="The resource metadata describes another resource. A token for that resource could be "
        "misused, so authlens does not request one.",
        cure="Check the URL. Ask the owner to make resource in the metadata the URL of this resource: "
        "its own origin, plus the path if there is one.",
        source="RFC 9728 §3.3",
        checks=frozenset({CheckId.METADATA_RESOURCE}),
        quotes=("resource",),
    ),
    Cause(
        name=CauseId.ISSUER_MISMATCH,
        cause="The server metadata names another issuer, so it may not belong to this server.",
        cure="Do not continue. Ask the owner to make issuer in the server metadata exactly equal to the "
        "URL in authorization_servers.",
        source="RFC 8414 §3.3",
        checks=frozenset({CheckId.SERVER_ISSUER}),
        quotes=("issuer",),
    ),
    Cause(
        name=CauseId.S256_MISSING,
        cause="The server does not advertise PKCE with S256. Without it, anyone who sees the code can "
        "use it.",
        cure="Ask the owner to support S256 and to list it under code_challenge_methods_supported.",
        source="RFC 7636 §4.2, RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_S256}),
        quotes=("code_challenge_methods_supported",),
    ),
    Cause(
        name=CauseId.PUBLIC_CLIENTS_NOT_LISTED,
        cause="The server does not list “none” among its client authentication methods. Many servers "
        "accept public clients anyway, so authlens continues.",
        cure="If registration or the exchange fails, ask the owner to allow public clients and to list none "
        "under token_endpoint_auth_methods_supported; or give a client with a secret: --client-id.",
        source="RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_NONE}),
        quotes=("token_endpoint_auth_methods_supported",),
    ),
    Cause(
        name=CauseId.ANSWER_OF_ANOTHER_SERVER,
        cause="The callback does not name the server that was asked: iss is missing or names a different "
        "issuer, as in a mix-up attack. Its code is not used.",
        cure="Do not trust this response; start again. If it still fails, ask the owner to make iss on "
        "the callback equal to issuer in the server metadata. If you know that the server is wrong: "
        "authlens login --any-issuer URL.",
        source="RFC 9207 §2.4",
        checks=frozenset({CheckId.AUTHORIZATION_ISS}),
        quotes=("iss",),
    ),
    Cause(
        name=CauseId.CHALLENGE_WITHOUT_METADATA,
        cause="The resource asks for a token but does not say where its metadata is; authlens tried the "
        "well-known URLs.",
        cure="It may work anyway. Ask the owner to send WWW-Authenticate: Bearer resource_metadata=… "
        "with the 401.",
        source="RFC 9728 §5.1",
        checks=frozenset({CheckId.DETECTION_METADATA_GUESSED}),
    ),
    Cause(
        name=CauseId.NO_RESOURCE_METADATA,
        cause="The resource publishes no metadata at the well-known URLs, so it does not support this login.",
        cure="For an MCP server, its origin may be the authorization server, as in 2025-03-26: authlens "
        "login --legacy-paths URL. For Cloudflare Access, ask the owner to turn on Managed OAuth: "
        f"{MANAGED_OAUTH}. Until then: authlens login --cloudflared URL.",
        options=(CureOption(WayOn.CLOUDFLARED, "authlens login --cloudflared URL"),),
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.METADATA_FOUND}),
    ),
    Cause(
        name=CauseId.NO_SERVER_METADATA,
        cause="The authorization server that the resource names publishes no metadata.",
        cure="Ask the owner of the resource whether authorization_servers names the right server; at Access "
        "it is https://<team>.cloudflareaccess.com.",
        source="RFC 8414 §3",
        stages=frozenset({Stage.SERVER_METADATA}),
        statuses=frozenset({400, 401, 403, 404, 410}),
        checks=frozenset({CheckId.SERVER_DOCUMENT}),
    ),
    Cause(
        name=CauseId.CLOCKS_DIFFER,
        cause="The server's clock and this machine's clock differ, so tokens seem to expire too early or "
        "too late.",
        cure="Synchronise this machine's clock (NTP). If it is right, tell the server's owner.",
        source=MANAGED_GUIDE,
        checks=frozenset({CheckId.TOKEN_CLOCK}),
        quotes=("date",),
    ),
    Cause(
        name=CauseId.NO_REVOCATION_ENDPOINT,
        cause="The server offers no revocation, so authlens cannot revoke the token.",
        cure="Let it expire, or ask the owner to end your sessions: Zero Trust → Team & Resources → "
        "Users → (user) → Revoke. Removing it here (authlens forget) does not revoke it.",
        source="RFC 7009 §2",
        checks=frozenset({CheckId.REVOKE_ENDPOINT}),
    ),
)
