"""What the user decides before a login, and the declaration of each option with all that depends on it.

The command line, the wizard's form and the documentation are made from the
declarations: a new option is a field of `Options`, an entry of `words/options.json`, and a use of it in the
stage that it is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, PROGRAMS, GrantType, Program, Stage, UserPart
from authlens_core.values.url import UrlRefused, parse_url
from authlens_core.values.word_files import words

# Where the callback listener is bound; registered clients of earlier logins have it in their redirect URI.
DEFAULT_PORT: Final = 8400
# Seconds; what the browser gets if the user says nothing else.
BROWSER_WAIT: Final = 300.0
_YES, _NO = "yes", "no"
# What an owner gives a login for one authorization server, whatever the grant.
_OF_OWNER: Final = (
    *("client_id", "client_metadata_url", "client_secret", "client_key"),
    "initial_access_token",
)
_BRACES: Final = str.maketrans("", "", "{}")


class Options(Struct, frozen=True):
    """What the user decided before the login began, in the order of `authlens login --help`.

    Attributes:
        wait: seconds for the whole login, without those between two stages. If it is None, the user has
            five minutes at the browser, and as long as a device's code lives.
        port: where the callback listener is bound; 0 lets the operating system choose.
        redirect_host: the host name in the redirect URI. Access has a switch for each.
        redirect_uri: the whole redirect URI, letter for letter; instead of the other parts of it.
        listen: whether a port is bound; without one, what the user pastes is the only way back.
        client_id: a client registered beforehand; no registration is made.
        client_metadata_url: the URL of a Client ID Metadata Document to use as client_id.
        client_auth: how the client authenticates, whatever the registration said.
        initial_access_token: allows the registration at a server that requires it (RFC 7591 §3).
        new_client: register one although a client is stored for the server.
        client_key: the private key of the client, to sign with instead of sending a secret.
        assertion_file: where a program's assertion is; it is read for each token and never stored.
        assertion_command: the command that prints it, in which a secret may be; no shell runs it.
        idp: the token endpoint of an identity provider.
        idp_client_id: the client that it knows.
        scope: asked for instead of what the challenge names.
        resource: sent instead of what the resource metadata names (RFC 8707); empty sends none. The metadata
            may then name it although it does not cover the URL, on the same origin.
        audience: the API that the token is for, at servers that know no `resource`.
        issuer: the authorization server to use, by the name that the resource has for it.
        issuer_name: what that server may call itself, though the resource names it otherwise; it alone.
        method: how the resource is asked; None tries GET, then the calls of an MCP client.
        anyway: log in although the resource answers without a login, if it publishes metadata.
        any_issuer: take an answer of the browser whose `iss` is missing or different (RFC 9207).
        assume_pkce: log in although the server metadata does not list PKCE; S256 is sent all the same.
        any_state: take a code that is pasted alone: nothing shows that it is of this login (RFC 6749 §10.12).
        legacy_paths: use /authorize, /token and /register of the authorization server if it publishes
            nothing, as with MCP 2025-03-26; it is the resource's origin if that names no other.
        grant_type: how the tokens are got, which decides the `Flow`.
        device_endpoint: used instead of what the server metadata names (RFC 8628 §4).
        dpop: ask for tokens that are bound to a key (RFC 9449) although the resource does not require it.
        remember: store with the login what was decided for this server, for its next logins.
    """

    wait: float | None = None
    port: int = DEFAULT_PORT
    redirect_host: Literal["localhost", "127.0.0.1"] = "localhost"
    redirect_uri: str | None = None
    listen: bool = True
    client_id: str | None = None
    client_metadata_url: str | None = None
    client_secret: Secret | None = None
    client_key: Secret | None = None
    assertion_file: str | None = None
    assertion_command: Secret | None = None
    idp: str | None = None
    idp_client_id: str | None = None
    idp_client_secret: Secret | None = None
    client_auth: str | None = None
    new_client: bool = False
    initial_access_token: Secret | None = None
    scope: str | None = None
    resource: str | None = None
    audience: str | None = None
    issuer: str | None = None
    issuer_name: str | None = None
    method: Literal["GET", "POST"] | None = None
    anyway: bool = False
    any_issuer: bool = False
    assume_pkce: bool = False
    any_state: bool = False
    legacy_paths: bool = False
    grant_type: GrantType = GrantType.AUTHORIZATION_CODE
    device_endpoint: str | None = None
    dpop: bool = False
    remember: bool = False

    @property
    def listens(self) -> bool:
        """Whether a port is bound: a redirect URI of https leads to another program."""
        return self.listen and not (self.redirect_uri or "").lower().startswith("https:")

    @property
    def program(self) -> Program | None:
        """What a program needs for its grant; None where a user logs in."""
        return PROGRAMS.get(self.grant_type)

    @property
    def sends_what_owner_gave(self) -> bool:
        """Whether the server gets a client, a secret or an assertion that its owner gave."""
        return self.program is not None or any(getattr(self, name) is not None for name in _OF_OWNER)

    @property
    def is_by_link(self) -> bool:
        """Whether a user opens a link, whose answer comes back here."""
        return self.grant_type is GrantType.AUTHORIZATION_CODE

    def choosing(self, **values: Any) -> Options:
        """Return the options with these values, and without what means nothing beside them."""
        given_up = {o.name: o.default for o in OPTIONS.values() if not values.keys().isdisjoint(o.instead_of)}
        return replace(self, **{**given_up, **values})


class Kind(Enum):
    """What an option can be."""

    TEXT = "text"
    URL = "url"
    PORT = "port"
    SECONDS = "seconds"
    CHOICE = "choice"
    SWITCH = "switch"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    SECRET_FILE = "secret file"  # noqa: S105 - the name of a kind
    FILE = "file"
    COMMAND = "command"
    """Typed like a text, but a secret may be in it."""


class Remembered(Enum):
    """Whose login has an option again that was given with `--remember`."""

    SERVER = "server"
    """Every login at the same authorization server."""

    RESOURCE = "resource"
    """The login to the same URL, at the same authorization server."""


class NamedFlag(Struct, frozen=True):
    """A second flag of a `SWITCH`, which names one of several other values."""

    flag: str
    help: str
    metavar: str

    @property
    def values(self) -> Mapping[str, GrantType]:
        """What it can name: the grants of programs."""
        return {program.kind: grant_type for grant_type, program in PROGRAMS.items()}

    @property
    def argument(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


class Field(Struct, frozen=True):
    """An option as a field of the form for programs, with a hint of what is filled in."""

    title: str
    hint: str


class OptionInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """The declaration of one option.

    Attributes:
        name: of the field of `Options`.
        flag: on the command line.
        group: the title that it has in the help; empty for a general one.
        form: the field of the form for programs, which has those of their grants.
        matters_from: the first stage that has to run again after a change; None if nothing that was learned
            depends on it.
        edited_in: the stages before which the wizard's form offers it.
        used_by: the flows that use it, by what the user does in them: no form of another offers it. It goes
            with `edited_in`.
        sent_in: the stages whose request or link has it as a parameter of its own name.
        not_edited: why it is in no form.
        metavar: what the command line calls its value.
        choices: what a `CHOICE` can be.
        turned_on: what the flag of a `SWITCH` chooses instead of the default.
        named: the flag of a `SWITCH` for what else it can be; the wizard's form does not have it.
        wrong: what to say of a value that is none of the `choices`.
        exclusive: whether it excludes the other options of this sort.
        for_one: whether it is meant for one server, and refused for several URLs.
        instead_of: the options that mean nothing beside it.
        empty_is_chosen: whether an empty text asks for none, instead of leaving the choice to the login.
        remembered: what `--remember` stores it for; None: for nothing.
        owner: the option of the client that a secret is of; empty for others.
    """

    name: str
    default: Any
    flag: str
    help: str
    kind: Kind
    matters_from: Stage | None = None
    edited_in: tuple[Stage, ...] = ()
    used_by: tuple[UserPart, ...] = ()
    sent_in: tuple[Stage, ...] = ()
    not_edited: str = ""
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    turned_on: bool | GrantType = True
    named: NamedFlag | None = None
    wrong: str = ""
    exclusive: bool = False
    for_one: bool = False
    instead_of: tuple[str, ...] = ()
    empty_is_chosen: bool = False
    remembered: Remembered | None = None
    owner: str = ""
    group: str = ""
    form: Field | None = None

    @property
    def title(self) -> str:
        """Its name for users, such as `client id`."""
        return self.flag.removeprefix("--").replace("-", " ")

    @property
    def argument(self) -> str:
        """Its name among parsed arguments, such as `client_id`."""
        return self.flag.removeprefix("--").replace("-", "_")

    def text(self, value: object) -> str:
        """Return `value` as it is in the wizard's form."""
        if self.kind is Kind.SWITCH:
            return _NO if value == self.default else _YES
        return "" if value is None else str(value)

    def typed(self, text: str) -> Any:
        """Return the value that a user typed in the wizard's form.

        Raises:
            ValueError: it cannot be; the message says what can.
        """
        match self.kind:
            case Kind.SWITCH:
                if text not in (_YES, _NO):
                    raise ValueError(f"{self.title} is yes or no.")
                return self.turned_on if text == _YES else self.default
            case Kind.PORT:
                # Cut before it is read: a long row of digits takes `int` long, or raises.
                if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65_535):
                    raise ValueError("A port is a number from 0 to 65535; 0 lets the system choose.")
                return int(text)
            case Kind.CHOICE:
                if text not in self.choices and (text or self.default is not None):
                    raise ValueError(self.wrong)
            case Kind.URL if text:
                try:
                    # An issuer may be a template: `https://login.example/{tenantid}`.
                    parse_url(text.translate(_BRACES), loopback_http=True, allow_query=False)
                except UrlRefused as refused:
                    raise ValueError(f"The {self.title} cannot be used: {refused}.") from None
            case _:
                pass
        return text if self.empty_is_chosen else text or None

    def can_be_stored(self, value: Any) -> bool:
        """Return whether it can be this, and may be in a file."""
        # By `type`, because True is an int and equals 1.
        match self.kind:
            case Kind.SWITCH:
                named_values = () if self.named is None else self.named.values.values()
                return type(value) in (bool, str) and value in (self.default, self.turned_on, *named_values)
            case Kind.PORT:
                return type(value) is int and 0 <= value <= 65_535
            case Kind.SECONDS:
                return value is None or (type(value) in (int, float) and 0 < value <= 86_400)
            case Kind.CHOICE:
                return value in (*self.choices, self.default)
            case Kind.TEXT | Kind.URL | Kind.FILE:
                return value is None or isinstance(value, str)
            case Kind.SECRET | Kind.SECRET_FILE | Kind.COMMAND:
                return False


