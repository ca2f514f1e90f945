"""What protects a resource, as far as one answer shows.

Status, challenge, the path of `Location` and Cloudflare's own header fields decide. A body is searched for
nothing but Cloudflare's error number, and only in an answer of its edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qs

from msgspec import Struct

from authlens_core.cloudflare.team import WELL_KNOWN, is_login_page, is_team_host
from authlens_core.diagnosis.credential import Credential, credential_of
from authlens_core.diagnosis.evidence import body_line, header_lines, sent_in, status_line, without_echoes
from authlens_core.diagnosis.protection import Protection, note_on
from authlens_core.values.check import Layer
from authlens_core.values.exchange import Exchange, Response
from authlens_core.values.fix import Fix
from authlens_core.values.formats.challenge import ChallengeField, parse_challenges
from authlens_core.values.formats.json_document import load_object
from authlens_core.values.formats.jwt import decoded_base64url
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret_masking import SecretMasker
from authlens_core.values.url import Url, UrlRefused, parse_url

_ACCESS_FIELDS: Final = ("cf-access-aud", "cf-access-domain", "cf-access-error")
# Numbers on Cloudflare's error pages for what its customers configure (developers.cloudflare.com, Error
# 1xxx).
_BLOCKS: Final = {
    1005: "network ban",
    1006: "address ban",
    1009: "country ban",
    1010: "Browser Integrity Check",
    1012: "access denied",
    1015: "rate limiting rule",
    1020: "WAF rule",
}
_BODY_SEARCHED: Final = 16 * 1024  # bytes
_LONGEST: Final = 16 * 1024  # characters of a URL that are looked at; login URLs of Access have about 2,000


class Classification(Struct, frozen=True):
    """What one answer says about the protection of a resource. Every text is safe to show.

    Attributes:
        evidence: the status and the header lines that show it; no query of a URL, no cookie.
        cure: what to do about it; empty where nothing is wrong.
        challenge_field: the challenges, and what was refused in them.
        cf_ray: Cloudflare's number of the request, which its support asks for.
    """

    protection: Protection
    evidence: tuple[str, ...]
    summary: str
    cure: str | Fix
    challenge_field: ChallengeField = ChallengeField()
    cf_ray: str | None = None
    layer: Layer = Layer.ORIGIN


def classify(exchange: Exchange) -> Classification:
    """Return what protects the resource that `exchange` asked for; never raises."""
    response = exchange.response
    if response is None:
        failure = exchange.failure
        meaning = note_on(Protection.NO_ANSWER)
        cause = failure.cause if failure else meaning.summary
        cure = (failure.cure if failure else "") or meaning.cure
        evidence = (f"{failure.kind} failure",) if failure else ()
        return Classification(Protection.NO_ANSWER, evidence, cause, cure, layer=meaning.layer)
    reader = _ResponseReader(exchange, response)
    recognised = filter(None, (rule(reader) for rule in _RULES))
    by_class = _BY_STATUS.get(response.status // 100, Protection.UNEXPECTED)
    classification = next(recognised, None) or reader.classification(
        _BY_STATUS.get(response.status, by_class)
    )
    return without_echoes(classification, SecretMasker(sent_in((exchange,))), "evidence", "summary", "cf_ray")


class _ResponseReader:
    """One response, with what the rules ask of it."""

    def __init__(self, exchange: Exchange, response: Response) -> None:
        self.response = response
        self.method = exchange.request.method
        self.credential = credential_of(exchange.request)
        self.status = response.status
        self.is_redirect = 300 <= response.status < 400
        self.field = parse_challenges(response.headers.get_all("www-authenticate"))
        self.target = _target(exchange, response) if self.is_redirect else None
        self.ray = response.headers.get("cf-ray")
        server = (response.headers.get("server") or "").strip().lower()
        # Only then is an error number in the body Cloudflare's: an origin may print any number.
        self.is_edge = self.ray is not None or server == "cloudflare"
        self.error = _edge_error(response) if self.is_edge and response.status >= 400 else None
        # Cloudflare's own: 520 to 527 are about the origin, 530 comes with a number such as 1033.
        self.is_origin_down = self.is_edge and self.status in (*range(520, 528), 530)

    def classification(
        self,
        protection: Protection,
        *names: str,
        layer: Layer | None = None,
        note: str = "",
        quoted: Sequence[str] = (),
    ) -> Classification:
        """Return the classification; the header fields in `names` become evidence, and what is `quoted`."""
        meaning = note_on(protection)
        evidence = (
            status_line(self.response),
            *header_lines(self.response, *names, "www-authenticate", "location"),
            *(line for line in quoted if line),
            *header_lines(self.response, "cf-ray"),
            *self.field.problems,
        )
        summary = f"{meaning.summary} {note}".rstrip()
        ray = safe_line(self.ray, NAME) if self.ray is not None else None
        return Classification(
            protection,
            evidence,
            summary=summary,
            cure=meaning.cure,
            challenge_field=self.field,
            cf_ray=ray,
            layer=layer or meaning.layer,
        )


def _token_wanted(reader: _ResponseReader) -> Classification | None:
    # Also beside others: a server may offer Basic, too.
    return _oauth(reader) if any(c.wants_token for c in reader.field.challenges) else None


def _access_login(reader: _ResponseReader) -> Classification | None:
    """A redirect to the login page of a team, with or without the challenge beside it."""
    target = reader.target
    if target is None or not is_login_page(target.path):
        return None
    by_challenge = any(c.is_scheme("cloudflare-access") for c in reader.field.challenges)
    # Any site may have this path; a custom domain of a team is known by the challenge only.
    if not by_challenge and not is_team_host(target.host):
        return None
    location = reader.response.headers.get("location") or ""
    quoted = (_service_token_line(location),) if reader.credential is Credential.SERVICE_TOKEN else ()
    return reader.classification(Protection.ACCESS_LOGIN, quoted=quoted)


def _service_token_line(location: str) -> str:
    """Return `"service_token_status": false` or `… true` as the `meta` token of a login URL has it.

    The token is a JWT. It is read and not verified, which is enough for a hint, and nothing else of it is
    shown. Empty if there is no such token.
    """
    try:
        meta = parse_qs(location[:_LONGEST].partition("?")[2], max_num_fields=50)["meta"][0]
        claims = load_object(decoded_base64url(meta.split(".")[1]) or b"")
    except (LookupError, ValueError):
        return ""
    status = claims.get("service_token_status")
    return f'"service_token_status": {str(status).lower()}' if isinstance(status, bool) else ""


def _metadata_elsewhere(reader: _ResponseReader) -> Classification | None:
    points = any(c.get("resource_metadata") is not None for c in reader.field.challenges)
    return _oauth(reader) if points else None


def _oauth(reader: _ResponseReader) -> Classification:
    by_access = any(
        c.is_scheme("cloudflare-access") or WELL_KNOWN in (c.get("resource_metadata") or "")
        for c in reader.field.challenges
    )
    return reader.classification(Protection.OAUTH, layer=Layer.ACCESS if by_access else None)


def _redirect(reader: _ResponseReader) -> Classification | None:
    if not reader.is_redirect:
        return None
    if reader.response.headers.get("location") is None:
        return reader.classification(Protection.UNEXPECTED)
    if reader.target is None:
        return reader.classification(
            Protection.REDIRECT_ELSEWHERE, note="The target is not a URL that authlens uses."
        )
    downgrade = " without encryption, so do not continue" if reader.target.scheme == "http" else ""
    return reader.classification(
        Protection.REDIRECT_ELSEWHERE, note=f"The target is {reader.target.origin}{downgrade}."
    )


def _edge_refusal(reader: _ResponseReader) -> Classification | None:
    """Cloudflare's own refusals, which have nothing to do with the login."""
    number = body_line(reader.response, str(reader.error)) if reader.error is not None else ""
    if reader.error == 1043:
        return reader.classification(Protection.REQUIRE_ACCESS_PROTECTION, quoted=(number,))
    # It comes with a challenge page, which only a browser's script can pass.
    if reader.response.headers.get("cf-mitigated") is not None:
        return reader.classification(Protection.BLOCKED, "cf-mitigated", note="It requires a browser check.")
    if reader.is_origin_down:
        return reader.classification(Protection.ORIGIN_DOWN)
    if reader.error in _BLOCKS:
        note = f"Error {reader.error}, {_BLOCKS[reader.error]}."
        return reader.classification(Protection.BLOCKED, note=note, quoted=(number,))
    return None


