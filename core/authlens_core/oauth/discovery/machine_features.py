"""What a server offers to programs that log in without a user, as its metadata says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.oauth.device_authorization import GRANT_TYPE as DEVICE_CODE
from authlens_core.values.check import Check, CheckId, Requirement
from authlens_core.values.fix import fix, step
from authlens_core.values.program_grant import PROGRAMS
from authlens_core.values.stage import GrantType

_SPEC: Final = "RFC 8414 §2"


def machine_grant_check(grants: Sequence[str] | None, grant: GrantType) -> Check:
    """Return whether the server lists the grant of a program.

    One that does not is a warning: many give programs tokens without listing it, and a refusal is clear.
    """
    program = PROGRAMS.get(grant)
    wanted = (program and program.listed_as) or grant
    why = "This grant gives a program a token without a user."
    check = Requirement("server.machine_grant", f"grant_types_supported holds {wanted}", why, _SPEC)
    if grants is not None and wanted in grants:
        return check.passed(", ".join(grants)[:500])
    cure = "Continue: the server may allow it all the same. If it does not, its owner must."
    return check.warned(", ".join(grants)[:500] if grants else "not stated", cure=cure)


def programs_only_check(grants: Sequence[str] | None, *, has_page: bool) -> Check | None:
    """Return why no user can log in at a server that has grants for programs alone; None if one may.

    Args:
        has_page: whether the server names a page to sign in on, or one to enter a code on.
    """
    listed = (program for program in PROGRAMS.values() if program.listed_as is None)
    offered = [program.example for program in listed if program.grant_type in (grants or ())]
    by_user = {GrantType.AUTHORIZATION_CODE, DEVICE_CODE} & set(grants or ())
    if not offered or (by_user and has_page):
        return None
    check = Requirement(
        CheckId.SERVER_PROGRAMS_ONLY,
        "The server lets a user log in.",
        "It gives tokens to programs that its owner knows, and has no page to sign in on.",
        _SPEC,
    )
    ways = fix(*(step("Log in as a program", f"authlens login URL {command}") for command in offered))
    return check.failed(f"only for programs: {', '.join(grants or ())}"[:500], cure=ways)
