"""What a header field of a login means; the meaningful ones are taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from authlens_core.explain.header_parts import (
    HeaderMeaning,
    HeaderPart,
    authorization,
    challenge,
    cookie,
    location,
    of_headers,
    set_cookie,
)
from authlens_core.explain.meaning import Explanation
from authlens_core.oauth.formats.duration import http_date, retry_after
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.quick_dataclass import dataclass

_SAME: Final = 5.0  # seconds that two clocks may differ: the field has whole seconds, and the way takes time
_TELLING: Final = 60.0  # seconds from which countdowns and token times go wrong


@dataclass(frozen=True, slots=True)
class HeaderContext:
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
    directives = {part.partition("=")[0].strip().lower() for part in value.split(",")}
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
    at = http_date(value)
    if at is None or context.received_at is None:
        return None
    skew = (at - context.received_at).total_seconds()
    if abs(skew) <= _SAME:
        return HeaderMeaning(Explanation("The server's clock agrees with ours.", "RFC 9110 §6.6.1"))
    words = f"The server's clock is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
    trouble = "Token times and countdowns will be wrong: set the clock." if abs(skew) >= _TELLING else ""
    return HeaderMeaning(Explanation(words, "RFC 9110 §6.6.1"), problem=trouble)


def _retry(value: str, context: HeaderContext) -> HeaderMeaning:
    asked = Response(429, headers=Headers.of([("Retry-After", value)]))
    seconds = retry_after(asked, context.received_at)
    words = "It cannot be parsed." if seconds is None else f"Wait {seconds:,} s before you ask again."
    return HeaderMeaning(Explanation(words, "RFC 9110 §10.2.3"))


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
