"""What can be edited before a stage is sent, and which of it the protocol leaves to the user.

A scope, a resource, a client id, a port, a method or an issuer is the user's to choose: such an edit is a
new set of options and an honest login. Anything else that is in the request is changed behind the
protocol's back, which is tampering.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.stages.registration_stage import requested_scope
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit, RequestEditRefused
from authlens_core.oauth.authorization import url_parameters
from authlens_core.trace.record import Stage, flow_of
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Request
from authlens_core.values.formats.form import FormRefused, decode_form
from authlens_core.values.login_options import OPTIONS, OptionInfo, Options
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret

# What our own requests hold that is secret, by the name it is under.
_SECRET: Final = frozenset({"code", "code_verifier", "client_secret", "state", "authorization"})
# What is in force of an option that the user left to the login.
_IN_FORCE: Final[Mapping[str, Callable[[Facts], str | None]]] = {
    "method": lambda facts: facts.options.method or facts.method,
    "issuer": lambda facts: facts.options.issuer or facts.issuer_identifier,
    "issuer_name": lambda facts: facts.options.issuer_name or facts.issuer_identifier,
    "client_id": lambda facts: facts.options.client_id or (facts.client.client_id if facts.client else None),
    "scope": requested_scope,
    "resource": lambda facts: facts.resource,
}
# Options that can be chosen only if the server can do both.
_OFFERED_IF: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "grant_type": lambda facts: facts.other_flow is not None,
    "any_issuer": lambda facts: facts.server.authorization_response_iss_parameter_supported,
}


class FormField(Struct, frozen=True):
    """An option of the login, or a part of a request or link that can be changed on purpose.

    Attributes:
        location: where the part is; None for an option, which is the user's to choose.
        name: that of the option in `Options`, or of the part; empty for the method and the address.
        value: what is there; a `Secret` where it is one. A JSON member that is not a string is JSON text.
    """

    location: EditLocation | None
    name: str
    value: str | Secret

    @property
    def title(self) -> str:
        if self.location is None:
            return OPTIONS[self.name].title
        return safe_line(self.name, NAME) or self.location.value

    def difference(self, after: str | Secret | None) -> str:
        """Return one line that says what it is changed into; secrets are masked, the rest is safe to show."""
        return f"{self.title}: {_text(self.value)} → {'(left out)' if after is None else _text(after)}"


class RequestChanges(Struct, frozen=True):
    """What a user changed before `stage`: the options of the login, and what else it sends."""

    stage: Stage
    options: Options
    amendments: tuple[RequestEdit, ...] = ()


class EditForm(Struct, frozen=True):
    """What can be edited before a stage is sent.

    Attributes:
        options: those that are in force.
        choices: what is the user's to choose within the protocol.
        parts: every other part of the request or of the link, unchanged; to amend one is tampering.
        places: where a part can be added.
    """

    stage: Stage
    options: Options
    choices: tuple[FormField, ...] = ()
    parts: tuple[FormField, ...] = ()
    places: tuple[EditLocation, ...] = ()

    @property
    def title(self) -> str:
        """The stage with its number in this login."""
        return flow_of(self.options.grant_type).numbered(self.stage)

    @property
    def unchanged(self) -> RequestChanges:
        return RequestChanges(self.stage, self.options)

    def with_value(
        self, changes: RequestChanges, field: FormField, value: str | Secret | None
    ) -> RequestChanges:
        """Return `changes` with another value of one field; None leaves a part out.

        Raises:
            ValueError: a value that cannot be; the message says what can.
        """
        if field.location is None:
            chosen = {field.name: value if isinstance(value, str) else ""}
            return replace(changes, options=with_choices(changes.options, chosen))
        return replace(
            changes, amendments=(*changes.amendments, RequestEdit(field.location, field.name, value))
        )

    def with_part(
        self, changes: RequestChanges, location: EditLocation, name: str, value: str
    ) -> RequestChanges:
        """Return `changes` with a part that is added.

        Raises:
            ValueError: it has no name, is there already, or cannot be sent.
        """
        return replace(changes, amendments=(*changes.amendments, added(location, name, value, self.parts)))


def edit_form(stage: Stage, facts: Facts, request: Request | None, link: str | None) -> EditForm:
    """Return the form for `stage`, which sends `request`, or hands out `link` if there is none."""
    parts: tuple[FormField, ...] = ()
    places: tuple[EditLocation, ...] = ()
    if request is not None:
        parts, places = parts_of_request(stage, request), places_of(request)
    elif link is not None:
        parts, places = parts_of_link(link), (EditLocation.QUERY,)
    return EditForm(stage, facts.options, choices(stage, facts), parts=parts, places=places)


def choices(stage: Stage, facts: Facts) -> tuple[FormField, ...]:
    """Return the options that are in what `stage` sends, with what is in force."""
    return tuple(
        FormField(None, name, _in_force(option, facts))
        for name, option in OPTIONS.items()
        if stage in option.edited_in
        and facts.flow.user_part in option.used_by
        and (name not in _OFFERED_IF or _OFFERED_IF[name](facts))
    )


def _in_force(option: OptionInfo, facts: Facts) -> str:
    if option.name in _IN_FORCE:
        return _IN_FORCE[option.name](facts) or ""
    return option.text(getattr(facts.options, option.name))


def with_choices(options: Options, chosen: Mapping[str, str]) -> Options:
    """Return `options` with what a user chose, each by its name.

    Raises:
        ValueError: a value that cannot be; the message says what can.
    """
    values: dict[str, Any] = {name: OPTIONS[name].typed(text.strip()) for name, text in chosen.items()}
    return options.choosing(**values)


def parts_of_request(stage: Stage, request: Request) -> tuple[FormField, ...]:
    """Return every part of `request` that is not an option of the login."""
    # In detection the method is an option (see `OPTIONS`), which the later stages follow.
    parts = [] if stage is Stage.DETECTION else [FormField(EditLocation.METHOD, "", request.method)]
    # The address without its query, whose parameters are parts of their own.
    parts += _parts_of_url(request.url)
    parts += [_part(EditLocation.HEADER, name, value) for name, value in request.headers.fields]
    parts += _parts_of_body(request)
    return tuple(field for field in parts if not _is_choice(field, stage))


def parts_of_link(url: str) -> tuple[FormField, ...]:
    """Return every part of an authorization URL that is not an option of the login."""
    return tuple(field for field in _parts_of_url(url) if not _is_choice(field, Stage.AUTHORIZATION))


def _is_choice(field: FormField, stage: Stage) -> bool:
    """Return whether the form offers a part of what `stage` sends as an option already."""
    option = OPTIONS.get(field.name)
    return option is not None and stage in option.sent_in


def _parts_of_url(url: str) -> Iterator[FormField]:
    yield FormField(EditLocation.URL, "", url.partition("?")[0])
    yield from (_part(EditLocation.QUERY, name, value) for name, value in url_parameters(url))


def places_of(request: Request) -> tuple[EditLocation, ...]:
    """Return where something can be added to `request`."""
    body = {FORM_TYPE: (EditLocation.FORM,), JSON_TYPE: (EditLocation.JSON,)}
    return (*body.get(request.headers.media_type, ()), EditLocation.QUERY, EditLocation.HEADER)


def added(location: EditLocation, name: str, value: str, parts: Sequence[FormField]) -> RequestEdit:
    """Return the amendment that adds a part to `parts`.

    Raises:
        RequestEditRefused: it has no name, is there already, or cannot be sent.
    """
    if not name:
        raise RequestEditRefused(f"What is added needs a name ({location.value}).")
    is_header = location is EditLocation.HEADER
    for field in parts:
        same = field.name.lower() == name.lower() if is_header else field.name == name
        # Added a second time, a parameter would be two (RFC 6749 §3.1 forbids it): that is another
        # experiment.
        if field.location is location and same:
            raise RequestEditRefused(f"{safe_line(name, NAME)} is already there: change it in its own line.")
    return RequestEdit(location, name, _part(location, name, value).value, new=True)


def _text(value: str | Secret) -> str:
    return value.masked if isinstance(value, Secret) else safe_line(value) or "(empty)"


def _part(location: EditLocation, name: str, value: str) -> FormField:
    # By the name: a value that the user changes is shown or masked like the one that was there.
    return FormField(location, name, Secret(value) if name.lower() in _SECRET else value)


def _parts_of_body(request: Request) -> Iterator[FormField]:
    kind, body = request.headers.media_type, request.body.reveal()
    if kind == FORM_TYPE:
        try:
            pairs = decode_form(body.decode("ascii"))
        except (FormRefused, UnicodeDecodeError):
            return
        yield from (_part(EditLocation.FORM, name, value) for name, value in pairs)
    elif kind == JSON_TYPE:
        # Of our own request, so it is valid.
        document = json.loads(body)
        for name, value in document.items():
            yield _part(EditLocation.JSON, name, value if isinstance(value, str) else json.dumps(value))
