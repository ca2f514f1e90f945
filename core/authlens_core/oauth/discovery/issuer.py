"""An authorization server by its name: the name itself, where its metadata is, and where its endpoints are.

A server that can pass for another one gets its codes (RFC 9700 §4.4). So names are compared letter for letter
(RFC 8414 §3.3), and a different one counts only if the user chose it. An endpoint that gets codes or tokens
on another host needs the user's yes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from authlens_core.oauth.discovery.resource_metadata import identifier_problem
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.exchange import Response
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.challenge import is_plain
from authlens_core.values.formats.error_response import is_document, quoted_value
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.url import Url, is_inner_name, same_site, usable_url

_OAUTH: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"
_PLACE_HOLDER: Final = re.compile(r"\{[A-Za-z_]+\}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]+")
# Of an address split at its slashes; before it are the scheme and the host, which no place holder stands for.
_PATH: Final = 3


def issuer_check(
    stated: JsonValue, expected: str, accepted: str | None, *, schemeless: bool, loopback_http: bool
) -> Check:
    """Return whether a server is the one that the resource named.

    Args:
        stated: the `issuer` of its metadata.
        accepted: what the user lets it call itself, or None.
        schemeless: whether it may leave out the scheme (Cloudflare Access documents its issuer so).
    """
    check = requirement(CheckId.SERVER_ISSUER, wanted=accepted or expected, named=expected)
    problem = identifier_problem(expected, loopback_http=loopback_http, allow_query=False)
    if problem:
        form_check = requirement(check.name, "server.issuer_form")
        return form_check.failed(f"{expected}: {problem}")
    if stated == expected and accepted is None:
        return check.passed(expected)
    if stated == accepted is not None:
        return check.warned(
            f"{accepted}, while the resource names it {expected}; accepted because you chose so"
        )
    if schemeless and isinstance(stated, str) and expected in (f"https://{stated}", f"http://{stated}"):
        return check.noticed(f"{stated}, the same without its scheme")
    actual = quoted_value(stated)
    owner = f"Ask the owner to make issuer in the server metadata exactly {expected}."
    # What is offered is copied to a command line: a name that is an address, or a template of one.
    plain = _without_place_holders(stated) if isinstance(stated, str) else ""
    if not can_be_typed(plain, loopback_http=loopback_http) or not is_plain(expected):
        return check.failed(actual, "other")
    names = f"--issuer {shlex.quote(expected)} --issuer-name {shlex.quote(str(stated))}"
    both = step("If you know that both names are of one server, continue", f"authlens login URL {names}")
    return check.failed(actual, cure=fix(owner, both))


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
    segments, templates = iss.split("/"), expected.split("/")
    return len(segments) == len(templates) and all(
        segment == template
        or (index >= _PATH and bool(_PLACE_HOLDER.fullmatch(template) and _SEGMENT.fullmatch(segment)))
        for index, (segment, template) in enumerate(zip(segments, templates, strict=True))
    )


def _without_place_holders(name: str) -> str:
    segments = name.split("/")
    path = ("x" if _PLACE_HOLDER.fullmatch(segment) else segment for segment in segments[_PATH:])
    return "/".join((*segments[:_PATH], *path))


def metadata_urls(issuer: Url) -> tuple[Url, ...]:
    """Return the addresses of an issuer's metadata in the order to try them.

    RFC 8414 §3.1 inserts the well-known part between host and path, OpenID Connect Discovery §4.1 appends it;
    some servers append where they should insert, so that form comes last.
    """
    path = issuer.path.rstrip("/")
    well_known = [f"{_OAUTH}{path}", f"{_OPENID}{path}"]
    if path:
        # OpenID Connect appends the well-known path to that of the issuer, which RFC 8414 §3.1 inserts before
        # it.
        well_known += [f"{path}{_OPENID}", f"{path}{_OAUTH}"]
    return tuple(replace(issuer, path=candidate, query=None) for candidate in well_known)


def moves_on(response: Response) -> bool:
    """Return whether the next place is tried: a 4xx means "not here", except "too many requests" (429).

    So does a page: single-page applications answer every path with theirs.
    """
    if response.status < 300:
        # A single-page application answers 200 for every path, with its page.
        return not is_document(response)
    return 400 <= response.status < 500 and response.status != 429


def place_checks(
    issuer: str, endpoints: Mapping[str, Url | None], resource: str, *, needs_registration: bool
) -> Iterator[Check]:
    """Yield where each endpoint is, seen from the issuer, and which endpoints coincide."""
    home = usable_url(issuer, loopback_http=True)
    if home is None:
        return
    token, authorization = endpoints["token_endpoint"], endpoints["authorization_endpoint"]
    for member, url in endpoints.items():
        if url is not None and (needs_registration or member != "registration_endpoint"):
            yield _place_check(member, url, home)
    if token is None:
        return
    if authorization is not None:
        yield from _apart(authorization, token, home)
    same = [member for member, url in endpoints.items() if url is not None and url.text == token.text]
    same += ["the resource"] if token.text == resource else []
    if len(same) > 1:
        yield requirement("server.endpoints_distinct").noticed(f"{', '.join(same)} are one URL")


def _place_check(member: str, url: Url, home: Url) -> Check:
    check = requirement(
        f"server.{member}_host",
        "server.host",
        origin=home.origin,
        place=url.authority,
        member=member,
        home=home.authority,
    )
    if url.origin == home.origin:
        return check.passed(url.origin)
    if url.is_loopback and home.is_loopback:
        return check.noticed(f"{url.origin}, on this machine too")
    result = "inner" if is_inner_name(url) and url.host != home.host else "elsewhere"
    # The login page gets no secret of ours: you see its host in the browser. The others get codes or tokens.
    if member == "authorization_endpoint" or url.host == home.host:
        return check.warned(url.origin, result)
    return check.failed(url.origin, result, overridable=True, host=url.host)


def _apart(authorization: Url, token: Url, home: Url) -> Iterator[Check]:
    """Yield a failure where the login page is on another site than the place that gets the code.

    A hostile issuer that names an honest login page would otherwise get the code of that page.
    """
    is_own = token.origin == home.origin or token.host == home.host
    # Of a token endpoint that is not the issuer's own, another check has asked for the same two hosts.
    is_duplicate = not is_own and same_site(authorization, home)
    if is_duplicate or same_site(authorization, token):
        return
    page, server = authorization.authority, token.authority
    yield requirement("server.endpoints_site", page=page, server=server).failed(
        f"login page on {page}, token endpoint on {server}", overridable=True, host=authorization.host
    )
