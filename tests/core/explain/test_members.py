"""Every member of the documents of a login has a meaning, and a document is told by its members."""

import pytest

from authlens_core.explain.meanings import DocumentKind, explain_fact, explain_member, members, members_of
from authlens_core.values.stage import Stage

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
    (DocumentKind.RESOURCE, f"{RFC_9728} protected team_domain authentication_methods"),
    (DocumentKind.SERVER, RFC_8414),
    (DocumentKind.CLIENT, RFC_7591),
    (DocumentKind.TOKENS, "access_token token_type expires_in refresh_token scope resource id_token"),
    (DocumentKind.ERROR, "error error_description error_uri"),
    (DocumentKind.REVOCATION, "token token_type_hint client_id"),
    (
        DocumentKind.AUTHORIZATION,
        """client_id redirect_uri response_type code_challenge
        code_challenge_method state resource scope prompt""",
    ),
    (
        DocumentKind.TOKEN_REQUEST,
        """grant_type code code_verifier refresh_token client_id redirect_uri
        resource scope""",
    ),
    (DocumentKind.CALLBACK, "code state iss"),
    (DocumentKind.LOGIN_REDIRECT, "kid meta redirect_url"),
    (DocumentKind.CLAIMS, "iss sub aud exp nbf iat jti email auth_time identity_nonce type country"),
    (DocumentKind.JOSE_HEADER, "alg kid typ crit jku jwk"),
    (DocumentKind.DPOP_PROOF, "typ alg jwk jti htm htu iat ath nonce"),
    (DocumentKind.KEY_SET, "keys public_certs"),
)
_IN_A_JWT = (DocumentKind.JOSE_HEADER, DocumentKind.CLAIMS, DocumentKind.DPOP_PROOF)


def test_every_kind_of_document_is_held_against_its_specification() -> None:
    """One that is added has to be listed above."""
    assert {kind for kind, _ in ALL} == set(DocumentKind)


@pytest.mark.parametrize(("kind", "names"), ALL)
def test_every_member_of_the_specification_has_a_meaning(kind: DocumentKind, names: str) -> None:
    """RFC 9728 §2, 8414 §2, 7591 §2 and §3.2.1, 6749 §4.1, §5, 7009 §2.1, 7519 §4.1, and Cloudflare's own."""
    missing = [name for name in names.split() if explain_member(members(kind), name) is None]
    assert missing == []


@pytest.mark.parametrize("kind", DocumentKind)
def test_every_meaning_is_a_sentence_with_a_source(kind: DocumentKind) -> None:
    """Short, plain, and somewhere to look it up."""
    for name, meaning in members(kind).items():
        assert meaning.sentence.endswith("."), name
        assert len(meaning.sentence) <= 105, name
        assert meaning.spec, name


@pytest.mark.parametrize(("kind", "names"), [one for one in ALL if one[0] not in _IN_A_JWT])
def test_a_whole_document_is_recognised(kind: DocumentKind, names: str) -> None:
    """Whatever else stands in it, a document with all its members is told from the others."""
    assert members_of(names.split()) is members(kind)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"access_token", "token_type"}, DocumentKind.TOKENS),
        ({"grant_type", "refresh_token", "client_id"}, DocumentKind.TOKEN_REQUEST),
        ({"token", "client_id"}, DocumentKind.REVOCATION),
        ({"resource"}, DocumentKind.RESOURCE),
        ({"message", "status_code", "aud", "ray_id"}, DocumentKind.ERROR),
        ({"q", "page"}, None),
        (set(), None),
    ],
)
def test_a_part_is_enough(names: set[str], kind: DocumentKind | None) -> None:
    """Servers leave out what they like, and other documents stay unexplained."""
    assert members_of(names) == (members(kind) if kind else {})


def test_a_language_tag_is_looked_past() -> None:
    """RFC 7591 §2.2, RFC 9728 §2.1: client_name#de is a client_name."""
    assert explain_member(members(DocumentKind.CLIENT), "client_name#de") is not None


def test_the_same_name_means_something_else_in_another_stage() -> None:
    """`resource` is the name of the resource in one, and what the token is for in another."""
    first, second = (explain_fact("resource", s) for s in (Stage.RESOURCE_METADATA, Stage.EXCHANGE))
    assert first is not None
    assert second is not None
    assert first.spec != second.spec
    assert explain_fact("answered by", Stage.ACCESS) is None
