"""The entry point of the keyring's helper process: it loads little, so that the first answer comes soon."""

from __future__ import annotations

from typing import Final

from authlens_core.credentials.store.lazy_modules import load_lazily

__all__ = ["main"]

_UNUSED: Final = ("urllib.request", "tarfile", "backports.tarfile", "importlib_metadata", "more_itertools")
"""What keyring's own dependencies import for functions that it never calls: most of its loading time."""


def main() -> None:
    """Answer requests until standard input ends."""
    load_lazily(*_UNUSED)
    from authlens_core.credentials.store.keyring_process import main as serve

    serve()


if __name__ == "__main__":
    main()
