"""Causes recognised by the messages of other programs: agents, MCP clients, curl, git, Node and Python."""

from __future__ import annotations

from typing import Final

from authlens_core.diagnosis.cause import AGENTS_GUIDE, REPORTS, Cause
from authlens_core.diagnosis.protection import MANAGED_OAUTH, MEANINGS, Protection
from authlens_core.values.check import ErrorCode
from authlens_core.values.diagnosis import CauseId

SAID_BY_CLIENTS: Final = (
    Cause(
        name=CauseId.LOGIN_PAGE_FOR_AN_ANSWER,
        cause="The client got the login page of Access (HTML) where it expected data: its request had no "
        "credential, or one that is not valid here.",
        cure="Log in with authlens login URL, then connect the client through authlens mcp-bridge URL or "
        "authlens proxy URL.",
        source=REPORTS,
        phrases=(
            "unexpected content type: text/html",
            "unexpected content-type: text/html",
            "unexpected token '<'",
            "unexpected token < in json",
            "/cdn-cgi/access/login",
            "sign in \u30fb cloudflare access",
            "<title>sign in",
        ),
    ),
    Cause(
        name=CauseId.LOOPBACK_REFUSED,
        cause="The browser was sent back to this machine, but nothing listens there: the browser runs on "
        "another machine, or the login had already ended.",
        cure="Start again: authlens login URL. Over SSH, use the ssh -L line that it shows, or paste the "
        "address the browser ended on.",
        source=AGENTS_GUIDE,
        phrases=("localhost refused to connect", "127.0.0.1 refused to connect"),
    ),
    Cause(
        name=CauseId.PORT_TAKEN,
        cause="Another program uses the callback port, often a login that was never finished.",
        cure="Stop that program, or use another port: authlens login URL --port 0.",
        source=AGENTS_GUIDE,
        phrases=("eaddrinuse", "address already in use", "only one usage of each socket address"),
    ),
    Cause(
        name=CauseId.CERTIFICATE_NOT_TRUSTED,
        cause="The client does not trust the certificate. A company that inspects TLS replaces it with "
        "its own.",
        cure="Give the client your company's certificate authority: NODE_EXTRA_CA_CERTS for Node, "
        "SSL_CERT_FILE for others. authlens doctor names the one that this machine trusts.",
        source=REPORTS,
        phrases=(
            "self_signed_cert_in_chain",
            "self-signed certificate in certificate chain",
            "unable_to_get_issuer_cert",
            "unable to get local issuer certificate",
            "certificate_verify_failed",
            "certificate verify failed",
        ),
    ),
    Cause(
        name=CauseId.NAME_UNKNOWN,
        cause="DNS lookup failed: the host name was not found.",
        cure="Check the address; if it is an internal one, connect to the VPN or WARP first.",
        source="RFC 1035",
        phrases=("enotfound", "could not resolve host", "name or service not known", "getaddrinfo eai_again"),
    ),
    Cause(
        name=CauseId.CONNECTION_REFUSED,
        cause="Nothing listens on that address.",
        cure="Check the host and port, and that the server is running.",
        source="RFC 9293 §3.10.7",
        phrases=("econnrefused", "connection refused"),
    ),
    Cause(
        name=CauseId.NO_REGISTRATION_ENDPOINT,
        cause="The client tried to register itself, but the server does not offer that. At Access, "
        "Managed OAuth or its dynamic client registration is off.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}. Or use a pre-registered client: authlens "
        "login URL --client-id ID.",
        source=AGENTS_GUIDE,
        phrases=(
            "does not support dynamic client registration",
            "no registration_endpoint",
            "dynamic client registration is not supported",
        ),
    ),
    Cause(
        name=CauseId.GIT_CANNOT_ASK,
        cause="git was asked for a credential and has no helper for this host.",
        cure="Give it one: git config --global credential.https://HOST.helper '!authlens git-credential'",
        source="gitcredentials(7)",
        phrases=("could not read username", "terminal prompts disabled"),
    ),
    Cause(
        name=CauseId.REFRESH_TOKEN_ENDED,
        cause="The client's refresh token is no longer good: its grant ran out, was revoked, or another "
        "process refreshed it.",
        cure="Delete what the client has stored for this server and log in again. With authlens: authlens "
        "login URL.",
        source="RFC 6749 §5.2",
        phrases=(
            *("refresh_token is invalid", "refresh token is invalid", "invalid refresh token"),
            *("token refresh failed", "failed to refresh token", "refresh token has expired"),
        ),
    ),
    Cause(
        name=CauseId.CODE_NOT_EXCHANGED,
        cause="The server refused to exchange the code for tokens, and the client does not show why.",
        cure="See the server's own error: authlens login URL, stage 7.",
        source="RFC 6749 §5.2",
        phrases=("token exchange failed",),
    ),
    Cause(
        name=CauseId.TRANSPORT_OF_THE_OLD_PROTOCOL,
        cause="The client asked with GET, as the older SSE transport of MCP does, and the server takes POST.",
        cure="Configure the server as streamable HTTP (type http), or let the client use authlens mcp-bridge "
        "URL.",
        source="MCP 2025-11-25, Transports",
        phrases=(
            *("expected status code 200 but was 405", "non-200 status code (405)", "http 405"),
            "status code 405",
        ),
    ),
    Cause(
        name=CauseId.OAUTH_NOT_FOUND,
        cause="The client looked for OAuth at an address where the server has nothing (404): it has no login "
        "of its own, or the client guessed the address.",
        cure="See what the server offers: authlens probe URL.",
        source="RFC 8414 §3",
        phrases=("http 404: invalid oauth error response",),
    ),
    Cause(
        name=CauseId.METADATA_WITH_NULL,
        cause="The server's metadata has null where a text belongs, and the client refuses all of it.",
        cure="Ask the server's owner to leave the member out. See which one: authlens probe URL --json.",
        source="RFC 8414 §2",
        phrases=("expected string, received null",),
    ),
    Cause(
        name=CauseId.RESOURCE_DOES_NOT_MATCH,
        cause="The resource metadata names another resource than the address that the client was given.",
        cure="Use the address that the metadata names: authlens probe URL shows both.",
        source="RFC 9728 §3.3",
        phrases=("does not match expected http",),
    ),
    Cause(
        name=CauseId.ANSWER_OF_ANOTHER_LOGIN,
        cause="The browser came back with the answer to another login: an older tab, or a link opened twice.",
        cure="Close the other login tabs and start again: authlens login URL.",
        source="RFC 6749 §10.12",
        phrases=("state mismatch", "state does not match", "invalid state parameter", "state parameter mism"),
    ),
    Cause(
        name=CauseId.NO_S256,
        cause="The server does not say that it supports PKCE with S256, and the client insists on it.",
        cure="Ask the server's owner to publish code_challenge_methods_supported. authlens login URL says "
        "whether a login works anyway.",
        source="RFC 8414 §2",
        phrases=("does not support code challenge method s256",),
    ),
    Cause(
        name=CauseId.ANSWER_NEVER_CAME,
        cause="The browser never came back to the client: the login was not finished, or the browser runs on "
        "another machine.",
        cure="Start again with authlens login URL. Over SSH, use the ssh -L line that it shows, or paste "
        "the address the browser ended on.",
        source=REPORTS,
        phrases=(
            *("waiting for authorization code", "callback timed out", "timeout waiting for callback"),
            *("waiting for oauth callback", "authorization timed out"),
        ),
    ),
    Cause(
        name=CauseId.GIT_REFUSED,
        cause="The server refused git: the request had no credential that counts there.",
        cure="Log in with authlens login URL, and give git the token: git config --global "
        "credential.https://HOST.helper '!authlens git-credential'",
        source="gitcredentials(7)",
        phrases=(
            *("the requested url returned error: 401", "the requested url returned error: 403"),
            "authentication failed for 'http",
        ),
    ),
    Cause(
        name=CauseId.PROOF_WANTED,
        cause=(
            "The server requires a proof of possession (DPoP) with each request; the token alone will not do."
        ),
        cure="Let authlens make the proofs: authlens curl URL, or authlens proxy URL for a client that stays "
        "open.",
        source="RFC 9449 §7",
        errors=frozenset({ErrorCode.INVALID_DPOP_PROOF}),
        phrases=("use_dpop_nonce", "dpop proof"),
    ),
    Cause(
        name=CauseId.LOGIN_NOT_MADE,
        cause="The server requires a login, and the client has none for it.",
        cure="Log in: authlens login URL. Then let the client use it: authlens mcp-config AGENT URL --write.",
        source=REPORTS,
        phrases=(
            "auth required, when send",
            "needs authentication",
            "requires authentication",
            "authentication required",
        ),
    ),
    Cause(
        name=CauseId.CLIENT_FOUND_NO_METADATA,
        cause="The client looked for the OAuth metadata of the server and did not get it.",
        cure="See what the server publishes: authlens probe URL. If authlens login URL works, connect the "
        "client through authlens mcp-bridge URL.",
        source="RFC 8414 §3",
        phrases=("trying to load oauth metadata", "trying to load well-known oauth metadata"),
    ),
    Cause(
        name=CauseId.LOCAL_SERVER_ENDED,
        cause="The agent started an MCP server on this machine, and that program ended.",
        cure="Run it in a terminal to see its message: authlens mcp-bridge URL. If it asks for a login: "
        "authlens login URL.",
        source=REPORTS,
        phrases=("mcp error -32000: connection closed",),
    ),
    Cause(
        name=CauseId.TUNNEL_DOWN,
        cause=MEANINGS[Protection.ORIGIN_DOWN].summary,
        cure=MEANINGS[Protection.ORIGIN_DOWN].cure,
        source="Cloudflare, Error 1033",
        phrases=("error code: 1033", "error 1033"),
    ),
    Cause(
        name=CauseId.TOKEN_REFUSED,
        cause="The access token is refused: it expired, was revoked, or is for another resource.",
        cure="To replace a refused token: authlens token URL --refused. A long-running client should use "
        "authlens mcp-bridge URL or authlens proxy URL, which refresh it.",
        source="RFC 6750 §3.1",
        errors=frozenset({ErrorCode.INVALID_TOKEN}),
        phrases=("401 unauthorized", "status code 401", "http 401", "error: 401"),
    ),
)
