"""What the parts of a message mean: header fields with their values, members of documents, parameters.

The kind of a document is recognised by the names in it, because a server may answer anything anywhere.

"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from authlens_core.cloudflare.team import is_login_page
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.challenge import Challenge, parse_challenges
from authlens_core.values.formats.duration import http_date, retry_after
from authlens_core.values.secret import Unprinted
from authlens_core.values.stage import Stage
from authlens_core.values.word_files import words

CLOUDFLARE: Final = "Cloudflare Access"


class Explanation(Struct, frozen=True):
    """What something means.

    Attributes:
        sentence: one plain sentence of ours.
        spec: where it is written, such as `RFC 9728 §2`.
    """

    sentence: str
    spec: str


# The meanings of the members of a kind of document, by name.
Members: TypeAlias = Mapping[str, Explanation]


@cache
def meanings(file: str, kind: str) -> Members:
    """Return the meanings by name that a file of words has for one kind of thing."""
    return {
        name: Explanation(sentence, spec)
        for spec, sentences in words(file)[kind].items()
        for name, sentence in sentences.items()
    }


class DocumentKind(StrEnum):
    """Something with members, parameters or claims; the value is its name in `words/members.toml`."""

    RESOURCE = "resource"
    SERVER = "server"
    CLIENT = "client"
    AUTHORIZATION = "authorization"
    """The parameters of the link."""
    CALLBACK = "callback"
    TOKEN_REQUEST = "token-request"  # noqa: S105 - a kind of document
    TOKENS = "tokens"
    ERROR = "error"
    REVOCATION = "revocation"
    LOGIN_REDIRECT = "login-redirect"
    """The redirect of Access to a team's login page."""
    KEY_SET = "key-set"
    JOSE_HEADER = "jose-header"
    CLAIMS = "claims"
    DPOP_PROOF = "dpop-proof"


# Each kind of document with the names that mark it, all of one set; the first that fits counts.
_MARKS: Final[tuple[tuple[DocumentKind, tuple[set[str], ...]], ...]] = (
    (DocumentKind.ERROR, ({"error"}, {"message", "status_code"})),
    (DocumentKind.TOKEN_REQUEST, ({"grant_type"},)),
    (DocumentKind.TOKENS, ({"access_token"}, {"id_token"})),
    (DocumentKind.SERVER, ({"issuer"}, {"token_endpoint"}, {"authorization_endpoint"})),
    (DocumentKind.RESOURCE, ({"authorization_servers"}, {"team_domain"})),
    (DocumentKind.CLIENT, ({"redirect_uris"}, {"client_id_issued_at"})),
    (DocumentKind.AUTHORIZATION, ({"response_type"}, {"code_challenge"})),
    (DocumentKind.LOGIN_REDIRECT, ({"kid", "redirect_url"},)),
    (DocumentKind.CALLBACK, ({"code", "state"}, {"code", "iss"})),
    (DocumentKind.REVOCATION, ({"token", "client_id"}, {"token_type_hint"})),
    (DocumentKind.KEY_SET, ({"keys"},)),
    (DocumentKind.RESOURCE, ({"resource"},)),
)
_OF_STAGE: Final[Mapping[Stage, tuple[DocumentKind, ...]]] = {
    Stage.DETECTION: (DocumentKind.ERROR,),
    Stage.RESOURCE_METADATA: (DocumentKind.RESOURCE,),
    Stage.SERVER_METADATA: (DocumentKind.SERVER,),
    Stage.REGISTRATION: (DocumentKind.CLIENT,),
    Stage.PKCE: (DocumentKind.TOKEN_REQUEST, DocumentKind.AUTHORIZATION),
    Stage.AUTHORIZATION: (DocumentKind.AUTHORIZATION, DocumentKind.CALLBACK),
    Stage.EXCHANGE: (DocumentKind.TOKENS,),
    Stage.REFRESH: (DocumentKind.TOKENS,),
}


@cache
def members(kind: DocumentKind) -> Members:
    """Return the meanings of the members of a kind of document; the words are read at the first call."""
    of_kind = meanings("members", kind)
    if kind is DocumentKind.DPOP_PROOF:  # a proof is a JWT: what it does not redefine means the same
        return {**members(DocumentKind.JOSE_HEADER), **of_kind}
    return of_kind


def explain_member(vocabulary: Members, name: str) -> Explanation | None:
    """Return what the member `name` means in `vocabulary`, or None if it is not there.

    A language tag, as in `client_name#de`, is ignored (RFC 7591 §2.2).
    """
    return vocabulary.get(name.partition("#")[0])


def explain_fact(name: str, stage: Stage) -> Explanation | None:
    candidates = (explain_member(members(kind), name) for kind in _OF_STAGE.get(stage, ()))
    return next((meaning for meaning in candidates if meaning is not None), None)


