"""Which account of a resource a command is for: the option, the environment, the folder, or no choice.

A resource can have several logins, each under the name of an account. The folder's choice is the member `as`
of a file `.authlens.toml` in it or in a folder above; no other member means anything there, so a file that
came with another project can at most choose among accounts that the user made.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from authlens_core.values.errors import FileUnusable, UsageError

VARIABLE: Final = "AUTHLENS_AS"
FOLDER_FILE: Final = ".authlens.toml"
_LARGEST: Final = 4_096  # bytes
_WRITABLE_BY_OTHERS: Final = 0o022
# Lower case and ASCII: two names that look alike are one name, and none leaves a path, a line or a URL.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


def account_name(text: str) -> str:
    """Return the name of an account as it is stored: in lower case.

    Raises:
        UsageError: it cannot be one.
    """
    name = text.lower()
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{text!r} cannot be the name of an account.",
            "Use up to 64 letters, digits and . _ @ + -, beginning with a letter or a digit.",
        )
    return name


def name_from(text: str) -> str:
    """Return a name made of what a server calls a person; empty if nothing of it can be in a name."""
    return re.sub(r"[^a-z0-9._@+-]+", "-", text.lower()).strip("._@+-")[:64]


def chosen_account() -> str | None:
    """Return the name that the environment or the folder chooses; None if neither does.

    Raises:
        UsageError: it cannot be a name.
        FileUnusable: the folder's file cannot be read, or is not only its owner's.
    """
    text = os.environ.get(VARIABLE) or _chosen_by_folder()
    return account_name(text) if text else None


def _chosen_by_folder() -> str:
    try:
        folder = Path.cwd()
    except OSError:  # it was removed
        return ""
    for parent in (folder, *folder.parents):
        path = parent / FOLDER_FILE
        if os.path.lexists(path):
            return _choice_in(path)
    return ""


def _choice_in(path: Path) -> str:
    # Few folders have the file, and the short way of `authlens token` loads nothing that it can do without.
    import tomllib

    from authlens_core.state.regular_file import read_regular

    file = read_regular(path, _LARGEST, follow=False)
    # Windows has neither: there a folder is as private as its access list.
    is_foreign = hasattr(os, "getuid") and file.status.st_uid != os.getuid()
    if is_foreign or (os.name == "posix" and file.status.st_mode & _WRITABLE_BY_OTHERS):
        raise FileUnusable(
            f"{path} chooses an account, and others can change it.",
            f"Own it, and run: chmod go-w {path}     Or choose yourself: --as NAME",
        )
    account: object = None
    with suppress(ValueError, RecursionError):
        account = tomllib.loads(file.data.decode()).get("as", "")
    if not isinstance(account, str):
        raise FileUnusable(f"{path} is not TOML with a text named as.", 'Write: as = "work"')
    return account
