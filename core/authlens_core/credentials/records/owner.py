"""Whom the secrets of a record belong to: where they are sent, as whose, and as what type of token."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

# The member of the stored secrets that has the digest.
OWNER: Final = "owner"

# The fields of a grant that an authlens before this one has bound to its secrets.
_EARLIER: Final = (
    *("issuer", "token_endpoint", "revocation_endpoint", "resource", "resource_url"),
    *("client_id", "token_endpoint_auth_method"),
)
# The fields that say where its secrets are sent, as whose and as what; first those of a login stored today.
# A token that is bound to a key would go out without a proof if its type could be changed.
GRANT_OWNERS: Final = ((*_EARLIER, "token_type"), _EARLIER)


def owner_digest(values: Iterable[object]) -> str:
    """Return the digest of such fields, in their order."""
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()
