"""Protected resource metadata (RFC 9728): which authorization servers a resource trusts.

The document is believed only when its `resource` covers the URL that was asked for. Otherwise another owner's
document could send the login, and the token, to a server of their choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.oauth.dpop import algorithm_check
from authlens_core.values.check import (
    Check,
    CheckId,
    Reading,
    requirement,
)
from authlens_core.values.exchange import JSON_TYPE, Headers, Request, Response
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.challenge import is_plain
from authlens_core.values.formats.error_response import is_usable, quoted_value, read_answer
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.url_path import below
from authlens_core.values.url import Url, UrlRefused, is_inner_name, parse_url, usable_url

_STAGE: Final = "resource_metadata"
_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"


class ResourceMetadata(Struct, frozen=True):
    """What a resource says about itself; strings are verbatim.

    Attributes:
        resource: the identifier, to be sent back exactly as it is (RFC 8707).
        authorization_servers: issuer identifiers, without repetitions, in the resource's order.
        scopes_supported: None when the resource states none; not a list of what to ask for (§7.2).
    """

    resource: str
    authorization_servers: tuple[str, ...]
    scopes_supported: tuple[str, ...] | None
    document: Mapping[str, JsonValue]

    @property
    def dpop_bound_access_tokens_required(self) -> bool:
        """True when the resource takes only tokens that are bound to a key (RFC 9449)."""
        return self.document.get("dpop_bound_access_tokens_required") is True


def well_known_urls(resource: Url) -> tuple[Url, ...]:
    """Return where the metadata of `resource` may be: the form with the path, then the root (§3.1).

    The well-known part goes between host and path; a slash that is the whole path goes away first; the query
    of the resource is kept in the form with the path.
    """
    path = "" if resource.path == "/" else resource.path
    with_path = replace(resource, path=f"{_WELL_KNOWN}{path}")
    # For a resource without a path both are the same.
    return tuple(dict.fromkeys((with_path, replace(resource, path=_WELL_KNOWN, query=None))))


def metadata_request(url: Url) -> Request:
    """Return the request for a metadata document (RFC 9728 §3.1, RFC 8414 §3.1)."""
    return Request("GET", url.text, Headers.of([("Accept", JSON_TYPE)]))


def read_metadata_location(text: str, *, requested: Url, loopback_http: bool = False) -> Reading[Url]:
    """Read the metadata URL that a challenge named.

    A URL on another origin than the resource needs a yes: it makes us send a request to a host that the
    answer chose.
    """
    place = well_known_urls(requested)[0].text
    check = requirement("resource_metadata.location", origin=requested.origin, place=place)
    try:
        url = parse_url(text, loopback_http=loopback_http)
    except UrlRefused as refused:
        secure = usable_url(text.lower().replace("http://", "https://", 1))
        is_inner = secure is not None and is_inner_name(secure)
        return Reading(None, (check.failed(f"{text} ({refused})", "inner" if is_inner else "unusable"),))
    if url.origin == requested.origin:
        return Reading(url, (check.passed(url.text),))
    if is_inner_name(url):
        return Reading(url, (check.failed(url.text, "inner", overridable=True, host=url.host),))
    cure = f"Continue only if you know that {url.authority} speaks for {requested.authority}."
    return Reading(url, (check.failed(url.text, cure=cure, overridable=True, host=url.host),))


def read_resource_metadata(
    response: Response, *, requested: Url, loopback_http: bool, accepted: str | None = None
) -> Reading[ResourceMetadata]:
    """Read the metadata of the resource that covers `requested`; every problem is reported.

    Args:
        accepted: the `resource` that the user takes although it does not cover `requested`; any if it is
            empty, because none is requested then.
    """
    answer = read_answer(response, stage=_STAGE, spec="RFC 9728 §3.2", strict_media_type=True)
    if answer.value is None:
        return Reading(None, answer.checks)
    document = answer.value
    resource = document.get("resource")
    checks = [
        *answer.checks,
        _resource_check(resource, requested, accepted, loopback_http=loopback_http),
    ]
    servers, servers_checks = _authorization_servers(document, loopback_http=loopback_http)
    checks += servers_checks
    scopes, note = string_list(document, "scopes_supported", _STAGE)
    checks += note
    methods, note = string_list(document, "bearer_methods_supported", _STAGE)
    checks += [
        *note,
        *_binding_checks(document, methods),
        *signature_check(document, _STAGE, "RFC 9728 §2.2"),
    ]
    if not is_usable(checks) or not isinstance(resource, str):
        return Reading(None, tuple(checks))
    return Reading(ResourceMetadata(resource, servers, scopes, document), tuple(checks))


def string_list(
    document: Mapping[str, JsonValue], member: str, stage: str
) -> tuple[tuple[str, ...] | None, tuple[Check, ...]]:
    """Return a member that is an array of strings, or None with a warning where it is something else.

    An empty array means the same as none at all (RFC 9728 §3.2, RFC 8414 §3.2).
    """
    value = document.get(member)
    if value is None or value == []:
        return None, ()
    if isinstance(value, list):
        strings = tuple(item for item in value if isinstance(item, str))
        if len(strings) == len(value):
            return strings, ()
    check = requirement(f"{stage}.{member}", "answer.string_list", member=member)
    return None, (check.warned(quoted_value(value, "malformed")),)


def _resource_check(
    resource: JsonValue, requested: Url, accepted: str | None, *, loopback_http: bool
) -> Check:
    check = requirement(CheckId.METADATA_RESOURCE, requested=requested.text)
    problem = identifier_problem(resource, loopback_http=loopback_http, allow_query=True)
    if not isinstance(resource, str) or problem:
        return check.failed(f"{resource!r}: {problem}"[:500], "invalid")
    if resource == requested.text:
        return check.passed(resource)
    stated_url = parse_url(resource, loopback_http=loopback_http)
    if stated_url == requested:
        return check.warned(f"{resource}, the same URL written in another way", "other_form")
    # The specification wants the two identical. MCP servers are asked below the resource that they name.
    if covers_url(stated_url.text, requested.text):
        return check.noticed(f"{resource}, which is not the same and covers it")
    owner = own_name_cure(requested)
    # Never by choice: the token would be for another server, and this one would get it (confused deputy).
    if stated_url.origin != requested.origin:
        actual = f"{resource}, which is on another origin than {requested.text}"
        cure = f"{owner} If {stated_url.authority} is what you want, log in to a URL there."
        return check.failed(actual, cure=cure)
    actual = f"{resource}, which does not cover {requested.text}"
    # Where none is requested, the name is not used.
    if accepted in (resource, ""):
        return check.warned(f"{actual}; accepted because you chose so")
    # Quotes are for one kind of shell: what it gives itself is copied to others, too.
    command = f"authlens login URL --resource {resource if is_plain(resource) else 'RESOURCE'}"
    accept = step("If both are one to you, take the name that it gives itself", command)
    refused = f"If the resource then refuses the token because aud is {resource}, only the owner can help."
    return check.failed(actual, cure=fix(owner, accept, refused))


def own_name_cure(requested: Url) -> str:
    """Return what the owner of a resource changes whose metadata is about another one."""
    return (
        f'Ask the owner to set "resource" in the metadata to the URL that you gave: {requested.text}.'
        " In an MCP SDK that is resource_server_url (Python) or resourceServerUrl (TypeScript)."
    )


def identifier_problem(value: JsonValue, *, loopback_http: bool, allow_query: bool) -> str:
    """Return what is wrong with an identifier, or the empty string."""
    if value is None:
        return "missing"
    if not isinstance(value, str):
        return "not a string"
    try:
        parse_url(value, loopback_http=loopback_http, allow_query=allow_query)
    except UrlRefused as refused:
        return str(refused)
    return ""


def same_resource(first: str, other: str) -> bool:
    """Return whether two identifiers are equal, but for the slash after the host (RFC 3986 §6.2.3)."""
    shorter, longer = sorted((first, other), key=len)
    return first == other or (longer == f"{shorter}/" and "/" not in shorter.partition("://")[2])


def _split(url: str) -> tuple[str, str]:
    scheme, _, remainder = url.partition("://")
    end = next((i for i, character in enumerate(remainder) if character in "/?"), len(remainder))
    return f"{scheme}://{remainder[:end]}", remainder[end:]


def covers_url(resource: str, requested: str) -> bool:
    """Return whether a token for `resource` is for `requested`: the same, or a parent by path segments."""
    origin, target = _split(resource)
    requested_origin, requested_target = _split(requested)
    if origin != requested_origin:
        return False
    if target in ("", "/"):
        return True
    path = requested_target.partition("?")[0]
    # A query names one URL and has nothing below it; equality was looked at by the caller.
    if "?" in target:
        return False
    inside = path == target or path.startswith(target if target.endswith("/") else f"{target}/")
    return inside and below(target, path) is not None


def _authorization_servers(
    document: Mapping[str, JsonValue], *, loopback_http: bool
) -> tuple[tuple[str, ...], tuple[Check, ...]]:
    check = requirement("resource_metadata.authorization_servers")
    value = document.get("authorization_servers")
    if not isinstance(value, list) or not value:
        return (), (check.failed(quoted_value(value), "string" if isinstance(value, str) else ""),)
    judged = [
        (item, identifier_problem(item, loopback_http=loopback_http, allow_query=False)) for item in value
    ]
    servers = tuple(dict.fromkeys(item for item, problem in judged if isinstance(item, str) and not problem))
    refused = [f"{item!r}: {problem}"[:200] for item, problem in judged if problem]
    unusable = "; ".join(refused[:5])
    if not servers:
        return (), (check.failed(unusable, "unusable"),)
    checks = [check.passed(", ".join(servers[:5]))]
    if refused:
        checks.append(replace(check, name=f"{check.name}_refused").warned(unusable))
    if len(servers) > 1:
        several = requirement("resource_metadata.authorization_servers_choice")
        checks.append(several.noticed(f"{len(servers)} servers; choose one"))
    return servers, tuple(checks)


def _binding_checks(document: Mapping[str, JsonValue], methods: tuple[str, ...] | None) -> Iterator[Check]:
    """Yield whether a bearer token in the Authorization header is what the resource takes."""
    check = requirement("resource_metadata.bearer_methods_supported")
    if methods is None or "header" in methods:
        yield check.passed("not stated" if methods is None else ", ".join(methods))
    else:
        yield check.failed(", ".join(methods))
    if document.get("tls_client_certificate_bound_access_tokens") is True:
        yield requirement("resource_metadata.tls_client_certificate_bound_access_tokens").failed("true")
    if document.get("dpop_bound_access_tokens_required") is True:
        algorithms, _ = string_list(document, "dpop_signing_alg_values_supported", _STAGE)
        yield algorithm_check(
            "resource_metadata.dpop_bound_access_tokens_required", algorithms, "resource", "RFC 9728 §2"
        )


def signature_check(document: Mapping[str, JsonValue], stage: str, spec: str) -> Iterator[Check]:
    """Yield that signed metadata is left alone: nothing here verifies it."""
    if "signed_metadata" in document:
        signed = requirement(f"{stage}.signed_metadata", "answer.signed_metadata", spec=spec)
        yield signed.noticed("signed_metadata is there; it is not verified, so nothing in it is used")
