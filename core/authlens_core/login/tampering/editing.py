"""What can be edited before a stage is sent, and which of it the protocol leaves to the user.

A scope, a resource, a client id, a port, a method or an issuer is the user's to choose: such an edit is a
new set of options and an honest login. Anything else that is in the request is changed behind the
protocol's back, which is tampering.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from authlens_core.login.facts import Facts, Options
from authlens_core.login.stages.registration import requested_scope
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit, RequestEditRefused
from authlens_core.oauth.authorization import url_parameters
from authlens_core.oauth.formats.form import FormRefused, decode_form
from authlens_core.trace.record import Stage
from authlens_core.values.grant_type import GrantType
from authlens_core.values.http_message import FORM_TYPE, JSON_TYPE, Request
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import UrlRefused, parse_url

# What our own requests hold that is secret, by the name it is under.
_SECRET: Final = frozenset({"code", "code_verifier", "client_secret", "state", "authorization"})
# Where each option is in what a stage sends; editing it there is choosing again.
_CHOICES_AT: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.DETECTION: ("method",),
    Stage.RESOURCE_METADATA: ("issuer",),
    Stage.SERVER_METADATA: ("issuer",),
    Stage.REGISTRATION: ("client_id", "port", "redirect_host", "scope", "resource"),
    Stage.PKCE: ("scope", "resource"),
    Stage.AUTHORIZATION: ("scope", "resource", "client_id", "port"),
    Stage.EXCHANGE: ("resource",),
    Stage.ACCESS: ("method",),
}
# Parts that a choice of the same stage stands for already.
_CHOSEN_INSTEAD: Final[Mapping[Stage, frozenset[str]]] = {
    Stage.REGISTRATION: frozenset({"scope", "resource"}),
    Stage.AUTHORIZATION: frozenset({"scope", "resource", "client_id"}),
}
_HOSTS: Final = ("localhost", "127.0.0.1")
_SWITCHES: Final = frozenset({"device", "any_issuer"})
_YES_NO: Final = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class LoginOption:
    """An option of the login, by its name in `Options`, with the value that is in force."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class EditablePart:
    """A part of a request or link that can be amended.

    Attributes:
        name: its name; empty for the method and the address.
        value: what is there; a `Secret` where it is one. A JSON member that is no string is JSON text.
    """

    place: EditLocation
    name: str
    value: str | Secret

    def to(self, value: str | Secret | None) -> RequestEdit:
        """Return the amendment that puts `value` in its place, or leaves the part out."""
        return RequestEdit(self.place, self.name, value)


def choices(stage: Stage, facts: Facts) -> tuple[LoginOption, ...]:
    """Return the options that are in what `stage` sends, with what is in force."""
    in_force: dict[str, str | None] = {
        "method": facts.options.method or facts.method,
        "issuer": facts.options.issuer or facts.issuer_identifier,
        "client_id": facts.options.client_id or (facts.client.client_id if facts.client else None),
        "port": str(facts.options.port),
        "redirect_host": facts.options.redirect_host,
        "scope": requested_scope(facts),
        "resource": facts.resource,
        "device": _YES_NO[facts.options.grant_type is GrantType.DEVICE_CODE],
        "any_issuer": _YES_NO[facts.options.any_issuer],
    }
    names = (*_CHOICES_AT.get(stage, ()), *_offered(stage, facts))
    return tuple(LoginOption(name, in_force[name] or "") for name in names)


def _offered(stage: Stage, facts: Facts) -> Iterator[str]:
    """Yield the choices that depend on what the server offers."""
    metadata = facts.server_metadata
    if metadata is None:
        return
    if stage is Stage.REGISTRATION and metadata.device_authorization_endpoint is not None:
        yield "device"
    if stage is Stage.AUTHORIZATION and metadata.authorization_response_iss_parameter_supported:
        yield "any_issuer"


def with_choices(options: Options, chosen: Mapping[str, str]) -> Options:
    """Return `options` with what a user chose, each by its name.

    Raises:
        ValueError: a value that cannot be; the message says what can.
    """
    values: dict[str, Any] = {
        name: _switch(name, text.strip()) if name in _SWITCHES else _option(name, text.strip())
        for name, text in chosen.items()
    }
    if "device" in values:
        by_code = values.pop("device")
        values["grant_type"] = GrantType.DEVICE_CODE if by_code else GrantType.AUTHORIZATION_CODE
    return replace(options, **values)


