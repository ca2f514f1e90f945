"""The entry point of the keyring's helper process: it loads little, so that the first answer comes soon.

Most of what keyring and its dependencies import is loaded only when one of its members is used. Remove that
when Python 3.15 is the oldest that is supported: it has lazy imports (PEP 810).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Final


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
    parent = sys.modules.get(name.rpartition(".")[0])
    if isinstance(parent, _LazyModule):
        _loaded(parent)
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


def call_lazily(name: str, function: str, quick: Callable[..., object] | None = None) -> None:
    """Let this function of a lazy module be named without loading the module, until it is called.

    For modules that only mention the function while they are loaded, for example as a default argument.

    Args:
        quick: does the same as the function, and needs no module for it.
    """
    module = sys.modules.get(name)
    if isinstance(module, _LazyModule):
        lazy = module

        def load_and_call(*arguments: object, **named: object) -> object:
            return getattr(_loaded(lazy), function)(*arguments, **named)

        setattr(module, function, quick or load_and_call)


def call_later(name: str, function: str) -> None:
    """Let this function of a lazy module be called without loading the module, until its result is used.

    For modules that call it while they are loaded, for an object that they rarely use: a logger.
    """
    module = sys.modules.get(name)
    if isinstance(module, _LazyModule):
        lazy = module

        def called(*arguments: object) -> object:
            if sys.modules.get(name) is lazy:
                return _LazyResult(lazy, function, *arguments)
            return getattr(_loaded(lazy), function)(*arguments)

        setattr(module, function, called)


class _LazyResult:
    """What a function of a lazy module returns, once a member of it is used."""

    def __init__(self, module: _LazyModule, function: str, *arguments: object) -> None:
        self._call = module, function, arguments

    def __getattr__(self, member: str) -> object:
        module, function, arguments = self._call
        return getattr(getattr(_loaded(module), function)(*arguments), member)


_NEW_OBJECTS: Final = 50_000  # loading modules makes many objects and no garbage
_BACKPORTS: Final = (
    () if sys.version_info >= (3, 12) else ("backports", "backports.tarfile", "importlib_metadata")
)
# What keyring and its dependencies import for functions that are rarely called: most of its loading time.
_UNUSED: Final = (
    *("urllib.request", "urllib.parse", "tarfile", "importlib.metadata", *_BACKPORTS, "more_itertools"),
    *("inspect", "tempfile", "subprocess", "configparser", "shutil", "platform", "traceback", "ipaddress"),
    *("logging", "copy", "pathlib"),
)
# Functions of these that jaraco.context and pathlib mention while they are loaded, and do not call.
_MENTIONED: Final = (
    *(("tarfile", "data_filter"), ("backports.tarfile", "data_filter")),
    *(("shutil", "rmtree"), ("urllib.parse", "quote_from_bytes")),
)


def main() -> None:
    """Answer requests until standard input ends."""
    gc.set_threshold(_NEW_OBJECTS)
    load_lazily(*_UNUSED)
    for module, function in _MENTIONED:
        call_lazily(module, function)
    if sys.platform != "win32":
        call_lazily("platform", "system", lambda: os.uname().sysname)
    call_later("logging", "getLogger")
    from authlens_core.credentials.store.keyring_process import main as serve
    from authlens_core.values.secret import forbid_core_dump

    forbid_core_dump()
    serve()
