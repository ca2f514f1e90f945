"""Values that must never be shown by accident: `Secret` for text, `Body` for bytes, `Unprinted` for both.

None is a `str` or `bytes` subclass: rich and Textual print the first characters of a `str` subclass
in a crash report whatever its `__repr__` says, so a secret has to be an object that has no text at all.
`authlens token` loads this before anything else; it imports next to nothing.
The environment of a child process is here because it gets none of them, and so is what keeps the process out
of core dumps.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final, NoReturn, final

MASK: Final = "••••"
_PR_SET_DUMPABLE: Final = 4  # prctl(2)


@final
class Secret:
    """A string that shows only a mask and a fingerprint; `reveal()` is the one way out.

    The fingerprint is the first 8 hexadecimal digits of a domain-separated SHA-256: stable, so the same
    secret can be recognised in two traces, and too short to be of use to someone who wants the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Every call of this is a place where a secret leaves its box."""
        return self._value

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that identify the value without giving it away."""
        import hashlib  # OpenSSL takes as long to load as a short verb has

        data = b"authlens fingerprint\0" + self._value.encode("utf-8", "surrogatepass")
        return hashlib.sha256(data).hexdigest()[:8]

    @property
    def masked(self) -> str:
        """The text that stands for the value on a screen and in an export."""
        return f"{MASK} #{self.fingerprint}"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # as above

        ours = self._value.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(ours, other._value.encode("utf-8", "surrogatepass"))

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __repr__(self) -> str:
        return f"<Secret {self.masked}>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied to another process")


@final
class Body:
    """The bytes of a message body, which may hold secrets: only the length shows.

    Args:
        data: the bytes as they were on the wire.
        truncated: true when a limit cut the body; `len()` counts what was kept.
        size: how many bytes it had before its secrets were replaced by masks; without one, as many as it has.
            Two bodies that say the same are equal, whatever that was.
    """

    __slots__ = ("_data", "size", "truncated")

    def __init__(self, data: bytes = b"", *, truncated: bool = False, size: int | None = None) -> None:
        self._data = data
        self.truncated = truncated
        self.size = len(data) if size is None else size

    def reveal(self) -> bytes:
        """Return the bytes as they were on the wire."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Body):
            return NotImplemented
        return self._data == other._data and self.truncated == other.truncated

    def __hash__(self) -> int:
        return hash(("Body", self._data, self.truncated))

    def __repr__(self) -> str:
        cut = ", truncated" if self.truncated else ""
        return f"<Body {len(self._data)} bytes{cut}>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Body is never pickled or copied to another process")


class Unprinted:
    """A mixin for a `Struct` with secrets in plain text or bytes: `repr` and rich show none of its fields.

    rich prints crash reports.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as a helper, a browser or a clipboard program may have it."""
    return {name: value for name, value in environ.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    """Whether a variable gives a secret to a login, such as AUTHLENS_CLIENT_SECRET."""
    return name.startswith("AUTHLENS_") and name.endswith(("_SECRET", "_TOKEN"))


def forbid_core_dump() -> None:
    """Let no crash write this process's memory to a disk, and on Linux no program attach to it."""
    if sys.platform == "win32":
        return
    import resource

    # The hard limit stays, so that a command of `authlens run` can allow its own.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        import ctypes

        # A collector such as systemd-coredump, to which the kernel pipes a dump, is not held by the limit.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
