"""The entry point of the keyring's helper process: it loads little, so that the first answer comes soon."""

from __future__ import annotations

import gc
import sys
from typing import Final

from authlens_core.credentials.store.lazy_modules import load_lazily

_NEW_OBJECTS: Final = 50_000  # loading modules makes many objects and no garbage
_BACKPORTS: Final = () if sys.version_info >= (3, 12) else ("backports.tarfile", "importlib_metadata")
_UNUSED: Final = (
    *("urllib.request", "tarfile", "importlib.metadata", *_BACKPORTS, "more_itertools"),
    *("inspect", "tempfile", "subprocess", "configparser", "shutil", "platform", "traceback", "ipaddress"),
)
"""What keyring and its dependencies import for functions that are rarely called: most of its loading time."""


def main() -> None:
    """Answer requests until standard input ends."""
    gc.set_threshold(_NEW_OBJECTS)
    load_lazily(*_UNUSED)
    from authlens_core.credentials.store.keyring_process import main as serve

    serve()


if __name__ == "__main__":
    main()
