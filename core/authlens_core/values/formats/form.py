"""Form encoding, `application/x-www-form-urlencoded` (RFC 6749 appendix B): written exactly, read strictly.

The lenient readers of the standard library turn bad bytes into replacement characters and keep the last of
two equal names; both have let one party read a message another way than its partner did.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import quote, quote_plus, unquote_to_bytes

from authlens_core.values.exchange import is_visible
from authlens_core.values.secret import Body, Secret

FormPair: TypeAlias = tuple[str, str | Secret]

_HEX: Final = frozenset("0123456789abcdefABCDEF")


class FormRefused(ValueError):
    """Text that is not well-formed form encoding, or parameters that may not be sent."""


def _sendable(pairs: Iterable[FormPair]) -> list[tuple[str, str]]:
    """Return the pairs as text, without those that have no value (RFC 6749 §3.1: the same as absent)."""
    sendable: list[tuple[str, str]] = []
    names: set[str] = set()
    for name, value in pairs:
        text = value.reveal() if isinstance(value, Secret) else value
        if not text:
            continue
        # RFC 6749 §3.1: parameters must not be included more than once; a server might read either.
        if name in names:
            raise FormRefused(f"the parameter {name} would be sent twice")
        names.add(name)
        sendable.append((name, text))
    return sendable


def encode_form(pairs: Iterable[FormPair]) -> Body:
    """Return the pairs as a request body; pairs without a value are left out.

    Raises:
        FormRefused: a name appears twice (RFC 6749 §3.2).
    """
    text = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in _sendable(pairs))
    return Body(text.encode("ascii"))


def encode_query(pairs: Iterable[FormPair]) -> str:
    """Return the pairs as a URL query; a space is `%20`, which every reader understands alike.

    Raises:
        FormRefused: a name appears twice (RFC 6749 §3.1).
    """
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in _sendable(pairs))


def decode_component(text: str) -> str:
    """Return one name or value decoded: `+` is a space, `%XX` are octets of UTF-8.

    Raises:
        FormRefused: a broken escape, octets that are not UTF-8, NUL, or characters that a query cannot hold.
    """
    if not is_visible(text):
        raise FormRefused("characters that must be percent-encoded are not")
    for escape in text.split("%")[1:]:
        if len(escape) < 2 or escape[0] not in _HEX or escape[1] not in _HEX:
            raise FormRefused("a percent sign is not followed by two hexadecimal digits")
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise FormRefused("the percent-encoded octets are not UTF-8") from None
    # C programs end a text there, so two readers would see two values.
    if "\0" in decoded:
        raise FormRefused("there is a NUL character")
    return decoded


def decode_form(query: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a query or form body in order, with repetitions and empty values kept.

    Raises:
        FormRefused: the text is not well-formed; see `decode_component`.
    """
    pairs = []
    for field in query.split("&"):
        if field:
            name, _, value = field.partition("=")
            pairs.append((decode_component(name), decode_component(value)))
    return tuple(pairs)
