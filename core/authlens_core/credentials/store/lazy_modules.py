"""Loading modules only when one of their members is used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


class _LazyModule(ModuleType):
    """A module that is loaded when a member is asked for that it does not have yet.

    `importlib.util.LazyLoader` does not serve: the import statement asks a module for its `__spec__`, and
    that loads it.
    """

    def __getattr__(self, member: str) -> object:
        if member.startswith("__"):
            raise AttributeError(member)
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(import_module(name), member)


def load_lazily(*names: str) -> None:
    """Let an import of these modules do nothing until a member of theirs is used."""
    for name in names:
        parent, _, last = name.rpartition(".")
        if name in sys.modules:
            continue
        module = _LazyModule(name)
        if parent:
            try:
                setattr(import_module(parent), last, module)
            except ModuleNotFoundError:
                continue
        sys.modules[name] = module