def members_of(names: Collection[str]) -> Members:
    """Return the known members of the kind of document that has these names; none for any other document."""
    present = frozenset(names)
    for kind, marks in _MARKS:
        if any(mark <= present for mark in marks):
            return members(kind)
    return {}


_MAX_PARTS: Final = 64


class HeaderPart(Unprinted, Struct, frozen=True):
    """One part of a value; name and value are text from outside.

    Attributes:
        meaning: what it means, or None.
        secret: true where the value is a credential whatever it is called.
    """

    name: str
    value: str
    meaning: Explanation | None = None
    secret: bool = False

    def __repr__(self) -> str:
        return f"<HeaderPart {self.name!r}>"


class HeaderMeaning(Struct, frozen=True):
    """What one header field says.

    Attributes:
        meaning: the whole in a sentence; None where the parts say it all.
        parts: what it is made of, in order.
        problem: what is wrong with it, a sentence that is safe to show; empty where nothing is.
    """

    meaning: Explanation | None = None
    parts: tuple[HeaderPart, ...] = ()
    problem: str = ""


def of_headers(kind: str) -> Members:
    """Return the meanings of a kind of thing in header fields, from `words/headers.toml`."""
    return meanings("headers", kind)


def challenge(value: str) -> HeaderMeaning:
    """Return the parts of a `WWW-Authenticate` line: schemes and their parameters (RFC 9110 §11.6.1)."""
    field = parse_challenges([value])
    parts = tuple(header_part for each in field.challenges for header_part in _challenge_parts(each))
    return HeaderMeaning(parts=parts[:_MAX_PARTS], problem="; ".join(field.problems))


def _challenge_parts(challenge: Challenge) -> Iterator[HeaderPart]:
    scheme = challenge.scheme
    yield HeaderPart("scheme", scheme, of_headers("challenge-scheme").get(scheme.lower()))
    if challenge.token68 is not None:
        yield HeaderPart("token68", challenge.token68)
    for name, value in challenge.params:
        yield HeaderPart(name, value, of_headers("challenge-parameter").get(name))


def location(value: str) -> HeaderMeaning:
    """Return the parts of a `Location`: host, path and parameters (RFC 9110 §10.2.2)."""
    meaning = Explanation(
        "The redirect target; authlens never follows redirects with a token.", "RFC 9110 §10.2.2"
    )
    try:
        url = urlsplit(value)
        pairs = parse_qsl(url.query, keep_blank_values=True, max_num_fields=_MAX_PARTS)
    except ValueError:
        problem = f"It cannot be parsed: it is not a URL, or has more than {_MAX_PARTS} parameters."
        return HeaderMeaning(meaning, problem=problem)
    if is_login_page(url.path):
        meaning = Explanation("The login page of Access, for browsers.", CLOUDFLARE)
    pieces = (("host", url.netloc), ("path", url.path))
    parts = [HeaderPart(name, text) for name, text in pieces if text]
    return HeaderMeaning(meaning, (*parts, *query_parts(pairs)))


def query_parts(pairs: list[tuple[str, str]]) -> tuple[HeaderPart, ...]:
    """Return the decoded parameters of a URL with their meanings."""
    vocabulary = members_of([name for name, _ in pairs])
    return tuple(
        HeaderPart(name, text, explain_member(vocabulary, name)) for name, text in pairs[:_MAX_PARTS]
    )


def authorization(value: str) -> HeaderMeaning:
    """Return the parts of an `Authorization` value: scheme and credential (RFC 9110 §11.4)."""
    scheme, _, credential = value.partition(" ")
    if not credential.strip():
        return HeaderMeaning(parts=(HeaderPart("credential", value, secret=True),))
    bearer = scheme.lower() == "bearer"
    meaning = (
        Explanation("The access token; anyone who reads it can use it.", "RFC 6750 §2.1") if bearer else None
    )
    return HeaderMeaning(
        meaning, (HeaderPart("scheme", scheme), HeaderPart("credential", credential.strip(), secret=True))
    )


_EXPIRY: Final = frozenset({"expires", "max-age"})
_SCOPE: Final = _EXPIRY | {"path", "domain"}


def set_cookie(value: str) -> HeaderMeaning:
    """Return the parts of a `Set-Cookie` value: the cookie, a secret, and its attributes (RFC 6265 §4.1)."""
    pair, *texts = map(str.strip, value.split(";")[:_MAX_PARTS])
    attributes = [_attribute(text) for text in texts if text]
    vocabulary = of_headers("cookie-attribute")
    sentences = [vocabulary[text.lower()].sentence for text in texts if text.lower() in vocabulary]
    if _EXPIRY.isdisjoint(name.lower() for name, _ in attributes):
        sentences.append("deleted when the browser closes")
    sentence = ", ".join(sentences)
    meaning = Explanation(f"{sentence[:1].upper()}{sentence[1:]}.", "RFC 6265 §4.1.2") if sentences else None
    scope = (HeaderPart(name, text) for name, text in attributes if name.lower() in _SCOPE)
    return HeaderMeaning(meaning, (_cookie(pair), *scope))


