"""Traces of real logins at the emulator, the secrets that were in them, and the search for what leaked."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

from authlens_core.emulator import Emulator
from authlens_core.login.login import Login
from authlens_core.trace.record import Trace
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.driven_login import played

__all__ = ["Recorded", "leaks", "record_login", "record_login_at"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A trace and the secrets that the login met."""

    trace: Trace
    secrets: tuple[str, ...]


async def record_login(*faults: str, options: Options | None = None) -> Recorded:
    async with Emulator(faults=faults) as emulator:
        return await record_login_at(emulator, options)


async def record_login_at(emulator: Emulator, options: Options | None = None) -> Recorded:
    """Log in to `emulator` as Ada."""
    async with Wire() as wire:
        login = Login(emulator.resource_url, wire, options=options or Options(port=0, wait=60))
        trace, results = await played(login)
    found = {f.value.reveal() for r in trace.records for f in r.facts if isinstance(f.value, Secret)}
    for play in results:
        query = parse_qs(urlsplit(play.callback_url or "").query)
        found |= {value for name in ("code", "state") for value in query.get(name, [])}
    if login.facts.tokens is not None:
        found.add(login.facts.tokens.access_token.reveal())
    return Recorded(trace, tuple(sorted(found)))


def leaks(text: str, secret: str) -> list[str]:
    """Return the encodings in which `secret` stands in `text`."""
    raw = secret.encode()
    encodings = {
        "raw": secret,
        "percent-encoded": quote(secret, safe=""),
        "form-encoded": quote_plus(secret),
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "base64url": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "JSON-escaped": json.dumps(secret)[1:-1],
        "JSON-escaped, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON-escaped twice": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "without its end": secret[: max(16, len(secret) - 8)],
    }
    return [name for name, form in encodings.items() if form in text]
