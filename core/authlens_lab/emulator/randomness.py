"""Ids, codes and tokens of an emulator: random, or the same at each start where a seed is given."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_SYSTEM: Final = random.SystemRandom()
# A context variable, because several emulators may answer in one event loop, each from its own seed.
_SOURCE: ContextVar[random.Random] = ContextVar("source of ids and tokens", default=_SYSTEM)


def source_of(seed: int | None) -> random.Random:
    """Return what values are drawn from: the system's generator, or a predictable one for a seed."""
    return _SYSTEM if seed is None else random.Random(seed)  # noqa: S311 - a simulation, asked to be repeatable


@contextmanager
def drawn_from(source: random.Random) -> Iterator[None]:
    before = _SOURCE.set(source)
    try:
        yield
    finally:
        _SOURCE.reset(before)


def token_hex(size: int) -> str:
    return _SOURCE.get().randbytes(size).hex()


def token_urlsafe(size: int) -> str:
    """Return `size` bytes in the alphabet of URLs."""
    return base64.urlsafe_b64encode(_SOURCE.get().randbytes(size)).rstrip(b"=").decode("ascii")


def choice(letters: str) -> str:
    return _SOURCE.get().choice(letters)


def uuid4() -> uuid.UUID:
    return uuid.UUID(bytes=_SOURCE.get().randbytes(16), version=4)