def cookie(value: str) -> HeaderMeaning:
    """Return the parts of a `Cookie` value (RFC 6265 §4.2)."""
    return HeaderMeaning(parts=tuple(_cookie(pair) for pair in value.split(";")[:_MAX_PARTS]))


def _cookie(pair: str) -> HeaderPart:
    name, text = _attribute(pair)
    return HeaderPart(name, text, of_headers("cookie").get(name.lower()), secret=True)


def _attribute(pair: str) -> tuple[str, str]:
    name, equals, text = pair.strip().partition("=")
    return (name, text) if equals else ("", name)


_SAME: Final = 5.0  # seconds that two clocks may differ: the field has whole seconds, and the way takes time
_TELLING: Final = 60.0  # seconds from which countdowns and token times go wrong


class HeaderContext(Struct, frozen=True):
    """What is known of the message that a field is in.

    Attributes:
        received_at: when it came, by our clock, an aware time.
        gives_tokens: true for an answer that holds tokens.
    """

    received_at: datetime | None = None
    gives_tokens: bool = False


def explain_header(name: str, value: str, context: HeaderContext) -> HeaderMeaning | None:
    """Return what the field means, or None for the many that say nothing about a login; never raises."""
    folded = name.strip().lower()
    taken_apart = _TAKEN_APART.get(folded)
    if taken_apart is not None:
        return taken_apart(value)
    with_context = _WITH_CONTEXT.get(folded)
    if with_context is not None:
        return with_context(value, context)
    plain = of_headers("field").get(folded)
    return HeaderMeaning(plain) if plain is not None else None


def _cache_control(value: str, context: HeaderContext) -> HeaderMeaning:
    directives = {directive.partition("=")[0].strip().lower() for directive in value.split(",")}
    if "no-store" in directives:
        spec = "RFC 6749 §5.1" if context.gives_tokens else "RFC 9111 §5.2.2.5"
        must = ", as a response with tokens must say" if context.gives_tokens else ""
        return HeaderMeaning(Explanation(f"Do not cache this response{must}.", spec))
    if context.gives_tokens:
        meaning = Explanation("A response with tokens must say no-store.", "RFC 6749 §5.1")
        return HeaderMeaning(meaning, problem="no-store is missing: a cache may store the tokens.")
    return HeaderMeaning(Explanation("Who may cache this response, and for how long.", "RFC 9111 §5.2"))


def _ray(value: str, _context: HeaderContext) -> HeaderMeaning:
    _, dash, centre = value.strip().rpartition("-")
    meaning = Explanation(
        "The number of this request; quote it when you ask Cloudflare for help.", "Cloudflare"
    )
    if not dash:
        return HeaderMeaning(meaning)
    location = Explanation("The data centre that answered, as the code of a nearby airport.", "Cloudflare")
    return HeaderMeaning(meaning, (HeaderPart("data centre", centre, location),))


def _date(value: str, context: HeaderContext) -> HeaderMeaning | None:
    sent_at = http_date(value)
    if sent_at is None or context.received_at is None:
        return None
    skew = (sent_at - context.received_at).total_seconds()
    if abs(skew) <= _SAME:
        return HeaderMeaning(Explanation("The server's clock agrees with ours.", "RFC 9110 §6.6.1"))
    sentence = f"The server's clock is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
    trouble = "Token times and countdowns will be wrong: set the clock." if abs(skew) >= _TELLING else ""
    return HeaderMeaning(Explanation(sentence, "RFC 9110 §6.6.1"), problem=trouble)


def _retry(value: str, context: HeaderContext) -> HeaderMeaning:
    response = Response(429, headers=Headers.of([("Retry-After", value)]))
    seconds = retry_after(response, context.received_at)
    sentence = "It cannot be parsed." if seconds is None else f"Wait {seconds:,} s before you ask again."
    return HeaderMeaning(Explanation(sentence, "RFC 9110 §10.2.3"))


def _content_type(value: str, _context: HeaderContext) -> HeaderMeaning | None:
    meaning = of_headers("media-type").get(value.partition(";")[0].strip().lower())
    return HeaderMeaning(meaning) if meaning is not None else None


_TAKEN_APART: Final[Mapping[str, Callable[[str], HeaderMeaning]]] = {
    "www-authenticate": challenge,
    "proxy-authenticate": challenge,
    "location": location,
    "authorization": authorization,
    "proxy-authorization": authorization,
    "set-cookie": set_cookie,
    "cookie": cookie,
}
_WITH_CONTEXT: Final[Mapping[str, Callable[[str, HeaderContext], HeaderMeaning | None]]] = {
    "cache-control": _cache_control,
    "cf-ray": _ray,
    "date": _date,
    "retry-after": _retry,
    "content-type": _content_type,
}
