"""One text in several small entries, whole or not at all.

Windows keeps at most 2,560 bytes in an entry and the keyring library writes UTF-16, so 1,280 characters;
every entry here has at most 1,000. The first starts with a manifest (version, generation, count, SHA-256).
The digest covers key, generation and text, so that a missing, cut or foreign entry is noticed: with two
entries swapped, one server's tokens would be sent to the other. Each entry has a service name of its own,
because the Windows backend moves entries about when several users share one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any, Final

from authlens_core.credentials.store.secret_store import SecretReader
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.secret import Secret

# Characters in one entry.
# Windows Credential Manager takes 2,560 bytes, which are 1,280 characters of UTF-16; other keyrings take
# more.
ENTRY_LIMIT: Final = 1_000
# A million characters: no token is longer.
MAX_ENTRIES: Final = 1_000
# Characters; the manifest is about 130 with the largest numbers.
_MANIFEST_ROOM: Final = 160
# Of the manifest.
_VERSION: Final = 2


class SecretsDamaged(LoginNeeded):
    """The stored secrets are missing, cut, or not those that were written."""


def entry_name(key: str, generation: int, index: int) -> str:
    return f"authlens:{key}:{generation}:{index}"


def _digest(text: str, key: str, generation: int) -> str:
    # Key and generation hold no line break, so no other pair has the same head.
    return hashlib.sha256(f"{key}\n{generation}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def split(text: Secret, key: str, generation: int) -> tuple[Secret, ...]:
    """Return the entries for the `text` of `key`, the manifest at the head of the first.

    Raises:
        ValueError: the text is not ASCII, or needs more than `MAX_ENTRIES` entries.
    """
    value = text.reveal()
    # JSON writes other letters as escapes, so this is a mistake of ours and not of a user.
    if not value.isascii():
        raise ValueError("only ASCII is split: the length in UTF-16 has to be known")
    first = ENTRY_LIMIT - _MANIFEST_ROOM
    parts = [value[:first]]
    parts += [value[at : at + ENTRY_LIMIT] for at in range(first, len(value), ENTRY_LIMIT)]
    if len(parts) > MAX_ENTRIES:
        raise ValueError("too large for the keyring")
    # The digest tells a value that a keyring cut, or a part of another generation, from the one that was
    # written.
    manifest = json.dumps(
        {
            "version": _VERSION,
            "generation": generation,
            "count": len(parts),
            "sha256": _digest(value, key, generation),
        }
    )
    return (Secret(manifest + parts[0]), *map(Secret, parts[1:]))


def _manifest(first: str, generation: int) -> tuple[int, str, str]:
    """Return the number of entries, the digest, and the text behind the manifest."""
    document: Any = None
    end = 0
    # Raised outside the handler: the decoder's error carries the whole text, and would stay in the chain.
    with contextlib.suppress(ValueError, RecursionError):
        document, end = json.JSONDecoder().raw_decode(first)
    manifest: dict[str, Any] = document if isinstance(document, dict) else {}
    count = manifest.get("count")
    if manifest.get("version") != _VERSION or manifest.get("generation") != generation:
        raise _damaged("the manifest belongs to something else")
    # `type`, because True is an int, too.
    if type(count) is not int or not 1 <= count <= MAX_ENTRIES:
        raise _damaged("the manifest is damaged")
    return count, str(manifest.get("sha256")), first[end:]


async def read(store: SecretReader, key: str, generation: int) -> Secret:
    """Return the text of `key` in `generation`.

    Raises:
        SecretsDamaged: an entry is missing, or they are not what was written.
        NoSecretStore: the store could not be asked.
    """
    head = await store.get(entry_name(key, generation, 0))
    if head is None:
        raise _damaged("the entry is missing")
    entries, sha256, whole = _manifest(head.reveal(), generation)
    for index in range(1, entries):
        part = await store.get(entry_name(key, generation, index))
        if part is None:
            raise _damaged(f"part {index + 1} of {entries} is missing")
        whole += part.reveal()
    if _digest(whole, key, generation) != sha256:
        raise _damaged("they differ from what was stored")
    return Secret(whole)


def _damaged(reason: str) -> SecretsDamaged:
    return SecretsDamaged(
        f"The tokens of this login cannot be read from the secret store: {reason}.",
        "Log in again to replace them.",
    )
