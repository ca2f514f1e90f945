"""`authlens list` with a filter: what it lists, and the exit code for a script."""

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantState, TokenVerdict, utc_now
from authlens_core.credentials.records.index import Index
from authlens_core.state.paths import state_directory
from support.command_line import CommandLine
from support.grants import grant, put


@pytest.fixture(autouse=True)
def stored(line: CommandLine) -> None:
    """Store a login in each state that an operator asks for."""
    now = utc_now()
    live = replace(grant("live"), refreshed_at=now, expires_at=now + timedelta(hours=1))
    logins = (
        live,
        renamed(live, "ends-in-5-days", login_ends=now + timedelta(days=5)),
        renamed(live, "ends-in-30-minutes", has_refresh_token=False, expires_at=now + timedelta(minutes=30)),
        renamed(live, "ended", has_refresh_token=False, expires_at=now),
        renamed(live, "login-needed", state=GrantState.LOGIN_NEEDED),
        renamed(live, "refused", last_verdict=TokenVerdict.REFUSED),
    )
    index = Index(state_directory() / "index.sqlite3")
    for login in logins:
        put(index, login)
    index.close()


def renamed(login: Grant, name: str, **changes: object) -> Grant:
    return replace(login, grant_id=name, resource_url=f"https://{name}.example.com/mcp", **changes)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--expires-within", "1h"], {"ended", "ends-in-30-minutes", "login-needed"}),
        (["--expires-within", "7d"], {"ended", "ends-in-30-minutes", "ends-in-5-days", "login-needed"}),
        (["--state", "login-needed,refused"], {"login-needed", "refused"}),
        (["--state", "refused", "--expires-within", "1h"], set()),
        (["--state", "revoked"], set()),
    ],
)
def test_a_filter_lists_what_it_names_and_ends_with_10_where_that_is_any(
    line: CommandLine, options: list[str], expected: set[str]
) -> None:
    ran = line.run("list", "--json", *options)
    assert {login["id"] for login in json.loads(ran.answer)} == expected
    assert ran.code == (10 if expected else 0)


@pytest.mark.parametrize("options", [["--state", "dead"], ["--expires-within", "soon"], ["--state", ""]])
def test_what_is_no_filter_is_refused(line: CommandLine, options: list[str]) -> None:
    assert line.run("list", *options).code == 2