def _service_auth_only(reader: _ResponseReader) -> Classification | None:
    """403, or 401 where the owner chose it, with the fields by which Access names the application."""
    if reader.status not in (401, 403):
        return None
    if any(reader.response.headers.get(name) is not None for name in _ACCESS_FIELDS):
        return reader.classification(Protection.SERVICE_AUTH_ONLY, *_ACCESS_FIELDS)
    if not _is_access_page(reader):
        return None
    return reader.classification(
        Protection.SERVICE_AUTH_ONLY, quoted=(body_line(reader.response, '"status_code"'),)
    )


def _is_access_page(reader: _ResponseReader) -> bool:
    """Return whether the body is the page of Access, which has status, audience and ray as JSON."""
    if not reader.is_edge:
        return False
    text = reader.response.body.reveal()[:_BODY_SEARCHED]
    return all(name in text for name in (b'"status_code"', b'"aud"', b'"ray_id"'))


def _preflight(reader: _ResponseReader) -> Classification | None:
    # A browser sends no credential with a preflight (Fetch, CORS-preflight fetch), so Access cannot let it
    # pass.
    is_refused = reader.method == "OPTIONS" and reader.status == 403 and reader.is_edge
    return reader.classification(Protection.PREFLIGHT, *_ACCESS_FIELDS) if is_refused else None


