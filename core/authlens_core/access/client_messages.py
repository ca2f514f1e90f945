"""Causes told by the messages of other programs: agents, MCP clients, curl, git, Node and Python."""

from __future__ import annotations

from typing import Final

from authlens_core.access.cause import AGENTS_GUIDE, REPORTS, Cause
from authlens_core.access.protection import MANAGED_OAUTH

__all__ = ["SAID_BY_CLIENTS"]

SAID_BY_CLIENTS: Final = (
    Cause(
        name="login_page_for_an_answer",
        cause="The client got the login page of Access (HTML) where it expected data: its request had no "
        "credential, or one that does not count here.",
        cure="Log in with authlens login URL, and let the client go through it: authlens mcp-bridge URL or "
        "authlens proxy URL.",
        source=REPORTS,
        phrases=(
            "unexpected content type: text/html",
            "unexpected content-type: text/html",
            "unexpected token '<'",
            "unexpected token < in json",
            "/cdn-cgi/access/login",
            "sign in ・ cloudflare access",
            "sign in \u30fb cloudflare access",
            "<title>sign in",
        ),
    ),
    Cause(
        name="loopback_refused",
        cause="A browser was to return to this machine and nothing listens there: the browser runs on "
        "another machine, or the login had ended already.",
        cure="Start again: authlens login URL. Over SSH, use the ssh -L line that it shows, or paste the "
        "address that the browser ended on.",
        source=AGENTS_GUIDE,
        phrases=("localhost refused to connect", "127.0.0.1 refused to connect"),
    ),
    Cause(
        name="port_taken",
        cause="Another program listens on the port of the callback, often a login that was never finished.",
        cure="Stop that program, or use another port: authlens login URL --port 0.",
        source=AGENTS_GUIDE,
        phrases=("eaddrinuse", "address already in use", "only one usage of each socket address"),
    ),
    Cause(
        name="certificate_not_trusted",
        cause="The client does not trust the certificate, which a company that inspects TLS replaces by its "
        "own.",
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
        name="name_unknown",
        cause="The name of the host is not known to the resolver.",
        cure="Check the address; if it is an internal one, connect to the VPN or WARP first.",
        source="RFC 1035",
        phrases=("enotfound", "could not resolve host", "name or service not known", "getaddrinfo eai_again"),
    ),
    Cause(
        name="connection_refused",
        cause="Nothing listens at the address.",
        cure="Check host and port, and whether the server runs.",
        source="RFC 9293 §3.10.7",
        phrases=("econnrefused", "connection refused"),
    ),
    Cause(
        name="no_registration_endpoint",
        cause="The client wanted to register itself, and the server does not offer that: at Access, Managed "
        "OAuth or its dynamic client registration is off.",
        cure=f"Ask the owner to turn it on: {MANAGED_OAUTH}. Or use a client that is registered beforehand: "
        "authlens login URL --client-id ID.",
        source=AGENTS_GUIDE,
        phrases=(
            "does not support dynamic client registration",
            "no registration_endpoint",
            "dynamic client registration is not supported",
        ),
    ),
    Cause(
        name="git_cannot_ask",
        cause="git was asked for a credential and has no helper for this host.",
        cure="Give it one: git config --global credential.https://HOST.helper '!authlens git-credential'",
        source="gitcredentials(7)",
        phrases=("could not read username", "terminal prompts disabled"),
    ),
    Cause(
        name="token_refused",
        cause="The access token is refused: it has expired, was withdrawn, or is for another resource.",
        cure="Take one back that was refused: authlens token URL --refused. A client that stays open should "
        "use authlens mcp-bridge URL or authlens proxy URL, which refresh it.",
        source="RFC 6750 §3.1",
        errors=frozenset({"invalid_token"}),
        phrases=("401 unauthorized", "status code 401", "http 401", "error: 401"),
    ),
)
