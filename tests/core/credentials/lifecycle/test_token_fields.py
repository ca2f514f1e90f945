"""The header fields that carry a service token, in both forms (Cloudflare, Service tokens)."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.request_headers import token_fields
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.records.service_token import ServiceToken, TokenForm
from authlens_core.diagnosis.credential import Credential, credential_of, pair_problems
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret

TOKEN = ServiceToken("t", "https://a.example/", f"{'0123456789abcdef' * 2}.access", utc_now())
SECRET = Secret("a" * 64)


@pytest.mark.parametrize("form", list(TokenForm))
def test_both_forms_are_known_for_what_they_are(form: TokenForm) -> None:
    """What is sent here is what the diagnosis reads back, and it finds nothing wrong with it."""
    fields = token_fields(replace(TOKEN, form=form, header="X-Service-Token"), SECRET)
    request = Request("GET", "https://a.example/", Headers.of(fields))
    assert credential_of(request) is Credential.SERVICE_TOKEN
    assert pair_problems(request) == ()


def test_the_single_header_is_json_in_the_field_that_the_application_names() -> None:
    """§2: `read_service_tokens_from_header`."""
    ((name, value),) = token_fields(replace(TOKEN, form=TokenForm.SINGLE_HEADER), SECRET)
    assert name == "Authorization"
    assert json.loads(value) == {
        "cf-access-client-id": TOKEN.client_id,
        "cf-access-client-secret": SECRET.reveal(),
    }