def _unauthorized(reader: _ResponseReader) -> Classification | None:
    if reader.status != 401:
        return None
    schemes = dict.fromkeys(safe_line(c.scheme, NAME) for c in reader.field.challenges)
    # What is beyond the limits may be the challenge that counts, so the rest says nothing about the kind.
    if not schemes or reader.field.too_large:
        return reader.classification(Protection.UNAUTHORIZED_BARE)
    return reader.classification(Protection.BASIC, note=f"It names {', '.join(schemes)}.")


# The first that knows the answer decides: a challenge says most, then a redirect; a status alone says least.
_RULES: Final[tuple[Callable[[_ResponseReader], Classification | None], ...]] = (
    _token_wanted,
    _access_login,
    _metadata_elsewhere,
    _redirect,
    _edge_refusal,
    _preflight,
    _service_auth_only,
    _unauthorized,
)
# Of a status, or of its hundreds.
_BY_STATUS: Final = {
    2: Protection.PUBLIC,
    5: Protection.SERVER_ERROR,
    403: Protection.FORBIDDEN,
    404: Protection.NOT_FOUND,
    405: Protection.METHOD_NOT_ALLOWED,
    406: Protection.METHOD_NOT_ALLOWED,
    410: Protection.NOT_FOUND,
    429: Protection.RATE_LIMITED,
}


def _target(exchange: Exchange, response: Response) -> Url | None:
    """Return where a redirect points, without its query, or None where it is not a URL that is used."""
    location = (response.headers.get("location") or "").partition("#")[0].partition("?")[0]
    try:
        # Two slashes begin the name of another host (RFC 3986 §4.2).
        if location.startswith("/") and not location.startswith("//"):
            request = parse_url(exchange.request.url, loopback_http=True)
            location = f"{request.origin}{location}"
        if location.startswith("http://"):  # parsed to be named, never to be followed
            secure = parse_url(f"https://{location.removeprefix('http://')}")
            return Url("http", secure.host, port=secure.port, path=secure.path, query=None)
        return parse_url(location)
    except UrlRefused:
        return None


def _edge_error(response: Response) -> int | None:
    """Return the number of Cloudflare's error page, however it is written, or None."""
    text = response.body.reveal()[:_BODY_SEARCHED].decode("utf-8", "replace").lower()
    # White space and line breaks differ between the pages.
    dense = "".join(text.split())
    # The pages differ by account and by kind of client, and have the number in one of these forms.
    numbers = re.findall(r'(?:errorcode:?|"error_code":|cf-error-code">|error)(\d{4})', dense)
    # Only those that mean something here: a page may have other numbers of four digits.
    return next((number for number in (1043, *_BLOCKS) if str(number) in numbers), None)
