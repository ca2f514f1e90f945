"""Whom a record and its secrets belong to: digests of where these are sent, as whose, and as what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

# The member of the stored secrets that has the digest.
OWNER: Final = "owner"

# The member that has the type of the token. A token that is bound to a key (RFC 9449) must not go out as a
# bearer token, without a proof, because the index was edited. It is no part of the digest, so that the
# logins of those who have tried authlens before its release stay readable.
TOKEN_TYPE: Final = "token_type"  # noqa: S105 - a name

# The member that has the digest of how a program gets its next token.
MACHINE: Final = "machine"

# The fields of a grant that say where its secrets are sent, and as whose.
GRANT_OWNER: Final = (
    *("issuer", "token_endpoint", "revocation_endpoint", "resource", "resource_url"),
    *("client_id", "token_endpoint_auth_method"),
)


def digest_of(what: str, *parts: str) -> str:
    """Return a short digest of texts as parts of an identifier; `what` keeps the kinds of it apart."""
    digest = hashlib.sha256(f"authlens {what}\0".encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        # With its length, so that no two lists of parts have one text.
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:20]


def owner_digest(values: Iterable[object]) -> str:
    """Return the digest of such fields, in their order."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()
