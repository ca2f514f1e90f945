"""A check: one requirement held against one answer, and the result; a reading: all checks of one answer.

Whether a failed check may be overridden is decided where the specification is known, never in the interface.
"""

# ruff: noqa: S105 - names of causes, not tokens

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, Generic, TypedDict, TypeVar, Unpack

from msgspec import Struct
from msgspec.structs import force_setattr

from authlens_core.values.fix import Fix, cure_in, mapped
from authlens_core.values.safe_text import safe_fields, safe_text
from authlens_core.values.word_files import words


class ErrorCode(StrEnum):
    """A registered error code (IANA, OAuth Extensions Error Registry), as it is on the wire."""

    ACCESS_DENIED = "access_denied"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    AUTHORIZATION_PENDING = "authorization_pending"
    CONSENT_REQUIRED = "consent_required"
    EXPIRED_TOKEN = "expired_token"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INSUFFICIENT_USER_AUTHENTICATION = "insufficient_user_authentication"
    INTERACTION_REQUIRED = "interaction_required"
    INVALID_AUTHORIZATION_DETAILS = "invalid_authorization_details"
    INVALID_CLIENT = "invalid_client"
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    INVALID_GRANT = "invalid_grant"
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_REQUEST = "invalid_request"
    INVALID_REQUEST_OBJECT = "invalid_request_object"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_SCOPE = "invalid_scope"
    INVALID_SOFTWARE_STATEMENT = "invalid_software_statement"
    INVALID_TARGET = "invalid_target"
    INVALID_TOKEN = "invalid_token"
    LOGIN_REQUIRED = "login_required"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "request_uri_not_supported"
    SERVER_ERROR = "server_error"
    SLOW_DOWN = "slow_down"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNMET_AUTHENTICATION_REQUIREMENTS = "unmet_authentication_requirements"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"
    USE_DPOP_NONCE = "use_dpop_nonce"


_Value = TypeVar("_Value")


class CheckId(StrEnum):
    """`stage.subject` of a check that other code looks for: a cause, an exit code, a sentence, an arrow."""

    LOGIN_TIMEOUT = "login.timeout"
    DETECTION_PROTECTION = "detection.protection"
    DETECTION_METADATA = "detection.resource_metadata"
    DETECTION_METADATA_GUESSED = "detection.metadata_guessed"
    METADATA_FOUND = "resource_metadata.found"
    METADATA_RESOURCE = "resource_metadata.resource"
    METADATA_SERVER = "resource_metadata.authorization_server"
    SERVER_DOCUMENT = "server.document"
    SERVER_ISSUER = "server.issuer"
    SERVER_NONE = "server.none"
    SERVER_PROGRAMS_ONLY = "server.programs_only"
    SERVER_S256 = "server.s256"
    SERVER_REGISTRATION = "server.registration_endpoint"
    REGISTRATION_PORT = "registration.port"
    REGISTRATION_PORT_HALF = "registration.port_half"
    REGISTRATION_LISTENER = "registration.listener"
    REGISTRATION_ENDPOINT = "registration.endpoint"
    REGISTRATION_AT_ORIGIN = "registration.at_origin"
    AUTHORIZATION_CODE = "authorization.code"
    AUTHORIZATION_ENCODING = "authorization.encoding"
    AUTHORIZATION_ERROR = "authorization.error"
    AUTHORIZATION_ISS = "authorization.iss"
    AUTHORIZATION_OPENED = "authorization.opened"
    AUTHORIZATION_PARAMETERS = "authorization.parameters"
    AUTHORIZATION_SCOPE = "authorization.scope"
    AUTHORIZATION_STATE = "authorization.state"
    AUTHORIZATION_STOPPED = "authorization.stopped"
    AUTHORIZATION_TIMEOUT = "authorization.timeout"
    DEVICE_EXPIRED = "device.expired"
    DEVICE_PAGE_SITE = "device.verification_site"
    DEVICE_TIMEOUT = "device.timeout"
    EXCHANGE_ASSERTION = "exchange.assertion"
    EXCHANGE_ASSERTION_LATE = "exchange.assertion_late"
    EXCHANGE_ACCOUNT = "exchange.account"
    EXCHANGE_STORED = "exchange.kept"
    TOKEN_CLOCK = "token.clock"
    EXCHANGE_PUBLIC_CLIENT = "exchange.public_client"
    EXCHANGE_VERIFIER = "exchange.verifier"
    ACCESS_ACCEPTED = "access.accepted"
    ACCESS_AUDIENCE = "access.audience"
    ACCESS_ISSUER = "access.issuer"
    ACCESS_LIFETIME = "access.lifetime"
    ACCESS_PROOF = "access.proof"
    ACCESS_UNEXPLAINED = "access.unexplained"
    PROBE_ACCEPTED = "probe.accepted"
    REFRESH_ROTATION = "refresh.rotation"
    REFRESH_STORED = "refresh.stored"
    REVOKE_ACCESS_TOKEN = "revoke.access_token"
    REVOKE_REFRESH_TOKEN = "revoke.refresh_token"
    REVOKE_ENDPOINT = "revoke.endpoint"
    REVOKE_PROOF = "revoke.proof"
    SERVICE_TOKEN_HALF = "service_token.half"
    SERVICE_TOKEN_TWICE = "service_token.twice"
    SERVICE_TOKEN_SWAPPED = "service_token.swapped"


