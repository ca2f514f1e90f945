"""What the user decides before a login. Each option is declared once, with everything that depends on it.

The command line, the notes of interrupted logins, the wizard's form and the documentation are made from the
declarations: a new option is a field here, and a use of it in the stage that it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, GrantType, Stage
from authlens_core.values.url import UrlRefused, parse_url

# Seconds; what the browser gets if the user says nothing else.
BROWSER_WAIT: Final = 300.0
_YES, _NO = "yes", "no"
_HOSTS: Final = ("localhost", "127.0.0.1")
_METHODS: Final = ("GET", "POST")


class Kind(Enum):
    """What an option can be."""

    TEXT = "text"
    URL = "url"
    PORT = "port"
    SECONDS = "seconds"
    CHOICE = "choice"
    SWITCH = "switch"
    SECRET = "secret"  # noqa: S105 - the name of a kind


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why an option is left out somewhere, for those who read its declaration."""

    reason: str


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """The declaration of one option.

    Attributes:
        name: of the field of `Options`.
        flag: on the command line.
        matters_from: the first stage that has to run again after a change; None if nothing that was learned
            depends on it.
        edited_in: the stages before which the wizard's form offers it, or why it is in none.
        resumed: whether a login that was interrupted has it again, or why it has not.
        metavar: what the command line calls its value.
        choices: what a `CHOICE` can be.
        turned_on: what the flag of a `SWITCH` chooses instead of the default.
        wrong: what to say of a value that is none of the `choices`.
        exclusive: whether it excludes the other options of this sort.
        for_one: whether it is meant for one server, and refused for several URLs.
        empty_is_chosen: whether an empty text asks for none, instead of leaving the choice to the login.
    """

    name: str
    default: Any
    flag: str
    help: str
    kind: Kind
    matters_from: Stage | None
    edited_in: tuple[Stage, ...] | WhyNot
    resumed: Literal[True] | WhyNot
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    turned_on: Any = True
    wrong: str = ""
    exclusive: bool = False
    for_one: bool = False
    empty_is_chosen: bool = False

    @property
    def title(self) -> str:
        """Its name for users, such as `client id`."""
        return self.flag.removeprefix("--").replace("-", " ")

    @property
    def argument(self) -> str:
        """Its name among parsed arguments, such as `client_id`."""
        return self.flag.removeprefix("--").replace("-", "_")

    def is_edited_in(self, stage: Stage) -> bool:
        """Whether the wizard's form before `stage` offers it."""
        return not isinstance(self.edited_in, WhyNot) and stage in self.edited_in

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
                    parse_url(text, loopback_http=True, allow_query=False)
                except UrlRefused as refused:
                    raise ValueError(f"The {self.title} cannot be used: {refused}.") from None
            case _:
                pass
        return text if self.empty_is_chosen else text or None

    def stored(self, value: Any) -> Any:
        """Return the value that the note of an interrupted login has.

        Raises:
            ValueError: authlens did not write it.
        """
        if not self._can_be_stored(value):
            raise ValueError(self.name)
        # JSON has no enums.
        return GrantType(value) if isinstance(self.default, GrantType) else value

    def _can_be_stored(self, value: Any) -> bool:
        # By `type`, because True is an int and equals 1.
        match self.kind:
            case Kind.SWITCH:
                return type(value) in (bool, str) and value in (self.default, self.turned_on)
            case Kind.PORT:
                return type(value) is int and 0 <= value <= 65_535
            case Kind.SECONDS:
                return value is None or (type(value) in (int, float) and 0 < value <= 86_400)
            case Kind.CHOICE:
                return value in (*self.choices, self.default)
            case Kind.TEXT | Kind.URL:
                return value is None or isinstance(value, str)
            case Kind.SECRET:
                return False


