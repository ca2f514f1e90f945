"""Causes told by a check of ours: what was missing, what did not match, who did not come."""

from __future__ import annotations

from typing import Final

from authlens_core.access.cause import AGENTS_GUIDE, LOGOUT, MANAGED_GUIDE, REPORTS, WITH_TOKEN, Cause
from authlens_core.access.protection import MANAGED_OAUTH
from authlens_core.oauth.check_id import CheckId

_REGISTER_BEFOREHAND: Final = (
    f"Ask the owner to turn it on: {MANAGED_OAUTH} (API: dynamic_client_registration.enabled). Or use a "
    "client registered beforehand: authlens login URL --client-id ID."
)

SEEN_HERE: Final = (
    Cause(
        name="no_answer_in_time",
        cause="Nothing came back from the browser. Some refusals are shown there only and never reach "
        "authlens: “That account does not have access”, “Unable to find your Access application!” or "
        "“Invalid nonce”. WARP in the browser can lead the login astray as well.",
        cure="Look at the browser. If it could not reach localhost, paste the address it shows, or forward "
        f"the port to this machine (over SSH: ssh -L). If it shows a refusal, open {LOGOUT}, then sign in "
        "again with the right account. If WARP took over, pause it, and ask the owner to give each hostname "
        "one application.",
        source=REPORTS,
        checks=frozenset({CheckId.AUTHORIZATION_TIMEOUT}),
    ),
    Cause(
        name="port_taken",
        cause="Another program listens on the port of the callback, often a login that was never finished.",
        cure="Stop that program, or use another port.",
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.REGISTRATION_PORT, CheckId.AUTHORIZATION_PORT}),
    ),
    Cause(
        name="port_taken_on_one_address",
        cause="Another program listens on the port of the callback on ::1 only, and a browser that is sent "
        "to localhost may come to it.",
        cure="Stop that program, redirect to 127.0.0.1, where the port is free, or use another port.",
        source="RFC 8252 §7.3, §8.3",
        checks=frozenset({CheckId.REGISTRATION_PORT_HALF}),
    ),
    Cause(
        name="no_registration_endpoint",
        cause="The server does not let clients register themselves: it names no registration_endpoint. At "
        "Access, Managed OAuth or its dynamic client registration is off.",
        cure=_REGISTER_BEFOREHAND,
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.SERVER_REGISTRATION}),
        quotes=("registration_endpoint",),
    ),
    Cause(
        name="no_registration_endpoint",
        cause="The server registers no clients at the endpoint that it names.",
        cure=_REGISTER_BEFOREHAND,
        source=AGENTS_GUIDE,
        stages=frozenset({"registration"}),
        statuses=frozenset({404, 405, 501}),
    ),
    Cause(
        name="too_many_registrations",
        cause="The server wants fewer registrations.",
        cure="Wait a minute. authlens reuses a client it has registered; keep the same --port and "
        "--redirect-host.",
        source="RFC 6585 §4",
        stages=frozenset({"registration"}),
        statuses=frozenset({429}),
    ),
    Cause(
        name="metadata_of_another_resource",
        cause="The resource metadata speaks for another resource. A token for that one could be used by "
        "somebody else, so authlens does not ask for it.",
        cure="Check the URL. Ask the owner to make resource in the metadata the URL of this resource: its "
        "own origin, with the path where there is one.",
        source="RFC 9728 §3.3",
        checks=frozenset({CheckId.METADATA_RESOURCE}),
        quotes=("resource",),
    ),
    Cause(
        name="issuer_mismatch",
        cause="The server metadata claims to speak for another issuer, so it may be somebody else's.",
        cure="Do not go on. Ask the owner to make issuer in the server metadata equal, letter by letter, to "
        "the URL in authorization_servers.",
        source="RFC 8414 §3.3",
        checks=frozenset({CheckId.SERVER_ISSUER}),
        quotes=("issuer",),
    ),
    Cause(
        name="s256_missing",
        cause="The server does not say that it checks PKCE with S256; without it, whoever sees the code can "
        "use it.",
        cure="Ask the owner to support S256 and to list it under code_challenge_methods_supported.",
        source="RFC 7636 §4.2, RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_S256}),
        quotes=("code_challenge_methods_supported",),
    ),
    Cause(
        name="public_clients_not_listed",
        cause="The server does not list none among its client authentication methods. Many servers let "
        "public clients in all the same, so authlens goes on.",
        cure="If registration or the exchange fails, ask the owner to allow public clients and to list none "
        "under token_endpoint_auth_methods_supported; or give a client with a secret: --client-id.",
        source="RFC 8414 §2",
        checks=frozenset({CheckId.SERVER_NONE}),
        quotes=("token_endpoint_auth_methods_supported",),
    ),
    Cause(
        name="answer_of_another_server",
        cause="The answer in the browser names another issuer than the server that was asked, as in a mix-up "
        "attack; its code is not used.",
        cure="Distrust the answer and start again. If it stays, ask the owner to make iss on the callback "
        "equal to issuer in the server metadata.",
        source="RFC 9207 §2.4",
        checks=frozenset({CheckId.AUTHORIZATION_ISS}),
        quotes=("iss",),
    ),
    Cause(
        name="challenge_without_metadata",
        cause="The resource asks for a token and does not say where its metadata is; authlens guessed the "
        "place.",
        cure="It may work all the same. Ask the owner to send WWW-Authenticate: Bearer resource_metadata=… "
        "with the 401.",
        source="RFC 9728 §5.1",
        phrases=("the well-known places are tried",),
        checks=frozenset({CheckId.DETECTION_METADATA}),
    ),
    Cause(
        name="no_resource_metadata",
        cause="The resource publishes no metadata at the places where it may stand, so it does not support "
        "this login.",
        cure=f"For Cloudflare Access, ask the owner to turn on Managed OAuth: {MANAGED_OAUTH}. Until then: "
        "authlens login --cloudflared URL. For an old MCP server, go on in spite of it.",
        source=AGENTS_GUIDE,
        checks=frozenset({CheckId.METADATA_FOUND}),
    ),
    Cause(
        name="no_server_metadata",
        cause="The authorization server that the resource names publishes no metadata.",
        cure="Ask the owner of the resource whether authorization_servers names the right server; at Access "
        "it is https://<team>.cloudflareaccess.com.",
        source="RFC 8414 §3",
        stages=frozenset({"server_metadata"}),
        statuses=frozenset({400, 401, 403, 404, 410}),
        checks=frozenset({CheckId.SERVER_DOCUMENT}),
    ),
    Cause(
        name="clocks_differ",
        cause="The clock of the server and the clock of this machine differ; tokens then seem to end too "
        "early or too late.",
        cure="Set the clock of this machine by the network (NTP). If it is right, tell the owner of the "
        "server.",
        source=MANAGED_GUIDE,
        checks=frozenset({CheckId.TOKEN_CLOCK}),
        quotes=("date",),
    ),
    Cause(
        name="token_expired",
        cause="The access token has expired; at Access it lives 15 minutes.",
        cure="Refresh it: authlens refresh URL. “Access token lifetime” sets how long it lives: "
        + MANAGED_OAUTH
        + ".",
        source=AGENTS_GUIDE,
        stages=WITH_TOKEN,
        statuses=frozenset({401}),
        checks=frozenset({CheckId.TOKEN_EXPIRED}),
    ),
    Cause(
        name="no_revocation_endpoint",
        cause="The server offers no revocation, so a token cannot be ended from here.",
        cure="Let it expire, or ask the owner to end your sessions: Zero Trust → Team & Resources → Users → "
        "(user) → Revoke. Removing it here (authlens forget) does not end it there.",
        source="RFC 7009 §2",
        checks=frozenset({CheckId.REVOKE_ENDPOINT}),
    ),
)
