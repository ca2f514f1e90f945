"""The metadata of each profile: of its resource (RFC 9728), its server (RFC 8414), its identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from authlens_lab.emulator.issued import DEVICE_GRANT, MACHINE_GRANTS
from authlens_lab.emulator.profile import HOSTILE_TEXT, TABLE, Profile
from authlens_lab.emulator.signed_tokens import ALGORITHM
from authlens_lab.emulator.weakness import PublishedMember

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

Document = Mapping[str, Any]
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
CLOUDFLARED: Final = "Use `cloudflared access curl` or `cloudflared access login`."
CLOUDFLARED_PAGE: Final = "https://developers.cloudflare.com/cloudflare-one/tutorials/cli/"
_BY_CLOUDFLARED: Final = {
    "name": "cloudflared",
    "description": CLOUDFLARED,
    "documentation": CLOUDFLARED_PAGE,
}
_BY_OAUTH: Final = {"name": "oauth", "description": "OAuth 2.0 authorization code with PKCE."}

_ACCESS_SERVER: Final = {
    "issuer": "{issuer}",
    "authorization_endpoint": "{endpoint}/authorization",
    "token_endpoint": "{endpoint}/token",
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_methods_supported": AUTH_METHODS,
    "code_challenge_methods_supported": ["S256"],
    "revocation_endpoint": "{endpoint}/revoke",
    "registration_endpoint": "{endpoint}/registration",
}
_ACCESS_RESOURCE: Final = {
    "resource": "{origin}{path}",
    "protected": True,
    "team_domain": "{team}",
    "authorization_servers": ["{server}"],
    "authentication_method": "cloudflared",
    "authentication_method_description": CLOUDFLARED,
    "authentication_method_documentation": CLOUDFLARED_PAGE,
    "authentication_methods": [_BY_CLOUDFLARED, _BY_OAUTH],
}
_EACH_SERVER: Final = {
    "issuer": "{issuer}",
    "token_endpoint": "{endpoint}/token",
    "revocation_endpoint": "{endpoint}/revoke",
    "jwks_uri": "{endpoint}/jwks",
    "dpop_signing_alg_values_supported": ["ES256"],
}
_SERVER: Final = _EACH_SERVER | {
    "authorization_endpoint": "{endpoint}/authorize",
    "device_authorization_endpoint": "{endpoint}/device_authorization",
    "pushed_authorization_request_endpoint": "{endpoint}/par",
    "require_pushed_authorization_requests": False,
    "scopes_supported": ["openid", "offline_access", "read", "write"],
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
    "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
    "client_id_metadata_document_supported": True,
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "registration_endpoint": "{endpoint}/register",
}
_MACHINE_SERVER: Final = _EACH_SERVER | {
    # RFC 8414 §2 requires it, also where no endpoint answers a browser.
    "response_types_supported": [],
    "scopes_supported": ["read", "write"],
    "grant_types_supported": sorted(MACHINE_GRANTS),
    "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
    "token_endpoint_auth_methods_supported": [*AUTH_METHODS, "private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
}
_RESOURCE: Final = {
    "resource": "{resource}",
    "authorization_servers": ["{issuer}"],
    "scopes_supported": ["read", "write"],
    "bearer_methods_supported": ["header"],
    "resource_name": "The emulator's resource",
}
_PROVIDER: Final = {
    "issuer": "{idp}",
    "authorization_endpoint": "{idp}/authorize",
    "token_endpoint": "{idp}/token",
    "jwks_uri": "{idp}/jwks",
    "response_types_supported": ["code"],
    "grant_types_supported": [TOKEN_EXCHANGE],
    "token_endpoint_auth_methods_supported": ["none"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["ES256"],
}
_SERVERS: Final[Mapping[Profile, Document]] = {
    Profile.ACCESS: _ACCESS_SERVER,
    Profile.MACHINE: _MACHINE_SERVER,
}


def server_document(emulator: Emulator) -> Document:
    """Return the metadata of the authorization server."""
    document = _SERVERS.get(emulator.profile, _SERVER)
    issuer = emulator.lesson.published_value(PublishedMember.ISSUER, emulator.issuer)
    return _published(emulator, "server", document, issuer=issuer)


def resource_document(emulator: Emulator, resource: str, path: str = "") -> Document:
    """Return the metadata of a resource.

    Args:
        path: the path below Access's application that it is for; empty or with its slash.
    """
    document: dict[str, Any] = dict(_RESOURCE)
    if emulator.profile is Profile.ACCESS:
        document = dict(_ACCESS_RESOURCE)
        if not emulator.account.oauth_on:
            document["authentication_methods"] = [_BY_CLOUDFLARED]
    return _published(
        emulator,
        "resource",
        document,
        resource=emulator.lesson.published_value(PublishedMember.RESOURCE, resource),
        issuer=emulator.lesson.published_value(PublishedMember.SERVERS, emulator.issuer),
        path=path,
    )


def provider_document(emulator: Emulator) -> Document:
    """Return the metadata of the identity provider."""
    return _published(emulator, "provider", _PROVIDER, idp=emulator.machines.idp)


def _published(emulator: Emulator, name: str, document: Document, **urls: str) -> Document:
    """Return a document as the faults of today change it, with its URLs."""
    members = dict(document)
    for fault in emulator.ordered_faults:
        members |= TABLE.members.get(fault, {}).get(name, {})
        members.pop(TABLE.absent.get(fault, ""), None)
    urls |= {
        "hostile": HOSTILE_TEXT,
        "endpoint": emulator.endpoint,
        "origin": emulator.resource_origin,
        "server": emulator.server_url,
        "team": emulator.server_url.removeprefix("http://"),
    }
    return {member: _with_urls(value, urls) for member, value in members.items()}


def _with_urls(value: Any, urls: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(urls)
    if isinstance(value, list):
        return [_with_urls(entry, urls) for entry in value]
    return value
