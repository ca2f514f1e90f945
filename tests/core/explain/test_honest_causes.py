"""Every entry of the tables of messages: it names no product or program of which its phrases have no mark.

The messages of tests/core/explain/messages.toml are single ones; these rules hold for all that an entry fits.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from authlens_core.diagnosis.causes import CAUSES, client_messages, server_messages
from authlens_core.diagnosis.evidence import ANYTHING
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.explain.pasted_error import helpful, takes_part

ENTRIES: Final = (*server_messages(), *client_messages())
# What a cause or a fix names, and what only messages of that have: its name, or words of no other program.
MARKS: Final = {
    r"Cloudflare(?! Access)|\bWARP\b|Zero Trust|Ray ID|wrangler|cloudflared": (
        r"family:(?:cloudflared?|access)$"
    ),
    r"(?<!Conditional )(?<!“Direct )(?<!for )\bAccess\b(?! Pol| key| token| Pass)": (
        r"family:(?:access|cloudflared?)$"
    ),
    r"Entra|App registrations|Enterprise applications": (
        r"aadsts|aadb2c|9010010|microsoftonline|enabled for consumers|/common|tenant-specific"
        r"|family:(?:entra_said|graph|msal|msal_apple|msal_android|msalnet)$"
    ),
    r"B2C": r"aadb2c",
    r"\bGoogle|gcloud|Workspace|IAM & Admin": (
        r"family:(?:google|gemini)$|your account|gemini c|grant\.no_refresh_token|app_not_"
    ),
    r"\bOkta\b": (
        r"e0000|okta|login redirect uri|whitelisted|policy evaluation failed|no_matching_|errorsummary"
        r"|assigned to th|scopes are not configured|'scope' parameter|'client_id' parameter"
        r"|no client credentials found|dpop proof jwt header|invalid or missing|errorcode"
    ),
    r"Auth0": r"callback url|service not found: (?:http|urn|undefined|null|your|[{$<])|audience"
    r"|access_denied … service"
    r"|grant type … not allowed|client is not authorized|client has not been granted|unauthorized"
    r"|no connections enabled|connection is not enabled|family:auth0_log|valid connection for the client"
    r"|specified connection|misconfiguration in the system|we track these errors|claim.* in the id token"
    r"|potential security issue with this account|we have prevented this login|through a data breach"
    r"|allowed web origins|cross origin",
    r"Keycloak": (
        r"keycloak|/protocol/openid-connect/|policy '"
        r"|client-registration service|login_error|invalid client or invalid client"
        r"|client_not_found|invalid_client_credentials|login requester|https required"
        r"|realm does not exist|invalid token issuer. expected|parameter: redirect_uri|service account"
        r"|flow is disabled|grants|initiate"
    ),
    r"Cognito": (
        r"amazoncognito|redirect_mismatch|cognito|notauthorizedexception|user pool|secret_hash"
        r"|secret hash|but secret was not received|not enabled|confirmed|attempts exceeded"
        r"|access token|role mapping|different client|login token"
    ),
    r"\bGitHub\b(?! Packages)": (
        r"family:(?:github|copilot|git)$|github|bad credentials|password authentication"
    ),
    r"\bnpm (?:login|config|publish|version)|\.npmrc": (
        r"npm|self_signed_cert|self-signed|self signed|publish over|one-time|unable to authenticate, "
        r"|logged in to"
    ),
    r"\bpip\b|PyPI|twine": (
        r"family:pip$|credentials not correct|indexes|while getting|pypi|invalid or non-existent"
        r"|file already exists|keyring"
    ),
    r"docker (?:login|logout|context)|Docker Hub|~/.docker": r"family:docker$",
    r"\baws (?:sso|ecr|eks|sts)": (
        r"no basic auth|aws|sso|sts:|identitytoken|expiredtoken|clienttoken|security token|locate credentials"
        r"|\.ecr\.|getrolecredentials"
    ),
    r"(?<!for )Node\.js": (
        r"self_signed_cert|npm|unable.to.verify|unable_to_get_issuer|failed, reason|hpe_|und_err"
        r"|header overflow|tlssocket|; if the root ca is installed locally"
    ),
    r"\bPython\b": r"certificate_verify_failed|sslcert|could not fetch url|oauthlib|oauth 2 must"
    r"|insecure_?transport|keyring|recommended backend|taskgroup|ssl module|_ssl\b|'ssl routines'",
    r"keytool": r"sunjsse|algorithm: default|keystore|unrecoverablekey|pkix|certification path|trustanchors"
    r"|sslpeerunverified",
    r"security (?:unlock|default)-keychain": r"family:keyring$",
    r"kubectl|kubeconfig": r"devicecodecredential|family:kubectl$|image pull failed"
    r"|failed to pull image … rpc",
    r"vault login": r"role_type|family:vault",
    r"ssh-keygen|ssh-add|known_hosts": r"family:ssh$",
    r"\bkinit\b|\bklist\b": r"family:kerberos$",
    r"Claude|Codex|Cursor|VS Code|Gemini": r"claude|codex|cursor|vscode|gemini",
}


@pytest.mark.parametrize("named", MARKS)
def test_what_an_entry_names_is_in_each_of_its_phrases(named: str) -> None:
    wrong = [
        (cause.name, phrase)
        for cause in ENTRIES
        if re.search(named, f"{cause.cause} {cause.cure}")
        and not re.search(MARKS[named], f"family:{cause.family}")
        and cause.name not in MARKS[named].replace("\\", "")
        for phrase in cause.phrases
        if not re.search(MARKS[named], phrase)
    ]
    assert wrong == []


def test_a_fix_also_helps_a_program_that_has_nothing_to_do_with_authlens() -> None:
    """What authlens can do is a way besides, and not the only one."""
    wrong = []
    for cause in (*ENTRIES, *(cause for cause in CAUSES if cause.phrases or cause.errors)):
        if ServerKind.ACCESS in cause.kinds or cause.grants or cause.stages or cause.protections:
            continue
        if cause.phrases and all(takes_part(phrase.replace(ANYTHING, " ")) for phrase in cause.phrases):
            continue
        left = str(helpful(cause.cure, taking_part=False))
        if re.search(r"authlens (?!doctor)", left):
            wrong.append(cause.name)
    assert wrong == []