def _option(
    default: Any,
    flag: str,
    words: str,
    kind: Kind,
    *,
    matters_from: Stage | None,
    edited_in: tuple[Stage, ...] | WhyNot,
    resumed: Literal[True] | WhyNot = True,
    **more: Any,
) -> Any:
    # Any, as of `dataclasses.field`: what it returns stands for a value of the field's own type.
    declared = {
        "flag": flag,
        "help": words,
        "kind": kind,
        "matters_from": matters_from,
        "edited_in": edited_in,
        "resumed": resumed,
    }
    return field(default=default, metadata=declared | more)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user decided before the login began, in the order of `authlens login --help`.

    Attributes:
        wait: seconds to wait for the user: at most five minutes for the browser, and at most the life of a
            device's code, if it is None.
        port: where the callback listener is bound; 0 lets the operating system choose.
        redirect_host: the host name in the redirect URI. Access has a switch for each.
        listen: whether a port is bound; without one, what the user pastes is the only way back.
        client_id: a client registered beforehand; no registration is made.
        client_metadata_url: the URL of a Client ID Metadata Document to use as client_id.
        scope: asked for instead of what the challenge names.
        resource: sent instead of what the resource metadata names (RFC 8707).
        issuer: chosen where the resource names several authorization servers.
        method: how the resource is asked; None tries GET, then the calls of an MCP client.
        anyway: log in although the resource answers without a login, if it publishes metadata.
        any_issuer: take an answer of the browser whose `iss` is missing or different (RFC 9207).
        legacy_paths: use /authorize, /token and /register of the resource's origin if it publishes nothing,
            as servers of MCP 2025-03-26 do.
        grant_type: how the tokens are got, which decides the `Flow`.
        device_endpoint: used instead of what the server metadata names (RFC 8628 §4).
        dpop: ask for tokens that are bound to a key (RFC 9449) although the resource does not require it.
    """

    wait: float | None = _option(
        None,
        "--timeout",
        "seconds to wait for you (300; with --device, until the code expires)",
        Kind.SECONDS,
        matters_from=None,
        edited_in=WhyNot("a key gives more time while the login waits"),
        metavar="S",
    )
    port: int = _option(
        8400,
        "--port",
        "callback port (8400; 0: any free port)",
        Kind.PORT,
        matters_from=Stage.REGISTRATION,
        edited_in=(Stage.REGISTRATION, Stage.AUTHORIZATION),
        metavar="N",
    )
    redirect_host: Literal["localhost", "127.0.0.1"] = _option(
        "localhost",
        "--redirect-host",
        "host in the redirect URI (localhost); Access has a setting for each",
        Kind.CHOICE,
        matters_from=Stage.REGISTRATION,
        edited_in=(Stage.REGISTRATION,),
        choices=_HOSTS,
        wrong=f"The host of the redirect URI is {' or '.join(_HOSTS)}.",
    )
    listen: bool = _option(
        True,
        "--paste-only",
        "open no port: paste the address the browser ends on",
        Kind.SWITCH,
        matters_from=Stage.REGISTRATION,
        edited_in=WhyNot("a key does it where the port is not free"),
        turned_on=False,
    )
    client_id: str | None = _option(
        None,
        "--client-id",
        "a pre-registered client",
        Kind.TEXT,
        matters_from=Stage.SERVER_METADATA,
        edited_in=(Stage.REGISTRATION, Stage.AUTHORIZATION),
        metavar="ID",
        exclusive=True,
        for_one=True,
    )
    client_metadata_url: str | None = _option(
        None,
        "--client-metadata-url",
        "a Client ID Metadata Document",
        Kind.URL,
        matters_from=Stage.SERVER_METADATA,
        edited_in=WhyNot("its document has to be hosted first"),
        metavar="URL",
        exclusive=True,
    )
    client_secret: Secret | None = _option(
        None,
        "--client-secret",
        "ask for the secret of --client-id; takes no value",
        Kind.SECRET,
        matters_from=Stage.REGISTRATION,
        edited_in=WhyNot("a secret is asked for by a prompt only"),
        resumed=WhyNot("a secret is in no note"),
    )
    scope: str | None = _option(
        None,
        "--scope",
        "scope to request, instead of the challenge's",
        Kind.TEXT,
        matters_from=Stage.PKCE,
        edited_in=(Stage.REGISTRATION, Stage.PKCE, Stage.AUTHORIZATION),
        metavar="S",
        empty_is_chosen=True,
    )
    resource: str | None = _option(
        None,
        "--resource",
        "resource to request, instead of the metadata's",
        Kind.TEXT,
        matters_from=Stage.PKCE,
        edited_in=(Stage.REGISTRATION, Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE),
        metavar="R",
        for_one=True,
        empty_is_chosen=True,
    )
    issuer: str | None = _option(
        None,
        "--issuer",
        "authorization server to use, if there are several",
        Kind.URL,
        matters_from=Stage.RESOURCE_METADATA,
        edited_in=(Stage.RESOURCE_METADATA, Stage.SERVER_METADATA),
        metavar="URL",
        for_one=True,
    )
    method: Literal["GET", "POST"] | None = _option(
        None,
        "--method",
        "request method for the resource (GET, then POST)",
        Kind.CHOICE,
        matters_from=Stage.DETECTION,
        edited_in=(Stage.DETECTION, Stage.ACCESS),
        choices=_METHODS,
        wrong="The resource is asked with GET or with POST.",
    )
    anyway: bool = _option(
        False,
        "--anyway",
        "log in even if the resource answers without a login",
        Kind.SWITCH,
        matters_from=Stage.DETECTION,
        edited_in=WhyNot("a key continues where the resource answers without a login"),
    )
    any_issuer: bool = _option(
        False,
        "--any-issuer",
        "accept a callback whose iss is missing or different",
        Kind.SWITCH,
        matters_from=Stage.PKCE,
        edited_in=(Stage.AUTHORIZATION,),
        resumed=WhyNot("it relaxes a check for one login"),
        for_one=True,
    )
    legacy_paths: bool = _option(
        False,
        "--legacy-paths",
        "old MCP servers: /authorize, /token, /register",
        Kind.SWITCH,
        matters_from=Stage.RESOURCE_METADATA,
        edited_in=WhyNot("a key continues where no metadata was found"),
    )
    grant_type: GrantType = _option(
        GrantType.AUTHORIZATION_CODE,
        "--device",
        "log in by a code that you enter on another device",
        Kind.SWITCH,
        matters_from=Stage.REGISTRATION,
        edited_in=(Stage.REGISTRATION,),
        turned_on=GrantType.DEVICE_CODE,
    )
    device_endpoint: str | None = _option(
        None,
        "--device-endpoint",
        "where to get the code of --device, if no metadata names it",
        Kind.URL,
        matters_from=Stage.AUTHORIZATION,
        edited_in=WhyNot("only the command line asks for it"),
        metavar="URL",
        for_one=True,
    )
    dpop: bool = _option(
        False,
        "--dpop",
        "request tokens bound to a key, even if not required",
        Kind.SWITCH,
        matters_from=Stage.SERVER_METADATA,
        edited_in=WhyNot("only the command line asks for it"),
    )


OPTIONS: Final[Mapping[str, OptionInfo]] = MappingProxyType(
    {item.name: OptionInfo(item.name, item.default, **item.metadata) for item in fields(Options)}
)
"""Every option by its name."""


def first_changed(before: Options, after: Options) -> Stage | None:
    """Return the first stage that has to run again when the user decides again, or None."""
    stages = [
        option.matters_from
        for name, option in OPTIONS.items()
        if option.matters_from is not None and getattr(before, name) != getattr(after, name)
    ]
    return min(stages, key=LOGIN_STAGES.index, default=None)
