"""Which of the logins at one resource a URL means."""

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.accounts import NoAccount, account_of_login, free_name, login_for
from authlens_core.credentials.records.grant import Grant
from support.grants import grant

URL = "https://wiki.example.com/mcp"
BELOW = f"{URL}/page"
ABOVE = "https://wiki.example.com/"


def logins(*accounts: str) -> list[Grant]:
    """Return a login at the resource for each account, the newest first."""
    return [replace(grant(), grant_id=f"login {account}", account=account) for account in accounts]


@pytest.mark.parametrize(
    ("accounts", "chosen", "defaults", "expected"),
    [
        pytest.param(("work", ""), None, {}, "", id="without a choice, the one without a name"),
        pytest.param(("work",), None, {}, "work", id="without a choice, the only one"),
        pytest.param(("work", ""), None, {URL: "work"}, "work", id="without a choice, what was set"),
        pytest.param(("work", ""), None, {URL: "gone"}, "", id="what was set is passed over once it is gone"),
        pytest.param(("", "work"), "work", {}, "work", id="the chosen one, though another is newer"),
        pytest.param(("", "work"), "", {URL: "work"}, "", id="the one without a name can be chosen"),
    ],
)
def test_a_url_means(
    accounts: tuple[str, ...], chosen: str | None, defaults: dict[str, str], expected: str
) -> None:
    login = login_for(logins(*accounts), BELOW, chosen, defaults)
    assert login is not None
    assert login.account == expected


@pytest.mark.parametrize(
    ("accounts", "chosen", "cause"),
    [
        (("work", ""), "home", f"There is no account 'home' at {URL}. There are: (without a name), work."),
        (
            ("work", "home"),
            None,
            f"There are several accounts at {URL}, and none is the default: home, work.",
        ),
    ],
)
def test_where_no_login_is_meant_the_accounts_are_named(
    accounts: tuple[str, ...], chosen: str | None, cause: str
) -> None:
    with pytest.raises(NoAccount) as refused:
        login_for(logins(*accounts), URL, chosen, {})
    assert refused.value.cause == cause
    assert "--as work" in str(refused.value.cure)
    assert refused.value.exit_code == 4


def test_a_login_of_the_chosen_account_is_used_though_another_one_is_closer() -> None:
    closer = replace(grant(), resource_url=URL)
    wider = replace(grant(), grant_id="wider", resource_url=ABOVE, account="work")
    assert login_for([closer, wider], URL, "work", {}) == wider


def test_nothing_is_meant_where_no_login_covers_the_url() -> None:
    assert login_for(logins("work"), "https://elsewhere.example.com/", "home", {}) is None


@pytest.mark.parametrize(
    ("accounts", "chosen", "expected"),
    [((), None, ""), ((), "work", "work"), (("work",), None, "work"), (("work", "home"), None, "")],
)
def test_a_login_is_stored_under_the_chosen_name_else_the_default(
    accounts: tuple[str, ...], chosen: str | None, expected: str
) -> None:
    assert account_of_login(logins(*accounts), URL, chosen, {}) == expected


@pytest.mark.parametrize(("wish", "expected"), [("ada", "ada-3"), ("eve", "eve"), ("", "account")])
def test_a_name_that_is_taken_gets_a_number(wish: str, expected: str) -> None:
    assert free_name(wish, {"ada", "ada-2"}) == expected