def _declared(name: str, default: object) -> OptionInfo:
    return msgspec.convert({"name": name, "default": default, **words("options")[name]}, OptionInfo)


OPTIONS: Final[Mapping[str, OptionInfo]] = MappingProxyType(
    {item.name: _declared(item.name, item.default) for item in msgspec.structs.fields(Options)}
)
"""Every option by its name."""
IN_HELP: Final = tuple(words("options"))
"""The names of the options in the order of the help."""


def first_changed(before: Options, after: Options) -> Stage | None:
    """Return the first stage that has to run again when the user decides again, or None."""
    stages = [
        option.matters_from
        for name, option in OPTIONS.items()
        if option.matters_from is not None and getattr(before, name) != getattr(after, name)
    ]
    return min(stages, key=LOGIN_STAGES.index, default=None)


# The options of a login that are stored with its grant: the name of each, and its value.
StoredOptions = tuple[tuple[str, str | bool], ...]


def to_remember(options: Options, before: StoredOptions) -> StoredOptions:
    """Return what is stored with the grant of a login: what is to be remembered now, or was `before`."""
    if not options.remember:
        return before
    chosen = ((name, getattr(options, name)) for name, option in OPTIONS.items() if option.remembered)
    return tuple((name, value) for name, value in chosen if value != OPTIONS[name].default)


def remembered_for(stored: StoredOptions, *, same_url: bool) -> StoredOptions:
    """Return what a login has of the options that were stored with a grant of its server.

    The index is a file, so anything may be in it.
    """
    declared = ((OPTIONS[name], name, value) for name, value in stored if name in OPTIONS)
    scopes = {Remembered.SERVER, Remembered.RESOURCE} if same_url else {Remembered.SERVER}
    return tuple(
        (name, value)
        for option, name, value in declared
        if option.remembered in scopes and option.can_be_stored(value)
    )


def own_options(options: Options, remembered: Iterable[tuple[str, Any]], before: Options) -> Options:
    """Return `options` without what was remembered, where it is still so: as the user decided it `before`."""
    theirs = {name: getattr(before, name) for name, value in remembered if getattr(options, name) == value}
    return replace(options, **theirs)


def with_remembered(options: Options, remembered: Iterable[tuple[str, Any]]) -> Options:
    """Return `options` with what was remembered, where the user has not decided otherwise."""

    def undecided(name: str) -> bool:
        names = (name, *OPTIONS[name].instead_of)
        return all(getattr(options, each) == OPTIONS[each].default for each in names)

    applied = {name: value for name, value in remembered if undecided(name)}
    return replace(options, **applied)
