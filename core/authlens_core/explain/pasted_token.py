"""A URL or a JWT that is the whole of what was pasted, taken apart; nothing in either is believed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.explain.meanings import DocumentKind, explain_member, members
from authlens_core.values.check import Diagnosis
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret

_MOST: Final = 20  # parameters or claims
_LONGEST: Final = 300  # characters of a line
# Each is a credential while it lasts, or binds the login to this user (RFC 6749 §10).
_CREDENTIALS: Final = re.compile(
    r"(?i)code|state|nonce|password|request|(?:user|device)_code|code_verifier"
    r"|.*(?:token|secret|assertion|hint)"
)
_CALLBACK: Final = (
    DocumentKind.CALLBACK,
    "This is the address that the browser came back to after a login.",
    "Paste it into the program that waits for it. Give it to no one else: a code in it works once.",
    "RFC 6749 §4.1.2",
)
_AUTHORIZATION: Final = (
    DocumentKind.AUTHORIZATION,
    "This is an authorization URL: it starts a login in the browser.",
    "Open it in the browser. If the server refuses it, ask the owner about client_id, redirect_uri, scope.",
    "RFC 6749 §4.1.1",
)
# What a URL is that has these parameters.
_URLS: Final = (
    ({"response_type", "client_id"}, _AUTHORIZATION),
    ({"state", "code"}, _CALLBACK),
    ({"state", "access_token"}, _CALLBACK),
)


def whole_url(text: str) -> Diagnosis | None:
    """Return what an authorization or callback URL says; None for others, and for one with an error."""
    try:
        url = urlsplit(text)
        pairs = parse_qsl(f"{url.query}&{url.fragment}", keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    names = {name for name, _ in pairs}
    is_alone = url.netloc and len(text.split()) == 1 and "error" not in names
    url_kind = next((of_url for needed, of_url in _URLS if is_alone and needed <= names), None)
    if url_kind is None:
        return None
    kind, cause, cure, source = url_kind
    address = _safe(f"{url.scheme}://{url.netloc}{url.path}")
    return Diagnosis("pasted_url", cause, cure=cure, evidence=(address, *_lines(pairs, kind)), source=source)


def whole_jwt(text: str) -> Diagnosis | None:
    """Return the claims of a JWT; None for anything else."""
    jwt = parse_jwt(text.removeprefix("Bearer "))
    if jwt is None:
        return None
    claims = jwt.claims_at(datetime.now(UTC))
    header = _lines(((each.name, each.text) for each in jwt.header_members), DocumentKind.JOSE_HEADER)
    lines = _lines(((each.name, str(each.time or each.text)) for each in claims), DocumentKind.CLAIMS)
    is_over = any(each.name == "exp" and (each.seconds or 0) < 0 for each in claims)
    state = "It has expired." if is_over else ""
    cause = f"This is a JWT. {state} Its signature was not checked. {' '.join(jwt.problems)}"
    cure = "Compare iss and aud with what the server expects. Give it to no one: it is a credential."
    return Diagnosis(
        "pasted_jwt", " ".join(cause.split()), cure=cure, evidence=(*header, *lines), source="RFC 7519 §4.1"
    )


def _lines(pairs: Iterable[tuple[str, str]], kind: DocumentKind) -> Iterator[str]:
    for name, value in islice(pairs, _MOST):
        text = Secret(value).masked if value and _CREDENTIALS.fullmatch(name) else value
        meaning = explain_member(members(kind), name)
        yield _safe(f"{name}={text}") + (f"   {meaning.sentence}" if meaning else "")


def _safe(text: str) -> str:
    return safe_line(without_credentials(text), _LONGEST)
