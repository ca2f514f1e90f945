"""The entry point of the keyring's helper process: it loads little, so that the first answer comes soon."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

from authlens_core.credentials.store.lazy_modules import call_later, call_lazily, load_lazily

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

    serve()
