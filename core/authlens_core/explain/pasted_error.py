"""What a pasted error message means: its identifiers, and what the document behind each says.

Nothing is sent and nothing is guessed: where no identifier is in the text, the line that decides is quoted.
What looks like a secret is masked in the lines that are quoted, and no step is in words of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html import unescape
from itertools import chain, islice
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from msgspec.structs import replace

from authlens_core.diagnosis.causes import CAUSES, Cause, codes, general_causes, identifiers, literals
from authlens_core.diagnosis.classification import classify
from authlens_core.diagnosis.evidence import around, phrase_in
from authlens_core.diagnosis.likely_secrets import masked_text, without_credentials
from authlens_core.diagnosis.protection import Trait
from authlens_core.diagnosis.server_kind import ServerKind, server_kind, server_words
from authlens_core.explain.pasted_token import whole_jwt, whole_url
from authlens_core.values.check import UNKNOWN, Diagnosis
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.fix import commands_of, fix, step
from authlens_core.values.formats.challenge import is_plain
from authlens_core.values.login_command import filled
from authlens_core.values.secret import Body
from authlens_core.values.url import Url, UrlRefused, parse_url

_END: Final = 16 * 1024  # characters of the beginning, and of the end, that are looked at
# A terminal breaks a sentence where its window ends, and draws a frame around it.
_SPACE: Final = re.compile(r"[\s│┃║]+")
_QUOTE: Final = re.compile(r"""(?<!\\)\\{1,4}(["'/])""")
# No character has such a number, and `unescape` fails at one of thousands of digits.
_NO_CHARACTER: Final = re.compile(r"&#[0-9]{8,}")
_FAILURE: Final = re.compile(
    r"(?i)error|exception|fail|denied|refused|invalid|unauthori[sz]ed|forbidden|expired"
)
_DESCRIPTION: Final = re.compile(
    r"""(?i)error_?description(?:\\{0,2}["'])?\s{0,3}[:=]\s{0,3}(?:\\{0,2}["'])?([^"'&\n\\]{4,300})"""
)
# curl puts a sign before each line. LF ends a line of HTTP, and nothing else does (RFC 9112 §2.2).
_HEAD: Final = re.compile(
    r"^(?:[<*] ?)?HTTP/[\d.]+ (\d{3})\b.*\n((?:(?:< ?)?[A-Za-z0-9-]{1,64}:.*\n)*)", re.MULTILINE
)
_HEADER_FIELD: Final = re.compile(r"^(?:< ?)?([A-Za-z0-9-]+): ?(.*?)\r?$", re.MULTILINE)
_MOST_URLS: Final = 50
# Without the query, and without what a login came back to, which is of the client.
_URL: Final = re.compile(r"(https?://[^\s\"'<>`\\|{}()\[\]*…?#]++)(?![?#][^\s\"'<>]*\b(?:error|code)=)")
_REDIRECT: Final = re.compile(r"(?i)redirect|callback|reply (?:url|address)|(?:\$schema|\"type)\W{1,8}$")
_BEFORE_URL: Final = 40  # characters
# A page that explains the message, an endpoint of an authorization server, and where a browser comes back to.
_OTHER: Final = re.compile(
    r"^(?:docs?|learn|developers?|support|help|community|www|aka|errors|curl|stackoverflow|nodejs)\."
    r"|^(?:curl\.se|curl\.haxx\.se|aka\.ms|nodejs\.org|modelcontextprotocol\.io|datatracker\.ietf\.org)(?:/|$)"
    r"|^(?:(?:www|api|mcp)\.)?example\.(?:com|org|net)(?:/|$)|^your[-.]|^(?:localhost|127\.0\.0\.1|::1)/?$"
    r"|/(?:authorize|authorization|token|register|callback|oauth2?|login|consent|error|redirect|assets)(?:/|$)"
    r"|/cdn-cgi/|/(?:\.default|user_impersonation)$"
)
# RFC 9728 §3.1: it is before the path of the resource.
_WELL_KNOWN: Final = re.compile(r"/\.well-known/(?:oauth-|openid-|cloudflare-access-)[a-z-]+")
_NOT_KNOWN: Final = "authlens does not recognise an error in this text."
_TO_SEE: Final = step("To see the cause", "authlens probe URL")
_MOST_FINDS: Final = 3  # identifiers of which the meaning is shown


class Find(NamedTuple):
    """A phrase that is in a text, and what it means."""

    phrase: str
    cause: Cause


def explain_text(text: str) -> tuple[Diagnosis, ...]:
    """Return what the identifiers in a text mean; one that is not `known` where it has none."""
    text = text.strip()
    alone = whole_jwt(text) or whole_url(text)
    if alone is not None:
        return (alone,)
    text = _NO_CHARACTER.sub("", _ends(text))
    urls = tuple(_urls_in(text))
    address = _resource_in(urls)
    return tuple(_with_command(diagnosis, address) for diagnosis in _diagnoses(text, urls))


def _ends(text: str) -> str:
    """Return the beginning and the end of a long text, without half a word: half a secret looks like one."""
    if len(text) <= 2 * _END:
        return text
    return f"{text[:_END].rpartition(' ')[0]}\n{text[-_END:].partition(' ')[2]}"


def _diagnoses(text: str, urls: Iterable[Url]) -> list[Diagnosis]:
    """Return what the most particular identifiers in a text mean."""
    lower = unescape(_QUOTE.sub(r"\1", text.replace("\\n", "\n"))).lower().replace("’", "'")
    searched = _SPACE.sub(" ", f"{lower}\n{unquote_plus(lower)}")
    kind = server_kind((url.text for url in urls), text=lower)
    lines = masked_text(text).split("\n")
    finds = _particular_finds(searched, kind)
    answer = None if finds else _transcript_answer(text)
    if answer is not None:
        return [answer]
    finds = finds or _general_finds(searched)
    if not finds:
        return [Diagnosis(UNKNOWN, _NOT_KNOWN, _TO_SEE, _evidence(lines, ""))]
    return [_meant(find, kind, lines) for find in finds]


def _particular_finds(text: str, kind: ServerKind) -> list[Find]:
    """Return what is in a text of lower case: a literal, else identifiers, else codes of OAuth."""
    of_product = (cause for cause in CAUSES if kind in cause.kinds)
    literal = _finds((*of_product, *literals()), text)[:1]
    return literal or _finds(identifiers(), text)[:_MOST_FINDS] or _finds(codes(), text)[:_MOST_FINDS]


def _general_finds(text: str) -> list[Find]:
    """Return what says no more than where something failed: the one with the longest phrase."""
    return _finds(general_causes(), text)[:1]


def _finds(causes: Iterable[Cause], text: str) -> list[Find]:
    """Return the longest phrase of each cause that is in the text, the longest first."""
    finds = (Find(phrase, cause) for cause in causes for phrase in cause.phrases if phrase_in(phrase, text))
    longest: dict[str, Find] = {}
    for find in sorted(finds, key=lambda find: -len(find.phrase)):
        longest.setdefault(find.cause.name, find)
    return list(longest.values())


def _meant(find: Find, kind: ServerKind, lines: Sequence[str]) -> Diagnosis:
    cause = find.cause
    server = server_words(cause.words_of or kind)
    means, cure = server.fill(cause.cause), server.fill_fix(cause.cure)
    return Diagnosis(
        cause.name, means, cure=cure, evidence=_evidence(lines, find.phrase), source=cause.source
    )


def _with_command(diagnosis: Diagnosis, address: Url | None) -> Diagnosis:
    """Return a diagnosis with the address in its commands, and the command that sees the cause."""
    if address is None:
        return diagnosis
    cure = diagnosis.cure if commands_of(diagnosis.cure) else fix(diagnosis.cure, _TO_SEE)
    return replace(diagnosis, cure=filled(cure, address.text))


def _evidence(lines: Sequence[str], phrase: str) -> tuple[str, ...]:
    """Return the line that has the phrase or else decides, and the server's own description."""
    having = (line for line in lines if phrase and phrase in line.lower())
    failing = (line for line in lines if _FAILURE.search(line))
    any_line = (line for line in reversed(lines) if line.strip())
    line = next(chain(having, failing, any_line), "")
    described = _DESCRIPTION.search("\n".join(lines))
    description = described[1] if described is not None and described[1] not in line else ""
    return tuple(filter(None, (around(line, phrase), around(description, ""))))


def _transcript_answer(text: str) -> Diagnosis | None:
    """Return the diagnosis of the last answer in an HTTP transcript, as for one of our own."""
    heads = list(_HEAD.finditer(f"{text}\n"))
    if not heads:
        return None
    last = heads[-1]
    headers = Headers(tuple(_HEADER_FIELD.findall(last[2])))
    response = Response(int(last[1]), headers=headers, body=Body(text[last.end() :].encode()))
    request = Request("GET", "https://pasted.invalid/")
    answer = classify(Exchange(request, response, failure=None, started_at=datetime.now(UTC), elapsed=0.0))
    if answer.protection.has(Trait.SAYS_NOTHING):
        return None
    cure = answer.cure or step("Log in", "authlens login URL")
    evidence = tuple(map(without_credentials, answer.evidence))
    return Diagnosis(answer.protection.value, answer.summary, cure, evidence, layer=answer.layer)


def _urls_in(text: str) -> Iterator[Url]:
    """Yield the URLs in a text, of the first 50; no redirect URIs and no schemas."""
    for match in islice(_URL.finditer(text), _MOST_URLS):
        before = text[max(0, match.start() - _BEFORE_URL) : match.start()]
        bare = _WELL_KNOWN.sub("", match[1].rstrip(".,;:!"))
        with suppress(UrlRefused):
            if not _REDIRECT.search(before):
                yield parse_url(bare, loopback_http=True)


def _resource_in(urls: Iterable[Url]) -> Url | None:
    """Return the resource that a text is about; None where it names none.

    The text may come from someone who wants a command copied that runs another one, so each shell has to read
    the address as it is. The path of a webhook, and of some MCP servers, is a credential.
    """
    return next(filter(_is_resource, urls), None)


def _is_resource(url: Url) -> bool:
    is_safe = is_plain(url.text.replace("@", "")) and without_credentials(url.text) == url.text
    is_other = _OTHER.search(f"{url.host}{url.path}") or server_kind([url.text]) is not ServerKind.OTHER
    return is_safe and not is_other
