"""A URL or a JWT that is the whole of what was pasted, taken apart; nothing in either is believed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.explain.meanings import DocumentKind, Members, explain_member, members, members_of
from authlens_core.values.check import Diagnosis
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.safe_text import safe_line, without_user_info
from authlens_core.values.secret import Secret

_MOST: Final = 20  # parameters or claims
_LONGEST: Final = 300  # characters of a line
# Each is a credential while it lasts, or binds the login to this user (RFC 6749 §10).
_CREDENTIALS: Final = re.compile(
    r"(?i)code|state|nonce|password|request|(?:user|device)_code|code_verifier"
    r"|.*(?:token|secret|assertion|hint)"
)
_CALLBACK: Final = (
    "This is the address that the browser came back to after a login.",
    "Paste it into the program that waits for it. Give it to no one else: a code in it works once.",
    "RFC 6749 §4.1.2",
)
_AUTHORIZATION: Final = (
    "This is an authorization URL: it starts a login in the browser.",
    "Open it in the browser. If the server refuses it, ask the owner about client_id, redirect_uri, scope.",
    "RFC 6749 §4.1.1",
)


def whole_url(text: str) -> Diagnosis | None:
    """Return what an authorization or callback URL says; None for others, and for one with an error."""
    try:
        url = urlsplit(text)
        pairs = parse_qsl(f"{url.query}&{url.fragment}", keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    names = dict(pairs)
    if not url.netloc or len(text.split()) != 1 or "error" in names:
        return None
    if {"response_type", "client_id"} <= names.keys():
        cause, cure, source = _AUTHORIZATION
    elif "state" in names and ("code" in names or "access_token" in names):
        cause, cure, source = _CALLBACK
    else:
        return None
    known = members_of(tuple(names))
    lines = (_line(name, value, known) for name, value in pairs[:_MOST])
    address = safe_line(without_user_info(f"{url.scheme}://{url.netloc}{url.path}"), _LONGEST)
    return Diagnosis("pasted_url", cause, cure, (without_credentials(address), *lines), source)


def whole_jwt(text: str) -> Diagnosis | None:
    """Return the claims of a JWT; None for anything else."""
    jwt = parse_jwt(text.removeprefix("Bearer "))
    if jwt is None:
        return None
    claims = jwt.claims_at(datetime.now(UTC))[:_MOST]
    expiry = {claim.name: claim.seconds for claim in claims}.get("exp")
    state = "It names no expiry."
    if expiry is not None:
        state = "It has expired." if expiry < 0 else f"It expires in {expiry / 60:.0f} min."
    header = (_line(each.name, each.text, members(DocumentKind.JOSE_HEADER)) for each in jwt.header_members)
    times = {claim.name: claim.at.isoformat() for claim in claims if claim.at is not None}
    known = members(DocumentKind.CLAIMS)
    lines = (_line(claim.name, times.get(claim.name, claim.text), known) for claim in claims)
    cause = f"This is a JWT. {state} Its signature was not checked. {' '.join(jwt.problems)}".rstrip()
    cure = "Compare iss and aud with what the server expects. Give it to no one: it is a credential."
    return Diagnosis("pasted_jwt", cause, cure, (*header, *lines), "RFC 7519 §4.1")


def _line(name: str, value: str, known: Members) -> str:
    is_secret = value and _CREDENTIALS.fullmatch(name)
    hidden = Secret(value).masked if is_secret else without_credentials(value)
    meaning = explain_member(known, name)
    return safe_line(f"{name}={hidden}" + (f"   {meaning.sentence}" if meaning else ""), _LONGEST)
