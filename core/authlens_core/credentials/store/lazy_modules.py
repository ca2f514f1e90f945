"""Loading modules only when one of their members is used."""

from __future__ import annotations

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec

__all__ = ["load_lazily"]


def load_lazily(*names: str) -> None:
    """Let an import of these modules do nothing until a member of theirs is used; skip missing ones."""
    for name in names:
        parent, _, last = name.rpartition(".")
        try:
            spec = None if name in sys.modules else find_spec(name)
        except ModuleNotFoundError:  # the package above it
            continue
        if spec is None or spec.loader is None:
            continue
        loader = LazyLoader(spec.loader)
        spec.loader = loader
        module = module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)
        if parent:
            setattr(sys.modules[parent], last, module)
