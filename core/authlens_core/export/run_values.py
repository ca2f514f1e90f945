"""What is new in every run: values that differ between two runs although nothing is wrong."""

from __future__ import annotations

import re
from typing import Final

from authlens_core.export.secret_forms import MASKED

# The last word of a field's name: what is under it is drawn, issued or dated for one run.
_ANEW: Final = frozenset(
    {
        # OAuth (RFC 6749, 7636, 7591) and OpenID Connect; codes and tokens are masks, whatever their name
        "state", "nonce", "code_verifier", "code_challenge",
        "expires_at", "obtained_at", "client_id_issued_at",
        # JWT (RFC 7519 §4.1)
        "jti", "iat", "nbf", "exp", "auth_time", "at_hash",
        # header fields that name a moment or a request
        "date", "age", "expires", "last-modified", "cf-ray", "x-request-id", "request-id",
        "x-amzn-trace-id", "traceparent", "server-timing", "report-to", "nel", "set-cookie",
    }
)  # fmt: skip
# A user chose these; another value of theirs explains why two runs differ.
_CHOSEN: Final = frozenset(
    {"client_secret", "client_assertion", "cookie", "password", "cf-access-client-secret"}
)
_PARAMETER: Final = re.compile(
    r"(?<![\w-])(state|nonce|code|code_challenge|jti|iat|nbf|exp)(=|%3[Dd])(?:(?!%26)[\w.~+/:%•# -]){1,600}"
)
_HEADER: Final = re.compile(r"(?i)(?<![\w-])(cf-ray|date|age|expires|set-cookie): [^;\n)]{1,600}")
_MEASURED: Final = frozenset(
    {"check pkce.first_character", "check token.clock"}
)  # unless they come out unlike
_COUNTED: Final = re.compile(r" \(\d+\)$")  # of a name that appears more than once
_MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d| UTC)?")


def differs_as_it_must(name: str, left: str, right: str) -> bool:
    """Return whether two different values of the field `name`, secrets masked, differ as any two runs do.

    They do where the name says so, or where nothing is left once masks, moments and parameters such as
    `state` are taken out of both. A secret that a user chose, such as a client's, is not new in every run.
    """
    name = _COUNTED.sub("", name)
    last = name.rpartition(" ")[2].lower()
    if last in _CHOSEN or (last == "authorization" and "basic" in (left[:5].lower(), right[:5].lower())):
        return False
    # Before the colon is the severity: a check that came out otherwise is a difference.
    measured = name in _MEASURED and left.partition(":")[0] == right.partition(":")[0]
    return measured or last in _ANEW or _settled(left) == _settled(right)


def _settled(text: str) -> str:
    """Return `text` with what is new in every run replaced by the same sign in any run."""
    text = _HEADER.sub(r"\1…", _PARAMETER.sub(r"\1\2…", text))
    return _MOMENT.sub("…", MASKED.sub("…", text))
