"""A server that repeats what it was sent, in every text of its answer: nothing that is told of it does."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import asdict, replace

from authlens_core.trace.record import StageRecord
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body, Secret
from support.driven_login import closed_login
from support.scripted_login import ScriptedSender, honest, reply

CLIENT_SECRET = "client-secret-canary-9"
_NAMES = frozenset({"code", "code_verifier", "client_secret"})


def sent_in(request: Request) -> list[str]:
    found = [value for name, value in parse_qsl(request.body.reveal().decode()) if name in _NAMES]
    authorization = request.headers.get("authorization")
    return [*found, authorization.partition(" ")[2], CLIENT_SECRET] if authorization else found


@dataclass
class Echo(ScriptedSender):
    """Answers with `status`, and everywhere with what it was sent; without one as it should, nearly."""

    status: int | None = None
    kind: str = "json"
    heard: list[str] = field(default_factory=list)

    async def send(self, request: Request, **how: Any) -> Exchange:
        """Answer a request."""
        found = await super().send(request, **how)
        said = sent_in(request)
        self.heard += said
        if not said or found.response is None:
            return found
        return replace(found, response=self._echo(found.response, said))

    def _echo(self, honest_answer: Response, said: list[str]) -> Response:
        text = " ".join(said)
        kind = f"text/html; x={said[0]}" if self.kind == "html" else "application/json"
        document: dict[str, object] = {"error": said[0] if self.kind == "code" else "invalid_grant"}
        document |= {
            "error_description": f"bad {text}",
            "error_uri": f"https://x/?q={text}",
            "resource": text,
        }
        if self.status is None and honest_answer.body.reveal().startswith(b"{"):
            document = json.loads(honest_answer.body.reveal())
            document |= {"note": text, "expires_in": said[0], "issued_token_type": said[0]}
        body = f"<h1>No {text}: error code: 1020</h1>" if self.kind == "html" else json.dumps(document)
        fields = [
            ("Content-Type", kind),
            ("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{text}", realm="{text}"'),
            ("Location", f"https://{said[0].lower()[:20]}.example/{said[0]}?a={said[0]}"),
            *((name, text) for name in ("CF-Ray", "Server", "cf-mitigated", "Retry-After")),
        ]
        return Response(self.status or honest_answer.status, text, Headers.of(fields), Body(body.encode()))


def told_of(record: StageRecord) -> str:
    """Return everything that is said of a record, its exchanges apart."""
    facts = [(fact.name, str(fact.value), fact.note) for fact in record.facts]
    error = record.error
    return json.dumps(
        [facts, [asdict(check) for check in record.checks], error and vars(error), str(error)], default=repr
    )


@pytest.mark.parametrize("confidential", [False, True], ids=["public", "confidential"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [(None, "json"), *((s, k) for s in (302, 400, 401, 403, 429, 500) for k in ("json", "code", "html"))],
)
async def test_nothing_that_is_told_of_an_answer_repeats_what_was_sent(
    status: int | None, kind: str, confidential: bool
) -> None:
    """V-7, H118: a reason phrase, a field, an error code, a number that is none; and the verdict."""
    sender = Echo(
        honest(token=reply(200, {"access_token": "a" * 30, "token_type": "Bearer"})), status=status, kind=kind
    )
    options = Options(port=0, wait=60)
    if confidential:
        options = replace(options, client_id="c", client_secret=Secret(CLIENT_SECRET))
    login = await closed_login(sender, options)
    records = login.trace.records
    assert sender.heard
    for record in records:
        said = told_of(record).lower()
        assert [secret for secret in sender.heard if secret.lower() in said] == [], record.stage
