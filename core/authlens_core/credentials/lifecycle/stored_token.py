"""The access token of a login that needs nothing but to be read: the short way of `authlens token`.

Most calls of a script find a token that lasts. What they need lives in modules that import little: no event
loop, no HTTP client, no login. Whatever is not plain is left to `usable_token`, which knows every case.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from authlens_core.credentials.records.lifetime import outlasts
from authlens_core.credentials.records.owner import OWNER, TOKEN_TYPE
from authlens_core.credentials.records.plain_login import NotPlain, PlainLogin, plain_login
from authlens_core.credentials.store.chunked_secret import SecretsDamaged, read
from authlens_core.credentials.store.helper_pipes import HelperPipes
from authlens_core.credentials.store.keyring_reader import KeyringReader, KeyringUnclear
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable
from authlens_core.values.secret import Secret

_Result = TypeVar("_Result")


def read_token(url: str, helper: HelperPipes) -> Secret | None:
    """Return the stored access token for `url` if it lasts; None if anything else is to be done or said.

    Args:
        helper: the keyring's helper, which loads its backend while the index is read; closed here.

    Raises:
        SecretStoreTimeout: the keyring did not answer in time; asking again would wait as long.
    """
    try:
        path = state_directory() / "index.sqlite3"
        login = plain_login(own_file(path), url) if path.exists() else None
        if login is None or login.state != "live" or login.place != "keyring" or not _lasts(login):
            return None
        text = _now(read(KeyringReader(helper), login.grant_id, login.generation))
        # Again: an unlock prompt may have taken longer than the token had left.
        return _token(text, login) if _lasts(login) else None
    except (NotPlain, KeyringUnclear, SecretsDamaged, StateUnusable):
        return None
    finally:
        helper.close()


def _lasts(login: PlainLogin) -> bool:
    return outlasts(login.refreshed_at, login.expires_at, None, datetime.now(UTC))


def _token(text: Secret, login: PlainLogin) -> Secret | None:
    """Return the access token in `text`, if it was stored for what the index says now."""
    members: Any = None
    with suppress(ValueError, RecursionError):  # the decoder's error carries the text
        members = json.loads(text.reveal())
    if not isinstance(members, dict):
        return None
    if (members.get(OWNER), members.get(TOKEN_TYPE)) != (login.owner, login.token_type):
        return None
    if "dpop_key" in members:
        return None  # the token is of no use without a proof, and that has to be said
    token = members.get("access_token")
    return Secret(token) if isinstance(token, str) else None


def _now(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that never awaits anything outside."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    # It awaited something: the reader of another store is not for this way.
    work.close()
    raise KeyringUnclear
