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
        return getattr(_loaded(self), member)


def _loaded(module: _LazyModule) -> ModuleType:
    """Load the module and return it."""
    name = module.__name__
    if sys.modules.get(name) is module:
        del sys.modules[name]
    return import_module(name)


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


def call_lazily(name: str, function: str) -> None:
    """Let this function of a lazy module be named without loading the module, until it is called.

    For modules that only mention the function while they are loaded, for example as a default argument.
    """
    module = sys.modules.get(name)
    if isinstance(module, _LazyModule):
        lazy = module

        def load_and_call(*arguments: object, **named: object) -> object:
            return getattr(_loaded(lazy), function)(*arguments, **named)

        setattr(module, function, load_and_call)
