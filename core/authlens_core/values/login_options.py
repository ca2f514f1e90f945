"""What the user decides before a login. Each option is declared once, with everything that depends on it.

The command line, the notes of interrupted logins, the wizard's form and the documentation are made from the
declarations: a new option is a field here, and a use of it in the stage that it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal

from authlens_core.values.option_info import Kind, NamedFlag, OptionInfo, Remembered, WhyNot
from authlens_core.values.option_info import option as _option
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.stage import AUTH_METHODS, LOGIN_STAGES, PROGRAMS, GrantType, Stage

__all__ = [
    "BROWSER_WAIT",
    "OPTIONS",
    "Kind",
    "OptionInfo",
    "Options",
    "Remembered",
    "WhyNot",
    "first_changed",
]

# Seconds; what the browser gets if the user says nothing else.
BROWSER_WAIT: Final = 300.0
_HOSTS: Final = ("localhost", "127.0.0.1")
_METHODS: Final = ("GET", "POST")
_NO_NOTE: Final = WhyNot("a secret is in no note")
_TYPED_ONLY: Final = WhyNot("only the command line asks for it")
# A failure of a later stage may ask for another value, too: the login goes back to where it matters.
_LATER: Final = (Stage.REGISTRATION, Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.ACCESS)
# What only a program's login has.
_program: Final = partial(_option, None, matters_from=Stage.REGISTRATION, edited_in=_TYPED_ONLY)
_MACHINE: Final = {program.kind: grant_type for grant_type, program in PROGRAMS.items()}


@dataclass(frozen=True, slots=True)
class Options:
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
        assertion_command: the command that prints it; no shell runs it.
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
        legacy_paths: use /authorize, /token and /register of the resource's origin if it publishes nothing,
            as servers of MCP 2025-03-26 do.
        grant_type: how the tokens are got, which decides the `Flow`.
        device_endpoint: used instead of what the server metadata names (RFC 8628 §4).
        dpop: ask for tokens that are bound to a key (RFC 9449) although the resource does not require it.
        remember: store with the login what was decided for this server, for its next logins.
    """

    wait: float | None = _option(
        None,
        "--timeout",
        "seconds for the whole login (otherwise 300 to wait for you)",
        Kind.SECONDS,
        matters_from=None,
        edited_in=WhyNot("a key gives more time while the login waits"),
        resumed=WhyNot("its time is over"),
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
    redirect_uri: str | None = _option(
        None,
        "--redirect-uri",
        "the whole redirect URI, as the server has it; paste if it is https",
        Kind.URL,
        matters_from=Stage.REGISTRATION,
        edited_in=(Stage.REGISTRATION,),
        metavar="URI",
        instead_of=("port", "redirect_host"),
        remembered=Remembered.SERVER,
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
        resumed=_NO_NOTE,
        owner="client_id",
    )
    client_key: Secret | None = _program(
        "--client-key",
        "with --machine: file of the client's private key (PEM or JWK; - is stdin)",
        Kind.SECRET_FILE,
        resumed=_NO_NOTE,
        metavar="FILE",
    )
    assertion_file: str | None = _program(
        "--assertion-file", "with --machine: file of the assertion, read each time", Kind.FILE, metavar="FILE"
    )
    assertion_command: str | None = _program(
        "--assertion-command", "with --machine: command that prints it", Kind.TEXT, metavar="CMD"
    )
    idp: str | None = _program(
        "--idp", "with --machine enterprise: token endpoint of the identity provider", Kind.URL, metavar="URL"
    )
    idp_client_id: str | None = _program(
        "--idp-client-id", "client at the identity provider", Kind.TEXT, metavar="ID"
    )
    idp_client_secret: Secret | None = _program(
        "--idp-client-secret",
        "ask for the secret of --idp-client-id; takes no value",
        Kind.SECRET,
        resumed=_NO_NOTE,
        owner="idp_client_id",
    )
    client_auth: str | None = _option(
        None,
        "--client-auth",
        "how the client authenticates at the token endpoint",
        Kind.CHOICE,
        matters_from=Stage.REGISTRATION,
        edited_in=_TYPED_ONLY,
        metavar="METHOD",
        choices=AUTH_METHODS,
        wrong=f"The client authenticates with one of {', '.join(AUTH_METHODS)}.",
        for_one=True,
    )
    new_client: bool = _option(
        False,
        "--new-client",
        "register a new client, although one is stored",
        Kind.SWITCH,
        matters_from=Stage.REGISTRATION,
        edited_in=_TYPED_ONLY,
        resumed=WhyNot("the login that was interrupted has registered it"),
        instead_of=("client_metadata_url",),
    )
    initial_access_token: Secret | None = _option(
        None,
        "--initial-access-token",
        "ask for the token that allows a registration; takes no value",
        Kind.SECRET,
        matters_from=Stage.REGISTRATION,
        edited_in=WhyNot("a secret is asked for by a prompt only"),
        resumed=WhyNot("a secret is in no note"),
        for_one=True,
    )
    scope: str | None = _option(
        None,
        "--scope",
        "scope to request, instead of the challenge's",
        Kind.TEXT,
        matters_from=Stage.PKCE,
        edited_in=_LATER,
        metavar="S",
        empty_is_chosen=True,
    )
    resource: str | None = _option(
        None,
        "--resource",
        'resource to request, instead of the metadata\'s ("": none)',
        Kind.TEXT,
        matters_from=Stage.PKCE,
        edited_in=_LATER,
        metavar="R",
        for_one=True,
        empty_is_chosen=True,
        remembered=Remembered.RESOURCE,
    )
    audience: str | None = _option(
        None,
        "--audience",
        "API to request a token for, if the server wants audience",
        Kind.TEXT,
        matters_from=Stage.AUTHORIZATION,
        edited_in=(Stage.AUTHORIZATION, Stage.EXCHANGE, Stage.ACCESS),
        metavar="A",
        for_one=True,
        remembered=Remembered.RESOURCE,
    )
    issuer: str | None = _option(
        None,
        "--issuer",
        "authorization server to use, of those that the resource names",
        Kind.URL,
        matters_from=Stage.RESOURCE_METADATA,
        edited_in=(Stage.RESOURCE_METADATA,),
        metavar="URL",
        for_one=True,
    )
    issuer_name: str | None = _option(
        None,
        "--issuer-name",
        "another name that the server of --issuer may give itself",
        Kind.URL,
        matters_from=Stage.SERVER_METADATA,
        edited_in=(Stage.SERVER_METADATA,),
        metavar="URL",
        for_one=True,
        remembered=Remembered.SERVER,
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
        remembered=Remembered.SERVER,
    )
    assume_pkce: bool = _option(
        False,
        "--assume-pkce",
        "log in even if the server does not list PKCE (S256)",
        Kind.SWITCH,
        matters_from=Stage.SERVER_METADATA,
        edited_in=(Stage.SERVER_METADATA,),
        resumed=WhyNot("it relaxes a check for one login"),
        for_one=True,
        remembered=Remembered.SERVER,
    )
    any_state: bool = _option(
        False,
        "--any-state",
        "accept a code that you paste alone, without its state",
        Kind.SWITCH,
        matters_from=None,
        edited_in=WhyNot("a second paste asks for it"),
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
        named=NamedFlag("--machine", "log in as a program, without a user", "KIND", _MACHINE),
    )
    device_endpoint: str | None = _option(
        None,
        "--device-endpoint",
        "where to get the code of --device, if no metadata names it",
        Kind.URL,
        matters_from=Stage.AUTHORIZATION,
        edited_in=_TYPED_ONLY,
        metavar="URL",
        for_one=True,
        remembered=Remembered.SERVER,
    )
    dpop: bool = _option(
        False,
        "--dpop",
        "request tokens bound to a key, even if not required",
        Kind.SWITCH,
        matters_from=Stage.SERVER_METADATA,
        edited_in=_TYPED_ONLY,
    )
    remember: bool = _option(
        False,
        "--remember",
        "remember for this server what these options decide",
        Kind.SWITCH,
        matters_from=None,
        edited_in=(Stage.EXCHANGE,),
        for_one=True,
    )

    @property
    def listens(self) -> bool:
        """Whether a port is bound: a redirect URI of https leads to another program."""
        return self.listen and not (self.redirect_uri or "").lower().startswith("https:")

    def choosing(self, **values: Any) -> Options:
        """Return the options with these values, and without what means nothing beside them."""
        given_up = {o.name: o.default for o in OPTIONS.values() if not values.keys().isdisjoint(o.instead_of)}
        return replace(self, **{**given_up, **values})


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
