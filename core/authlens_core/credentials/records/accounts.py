"""Several accounts at one resource: which of its logins a command is for, and what they are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from authlens_core.credentials.records.grant import Grant
from authlens_core.values.errors import NoLogin
from authlens_core.values.fix import fix, step
from authlens_core.values.url import coverage

NO_NAME: Final = ""
"""The name of the account of a login without a name."""


class NoAccount(NoLogin):
    """The resource has logins, and none under the name, or no name and several to choose from."""


def login_for(
    grants: Iterable[Grant], url: str, account: str | None, defaults: Mapping[str, str]
) -> Grant | None:
    """Return the login for `url`: of those that cover it the closest, of one account the newest.

    Args:
        grants: newest first.
        account: the name that was chosen; None for the default of the resource.
        defaults: what `authlens use` set, by the identifier of the resource.

    Raises:
        NoAccount: no login has the name, or it is not clear which is the default.
    """
    covering = [grant for grant in grants if _closeness(grant, url) >= 0]
    if not covering:
        return None
    candidates = covering if account is None else [grant for grant in covering if grant.account == account]
    closeness = max((_closeness(grant, url) for grant in candidates), default=-1)
    closest = [grant for grant in candidates if _closeness(grant, url) == closeness]
    if account is None:
        account = _default_of(closest, defaults)
    login = next((grant for grant in closest if grant.account == account), None)
    if login is None:
        raise _no_account(url, account, names_of(covering))
    return login


def account_of_login(
    grants: Iterable[Grant], url: str, account: str | None, defaults: Mapping[str, str]
) -> str:
    """Return the name under which a login to `url` is stored: the chosen one, else the resource's default."""
    if account is not None:
        return account
    try:
        login = login_for(grants, url, None, defaults)
    except NoAccount:
        return NO_NAME
    return NO_NAME if login is None else login.account


def names_of(grants: Iterable[Grant]) -> tuple[str, ...]:
    """Return the names of their accounts, sorted."""
    return tuple(sorted({grant.account for grant in grants}))


def free_name(wish: str, taken: Collection[str]) -> str:
    """Return `wish`, or what comes closest and is not taken."""
    wish = wish or "account"
    numbered = (f"{wish}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wish, *numbered) if name not in taken)


def _closeness(grant: Grant, url: str) -> int:
    """Return how much of the path is shared with what covers `url`; -1 where nothing does."""
    shared = (coverage(place, url) for place in (grant.resource, grant.resource_url) if place is not None)
    return max((length for length in shared if length is not None), default=-1)


def _default_of(grants: Collection[Grant], defaults: Mapping[str, str]) -> str | None:
    """Return the default account of a resource: as it was set, else without a name, else the only one."""
    names = names_of(grants)
    for resource in {grant.resource_identifier for grant in grants}:
        if defaults.get(resource) in names:
            return defaults[resource]
    if NO_NAME in names:
        return NO_NAME
    return names[0] if len(names) == 1 else None


def _no_account(url: str, account: str | None, names: tuple[str, ...]) -> NoAccount:
    listed = ", ".join(name or "(without a name)" for name in names)
    others = fix(
        *(step("Use", f"--as {name}") for name in names if name),
        step(
            "Log in", f"authlens login {url}" if account is None else f"authlens login {url} --as {account}"
        ),
    )
    if account is None:
        return NoAccount(f"There are several accounts at {url}, and none is the default: {listed}.", others)
    return NoAccount(f"There is no account {account!r} at {url}. There are: {listed}.", others)
