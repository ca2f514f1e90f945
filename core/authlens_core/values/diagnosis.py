"""A diagnosis: why something failed and what leads on, in words that you can act on and as values."""

# ruff: noqa: S105 - names of causes, not tokens

from __future__ import annotations

from enum import StrEnum
from typing import Final

from authlens_core.values.fix import Fix
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_fields, safe_text


class CauseId(StrEnum):
    """The stable identifier of a cause: in session files, and what the keys of the wizard go by.

    Those of programs are the names of their entries in `words/causes.toml` alone.
    """

    ACCESS_REQUIRED = "access_required"
    ANSWER_NEVER_CAME = "answer_never_came"
    ANSWER_OF_ANOTHER_LOGIN = "answer_of_another_login"
    ANSWER_OF_ANOTHER_SERVER = "answer_of_another_server"
    APPLICATION_NOT_FOUND = "application_not_found"
    BROWSER_INTEGRITY_CHECK = "browser_integrity_check"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    CHALLENGE_PAGE = "challenge_page"
    CHALLENGE_WITHOUT_METADATA = "challenge_without_metadata"
    CLIENT_DOCUMENT_REFUSED = "client_document_refused"
    CLIENT_FOUND_NO_METADATA = "client_found_no_metadata"
    CLOCKS_DIFFER = "clocks_differ"
    CODE_EXPIRED = "code_expired"
    CODE_NOT_EXCHANGED = "code_not_exchanged"
    CODE_REFUSED = "code_refused"
    CONNECTION_REFUSED = "connection_refused"
    FORBIDDEN = "forbidden"
    FRESH_TOKEN_REFUSED = "fresh_token_refused"
    GIT_CANNOT_ASK = "git_cannot_ask"
    GIT_REFUSED = "git_refused"
    ISSUER_MISMATCH = "issuer_mismatch"
    JWT_AS_BEARER = "jwt_as_bearer"
    JWT_NEEDS_ALLOW_POLICY = "jwt_needs_allow_policy"
    JWT_REFUSED = "jwt_refused"
    LOCAL_SERVER_ENDED = "local_server_ended"
    LOGIN_NOT_MADE = "login_not_made"
    LOGIN_PAGE_FOR_AN_ANSWER = "login_page_for_an_answer"
    LOOPBACK_REFUSED = "loopback_refused"
    MANAGED_OAUTH_OFF = "managed_oauth_off"
    METADATA_OF_ANOTHER_RESOURCE = "metadata_of_another_resource"
    METADATA_WITH_NULL = "metadata_with_null"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NAME_UNKNOWN = "name_unknown"
    NO_ANSWER_IN_TIME = "no_answer_in_time"
    NO_CHALLENGE = "no_challenge"
    NO_REGISTRATION_ENDPOINT = "no_registration_endpoint"
    NO_RESOURCE_METADATA = "no_resource_metadata"
    NO_REVOCATION_ENDPOINT = "no_revocation_endpoint"
    NO_S256 = "no_s256"
    NO_SERVER_METADATA = "no_server_metadata"
    NOT_ALLOWED_WITH_TOKEN = "not_allowed_with_token"
    NOT_FOUND = "not_found"
    OAUTH_NOT_FOUND = "oauth_not_found"
    OAUTH_TURNED_OFF = "oauth_turned_off"
    ORIGIN_DOWN = "origin_down"
    OTHER_LOGIN = "other_login"
    PKCE_FIRST_CHARACTER = "pkce_first_character"
    POLICY_REFUSES_TOKEN = "policy_refuses_token"
    PORT_TAKEN = "port_taken"
    PORT_TAKEN_ON_ONE_ADDRESS = "port_taken_on_one_address"
    PREFLIGHT_REFUSED = "preflight_refused"
    PROOF_WANTED = "proof_wanted"
    PUBLIC = "public"
    PUBLIC_CLIENTS_NOT_LISTED = "public_clients_not_listed"
    REDIRECT_ELSEWHERE = "redirect_elsewhere"
    REDIRECT_URI_CHANGED = "redirect_uri_changed"
    REDIRECT_URI_NOT_IN_ACCOUNT = "redirect_uri_not_in_account"
    REDIRECT_URI_NOT_IN_APPLICATION = "redirect_uri_not_in_application"
    REDIRECT_URI_REFUSED = "redirect_uri_refused"
    REFRESH_TOKEN_ENDED = "refresh_token_ended"
    RESOURCE_DOES_NOT_MATCH = "resource_does_not_match"
    RESOURCE_MISSING = "resource_missing"
    RESOURCE_NOT_WANTED = "resource_not_wanted"
    RESOURCE_REFUSED = "resource_refused"
    S256_MISSING = "s256_missing"
    SERVER_FAILED = "server_failed"
    SERVICE_AUTH_MISSING = "service_auth_missing"
    SERVICE_TOKEN_HALF = "service_token_half"
    SERVICE_TOKEN_IGNORED = "service_token_ignored"
    SERVICE_TOKEN_NOT_AUTHENTICATED = "service_token_not_authenticated"
    SERVICE_TOKEN_NOT_AUTHORISED = "service_token_not_authorised"
    SERVICE_TOKEN_SWAPPED = "service_token_swapped"
    SERVICE_TOKEN_TWICE = "service_token_twice"
    SERVICE_TOKEN_UNKNOWN = "service_token_unknown"
    SERVICE_TOKENS_ONLY = "service_tokens_only"
    STALE_SIGN_IN = "stale_sign_in"
    TOKEN_NOT_ENOUGH = "token_not_enough"
    TOKEN_REFUSED = "token_refused"
    TOO_MANY_REGISTRATIONS = "too_many_registrations"
    TOO_MANY_REQUESTS = "too_many_requests"
    TRANSPORT_OF_THE_OLD_PROTOCOL = "transport_of_the_old_protocol"
    TUNNEL_DOWN = "tunnel_down"
    UNKNOWN_CLIENT = "unknown_client"
    USER_DENIED = "user_denied"
    WAF_BEFORE_ACCESS = "waf_before_access"
    ZONE_SECURITY = "zone_security"


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


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why something failed. Every text is made safe to show when it is made.

    Attributes:
        name: a stable identifier of the cause; `UNKNOWN` if the answer is shown instead.
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
        object.__setattr__(self, "evidence", tuple(safe_text(line) for line in self.evidence))

    @property
    def known(self) -> bool:
        """False if the answer itself is shown, because authlens does not know what it means."""
        return self.name != UNKNOWN
