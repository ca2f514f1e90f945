"""What a refusal means where no user logs in: the cause is about the program, never about a code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from authlens_core.diagnosis.causes import CAUSES
from authlens_core.diagnosis.diagnose import find_cause
from authlens_core.values.exchange import FORM_TYPE, Exchange, Headers, Request, Response
from authlens_core.values.secret import Body
from authlens_core.values.stage import MACHINE_GRANTS, GrantType, Stage

_OF_A_USER = re.compile(r"\bcode\b|PKCE|verifier|redirect|browser|Zero Trust|Cloudflare", re.IGNORECASE)


@pytest.mark.parametrize("stage", [Stage.EXCHANGE, Stage.REFRESH])
@pytest.mark.parametrize(
    ("grant", "error", "cause"),
    [
        (GrantType.CLIENT_CREDENTIALS, "invalid_client", "program_not_authenticated"),
        (GrantType.CLIENT_CREDENTIALS, "unauthorized_client", "program_not_allowed"),
        (GrantType.CLIENT_CREDENTIALS, "invalid_scope", "program_scope_refused"),
        (GrantType.JWT_BEARER, "invalid_grant", "assertion_refused"),
        (GrantType.TOKEN_EXCHANGE, "access_denied", "provider_refuses"),
        (GrantType.TOKEN_EXCHANGE, "invalid_grant", "identity_refused"),
    ],
)
def test_a_refusal_is_about_what_the_program_sent(
    grant: GrantType, error: str, cause: str, stage: Stage
) -> None:
    sent = Body(urlencode({"grant_type": grant, "client_id": "job"}).encode())
    request = Request("POST", "https://as.example/token", Headers.of((("Content-Type", FORM_TYPE),)), sent)
    body = Body(json.dumps({"error": error}).encode())
    answer = Response(400, "", Headers.of((("content-type", "application/json"),)), body)
    found = find_cause(stage, exchange=Exchange(request, answer, None, datetime(2026, 1, 1, tzinfo=UTC), 0.1))
    assert found is not None
    assert found.name == cause


def test_no_cause_of_a_program_speaks_of_a_user_s_login() -> None:
    for cause in (cause for cause in CAUSES if cause.grants & MACHINE_GRANTS):
        assert _OF_A_USER.search(f"{cause.cause} {cause.cure}") is None
        # Either a command leads on, or the words say who alone can help.
        assert ": authlens login URL" in str(cause.cure) or "nly " in str(cause.cure)
