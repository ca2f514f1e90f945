"""What a trace and its records are about: stages, how they ended, and grant types.

How a program logs in without a user is declared here once: the command line, the form of the full screen,
the flow and the checks before a login are made from it. What it sends is in `oauth/machine_grants.py`.

"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Stage(StrEnum):
    """What a record is about: the stages of a login in their order, then what is done with a grant later.

    A login has some of these stages; which, its `Flow` says.
    """

    DETECTION = "detection"
    RESOURCE_METADATA = "resource_metadata"
    SERVER_METADATA = "server_metadata"
    REGISTRATION = "registration"
    PKCE = "pkce"
    AUTHORIZATION = "authorization"
    EXCHANGE = "exchange"
    ACCESS = "access"
    REFRESH = "refresh"
    REVOKE = "revoke"
    PROBE = "probe"


LOGIN_STAGES: Final = tuple(
    stage for stage in Stage if stage not in (Stage.REFRESH, Stage.REVOKE, Stage.PROBE)
)


class Outcome(StrEnum):
    """How a stage ended."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class UserPart(StrEnum):
    """What the user does in the authorization stage, which decides what they are shown meanwhile."""

    LINK = "link"
    """Opens a link in a browser, which comes back to this machine with the answer."""

    CODE = "code"
    """Enters a code on a page, on any device; nothing comes back here."""

    NOTHING = "nothing"
    """Is not needed: a program logs in as itself."""


class TraceKind(StrEnum):
    """What the user set out to do."""

    LOGIN = "login"
    REFRESH = "refresh"
    REVOKE = "revoke"
    PROBE = "probe"


# How a client authenticates at the token endpoint (RFC 7591 §2).
AUTH_METHODS: Final = ("none", "client_secret_basic", "client_secret_post")


class Need(StrEnum):
    """What a server wants of a request although no specification asks for it."""

    SCOPE = "scope"
    """The granted scope in a refresh (Microsoft Entra ID: AADSTS90014)."""
    RAW_BASIC = "raw basic"
    """Id and secret in Basic as they are, without the form encoding of RFC 6749 §2.3.1."""
    CLIENT_ID = "client_id"
    """The client's id in the body, beside Basic."""
    EMPTY_SECRET = "empty client_secret"  # noqa: S105 - a name
    """An empty `client_secret` of a public client: some servers read the field first."""
    ENDPOINT_AUDIENCE = "token endpoint as audience"
    """The token endpoint, not the issuer, in what a client signs (RFC 7523 §3, before its revision)."""


class GrantType(StrEnum):
    """What a login exchanges for tokens; each has its `Flow`. A refresh is no login and is not among them."""

    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
    """At an identity provider, for an assertion that the resource's server takes."""


MACHINE_GRANTS: Final = frozenset(
    {GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER, GrantType.TOKEN_EXCHANGE}
)


class ProgramNeed(Struct, frozen=True):
    """Options of which one is needed.

    Attributes:
        missing: what a login does not name that has none of them.
        example: the option that is proposed, as it is typed; empty if a prompt asks for it.
        expected: what is checked before the login; empty if its own check says more.
        fact: what its value is called in the record.
        only_one: whether two are one too many.
    """

    options: tuple[str, ...]
    missing: str
    example: str = ""
    expected: str = ""
    fact: str = ""
    spec: str = ""
    only_one: bool = False

    def is_met(self, options: Struct) -> bool:
        count = len(self.values(options))
        return count == 1 or (count > 1 and not self.only_one)

    def values(self, options: Struct) -> list[object]:
        values = (getattr(options, name) for name in self.options)
        return [value for value in values if value is not None]


_CLIENT: Final = ProgramNeed(
    ("client_id",), "no client, which the server's owner registers", "--client-id ID"
)
_AUTHENTICATION: Final = ProgramNeed(
    ("client_secret", "client_key"), "nothing that the client authenticates with"
)
_ASSERTION: Final = ProgramNeed(
    ("assertion_file", "assertion_command"),
    "no single file or command for its assertion",
    "--assertion-file FILE",
    only_one=True,
)
_PROVIDER: Final = ProgramNeed(
    ("idp",),
    "no token endpoint of an identity provider",
    "--idp PROVIDER",
    expected="An identity provider is named.",
    fact="identity_provider",
    spec="RFC 8693 §2",
)


class Program(Struct, frozen=True):
    """A grant of a program.

    Attributes:
        kind: its name, the value of `--machine`.
        words: its name in the form.
        needs: what a login has to name.
        asks: the options that the form has for it.
        listed_as: the grant that a server lists for it, where that is another one.
        assertion: the parameter of its first request that carries what another party vouches for.
    """

    grant_type: GrantType
    kind: str
    words: str
    needs: tuple[ProgramNeed, ...]
    asks: tuple[str, ...]
    listed_as: GrantType | None = None
    assertion: str = ""

    @property
    def example(self) -> str:
        """The options of such a login, as they are typed."""
        return " ".join((f"--machine {self.kind}", *(need.example for need in self.needs if need.example)))

    def missing(self, options: Struct) -> tuple[ProgramNeed, ...]:
        """Return what a login with `options` does not name."""
        return tuple(need for need in self.needs if not need.is_met(options))


PROGRAMS: Final[Mapping[GrantType, Program]] = MappingProxyType(
    {
        program.grant_type: program
        for program in (
            Program(
                GrantType.CLIENT_CREDENTIALS,
                "client-credentials",
                "Client credentials: a secret or a key of its own",
                needs=(_CLIENT, _AUTHENTICATION),
                asks=("client_id", "client_secret", "client_key"),
            ),
            # The assertion may be all that a server asks of a program (RFC 7523 §2.1).
            Program(
                GrantType.JWT_BEARER,
                "jwt-bearer",
                "JWT bearer: the platform vouches for it",
                needs=(_ASSERTION,),
                asks=("client_id", "assertion_file", "assertion_command"),
                assertion="assertion",
            ),
            Program(
                GrantType.TOKEN_EXCHANGE,
                "enterprise",
                "Enterprise: your company's identity provider decides",
                needs=(_ASSERTION, _CLIENT, _PROVIDER),
                asks=(
                    *("client_id", "client_secret", "client_key", "idp", "idp_client_id"),
                    *("idp_client_secret", "assertion_file", "assertion_command"),
                ),
                listed_as=GrantType.JWT_BEARER,
                assertion="subject_token",
            ),
        )
    }
)
"""Every grant of a program."""
