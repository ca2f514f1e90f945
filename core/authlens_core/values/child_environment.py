"""The environment that child processes get: ours, without the secrets that the user may have put there.

`authlens token` loads this before anything else; it imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

_OURS_ALONE = frozenset(
    {"AUTHLENS_CLIENT_SECRET", "AUTHLENS_IDP_CLIENT_SECRET", "AUTHLENS_INITIAL_ACCESS_TOKEN"}
)


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as a helper, a browser or a clipboard program may have it."""
    return {name: value for name, value in environ.items() if name not in _OURS_ALONE}
