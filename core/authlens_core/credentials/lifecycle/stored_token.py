"""The access token of a login that needs nothing but to be read: the short way of `authlens token`.

Most calls of a script find a token that lasts. What they need lives in modules that import little: no event
loop, no HTTP client, no login. Whatever is not plain is left to `access_token`, which knows every case.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from authlens_core.credentials.lifecycle.refresh_schedule import lasts
from authlens_core.credentials.records.coverage import find
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.record_json import belongs_to, grant_secrets_from_json
from authlens_core.credentials.store.chunked_secret import SecretsDamaged, read
from authlens_core.credentials.store.keyring_reader import KeyringReader, NotPlain
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.oauth.url import UrlRefused, parse_url
from authlens_core.secret import Secret
from authlens_core.state.paths import StateUnusable, state_directory

__all__ = ["stored_token"]

_Result = TypeVar("_Result")


def stored_token(url: str) -> Secret | None:
    """Return the stored access token for `url` if it lasts; None if anything else is to be done or said.

    Raises:
        SecretStoreTimeout: the keyring did not answer in time; asking again would wait as long.
    """
    try:
        with KeyringReader() as keyring:
            grant = _lasting_grant(parse_url(url, loopback_http=True).text)
            if grant is None:
                return None
            text = _now(read(keyring, grant.grant_id, grant.generation))
            secrets = grant_secrets_from_json(text)
            if secrets is None or not belongs_to(text, grant) or not lasts(grant, None, utc_now()):
                return None
            return secrets.access_token
    except (NotPlain, SecretsDamaged, StateUnusable, UrlRefused):
        return None


def _lasting_grant(url: str) -> Grant | None:
    path = state_directory() / "index.sqlite3"
    if not path.exists():
        return None
    index = Index(path)
    try:
        grants, damaged = index.grants()
        place = index.fact("place") or StoreKind.KEYRING
        grant = find(grants, url)
    finally:
        index.close()
    plain = not damaged and not index.read_only and place == StoreKind.KEYRING
    if grant is None or not plain or grant.place is not StoreKind.KEYRING:
        return None
    return grant if grant.state is GrantState.LIVE and lasts(grant, None, utc_now()) else None


def _now(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that never awaits anything outside."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    work.close()
    raise NotPlain
