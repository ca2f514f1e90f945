"""The credential helper protocol of Bazel, EngFlow and uv: one request on standard input, one answer.

Source: EngFlow's credential-helper-spec, its JSON schemas of the request and the response of `get`. The
request is one JSON object, `{"uri": "https://…"}`; the answer has the header fields and when they expire.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from authlens_core.values.formats.json_document import JsonRefused, load_object
from authlens_core.values.secret import Secret


def asked_uri(request: bytes) -> str | None:
    """Return the URI that a program asks about; None if this is no such request."""
    try:
        # Strict: of two equal keys, another reader may take the other one.
        uri = load_object(request).get("uri")
    except JsonRefused:
        return None
    return uri if isinstance(uri, str) else None


def fields_answer(fields: Iterable[tuple[str, str]], expires_at: datetime | None) -> Secret:
    """Return the answer that gives header fields; without any, the program goes on without a credential."""
    answer: dict[str, object] = {"headers": {name: [value] for name, value in fields}}
    if expires_at is not None:
        answer["expires"] = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Secret(json.dumps(answer))
