"""What is in a message: its members and parameters with their meanings, the JWTs in it, a page that refuses.

A sign-in may end on such a page in the browser, instead of the browser coming back.

"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.cloudflare.team import BROWSER_REFUSALS, BrowserRefusal, for_team, refusal_on
from authlens_core.diagnosis.server_kind import ServerKind, server_words
from authlens_core.explain.meanings import (
    Explanation,
    HeaderContext,
    explain_header,
    explain_member,
    members_of,
)
from authlens_core.trace.record import Fact, StageRecord, fact_text
from authlens_core.values.exchange import Headers, Request, Response
from authlens_core.values.formats.json_document import JsonValue, object_in
from authlens_core.values.formats.jwt import Jwt, JwtClaim, parse_jwt
from authlens_core.values.secret import Secret

__all__ = [
    "Jwt",
    "JwtClaim",
    "Message",
    "MessageJwt",
    "gives_tokens",
    "jwts_in",
    "jwts_in_facts",
    "jwts_of",
    "member_meanings",
    "page_meaning",
    "refusal_pages",
]

Message: TypeAlias = Request | Response

_MAX_BODY: Final = 256 * 1024  # bytes; a longer document is not one of OAuth
_MAX_FIELDS: Final = 200
# Each is taken apart on every redraw; a message of OAuth holds two or three.
_MAX_JWTS: Final = 8


class MessageJwt(Struct, frozen=True):
    """A JWT that is in a message or a fact.

    Attributes:
        where: the name that it is under; text from outside.
    """

    where: str
    token: Secret
    jwt: Jwt


def member_meanings(message: Message) -> tuple[tuple[str, Explanation], ...]:
    """Return the known members of the body and parameters of the URL, in order, with what they mean."""
    meanings: dict[str, Explanation] = {}
    for names in (_url_names(message), [name for name, _ in _members(message)]):
        vocabulary = members_of(names)
        for name in names:
            meaning = explain_member(vocabulary, name)
            if meaning is not None:
                meanings.setdefault(name, meaning)
    return tuple(meanings.items())


def gives_tokens(message: Message) -> bool:
    """Return whether the body is a token answer."""
    return any(name in ("access_token", "id_token") for name, _ in _members(message))


def jwts_in(message: Message) -> tuple[MessageJwt, ...]:
    """Return the JWTs in header fields, parameters and members, each once, at most 8."""
    return _jwts_among(_texts(message))


def jwts_in_facts(facts: Iterable[Fact]) -> tuple[MessageJwt, ...]:
    """Return the JWTs among the secret facts, each once, at most 8."""
    return _jwts_among(
        (fact.name, fact.value.reveal() if isinstance(fact.value, Secret) else fact_text(fact))
        for fact in facts
    )


def jwts_of(record: StageRecord) -> tuple[MessageJwt, ...]:
    """Return the JWTs of a whole record, in its facts and messages, each once."""
    jwts = {jwt.token: jwt for jwt in jwts_in_facts(record.facts)}
    for exchange in record.exchanges:
        for message in (exchange.request, exchange.response):
            for jwt in jwts_in(message) if message is not None else ():
                jwts.setdefault(jwt.token, jwt)
    return tuple(jwts.values())


def _jwts_among(texts: Iterable[tuple[str, str]]) -> tuple[MessageJwt, ...]:
    jwts: dict[str, MessageJwt] = {}
    for where, text in texts:
        jwt = parse_jwt(text) if text not in jwts else None
        if jwt is not None:
            jwts[text] = MessageJwt(where, Secret(text), jwt)
        if len(jwts) == _MAX_JWTS:
            break
    return tuple(jwts.values())


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    yield from _header_texts(message.headers)
    if isinstance(message, Request):
        yield from _parameters(message.url)
    # A signed document, such as that of UserInfo (OpenID Connect Core §5.3.2).
    elif message.media_type == "application/jwt":
        yield "body", message.body.reveal().decode("latin-1").strip()
    for name, value in _members(message):
        yield from _strings(name, value)


def _header_texts(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers.fields:
        yield name, value.strip()
        meaning = explain_header(name, value, HeaderContext())
        for header_part in meaning.parts if meaning is not None else ():
            yield (
                (name if header_part.name == "credential" else f"{name}: {header_part.name}"),
                header_part.value,
            )


def _strings(name: str, value: JsonValue, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the strings of a member, and of what is inside it, two levels deep."""
    if isinstance(value, str):
        yield name, value
    # Deep enough for the assertion in a list of an object; further down no token of OAuth is.
    elif isinstance(value, dict) and depth < 2:
        for inner, below in value.items():
            yield from _strings(f"{name}.{inner}", below, depth + 1)
    elif isinstance(value, list) and depth < 2:
        for below in value[:_MAX_FIELDS]:
            yield from _strings(name, below, depth + 1)


def _members(message: Message) -> tuple[tuple[str, JsonValue], ...]:
    """Return the members of a JSON object or the fields of a form; nothing for any other body."""
    data = message.body.reveal()
    if not data or len(data) > _MAX_BODY:
        return ()
    if message.headers.is_form:
        return _pairs(data.decode("latin-1"))
    if data.lstrip()[:1] != b"{":
        return ()
    return tuple(object_in(data).items())


def _url_names(message: Message) -> list[str]:
    return [name for name, _ in _parameters(message.url)] if isinstance(message, Request) else []


def _parameters(url: str) -> tuple[tuple[str, str], ...]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return ()
    return _pairs(query)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return ()


def page_meaning(page: str, host: str) -> BrowserRefusal | None:
    """Return what `page` means, or None if it is not a known one.

    Args:
        page: what the browser shows; text from outside.
        host: of the authorization server; a team's is named in the fix.
    """
    refusal = refusal_on(page)
    return None if refusal is None else replace(refusal, cure=for_team(refusal.cure, host))


def refusal_pages(kind: ServerKind, host: str) -> tuple[BrowserRefusal, ...]:
    """Return the pages that are known to end a sign-in at a server; each `phrase` is quoted already.

    Args:
        kind: which product the server is.
        host: of the server; a team's is named in each fix.
    """
    if kind is not ServerKind.ACCESS:
        server = server_words(kind)
        brief = "the client does not have this redirect URI"
        return (BrowserRefusal(server.page, brief, f"Ask the owner to {server.redirect_uri}.", brief),)
    return tuple(
        BrowserRefusal(
            f"“{refusal.phrase}”",
            refusal.meaning,
            for_team(refusal.cure, host),
            for_team(refusal.brief, host),
        )
        for refusal in BROWSER_REFUSALS
    )
