"""What a server offers beyond the endpoints: PKCE, pushed requests, its resources, and grants of programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from authlens_core.oauth.device_authorization import GRANT_TYPE as DEVICE_CODE
from authlens_core.oauth.discovery.resource_metadata import same_resource, signature_check
from authlens_core.oauth.dpop import algorithm_check
from authlens_core.oauth.error_response import listed, seen_of
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.stage import PROGRAMS, GrantType
from authlens_core.values.url import Url


def feature_checks(
    document: Mapping[str, JsonValue],
    lists: Mapping[str, tuple[str, ...] | None],
    resource: str,
    *,
    needs_dpop: bool,
    assume_pkce: bool | None,
    pushed: Url | None,
) -> Iterator[Check]:
    """Yield what the login may need of these, and what contradicts itself.

    Args:
        assume_pkce: whether the user goes on if PKCE is not listed; None if no challenge is sent.
        pushed: the endpoint for pushed requests, if it can be used.
    """
    # Without a challenge nothing comes back through a browser either.
    by_browser = assume_pkce is not None
    if assume_pkce is not None:
        yield _s256_check(document, lists["code_challenge_methods_supported"], assumed=assume_pkce)
        yield _iss_check(document)
    modes = lists["response_modes_supported"] if by_browser else None
    if modes is not None and "query" not in modes:
        yield requirement("server.response_modes").warned(listed(modes))
    if by_browser:
        yield from _pushed_check(document, pushed)
    if needs_dpop:
        algorithms = lists["dpop_signing_alg_values_supported"]
        yield algorithm_check("server.dpop", algorithms, "server", "RFC 9449 §5.1")
    protected = lists["protected_resources"]
    if protected is not None:
        yield _protected_resources_check(protected, resource)
    yield from signature_check(document, "server", "RFC 8414 §2.1")


def _s256_check(
    document: Mapping[str, JsonValue], methods: tuple[str, ...] | None, *, assumed: bool
) -> Check:
    """Return whether the server lists the challenge method S256.

    One that lists nothing may honour it all the same, as Microsoft Entra ID and AWS Cognito do. One that
    lists something else has said that it does not.

    Args:
        assumed: whether the user goes on if it lists nothing.
    """
    member = "code_challenge_methods_supported"
    check = requirement(CheckId.SERVER_S256)
    if methods is not None and "S256" in methods:
        return check.passed(listed(methods))
    if methods is not None or document.get(member) not in (None, []):
        seen = seen_of(document[member], "malformed") if methods is None else listed(methods)
        return check.failed(seen, "unsupported")
    if assumed:
        return check.warned("not stated; S256 is sent all the same, because you chose so")
    return check.failed("not stated", "unstated")


def _iss_check(document: Mapping[str, JsonValue]) -> Check:
    check = requirement("server.iss_parameter")
    value = document.get("authorization_response_iss_parameter_supported")
    if value is True:
        return check.passed("true")
    if value in (None, False):
        return check.noticed("not supported; state and the recorded token endpoint bind the answer")
    return check.warned(seen_of(value, "malformed"))


def _pushed_check(document: Mapping[str, JsonValue], endpoint: Url | None) -> Iterator[Check]:
    """Yield whether pushed requests can be sent, where they have to be or an endpoint is named."""
    required = document.get("require_pushed_authorization_requests") is True
    named = document.get("pushed_authorization_request_endpoint")
    if not required and (named is None or endpoint is not None):
        return
    check = requirement("server.pushed_authorization_requests")
    seen = seen_of(named, "unusable", missing="none")
    if endpoint is not None:
        yield check.passed(endpoint.text)
    elif required:
        yield check.failed(seen)
    else:
        yield check.warned(seen)


def _protected_resources_check(protected: tuple[str, ...], resource: str) -> Check:
    check = requirement("server.protected_resources", resource=resource)
    if any(same_resource(resource, other) for other in protected):
        return check.passed(resource)
    return check.failed(f"{len(protected)} others: {', '.join(protected[:3])}"[:500], overridable=True)


_SPEC: Final = "RFC 8414 §2"


def program_check(grants: Sequence[str] | None, machine: GrantType | None, *, has_page: bool) -> Check | None:
    """Return whether the server lists the grant of a program, or why no user can log in; None if one may.

    Args:
        machine: the grant, if a program logs in.
        has_page: whether the server names a page to sign in on, or one to enter a code on.
    """
    return _programs_only(grants, has_page=has_page) if machine is None else _machine_grant(grants, machine)


def _machine_grant(grants: Sequence[str] | None, grant: GrantType) -> Check:
    # One that is not listed is a warning: many give programs tokens all the same, and a refusal is clear.
    program = PROGRAMS.get(grant)
    wanted = (program and program.listed_as) or grant
    check = requirement("server.machine_grant", wanted=wanted)
    if grants is not None and wanted in grants:
        return check.passed(listed(grants))
    return check.warned(listed(grants or ()) or "not stated")


def _programs_only(grants: Sequence[str] | None, *, has_page: bool) -> Check | None:
    listed = (program for program in PROGRAMS.values() if program.listed_as is None)
    offered = [program.example for program in listed if program.grant_type in (grants or ())]
    by_user = {GrantType.AUTHORIZATION_CODE, DEVICE_CODE} & set(grants or ())
    if not offered or (by_user and has_page):
        return None
    check = requirement(CheckId.SERVER_PROGRAMS_ONLY)
    ways = fix(*(step("Log in as a program", f"authlens login URL {command}") for command in offered))
    return check.failed(f"only for programs: {', '.join(grants or ())}"[:500], cure=ways)