class Severity(StrEnum):
    """How a check came out, from good to bad."""

    PASS = "pass"
    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


class Check(Struct, frozen=True, kw_only=True):
    """One requirement held against one answer; text from outside in it is made safe to show when it is made.

    Attributes:
        name: a stable identifier, `stage.subject`; a `CheckId` if other code looks for it.
        expected: what the specification or we expect, a short sentence.
        spec: where it is written, such as `RFC 9728 §3.3`.
        cure: what to do when it failed; names the exact setting if there is one.
        overridable: true if the user may continue despite a failure.
        error_code: the OAuth error code in the answer that it looked at, as the server sent it, or empty.
        host: the host in the answer that a yes is for, or empty. At the next login a server may name another.
    """

    name: str
    severity: Severity
    expected: str
    seen: str = ""
    why: str = ""
    spec: str = ""
    cure: str | Fix = ""
    overridable: bool = False
    error_code: str = ""
    host: str = ""

    def __post_init__(self) -> None:
        safe_fields(self, "expected", "seen", "why", "cure", "error_code", "host")

    @property
    def approval(self) -> str:
        """What approves this failure and no other: its identifier, with the host if it is about one."""
        return f"{self.name}={self.host}" if self.host else self.name

    @property
    def judges_attack(self) -> bool:
        """True for the verdict on an attack that the user started."""
        return self.name.startswith("experiment.")

    @property
    def refuses_attack(self) -> bool:
        """True where that verdict is that the attack was refused, as it must be."""
        return self.judges_attack and self.severity is Severity.PASS

    @property
    def subject(self) -> str:
        """The last part of the identifier: what the check is about, whatever the stage."""
        return self.name.rpartition(".")[2]


class _Remarks(TypedDict, total=False):
    cure: str | Fix
    why: str
    spec: str
    overridable: bool
    error_code: str
    host: str


_SAID: Final = frozenset({"expected", "why", "spec", "cure"})


def judged(
    severity: Severity, name: str, expected: str, actual: str = "", **remarks: Unpack[_Remarks]
) -> Check:
    """Make a check with words of its own; `requirement` has those of `words/checks.json`."""
    return Check(name=name, severity=severity, expected=expected, seen=actual, **remarks)


