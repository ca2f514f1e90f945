"""The table of addresses is whole: a member that may hold one is in it, or is known to hold none."""

import pytest
from msgspec import Struct

from authlens_core.explain.meanings import DocumentKind, members
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.device_authorization import DeviceAuthorization
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.oauth.discovery.server_metadata import ServerMetadata
from authlens_core.oauth.pushed_authorization import PushedAuthorization
from server_addresses import (
    AddressRule,
    AddressSource,
    addresses_in,
)

# Members that hold lists of words, switches, names or secrets: none of them an address.
NO_ADDRESS = {
    "accepted_name",
    "access_token",
    "application_type",
    "aud",
    "authorization_details",
    "authentication_method",
    "authentication_method_description",
    "authentication_methods",
    "client_id",
    "client_id_issued_at",
    "client_name",
    "client_secret",
    "client_secret_expires_at",
    "contacts",
    "document",
    "error",
    "error_description",
    "expires_in",
    "grant_types",
    "id_token",
    "interval",
    "issued_at",
    "issued_token_type",
    "jwks",
    "message",
    "needs",
    "protected",
    "ray_id",
    "refresh_token",
    "refresh_token_expires_in",
    "registration_access_token",
    "resource_name",
    "response_types",
    "scope",
    "signed_metadata",  # it is not verified, so nothing in it is used
    "software_id",
    "software_statement",
    "software_version",
    "state",
    "status_code",
    "token_endpoint_auth_method",
    "token_type",
    "device_code",
    "unanswered",
    "user_code",
    # What authlens has of a client, and no server named.
    "assertion",
    "client_key",
}
NO_ADDRESS_ENDS = ("_supported", "_required", "_tokens")


def _may_be_address(name: str) -> bool:
    switch = name.startswith("require_")
    return name not in NO_ADDRESS and not name.endswith(NO_ADDRESS_ENDS) and not switch


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        (DocumentKind.RESOURCE, (AddressSource.RESOURCE_METADATA,)),
        (DocumentKind.SERVER, (AddressSource.SERVER_METADATA,)),
        (DocumentKind.CLIENT, (AddressSource.REGISTRATION,)),
        (DocumentKind.TOKENS, (AddressSource.TOKENS,)),
        (DocumentKind.ERROR, (AddressSource.ERROR, AddressSource.CALLBACK, AddressSource.REFUSAL)),
    ],
    ids=["resource metadata", "server metadata", "registration", "tokens", "errors"],
)
def test_each_member_that_may_hold_an_address_is_in_the_table(
    kind: DocumentKind, sources: tuple[AddressSource, ...]
) -> None:
    """H420, H425: the members are those that `explain` knows."""
    known = {name for source in sources for name in addresses_in(source)}
    assert {name for name in members(kind) if _may_be_address(name)} - known == set()


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (AddressSource.RESOURCE_METADATA, ResourceMetadata),
        (AddressSource.SERVER_METADATA, ServerMetadata),
        (AddressSource.REGISTRATION, Client),
        (AddressSource.DEVICE, DeviceAuthorization),
        (AddressSource.PUSHED, PushedAuthorization),
    ],
    ids=str,
)
def test_each_address_that_is_kept_is_in_the_table_and_more_than_text(
    source: AddressSource, kept: type[Struct]
) -> None:
    """What is only text is not kept for anything to open."""
    names = {name for name in kept.__struct_fields__ if _may_be_address(name)} - {"redirect_uri"}
    assert names - set(addresses_in(source)) == set()
    texts = set(addresses_in(source, AddressRule.TEXT)) - {"request_uri"}  # goes back as it came
    assert names & texts == set()
