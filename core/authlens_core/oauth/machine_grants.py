"""Programs that log in without a user: what each grant sends, after which answer, and what a server lists.

Client credentials (RFC 6749 §4.4), JWT bearer (RFC 7523 §2.1), and the identity assertion that an identity
provider gives for a token of its own (RFC 8693; MCP, Enterprise-Managed Authorization).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

from msgspec import Struct

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.device_authorization import GRANT_TYPE as DEVICE_CODE
from authlens_core.oauth.token import is_token
from authlens_core.values.check import Check, CheckId, Reading, requirement
from authlens_core.values.exchange import Exchange, Purpose, Request, Response
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.error_response import error_in, is_usable, listed, quoted_value, read_answer
from authlens_core.values.formats.form import FormPair
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import PROGRAMS, GrantType
from authlens_core.values.url import Url, parse_url

_TOKEN: Final = "urn:ietf:params:oauth:token-type:"  # noqa: S105 - the start of a name
ID_JAG: Final = f"{_TOKEN}id-jag"
# Of the request that goes to an identity provider before that of the token.
FIRST: Final = Purpose.TOKEN_EXCHANGE
FIRST_ANSWERED: Final = "token_exchange.answer"
NOTHING_GIVEN: Final = (
    "Your identity provider gave no assertion for the resource's server.",
    "Ask its administrator which programs it allows there.",
)


class IdentityProvider(Struct, frozen=True):
    """Where an identity is exchanged for an assertion, and as which of its clients.

    Attributes:
        client: without an id if the provider asks for none.
    """

    token_endpoint: Url
    client: Client


class MachineLogin(Struct, frozen=True):
    """What a program logs in with.

    Attributes:
        issuer: of the resource's server.
        assertion: what the file or the command of the user gave.
    """

    grant_type: GrantType
    token_endpoint: Url
    issuer: str
    scope: str | None
    resource: str | None
    assertion: Secret | None = None
    identity_provider: IdentityProvider | None = None

    @classmethod
    def of(cls, options: Options, *, loopback_http: bool = True, **of_server: Any) -> Self:
        """Return the login with `options` and the other fields.

        Raises:
            UrlRefused: what the options name is no URL that an identity may be sent to.
        """
        provider = _identity_provider(options, loopback_http=loopback_http)
        return cls(options.grant_type, **of_server, identity_provider=provider)

    def first_request(self) -> Request | None:
        """Return the request to the identity provider, which goes first; None if there is none."""
        provider = self.identity_provider
        if provider is None:
            return None
        subject = self.assertion or Secret("")
        # RFC 8693 §3 names the kind of each token; what is no JWT can only be an assertion of SAML.
        kind = "id_token" if parse_jwt(subject) is not None else "saml2"
        pairs: list[FormPair] = [
            ("grant_type", GrantType.TOKEN_EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("audience", self.issuer),
            ("subject_token", subject),
            ("subject_token_type", f"{_TOKEN}{kind}"),
            *self._target_pairs,
        ]
        return form_request(provider.token_endpoint, provider.client, pairs)

    def token_request(self, client: Client, exchanged: Response | None) -> Request:
        """Return the request to the resource's server.

        Args:
            exchanged: the answer of the identity provider, if there is one.
        """
        assertion = self.assertion if exchanged is None else read_first_answer(exchanged).value
        program = PROGRAMS[self.grant_type]
        # The last step of an exchange is a JWT bearer.
        pairs: list[FormPair] = [("grant_type", program.listed_as or self.grant_type)]
        if program.assertion:
            pairs.append(("assertion", assertion or Secret("")))
        return form_request(self.token_endpoint, client, [*pairs, *self._target_pairs])

    @property
    def _target_pairs(self) -> list[FormPair]:
        return [("scope", self.scope or ""), ("resource", self.resource or "")]


def _identity_provider(options: Options, *, loopback_http: bool) -> IdentityProvider | None:
    """Return the identity provider that is asked first; None if the grant has none."""
    if options.grant_type is not GrantType.TOKEN_EXCHANGE:
        return None
    secret = options.idp_client_secret
    method = "none" if secret is None else "client_secret_basic"
    client = Client(options.idp_client_id or "", "", method, secret)
    return IdentityProvider(parse_url(options.idp or "", loopback_http=loopback_http), client)


def sent_apart(sent: Sequence[Exchange]) -> tuple[tuple[Exchange, ...], tuple[Exchange, ...]]:
    """Return what was sent to the identity provider, and what to the resource's server."""
    before = tuple(e for e in sent if e.purpose is FIRST)
    return before, tuple(e for e in sent if e.purpose is not FIRST)


def read_first_answer(response: Response | None, sent: Sequence[Secret] = ()) -> Reading[Secret]:
    """Read the answer of an identity provider; its `access_token` is the assertion, and no token of OAuth.

    Args:
        sent: the secrets of the request, masked where the texts of the provider repeat them.
    """
    if response is None:
        return Reading(None, ())
    spec = "RFC 8693 §2.2.1"
    answer = read_answer(response, stage="token_exchange", spec=spec, secrets=sent)
    if answer.value is None:
        return Reading(None, answer.checks)
    document, checks = answer.value, list(answer.checks)
    checks += error_in(document, response.status, sent, requirement("token_exchange.error"))
    checks.append(_type_check(document.get("issued_token_type"), spec))
    value = document.get("access_token")
    check = requirement("token_exchange.assertion")
    if not is_token(value):
        return Reading(None, (*checks, check.failed("none, or malformed")))
    checks.append(check.passed(f"{len(value)} characters"))
    return Reading(Secret(value) if is_usable(checks) else None, tuple(checks))


def _type_check(issued: JsonValue, spec: str) -> Check:
    check = requirement("token_exchange.issued_token_type", spec=spec)
    if issued == ID_JAG:
        return check.passed(ID_JAG)
    return check.failed(quoted_value(issued))


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
    listed_grant = (program and program.listed_as) or grant
    check = requirement("server.machine_grant", wanted=listed_grant)
    if grants is not None and listed_grant in grants:
        return check.passed(listed(grants))
    return check.warned(listed(grants or ()) or "not stated")


def _programs_only(grants: Sequence[str] | None, *, has_page: bool) -> Check | None:
    candidates = (program for program in PROGRAMS.values() if program.listed_as is None)
    offered = [program.example for program in candidates if program.grant_type in (grants or ())]
    by_user = {GrantType.AUTHORIZATION_CODE, DEVICE_CODE} & set(grants or ())
    if not offered or (by_user and has_page):
        return None
    check = requirement(CheckId.SERVER_PROGRAMS_ONLY)
    ways = fix(*(step("Log in as a program", f"authlens login URL {command}") for command in offered))
    return check.failed(f"only for programs: {', '.join(grants or ())}"[:500], cure=ways)
