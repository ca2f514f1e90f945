"""One known cause of a failure: when it fits, what happened, and what to do about it."""

from __future__ import annotations

from typing import Final

from authlens_core.cloudflare.credential import Credential
from authlens_core.diagnosis.protection import Protection
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.values.fix import Fix
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import GrantType, Stage

REPORTS: Final = "reports by Cloudflare Access users"
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause. It fits when every condition that is not empty is met.

    Its words may have `{redirect_uri}` and the like, which the kind of the server fills (`ServerWords`).

    Attributes:
        errors: the OAuth error codes, lower case; the empty string where there has to be none.
        phrases: texts of which one has to be in what the server said, lower case.
        protections: what the answer was classified as.
        checks: names of checks of which one has to have failed.
        check_decides: whether the fix of the check that failed is shown instead: it depends on what was seen.
        kinds: which product the server has to be.
        grants: what the request asked for a token with.
        general: whether it counts only where nothing more particular is found.
        family: whose message it is, in a table of messages.
        quotes: members of the JSON answer, or else header fields, that show it; also where they are missing.
    """

    name: str
    cause: str
    cure: str | Fix
    source: str
    stages: frozenset[Stage] = frozenset()
    errors: frozenset[str] = _NONE
    phrases: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    protections: frozenset[Protection] = frozenset()
    checks: frozenset[str] = _NONE
    kinds: frozenset[ServerKind] = frozenset()
    general: bool = False
    family: str = ""
    credentials: frozenset[Credential] = frozenset()
    grants: frozenset[GrantType] = frozenset()
    quotes: tuple[str, ...] = ()
    check_decides: bool = False
