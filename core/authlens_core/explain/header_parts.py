"""Header fields taken apart: challenges, places to go, cookies and credentials, one part after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from authlens_core.cloudflare.team import LOGIN_PATH
from authlens_core.explain.meaning import CLOUDFLARE, Explanation, Members, meanings
from authlens_core.explain.members import explain_member, members_of
from authlens_core.oauth.discovery.challenge import Challenge, parse_challenges
from authlens_core.values.quick_dataclass import dataclass

_MAX_PARTS: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class HeaderPart:
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


@dataclass(frozen=True, slots=True)
class HeaderMeaning:
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
    """Take a `WWW-Authenticate` line apart: schemes and their parameters (RFC 9110 §11.6.1)."""
    field = parse_challenges([value])
    parts = tuple(part for each in field.challenges for part in _challenge_parts(each))
    return HeaderMeaning(parts=parts[:_MAX_PARTS], problem="; ".join(field.problems))


def _challenge_parts(challenge: Challenge) -> Iterator[HeaderPart]:
    scheme = challenge.scheme
    yield HeaderPart("scheme", scheme, of_headers("challenge-scheme").get(scheme.lower()))
    if challenge.token68 is not None:
        yield HeaderPart("token68", challenge.token68)
    for name, value in challenge.params:
        yield HeaderPart(name, value, of_headers("challenge-parameter").get(name))


def location(value: str) -> HeaderMeaning:
    """Take a `Location` apart: host, path and parameters (RFC 9110 §10.2.2)."""
    meaning = Explanation(
        "The redirect target; authlens never follows redirects with a token.", "RFC 9110 §10.2.2"
    )
    try:
        url = urlsplit(value)
        pairs = parse_qsl(url.query, keep_blank_values=True, max_num_fields=_MAX_PARTS)
    except ValueError:
        words = f"It cannot be parsed: it is not a URL, or has more than {_MAX_PARTS} parameters."
        return HeaderMeaning(meaning, problem=words)
    if url.path.startswith(LOGIN_PATH):
        meaning = Explanation("The login page of Access, for browsers.", CLOUDFLARE)
    named = (("host", url.netloc), ("path", url.path))
    parts = [HeaderPart(name, text) for name, text in named if text]
    return HeaderMeaning(meaning, (*parts, *query_parts(pairs)))


def query_parts(pairs: list[tuple[str, str]]) -> tuple[HeaderPart, ...]:
    """Return the decoded parameters of a URL with their meanings."""
    known = members_of([name for name, _ in pairs])
    return tuple(HeaderPart(name, text, explain_member(known, name)) for name, text in pairs[:_MAX_PARTS])


def authorization(value: str) -> HeaderMeaning:
    """Take an `Authorization` value apart: scheme and credential (RFC 9110 §11.4)."""
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


def set_cookie(value: str) -> HeaderMeaning:
    """Take a `Set-Cookie` value apart: the cookie, which is a secret, and its attributes (RFC 6265 §4.1)."""
    pair, _, rest = value.partition(";")
    attributes = [part.strip() for part in rest.split(";") if part.strip()][:_MAX_PARTS]
    known = of_headers("cookie-attribute")
    said = [known[name.lower()].sentence for name in attributes if name.lower() in known]
    scope = [a for a in attributes if a.lower().startswith(("expires=", "max-age=", "path=", "domain="))]
    if not any(a.lower().startswith(("expires=", "max-age=")) for a in attributes):
        said.append("deleted when the browser closes")
    sentence = ", ".join(said)
    meaning = Explanation(f"{sentence[:1].upper()}{sentence[1:]}.", "RFC 6265 §4.1.2") if said else None
    lasting = tuple(HeaderPart(*_named(attribute)) for attribute in scope)
    return HeaderMeaning(meaning, (_cookie(pair), *lasting))


def cookie(value: str) -> HeaderMeaning:
    """Take a `Cookie` value apart (RFC 6265 §4.2)."""
    return HeaderMeaning(parts=tuple(_cookie(pair) for pair in value.split(";")[:_MAX_PARTS]))


def _cookie(pair: str) -> HeaderPart:
    name, text = _named(pair)
    return HeaderPart(name, text, of_headers("cookie").get(name.lower()), secret=True)


def _named(pair: str) -> tuple[str, str]:
    name, equals, text = pair.strip().partition("=")
    return (name, text) if equals else ("", name)