def _switch(name: str, text: str) -> bool:
    if text not in _YES_NO.values():
        raise ValueError(f"{name} is yes or no.")
    return text == _YES_NO[True]


def _option(name: str, text: str) -> str | int | None:
    if name == "port":
        if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
            raise ValueError("A port is a number from 0 to 65535; 0 lets the system choose.")
        return int(text)
    if name == "method":
        if text not in ("", "GET", "POST"):
            raise ValueError("The resource is asked with GET or with POST.")
        return text or None
    if name == "redirect_host":
        if text not in _HOSTS:
            raise ValueError(f"The host of the redirect URI is {' or '.join(_HOSTS)}.")
        return text
    if name == "issuer" and text:
        try:
            parse_url(text, loopback_http=True, allow_query=False)
        except UrlRefused as refused:
            raise ValueError(f"The issuer cannot be used: {refused}.") from None
    # An empty scope or resource is a choice too: none is asked for.
    return text if name in ("scope", "resource") else text or None


def parts_of_request(stage: Stage, request: Request) -> tuple[EditablePart, ...]:
    """Return every part of `request` that is not an option of the login."""
    instead = _CHOSEN_INSTEAD.get(stage, frozenset())
    # In detection the method is an option (see _CHOICES_AT), which the later stages follow.
    found = [] if stage is Stage.DETECTION else [EditablePart(EditLocation.METHOD, "", request.method)]
    found.append(EditablePart(EditLocation.URL, "", request.url.partition("?")[0]))
    found += [_part(EditLocation.QUERY, name, value) for name, value in url_parameters(request.url)]
    found += [_part(EditLocation.HEADER, name, value) for name, value in request.headers.fields]
    found += _parts_of_body(request)
    return tuple(one for one in found if one.name not in instead)


def parts_of_link(url: str) -> tuple[EditablePart, ...]:
    """Return every part of an authorization URL that is not an option of the login."""
    instead = _CHOSEN_INSTEAD[Stage.AUTHORIZATION]
    found = [EditablePart(EditLocation.URL, "", url.partition("?")[0])]
    found += [_part(EditLocation.QUERY, name, value) for name, value in url_parameters(url)]
    return tuple(one for one in found if one.name not in instead)


def places_of(request: Request | None) -> tuple[EditLocation, ...]:
    """Return where something can be added: to `request`, or to a link where that is None."""
    if request is None:
        return (EditLocation.QUERY,)
    body = {FORM_TYPE: (EditLocation.FORM,), JSON_TYPE: (EditLocation.JSON,)}.get(
        request.headers.media_type, ()
    )
    return (*body, EditLocation.QUERY, EditLocation.HEADER)


def added(place: EditLocation, name: str, value: str, parts: Sequence[EditablePart]) -> RequestEdit:
    """Return the amendment that adds a part to `parts`.

    Raises:
        RequestEditRefused: it has no name, is there already, or cannot be sent.
    """
    if not name:
        raise RequestEditRefused(f"What is added needs a name ({place.value}).")
    is_header = place is EditLocation.HEADER
    for part in parts:
        same = part.name.lower() == name.lower() if is_header else part.name == name
        if part.place is place and same:
            shown = safe_line(name, NAME)
            raise RequestEditRefused(f"{shown} is already there: change it in its own line.")
    return RequestEdit(place, name, _part(place, name, value).value, new=True)


def difference(name: str, before: str | Secret, after: str | Secret | None) -> str:
    """Return one line that says what is changed into what; secrets are masked, the rest is safe to show."""
    return f"{safe_line(name, NAME)}: {_shown(before)} → {'(left out)' if after is None else _shown(after)}"


def _shown(value: str | Secret) -> str:
    if isinstance(value, Secret):
        return value.masked
    return safe_line(value) or "(empty)"


def _part(place: EditLocation, name: str, value: str) -> EditablePart:
    return EditablePart(place, name, Secret(value) if name.lower() in _SECRET else value)


def _parts_of_body(request: Request) -> Iterator[EditablePart]:
    kind, body = request.headers.media_type, request.body.reveal()
    if kind == FORM_TYPE:
        try:
            pairs = decode_form(body.decode("ascii"))
        except (FormRefused, UnicodeDecodeError):
            return
        yield from (_part(EditLocation.FORM, name, value) for name, value in pairs)
    elif kind == JSON_TYPE:
        document = json.loads(body)
        for name, value in document.items():
            yield _part(EditLocation.JSON, name, value if isinstance(value, str) else json.dumps(value))