class Requirement(Struct, frozen=True):
    """A check before the answer is looked at, and a method for each result.

    Its words are an entry of `words/checks.json`: what is expected, why and where that is written, and what
    differs for a result, by the severity or by the name that the method is given. `{…}` is one of `values`,
    and a fix has the form of `cure_in`. A remark given with the result replaces that there.

    Attributes:
        values: what the sentences name, by the placeholder.
    """

    name: str
    entry: str
    values: Mapping[str, object]

    def judged(
        self, severity: Severity, actual: str = "", result: str = "", **remarks: Unpack[_Remarks]
    ) -> Check:
        stage, _, subject = self.entry.partition(".")
        # Read now, and not with the requirement: most runs make few checks, and many make none.
        entry = words("checks")[stage][subject]
        of_result = entry[result] if result else entry.get(severity, {})
        texts: dict[str, Any] = {**entry, **of_result, **remarks}
        filled = {key: self._filled(texts[key]) for key in _SAID if key in texts and key not in remarks}
        return judged(severity, self.name, str(filled.pop("expected")), actual, **filled, **remarks)

    def _filled(self, text: Any) -> str | Fix:
        # Filled after it was taken apart: a value with blanks or quotes stays one word of a command.
        return mapped(cure_in(text), lambda sentence: sentence.format_map(self.values))

    def passed(self, actual: str = "", result: str = "", **remarks: Unpack[_Remarks]) -> Check:
        return self.judged(Severity.PASS, actual, result, **remarks)

    def noticed(self, actual: str, result: str = "", **remarks: Unpack[_Remarks]) -> Check:
        return self.judged(Severity.NOTICE, actual, result, **remarks)

    def warned(self, actual: str, result: str = "", **remarks: Unpack[_Remarks]) -> Check:
        return self.judged(Severity.WARNING, actual, result, **remarks)

    def failed(self, actual: str, result: str = "", **remarks: Unpack[_Remarks]) -> Check:
        return self.judged(Severity.FAILURE, actual, result, **remarks)


def requirement(name: str, entry: str = "", **values: object) -> Requirement:
    """Return the check `name`, with `values` for the placeholders of its sentences.

    Args:
        entry: the entry of `words/checks.json`, if several checks share it or one has several.
    """
    return Requirement(name, entry or name, values)


def failures(checks: Iterable[Check], overridden: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the failed checks that were not overridden or cannot be."""
    allowed = frozenset(overridden)
    return tuple(
        c for c in checks if c.severity is Severity.FAILURE and not (c.overridable and c.name in allowed)
    )


class Reading(Struct, Generic[_Value], frozen=True):
    """What an answer says, with every check that was made on the way.

    Attributes:
        value: the value if it is usable, None if it is not.
        checks: every check, in the order in which they were made.
    """

    value: _Value | None
    checks: tuple[Check, ...]


# The name of the diagnosis that shows an answer because its meaning is not known.
UNKNOWN: Final = "unknown"
# That of one which tells why no answer came.
NO_ANSWER: Final = "no_answer"


class Layer(StrEnum):
    """Who gave an answer."""

    ACCESS = "Cloudflare Access"
    WAF = "Cloudflare WAF"
    ORIGIN = "origin"
    NETWORK = "network"
    THIS_MACHINE = "this machine"


class Diagnosis(Struct, frozen=True):
    """Why something failed. Every text is made safe to show when it is made.

    Attributes:
        name: a stable identifier of the cause, of `words/causes.toml` or of the stage that knew it; `UNKNOWN`
            if the answer is shown instead.
        cure: what to do; names the exact setting.
        cf_ray: Cloudflare's number of the answer, by which its owner finds the request.
        evidence: the lines that show it, quoted from the raw answer if there is one.
        layer: who answered; None if no one did or it does not matter.
    """

    name: str
    cause: str
    cure: str | Fix
    evidence: tuple[str, ...] = ()
    source: str = ""
    layer: Layer | None = None
    cf_ray: str | None = None

    def __post_init__(self) -> None:
        safe_fields(self, "cause", "cure")
        force_setattr(self, "evidence", tuple(safe_text(line) for line in self.evidence))

    @property
    def known(self) -> bool:
        """False if the answer itself is shown, because authlens does not know what it means."""
        return self.name != UNKNOWN
