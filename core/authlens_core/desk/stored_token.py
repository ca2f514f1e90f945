"""Read the stored access token for a URL where nothing else is needed: what most calls of a script find.

It is the short way of `authlens token`, and a module of its own, because it loads no event loop, no HTTP
client and no login. For every other case there is `access_token` in `use.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from authlens_core.credentials.store.helper_pipes import start_helper

if TYPE_CHECKING:
    from authlens_core.values.secret import Secret


def stored_token(url: str, *, loads: Callable[[], object] = lambda: None) -> Secret | None:
    """Return the access token for `url`, if it is in the keyring and lasts; None where more has to be done.

    Args:
        loads: imports what else the caller needs, while the keyring's helper process starts.

    Raises:
        SecretStoreTimeout: the keyring did not answer in time; asking again would wait as long.
    """
    helper = start_helper()
    if helper is None:
        return None
    # The helper loads its backend meanwhile: that takes longer than all of this.
    loads()
    from authlens_core.credentials.vault.plain_token import read_token

    return read_token(url, helper)
