"""The name of an authorization server, compared with the one that the resource gave or the user accepted.

A server that can pass for another one gets its codes (RFC 9700 §4.4). So names are compared letter for letter
(RFC 8414 §3.3), and a different one counts only if the user chose it.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from authlens_core.oauth.discovery.challenge import is_plain
from authlens_core.oauth.discovery.resource_metadata import identifier_problem
from authlens_core.oauth.error_response import seen_of
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.json_document import JsonValue

_PLACE_HOLDER: Final = re.compile(r"\{[A-Za-z_]+\}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]+")
# Of an address split at its slashes; before it are the scheme and the host, which no place holder stands for.
_PATH: Final = 3


def issuer_check(
    stated: JsonValue, named: str, accepted: str | None, *, schemeless: bool, loopback_http: bool
) -> Check:
    """Return whether a server is the one that the resource named.

    Args:
        stated: the `issuer` of its metadata.
        accepted: what the user lets it call itself, or None.
        schemeless: whether it may leave out the scheme (Cloudflare Access documents its issuer so).
    """
    check = requirement(CheckId.SERVER_ISSUER, wanted=accepted or named, named=named)
    problem = identifier_problem(named, loopback_http=loopback_http, allow_query=False)
    if problem:
        wanted = requirement(check.name, "server.issuer_form")
        return wanted.failed(f"{named}: {problem}")
    if stated == named and accepted is None:
        return check.passed(named)
    if stated == accepted is not None:
        return check.warned(f"{accepted}, while the resource names it {named}; accepted because you chose so")
    if schemeless and isinstance(stated, str) and named in (f"https://{stated}", f"http://{stated}"):
        return check.noticed(f"{stated}, the same without its scheme")
    seen = seen_of(stated)
    owner = f"Ask the owner to make issuer in the server metadata exactly {named}."
    # What is offered is copied to a command line: a name that is an address, or a template of one.
    plain = _without_place_holders(stated) if isinstance(stated, str) else ""
    if not can_be_typed(plain, loopback_http=loopback_http) or not is_plain(named):
        return check.failed(seen, "other")
    names = f"--issuer {shlex.quote(named)} --issuer-name {shlex.quote(str(stated))}"
    both = step("If you know that both names are of one server, continue", f"authlens login URL {names}")
    return check.failed(seen, cure=fix(owner, both))


def can_be_typed(name: str, *, loopback_http: bool) -> bool:
    """Whether a name is an issuer identifier, and the same for every shell when it is in a command."""
    return is_plain(name) and not identifier_problem(name, loopback_http=loopback_http, allow_query=False)


def is_issuer(iss: JsonValue, expected: str) -> bool:
    """Return whether `iss` is the expected name.

    A name that the user accepted may be a template, as of Microsoft Entra ID: each place holder, such as
    `{tenantid}`, stands for one segment of the path.
    """
    if iss == expected or "{" not in expected or not isinstance(iss, str):
        return iss == expected
    given, wanted = iss.split("/"), expected.split("/")
    return len(given) == len(wanted) and all(
        segment == named
        or (place >= _PATH and bool(_PLACE_HOLDER.fullmatch(named) and _SEGMENT.fullmatch(segment)))
        for place, (segment, named) in enumerate(zip(given, wanted, strict=True))
    )


def _without_place_holders(name: str) -> str:
    segments = name.split("/")
    path = ("x" if _PLACE_HOLDER.fullmatch(segment) else segment for segment in segments[_PATH:])
    return "/".join((*segments[:_PATH], *path))
