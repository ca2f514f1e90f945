"""Secrets recognised by the name they are under: JSON members, form fields, parameters, header fields.

What a server calls `access_token` is hidden even when no one saw its value before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.pretty_json import JsonToken, TokenKind, json_tokens, string_value
from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import MASKED

_HEADERS: Final = (
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "cf_access_client_secret",
    "cf_access_token",
    "cf_access_jwt_assertion",
    "x_api_key",
    "x_auth_token",
    "dpop",
)
# The names in lower case with `_` for `-`.
SENSITIVE_NAMES: Final = frozenset(
    {
        *_HEADERS,
        *(
            "access_token",
            "refresh_token",
            "id_token",
            "token",
            "subject_token",
            "actor_token",
            "logout_token",
        ),
        *("code", "authorization_code", "code_verifier", "device_code", "registration_access_token"),
        *("client_secret", "client_assertion", "assertion", "password", "passwd", "secret"),
        *("api_key", "apikey", "private_key", "cf_authorization", "cf_appsession"),
    }
)
_OPAQUE: Final = re.compile(r"(?:[\w.~+/=-]|:(?!//)){16,}+")
# Below these are the claims of a token, where a page shows them. The name of a claim is not a secret;
# another name there, in other letters or longer, may be one.
_OF_CLAIMS: Final = frozenset(
    {"access_token", "id_token", "token", "subject_token", "actor_token", "logout_token", "assertion"}
    | {"client_assertion", "cf_access_token", "cf_access_jwt_assertion", "cf_authorization"}
)
_CLAIM_NAME: Final = re.compile(r"[a-z]{2,14}(?:_[a-z]{1,14}){0,4}")
# Every secret name ends with one of these: to look for a word is far quicker than to try the patterns.
_LAST_WORDS: Final = frozenset(name.rpartition("_")[2] for name in SENSITIVE_NAMES)
_SAME_LETTERS: Final = (
    ("\u0130", "i"),
    ("\u0131", "i"),
    ("\u017f", "s"),
)  # to a pattern, but not to `lower()`
_NESTING_OF_OBJECTS: Final = {"{": 1, "}": -1}
_NESTING: Final = {"{": 1, "[": 1, "}": -1, "]": -1}
_NUMBERS_ALLOWED: Final = frozenset({"code"})  # `"code": 1003` is an error number, never a credential


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(n.replace("_", "(?:[-_]|%5f|%2d)") for n in sorted(names, key=len, reverse=True))


# Whether it is worth taking the text apart: a secret name in quotes, or an escape that may spell one.
_IN_JSON: Final = re.compile(rf'"(?i:{_alternatives(SENSITIVE_NAMES)})"|"[^"\\]{{0,64}}\\u')
_PARAMETER: Final = re.compile(
    rf"((?:(?<![\w.-])|(?<=%3F)|(?<=%3f)|(?<=%26))(?i:{_alternatives(SENSITIVE_NAMES)})(?:=|%3[Dd]))"
    r"((?:•••• #[0-9a-f]{8})?[^&\s\"'<>;,\\)\]}]*+)"
)
_CUT: Final = re.compile(
    r"(?<!•)[\s\"'<>;,]"
)  # no parameter goes over it; the space in a mask does not count
_PIECE: Final = 32_768  # characters
_HEADER_LINE: Final = re.compile(rf"(?im)^([<> ]*+(?:{_alternatives(_HEADERS)})[ \t]*+:[ \t]*+)(\S.*)$")


def is_sensitive(name: str) -> bool:
    """Return whether a member, field, parameter or header of this name holds a secret."""
    return _folded(name) in SENSITIVE_NAMES


def mask(value: str) -> str:
    """Return the mask of `value`; a mask is its own mask."""
    return value if MASKED.fullmatch(value) else Secret(value).masked


def names_masked(text: str) -> str:
    """Return `text` with every value masked that is under a secret name, in JSON or not."""
    if not _may_name(text):
        return text
    if _IN_JSON.search(text):
        text = "".join(_json_masked(json_tokens(text)))
    text = "".join(
        _PARAMETER.sub(_parameter_masked, piece) if _may_name(piece) else piece
        for piece in pieces(text, _CUT)
    )
    return _HEADER_LINE.sub(lambda m: m[1] + header_masked(m[1].strip("<> \t:"), m[2]), text)


def text_secrets(text: str) -> Iterator[str]:
    """Yield the values that are under a secret name in a JSON document, a form or a URL."""
    if not _may_name(text):
        return
    if _IN_JSON.search(text):
        yield from _json_secrets(json_tokens(text))
    for piece in filter(_may_name, pieces(text, _CUT)):
        for parameter in _PARAMETER.finditer(piece):
            yield unquote_plus(_parameter(parameter)[0])


def _may_name(text: str) -> bool:
    """Return whether a secret name may be in `text`, plain or escaped; true where it is not sure."""
    if "\\u" in text:
        return True
    if not text.isascii():
        for other, letter in _SAME_LETTERS:
            text = text.replace(other, letter)
    lowered = text.lower()
    # A loop, because this is asked of every text of a trace: a generator takes twice the time.
    for word in _LAST_WORDS:  # noqa: SIM110
        if word in lowered:
            return True
    return False


def pieces(text: str, cut: re.Pattern[str]) -> Iterator[str]:
    """Yield `text` in pieces that end with what `cut` finds: one character over which no match goes.

    One call that searches a megabyte lets no other thread run meanwhile, and a screen would freeze.
    """
    start = 0
    while len(text) - start > _PIECE:
        # In pieces, so that a pattern with alternatives works on 32 KiB at a time and not on a megabyte.
        end = cut.search(text, start + _PIECE)
        if end is None:
            break
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _json_secrets(tokens: Iterable[JsonToken]) -> Iterator[str]:
    """Yield the strings under a secret name; of an object there, such as claims, what may be a credential.

    A page may show the claims of a token below its name: were each word of them a secret wherever it is,
    `email` and the address of the issuer would be blotted out of the whole record.
    """
    inside = 0  # objects below the secret name
    for token, name, is_claim_name in _under_names(tokens):
        if name is None:
            inside = 0
        elif is_claim_name:
            continue
        elif token.kind is TokenKind.PUNCTUATION:
            inside += _NESTING_OF_OBJECTS.get(token.text, 0)
        elif token.kind in (TokenKind.STRING, TokenKind.UNTERMINATED):
            value = string_value(token.text)
            if not inside or _OPAQUE.fullmatch(value):
                yield value


def header_masked(name: str, value: str) -> str:
    """Return a secret field masked, except for the scheme, cookie names and cookie attributes."""
    kind = _folded(name)
    if kind in ("authorization", "proxy_authorization"):
        scheme, space, credential = value.partition(" ")
        # The scheme stays: whether it was Bearer, DPoP or Basic is what one looks for in a trace.
        return f"{scheme} {mask(credential.strip())}" if space and credential.strip() else mask(value)
    if kind == "cookie":
        return "; ".join(_pair_masked(pair) for pair in value.split(";"))
    if kind == "set_cookie":
        pair, semicolon, attributes = value.partition(";")
        return _pair_masked(pair) + semicolon + attributes
    return mask(value)


def header_secrets(name: str, value: str) -> Iterator[str]:
    kind = _folded(name)
    if kind in ("authorization", "proxy_authorization"):
        yield value.partition(" ")[2].strip() or value
    elif kind == "cookie":
        yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
    elif kind == "set_cookie":
        yield value.partition(";")[0].partition("=")[2].strip()
    elif kind in SENSITIVE_NAMES:
        yield value


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _pair_masked(pair: str) -> str:
    name, equals, value = pair.strip().partition("=")
    return f"{name}={mask(value)}" if equals else mask(name)


def _parameter(parameter: re.Match[str]) -> tuple[str, str]:
    """Return the value of a parameter and what follows it: in a URL within a URL `%26` ends a value."""
    if parameter[1].endswith("="):
        return parameter[2], ""
    value, ampersand, suffix = parameter[2].partition("%26")
    return value, ampersand + suffix


def _parameter_masked(parameter: re.Match[str]) -> str:
    value, suffix = _parameter(parameter)
    if suffix:
        suffix = _PARAMETER.sub(_parameter_masked, suffix)
    return parameter[1] + (mask(unquote_plus(value)) if value else "") + suffix


def _json_masked(tokens: Iterable[JsonToken]) -> Iterator[str]:
    """Yield the tokens, masked below secret names except for claim names; the text may be broken JSON."""
    for token, name, is_claim_name in _under_names(tokens):
        if name is None or is_claim_name or token.kind in (TokenKind.SPACE, TokenKind.PUNCTUATION):
            yield token.text
        elif token.kind is TokenKind.OTHER:
            # A credential can be written as a number or a bare word in what is nearly JSON.
            plain = name in _NUMBERS_ALLOWED or token.text in ("null", "true", "false")
            yield token.text if plain else mask(token.text)
        else:
            value = string_value(token.text)
            yield f'"{mask(value)}"' if value else token.text


def _with_followers(tokens: Iterable[JsonToken]) -> Iterator[tuple[JsonToken, bool]]:
    """Pair each token with whether it is a string and the next one, but for space, is a colon."""
    held: list[JsonToken] = []
    for token in tokens:
        if token.kind is not TokenKind.SPACE:
            for number, earlier in enumerate(held):
                yield earlier, number == 0 and token.text == ":"
            held = []
        if held or token.kind is TokenKind.STRING:
            held.append(token)
        else:
            yield token, False
    yield from ((earlier, False) for earlier in held)


def _under_names(tokens: Iterable[JsonToken]) -> Iterator[tuple[JsonToken, str | None, bool]]:
    """Yield each token with the secret name it is under, or None, and whether it is the name of a claim."""
    last_string = ""  # the string before a colon is a name
    secret_name: str | None = None
    depth = 0  # of objects and arrays below the secret name
    for token, is_name in _with_followers(tokens):
        is_claim_name = (
            is_name
            and secret_name in _OF_CLAIMS
            and _CLAIM_NAME.fullmatch(string_value(token.text)) is not None
        )
        yield token, secret_name, is_claim_name
        if token.kind is TokenKind.SPACE:
            continue
        if secret_name is None:
            if token.text == ":" and last_string:
                name = _folded(string_value(last_string))
                secret_name = name if name in SENSITIVE_NAMES else None
            last_string = token.text if token.kind is TokenKind.STRING else ""
            continue
        if token.kind is TokenKind.PUNCTUATION:
            depth += _NESTING.get(token.text, 0)
        # The value of the secret name ends here; what follows is a sibling.
        if depth <= 0:
            secret_name, depth = None, 0
