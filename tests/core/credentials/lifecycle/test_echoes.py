"""A server that repeats in its answers what it was sent: neither a summary nor a file of ours does."""

from base64 import b64encode
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from authlens_core.credentials.lifecycle.refresh import RefreshOptions
from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.trace.record import Trace
from authlens_core.values.secret import Secret
from support.grants import Stored
from support.made_checks import present
from support.rotating_server import Scripted

CLIENT_SECRET = "client-canary-9"
CLIENT = (b64encode(f"client:{CLIENT_SECRET}".encode()).decode(), CLIENT_SECRET)
SENT = {
    "/mcp": ("access-canary-0",),
    "/token": (*CLIENT, "refresh-canary-0"),
    "/revoke": (*CLIENT, "refresh-canary-0", "access-canary-0"),
}


def told_of(trace: Trace) -> str:
    return str([[asdict(c) for c in r.checks] + [repr(f) for f in r.facts] for r in trace.records])


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 503])
@pytest.mark.parametrize("code", ["invalid_request", "temporarily_unavailable", None])
async def test_what_a_server_repeats_is_told_and_kept_nowhere(
    stored: Stored, state: Path, status: int, code: str | None
) -> None:
    """V-7: of probe, refresh and revocation; the note of the last refresh stands in a file."""
    method = replace(stored.grant, token_endpoint_auth_method="client_secret_basic")
    secrets = GrantSecrets(
        Secret("access-canary-0"), Secret("refresh-canary-0"), client_secret=Secret(CLIENT_SECRET)
    )
    await stored.credentials.save(method, secrets)
    for path, said in SENT.items():
        text = " ".join(said)
        fields = (("WWW-Authenticate", f'Bearer error="{said[0]}", error_description="{text}"'),)
        body = {
            "error": code or said[0],
            "error_description": text,
            "expires_in": said[0],
            "token_type": text,
        }
        more = (("Server", text), ("CF-Ray", text), ("Retry-After", said[0]))
        stored.server.answers(path, *(Scripted(status, body, (*fields, *more)),) * 8)
    proven = (await stored.probe()).result
    refreshed = await stored.refresh(RefreshOptions(force=True))
    revoked = await stored.revoke(pauses=(0.0,))
    assert {seen.path for seen in stored.server.seen} == SENT.keys()
    answer = present(proven.classification)
    shown = (proven.summary, proven.diagnosis, answer.evidence, answer.cf_ray)
    told = [repr((refreshed, revoked, *shown))]
    told += map(told_of, (present(proven.trace), refreshed.trace, revoked.trace))
    kept = b"".join(file.read_bytes() for file in state.rglob("*") if file.is_file())
    for secret in SENT["/revoke"]:
        assert [one[max(0, one.find(secret) - 200) :][:300] for one in told if secret in one] == []
        assert secret.encode() not in kept, secret
