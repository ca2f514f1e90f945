"""Who logged in, as far as the tokens say it: enough to tell two logins apart and name them, no proof."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret

# OpenID Connect Core §5.1; `upn` is what AD FS calls it.
_NAMES: Final = ("email", "preferred_username", "upn", "name")


class Person(Struct, frozen=True):
    """A user of an authorization server; both are empty where no token says it.

    Attributes:
        subject: the `sub`, by which the server tells users apart (RFC 7519 §4.1.2).
        name: an address or a name, safe to show; the subject where the token has neither.
    """

    subject: str = ""
    name: str = ""


def person_in(*tokens: Secret | None) -> Person:
    """Return the user that the first of these tokens with a `sub` is about; None is no token."""
    for token in tokens:
        jwt = None if token is None else parse_jwt(token)
        claims = {} if jwt is None or jwt.claims is None else jwt.claims
        subject = claims.get("sub")
        if isinstance(subject, str) and subject:
            texts = (claims.get(name) for name in _NAMES)
            name = next((text for text in texts if isinstance(text, str) and text), subject)
            return Person(safe_line(subject), safe_line(name, NAME))
    return Person()
