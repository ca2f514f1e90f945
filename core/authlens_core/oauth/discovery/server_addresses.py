"""Every address that a server names during a login, and what may be done with it.

A hostile server's own documents are in order; its way in is an address of another server. So each one is on
the site of the server that named it, or a yes that names both hosts comes first, or nothing opens it. What is
not in this table may be neither opened nor fetched.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from authlens_core.values.check import CheckId
from authlens_core.values.quick_dataclass import dataclass


class AddressSource(StrEnum):
    """Where a server names it."""

    CHALLENGE = "WWW-Authenticate"
    FIELD = "header field"
    REFUSAL = "body of a refusal"
    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    REGISTRATION = "registration"
    PUSHED = "pushed authorization"
    CALLBACK = "callback"
    DEVICE = "device authorization"
    TOKENS = "tokens"
    ERROR = "error"
    JWT = "JWT"
    CLOUDFLARED = "cloudflared"


class AddressRule(StrEnum):
    """What may be done with it."""

    ASKED = "on the same site, or asked"
    """Elsewhere, the stage fails by a check that names both hosts, until the user approves it."""
    OWN = "on the same site, or not used"
    """No one is asked: the login does without it."""
    CHOSEN = "chosen by the resource"
    """The resource's word is what makes a server the right one; asked if there are several."""
    COMPARED = "compared, never opened"
    TEXT = "shown as text, never opened"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One address.

    Attributes:
        name: the member, parameter, claim or field.
        home: what it is compared with; empty if with nothing.
        check: the check that asks, or compares.
    """

    source: AddressSource
    name: str
    rule: AddressRule
    spec: str
    home: str = ""
    check: str = ""


_From, _Rule = AddressSource, AddressRule
_ISSUER: Final = "the issuer's host"
_RESOURCE: Final = "the resource's origin"


def _endpoint(name: str, spec: str) -> ServerAddress:
    return ServerAddress(_From.SERVER_METADATA, name, _Rule.ASKED, spec, _ISSUER, f"server.{name}_host")


def _texts(source: AddressSource, spec: str, *names: str) -> tuple[ServerAddress, ...]:
    return tuple(ServerAddress(source, name, _Rule.TEXT, spec) for name in names)


SERVER_ADDRESSES: Final[tuple[ServerAddress, ...]] = (
    ServerAddress(
        _From.CHALLENGE,
        "resource_metadata",
        _Rule.ASKED,
        "RFC 9728 §5.1",
        _RESOURCE,
        "resource_metadata.location",
    ),
    *_texts(_From.CHALLENGE, "RFC 6750 §3", "realm", "error_uri", "authorization_uri"),
    # A body is easier to slip in than a header field.
    ServerAddress(_From.REFUSAL, "resource_metadata", _Rule.OWN, "RFC 9728 §5.1", _RESOURCE),
    # No redirect is followed, not even that to a login page of Access.
    *_texts(_From.FIELD, "RFC 9110 §10.2.2", "Location"),
    *_texts(_From.FIELD, "RFC 8288 §3", "Link"),
    *_texts(_From.FIELD, "RFC 9110 §8.7", "Content-Location"),
    *_texts(_From.FIELD, "RFC 7838 §3", "Alt-Svc"),
    *_texts(_From.FIELD, "HTML §7.9", "Refresh"),
    ServerAddress(
        _From.RESOURCE_METADATA,
        "resource",
        _Rule.COMPARED,
        "RFC 9728 §3.3",
        "the URL that was asked for",
        CheckId.METADATA_RESOURCE,
    ),
    ServerAddress(
        _From.RESOURCE_METADATA,
        "authorization_servers",
        _Rule.CHOSEN,
        "RFC 9728 §7.6",
        "the server of the last login",
        CheckId.METADATA_SERVER,
    ),
    ServerAddress(_From.RESOURCE_METADATA, "team_domain", _Rule.COMPARED, "Cloudflare", _ISSUER),
    *_texts(
        _From.RESOURCE_METADATA,
        "RFC 9728 §2",
        "jwks_uri",
        "resource_documentation",
        "resource_policy_uri",
        "resource_tos_uri",
    ),
    *_texts(_From.RESOURCE_METADATA, "Cloudflare", "authentication_method_documentation"),
    ServerAddress(
        _From.SERVER_METADATA,
        "issuer",
        _Rule.COMPARED,
        "RFC 8414 §3.3",
        "the issuer that the resource named",
        CheckId.SERVER_ISSUER,
    ),
    # Also with the token endpoint, which gets the code of this page: `server.endpoints_site`.
    ServerAddress(
        _From.SERVER_METADATA,
        "authorization_endpoint",
        _Rule.ASKED,
        "RFC 9700 §4.4",
        "the token endpoint's host",
        "server.endpoints_site",
    ),
    _endpoint("token_endpoint", "RFC 9700 §4.4"),
    _endpoint("registration_endpoint", "RFC 7591 §3"),
    _endpoint("revocation_endpoint", "RFC 7009 §2"),
    _endpoint("pushed_authorization_request_endpoint", "RFC 9126 §5"),
    _endpoint("device_authorization_endpoint", "RFC 8628 §4"),
    ServerAddress(_From.SERVER_METADATA, "jwks_uri", _Rule.OWN, "RFC 8414 §2", _ISSUER, "id_token.signature"),
    ServerAddress(
        _From.SERVER_METADATA,
        "protected_resources",
        _Rule.COMPARED,
        "RFC 9728 §4",
        "the resource",
        "server.protected_resources",
    ),
    *_texts(
        _From.SERVER_METADATA,
        "RFC 8414 §2",
        "introspection_endpoint",
        "service_documentation",
        "op_policy_uri",
        "op_tos_uri",
    ),
    *_texts(
        _From.SERVER_METADATA,
        "OpenID Connect Discovery §3",
        "userinfo_endpoint",
        "end_session_endpoint",
        "check_session_iframe",
    ),
    *_texts(_From.SERVER_METADATA, "RFC 8705 §5", "mtls_endpoint_aliases"),
    *_texts(_From.SERVER_METADATA, "OpenID Connect CIBA §4", "backchannel_authentication_endpoint"),
    ServerAddress(
        _From.REGISTRATION,
        "redirect_uris",
        _Rule.COMPARED,
        "RFC 7591 §3.2.1",
        "the redirect URI that was sent",
        "registration.redirect_uris",
    ),
    ServerAddress(
        _From.REGISTRATION,
        "registration_client_uri",
        _Rule.OWN,
        "RFC 7592 §3",
        "the registration endpoint's origin",
        "registration.registration_client_uri",
    ),
    *_texts(
        _From.REGISTRATION,
        "RFC 7591 §2",
        "client_uri",
        "logo_uri",
        "tos_uri",
        "policy_uri",
        "jwks_uri",
        "resource",
    ),
    *_texts(
        _From.REGISTRATION, "OpenID Connect Registration §2", "sector_identifier_uri", "initiate_login_uri"
    ),
    # A name that goes back in the link, whatever it looks like.
    *_texts(_From.PUSHED, "RFC 9126 §2.2", "request_uri"),
    ServerAddress(
        _From.CALLBACK, "iss", _Rule.COMPARED, "RFC 9207 §2.4", "the issuer", CheckId.AUTHORIZATION_ISS
    ),
    *_texts(_From.CALLBACK, "RFC 6749 §4.1.2.1", "error_uri"),
    ServerAddress(
        _From.DEVICE,
        "verification_uri",
        _Rule.ASKED,
        "RFC 8628 §5.4",
        "the token endpoint's host",
        CheckId.DEVICE_PAGE_SITE,
    ),
    ServerAddress(
        _From.DEVICE,
        "verification_url",
        _Rule.ASKED,
        "RFC 8628 §5.4",
        "the token endpoint's host",
        CheckId.DEVICE_PAGE_SITE,
    ),
    ServerAddress(
        _From.DEVICE,
        "verification_uri_complete",
        _Rule.OWN,
        "RFC 8628 §3.3.1",
        "the origin of verification_uri",
        "device.verification_uri_complete",
    ),
    ServerAddress(_From.TOKENS, "resource", _Rule.ASKED, "RFC 8707 §2.2", "the resource", "token.resource"),
    *_texts(_From.ERROR, "RFC 6749 §5.2", "error_uri"),
    ServerAddress(
        _From.JWT, "iss", _Rule.COMPARED, "OpenID Connect Core §3.1.3.7", "the issuer", "id_token.iss"
    ),
    *_texts(_From.JWT, "RFC 8725 §3.10", "jku", "x5u"),
    ServerAddress(_From.CLOUDFLARED, "link", _Rule.OWN, "cloudflared", "the resource's host"),
)


def addresses_in(source: AddressSource, *rules: AddressRule) -> tuple[str, ...]:
    """Return the names of the addresses of one source with one of `rules`, or with any if none is given."""
    return tuple(
        address.name
        for address in SERVER_ADDRESSES
        if address.source is source and (not rules or address.rule in rules)
    )
