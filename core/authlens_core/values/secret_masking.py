"""Mask secrets whose values are known, however they are encoded.

A value does not stay as it is: a form percent-encodes it, JSON escapes it, a header puts it in base64.
A search only for the value itself lets all of these pass.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from authlens_core.values.safe_text import safe_line, safe_sentence, safe_text
from authlens_core.values.secret import Secret

MIN_LENGTH: Final = 4  # shorter values are masked by name only: they would blot out ordinary text
_PREFIX: Final = 12  # so many characters of a secret are worth hiding when a limit cut the rest
_PREFIX_FROM: Final = 24  # the length from which a prefix does not give the whole away
_LOWERED_FROM: Final = 8  # media types and schemes are read in lower case; less is an ordinary word

# The text of a mask, as `Secret.masked` writes it.
MASKED: Final = re.compile(r"•••• #[0-9a-f]{8}")
_JSON_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\([\\/\"'])")
# As `html.escape` does it, whose module loads a table of every named character.
_HTML_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_HEX_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
# All but the last digits of a reference: `unescape` raises at 4,300 of them, and zeros may lead any number.
_LEADING_DIGITS: Final = re.compile(r"(?<=&#)[0-9]+(?=[0-9]{8})")


class SecretMasker:
    """Secrets to look for, longest first so that no secret is cut up by a shorter one inside it.

    Args:
        shortest: the characters of the shortest secret that is looked for.
    """

    def __init__(self, secrets: Iterable[Secret], *, shortest: int = MIN_LENGTH) -> None:
        # The longest first: one secret may be the beginning of another.
        unique = {secret for secret in secrets if len(secret.reveal()) >= max(1, shortest)}
        self._secrets = sorted(unique, key=lambda s: len(s.reveal()), reverse=True)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    @cached_property
    def _fixed(self) -> tuple[tuple[str, str], ...]:
        """Every fixed form with its mask, longest first."""
        forms = {
            form: secret.masked for secret in reversed(self._secrets) for form in _forms(secret.reveal())
        }
        return tuple(sorted(forms.items(), key=lambda item: len(item[0]), reverse=True))

    @cached_property
    def _prefixes(self) -> tuple[tuple[str, str], ...]:
        """The beginning of each secret that has one worth hiding, with its mask."""
        long = (secret for secret in self._secrets if len(secret.reveal()) >= _PREFIX_FROM)
        return tuple((secret.reveal()[:_PREFIX], secret.masked) for secret in long)

    def masked(self, text: str) -> str:
        """Return `text` with each known secret replaced by its mask, however it is encoded."""
        # Most texts are words, shorter than most forms.
        fitting = bisect_left(self._fixed, -len(text), key=lambda item: -len(item[0]))
        for form, mask in islice(self._fixed, fitting, None):
            if form in text:
                text = text.replace(form, mask)
        decoded = _decodings(text)
        for secret in self._secrets if decoded else ():
            value = secret.reveal()
            # Only then is the slow expression worth its time: it has several alternatives for each character.
            if any(value in variant for variant in decoded):
                text = _any_mixture(value).sub(secret.masked, text)
        return text

    def without_prefixes(self, text: str) -> str:
        """Return `text` with the beginnings of secrets masked too, as a cut-off body leaves them behind."""
        for prefix, mask in self._prefixes:
            if prefix in text:
                # The possessive `*+` keeps the time linear for a body of nothing but such characters.
                text = re.sub(re.escape(prefix) + r"[\w.~+/:=%-]*+", mask, text)
        return text


def _forms(value: str) -> set[str]:
    """Return the forms of `value` that are known beforehand."""
    raw = value.encode("utf-8", "surrogatepass")
    # Checks and errors quote a value with its control characters made visible.
    forms = {value.translate(_HTML_ESCAPES), safe_line(value), safe_text(value)}
    if len(value) >= _LOWERED_FROM:
        forms.add(value.lower())
    _, separator, host = value.partition("@")
    if separator:
        # A sentence is shown without the user name and password of a URL, as which the start may pass.
        forms |= {safe_sentence(value), *([safe_line(f"•••@{host}")] if len(host) >= MIN_LENGTH else [])}
    for dumped in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        inner = dumped[1:-1]
        forms |= {inner, inner.replace("/", "\\/"), json.dumps(inner)[1:-1]}
    for coded in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        forms |= {coded, _HEX_ESCAPE.sub(lambda m: m[0].lower(), coded), quote(coded, safe="")}
    # Basic credentials and JWTs have secrets within longer texts that were encoded as a whole.
    for before in range(3):  # base64 looks different at each of three places in a longer text
        forms |= _base64_forms(raw, before)
    return {value, *(form for form in forms if len(form) >= MIN_LENGTH)}


def _base64_forms(raw: bytes, before: int) -> set[str]:
    """Return the base64 of `raw` after `before` unknown bytes, without the digits the neighbours decide."""
    digits = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
    start = (before * 8 + 5) // 6
    whole_bytes = (before + len(raw)) * 8
    certain = digits[start : whole_bytes // 6]
    forms = {certain}
    if before == 0:
        forms |= {digits, digits + "=" * (-len(digits) % 4)}
    safe = {form.replace("+", "-").replace("/", "_") for form in forms}
    return {form for form in forms | safe if len(form) >= 2 * MIN_LENGTH} | (
        {digits, digits.replace("+", "-").replace("/", "_")} if before == 0 else set()
    )


def _decodings(text: str) -> tuple[str, ...]:
    """Return what `text` says once percent, JSON and HTML escapes are undone; empty where there are none."""
    decoded: list[str] = []
    if "%" in text:
        decoded += [unquote(text), unquote_plus(text)]
    if "\\" in text:
        decoded += [_json_unescaped(form) for form in (text, *decoded)]
    if "&" in text and ";" in text:
        from html import unescape  # with its table of every named character

        decoded += [unescape(_LEADING_DIGITS.sub("", form)) for form in (text, *decoded)]
    return tuple(decoded)


def _json_unescaped(text: str) -> str:
    return _JSON_ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)


def _any_mixture(value: str) -> re.Pattern[str]:
    """Return an expression for `value` with each character plain or escaped in any of the known ways."""
    return re.compile("".join(_one_character(c) for c in value))


def _one_character(character: str) -> str:
    raw = character.encode("utf-8", "surrogatepass")
    ways = [re.escape(character), "(?i:" + "".join(f"%{byte:02x}" for byte in raw) + ")"]
    units = character.encode("utf-16-be", "surrogatepass").hex()
    ways.append("(?i:" + "".join(rf"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + ")")
    ways += [f"&#0*{ord(character)};", f"(?i:&#x0*{ord(character):x};)"]
    if character in "\\/\"'":
        ways.append(re.escape("\\" + character))
    if character == " ":
        ways.append(r"\+")
    entity = character.translate(_HTML_ESCAPES)
    if entity != character:
        ways.append(re.escape(entity))
    return f"(?:{'|'.join(ways)})"
