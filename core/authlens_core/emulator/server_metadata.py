"""The authorization server metadata of the team (RFC 8414)."""

from __future__ import annotations

from typing import Any, Final

from authlens_core.emulator.account import Account
from authlens_core.emulator.faults import HOSTILE_TEXT, Fault

OAUTH: Final = "/cdn-cgi/access/oauth"
FOREIGN_ISSUER: Final = "https://elsewhere.example"


def _issuer(account: Account) -> str:
    if account.has(Fault.WRONG_ISSUER):
        return FOREIGN_ISSUER
    return account.team_host if account.has(Fault.BARE_ISSUER) else account.team_url


def server_metadata(account: Account) -> dict[str, Any]:
    endpoint = account.team_url + OAUTH
    methods = ["client_secret_basic", "client_secret_post", "none"]
    if account.has(Fault.NONE_NOT_ADVERTISED):
        methods.remove("none")
    document: dict[str, Any] = {
        "issuer": _issuer(account),
        "authorization_endpoint": f"{endpoint}/authorization",
        "token_endpoint": f"{endpoint}/token",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["plain" if account.has(Fault.S256_NOT_ADVERTISED) else "S256"],
    }
    if not account.has(Fault.NO_REVOCATION_ENDPOINT):
        document["revocation_endpoint"] = f"{endpoint}/revoke"
    if not account.has(Fault.NO_REGISTRATION_ENDPOINT):
        document["registration_endpoint"] = f"{endpoint}/registration"
    if account.has(Fault.ISS_MISMATCH):
        document["authorization_response_iss_parameter_supported"] = True
    if account.has(Fault.HOSTILE_TEXT):
        document["service_documentation"] = f"https://docs.example/{HOSTILE_TEXT}"
    return document
