"""Every member of the documents of a login has a meaning, and a document is told by its members."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import pytest

from authlens_core.explain import message_members, metadata_members, token_members
from authlens_core.explain.meaning import Members
from authlens_core.explain.members import explain_fact, explain_member, members_of
from authlens_core.explain.message_members import (
    AUTHORIZATION_PARAMETERS,
    CLIENT_MEMBERS,
    ERROR_MEMBERS,
    LOGIN_REDIRECT_PARAMETERS,
    RESPONSE_PARAMETERS,
    REVOCATION_PARAMETERS,
    TOKEN_MEMBERS,
    TOKEN_PARAMETERS,
)
from authlens_core.explain.metadata_members import RESOURCE_MEMBERS, SERVER_MEMBERS
from authlens_core.explain.token_members import CLAIMS, DPOP_PROOF, JOSE_HEADER, KEY_SET_MEMBERS
from authlens_core.trace.record import Stage

RFC_9728 = """resource authorization_servers jwks_uri scopes_supported bearer_methods_supported
    resource_signing_alg_values_supported resource_name resource_documentation resource_policy_uri
    resource_tos_uri tls_client_certificate_bound_access_tokens authorization_details_types_supported
    dpop_signing_alg_values_supported dpop_bound_access_tokens_required signed_metadata"""
RFC_8414 = """issuer authorization_endpoint token_endpoint jwks_uri registration_endpoint scopes_supported
    response_types_supported response_modes_supported grant_types_supported
    token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported
    service_documentation ui_locales_supported op_policy_uri op_tos_uri revocation_endpoint
    revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
    introspection_endpoint introspection_endpoint_auth_methods_supported
    introspection_endpoint_auth_signing_alg_values_supported code_challenge_methods_supported
    signed_metadata authorization_response_iss_parameter_supported pushed_authorization_request_endpoint
    require_pushed_authorization_requests client_id_metadata_document_supported userinfo_endpoint"""
RFC_7591 = """redirect_uris token_endpoint_auth_method grant_types response_types client_name client_uri
    logo_uri scope contacts tos_uri policy_uri jwks_uri jwks software_id software_version
    software_statement client_id client_secret client_id_issued_at client_secret_expires_at"""
ALL = (
    (RESOURCE_MEMBERS, f"{RFC_9728} protected team_domain authentication_methods"),
    (SERVER_MEMBERS, RFC_8414),
    (CLIENT_MEMBERS, RFC_7591),
    (TOKEN_MEMBERS, "access_token token_type expires_in refresh_token scope resource id_token"),
    (ERROR_MEMBERS, "error error_description error_uri"),
    (REVOCATION_PARAMETERS, "token token_type_hint client_id"),
    (
        AUTHORIZATION_PARAMETERS,
        """client_id redirect_uri response_type code_challenge
        code_challenge_method state resource scope prompt""",
    ),
    (
        TOKEN_PARAMETERS,
        """grant_type code code_verifier refresh_token client_id redirect_uri
        resource scope""",
    ),
    (RESPONSE_PARAMETERS, "code state iss"),
    (LOGIN_REDIRECT_PARAMETERS, "kid meta redirect_url"),
    (CLAIMS, "iss sub aud exp nbf iat jti email auth_time identity_nonce type country"),
    (JOSE_HEADER, "alg kid typ crit jku jwk"),
    (DPOP_PROOF, "typ alg jwk jti htm htu iat ath nonce"),
    (KEY_SET_MEMBERS, "keys public_certs"),
)
_IN_A_JWT = (JOSE_HEADER, CLAIMS, DPOP_PROOF)


@pytest.mark.parametrize("module", [message_members, metadata_members, token_members])
def test_every_table_of_meanings_is_held_against_its_specification(module: ModuleType) -> None:
    """One that is added has to be listed above."""
    public = [one for name, one in vars(module).items() if name.isupper() and not name.startswith("_")]
    tables = [one for one in public if isinstance(one, Mapping)]
    assert tables
    listed = [members for members, _ in ALL]
    assert [one for one in tables if not any(one is members for members in listed)] == []


@pytest.mark.parametrize(("members", "names"), ALL)
def test_every_member_of_the_specification_has_a_meaning(members: Members, names: str) -> None:
    """RFC 9728 §2, 8414 §2, 7591 §2 and §3.2.1, 6749 §4.1, §5, 7009 §2.1, 7519 §4.1, and Cloudflare's own."""
    missing = [name for name in names.split() if explain_member(members, name) is None]
    assert missing == []


@pytest.mark.parametrize("members", [members for members, _ in ALL])
def test_every_meaning_is_a_sentence_with_a_source(members: Members) -> None:
    """Short, plain, and somewhere to look it up."""
    for name, meaning in members.items():
        assert meaning.sentence.endswith("."), name
        assert len(meaning.sentence) <= 105, name
        assert meaning.spec, name


@pytest.mark.parametrize(("members", "names"), [one for one in ALL if one[0] not in _IN_A_JWT])
def test_a_whole_document_is_recognised(members: Members, names: str) -> None:
    """Whatever else stands in it, a document with all its members is told from the others."""
    assert members_of(names.split()) is members


@pytest.mark.parametrize(
    ("names", "members"),
    [
        ({"access_token", "token_type"}, TOKEN_MEMBERS),
        ({"grant_type", "refresh_token", "client_id"}, TOKEN_PARAMETERS),
        ({"token", "client_id"}, REVOCATION_PARAMETERS),
        ({"resource"}, RESOURCE_MEMBERS),
        ({"message", "status_code", "aud", "ray_id"}, ERROR_MEMBERS),
        ({"q", "page"}, {}),
        (set(), {}),
    ],
)
def test_a_part_is_enough(names: set[str], members: Members) -> None:
    """Servers leave out what they like, and other documents stay unexplained."""
    assert members_of(names) == members


def test_a_language_tag_is_looked_past() -> None:
    """RFC 7591 §2.2, RFC 9728 §2.1: client_name#de is a client_name."""
    assert explain_member(CLIENT_MEMBERS, "client_name#de") is not None


def test_the_same_name_means_something_else_in_another_stage() -> None:
    """`resource` is the name of the resource in one, and what the token is for in another."""
    first, second = (explain_fact("resource", s) for s in (Stage.RESOURCE_METADATA, Stage.EXCHANGE))
    assert first is not None
    assert second is not None
    assert first.spec != second.spec
    assert explain_fact("answered by", Stage.ACCESS) is None
