"""A service token as it is typed and as it is sent: its shape and its forms (Cloudflare, Service tokens)."""

from __future__ import annotations

import string
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authlens_core.values.exchange import TOKEN_CHARACTERS, is_visible
from authlens_core.values.secret import Secret
from authlens_core.values.word_files import words

CLIENT_ID: Final = "cf-access-client-id"
CLIENT_SECRET: Final = "cf-access-client-secret"  # noqa: S105 - a header field, not a secret
_HEX: Final = frozenset(string.hexdigits.lower())
_ALPHANUMERIC: Final = frozenset(string.ascii_letters + string.digits)
_ID_SUFFIX: Final = ".access"
_NEW_SECRET: Final = "cfast_"  # noqa: S105 - a prefix
_NEW_SECRET_LENGTH: Final = len(_NEW_SECRET) + 40 + 8
_LONGEST: Final = 512  # characters of an id or a secret


class Shape(StrEnum):
    """How a pair can be odd."""

    EMPTY = "empty"
    CHARACTERS = "characters"
    SWAPPED = "swapped"
    ID = "id"
    ID_DIGITS = "id_digits"
    SECRET = "secret"  # noqa: S105 - of the secret, and none


class ShapeProblem(Struct, frozen=True):
    """What is odd about a pair before anything is sent."""

    name: Shape
    cause: str
    cure: str

    @property
    def is_swapped(self) -> bool:
        """True where the two values are in each other's place."""
        return self.name is Shape.SWAPPED

    @property
    def refused(self) -> bool:
        """True where the pair cannot be right; false where Cloudflare may have a newer format."""
        return self.name not in (Shape.ID_DIGITS, Shape.SECRET)


class ServiceTokenPair(Struct, frozen=True):
    """A client id and its secret, before anything is sent or stored."""

    client_id: str
    secret: Secret

    @classmethod
    def typed(cls, client_id: str, secret: str) -> ServiceTokenPair:
        """Return the pair that a user meant, where a value was copied as a whole header line."""
        return cls(pasted(client_id), Secret(pasted(secret)))

    @property
    def problem(self) -> ShapeProblem | None:
        """What is odd about it; see `shape_problem`."""
        return shape_problem(self.client_id, self.secret)


def shape_problem(client_id: str, secret: Secret) -> ShapeProblem | None:
    """Return the first thing that is odd about a pair, or None; what is refused comes first.

    A secret is 64 hexadecimal digits, or since August 2026 `cfast_` with 48 letters and digits; how the
    checksum in the newer one is made is not published, so it is not checked.
    """
    value = secret.reveal()
    shape = _odd_shape(client_id, value)
    if shape is None:
        return None
    entry = words("cloudflare")["service_token"][shape]
    missing = "client secret" if client_id else "client id"
    return ShapeProblem(shape, entry["cause"].format(missing=missing, length=len(value)), entry["cure"])


def _odd_shape(client_id: str, secret: str) -> Shape | None:
    if not client_id or not secret:
        return Shape.EMPTY
    if not _can_be_sent(client_id) or not _can_be_sent(secret):
        return Shape.CHARACTERS
    if not _looks_like_an_id(client_id):
        return Shape.SWAPPED if _looks_like_an_id(secret) else Shape.ID
    if not is_client_id(client_id):
        return Shape.ID_DIGITS
    return None if is_client_secret(secret) else Shape.SECRET


def pasted(text: str) -> str:
    """Return an id or a secret as it was meant, where it was copied as a whole header line or with spaces."""
    name, colon, value = text.strip().partition(":")
    is_header = bool(colon) and name.strip().lower() in {CLIENT_ID, CLIENT_SECRET}
    return value.strip() if is_header else text.strip()


def is_field_name(text: str) -> bool:
    return 0 < len(text) <= 100 and TOKEN_CHARACTERS.issuperset(text)


def is_client_id(text: str) -> bool:
    """Return whether `text` has the shape of a client id: 32 hexadecimal digits and `.access`."""
    digits = text.removesuffix(_ID_SUFFIX)
    return digits != text and len(digits) == 32 and _HEX.issuperset(digits.lower())


def is_client_secret(text: str) -> bool:
    """Return whether `text` has a shape of a secret: 64 hexadecimal digits, or `cfast_` and 48 more."""
    if text.startswith(_NEW_SECRET):
        return len(text) == _NEW_SECRET_LENGTH and _ALPHANUMERIC.issuperset(text.removeprefix(_NEW_SECRET))
    return len(text) == 64 and _HEX.issuperset(text.lower())


def _can_be_sent(text: str) -> bool:
    return len(text) <= _LONGEST and is_visible(text)


def _looks_like_an_id(text: str) -> bool:
    return text.endswith(_ID_SUFFIX)
