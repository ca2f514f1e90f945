"""Two accounts at one resource on the command line: each verb takes the one that was chosen."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from authlens_core.state.account_choice import FOLDER_FILE, VARIABLE
from authlens_lab.emulator import Emulator, play_person
from authlens_lab.emulator.profile import Profile
from support.command_line import CommandLine

OPENID = ("--scope", "openid", "--port", "0")


@pytest.fixture
def url(line: CommandLine) -> Iterator[str]:
    """Yield a resource whose ID tokens say who logs in."""
    served = Emulator(Profile.GENERIC)
    line.variables[VARIABLE] = ""  # so that what --as leaves in the environment is gone after each command
    line.beside(served.start())
    yield served.resource_url
    line.beside(served.stop())


def log_in(line: CommandLine, url: str, user: str, *arguments: str) -> str:
    """Log in as a user of the emulator, and return what the command says."""
    line.browse = partial(play_person, user=user)
    ran = line.run("login", url, *OPENID, *arguments)
    assert ran.code == 0, ran.words
    return ran.words


def token(line: CommandLine, url: str, *arguments: str) -> str:
    ran = line.run("token", url, *arguments)
    assert ran.code == 0, ran.words
    return ran.answer


@pytest.fixture
def both(line: CommandLine, url: str) -> str:
    """Return the resource, with a login without a name and one as work."""
    log_in(line, url, "ada")
    log_in(line, url, "grace", "--as", "work")
    return url


def test_a_login_under_a_name_leaves_the_other_one(line: CommandLine, both: str) -> None:
    logins = json.loads(line.run("list", "--json").answer)
    accounts = {(login["account"], login["person"]) for login in logins}
    assert accounts == {("", "ada@example.com"), ("work", "grace@example.com")}
    assert token(line, both) != token(line, both, "--as", "work")


@pytest.mark.parametrize("words", [["--as", "work"], ["--as=work"], ["--as", "Work"]])
def test_the_option_chooses_also_before_the_verb(line: CommandLine, both: str, words: list[str]) -> None:
    assert line.run(*words, "token", both).answer == token(line, both, "--as", "work")


def test_the_option_comes_before_the_environment_and_that_before_the_folder(
    line: CommandLine, both: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, default = token(line, both, "--as", "work"), token(line, both)
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER_FILE).write_text('as = "work"')
    assert token(line, both) == work
    line.variables[VARIABLE] = "home"
    assert line.run("token", both).code == 4
    assert token(line, both, "--as", "work") == work != default


def test_use_sets_the_default(line: CommandLine, both: str) -> None:
    assert line.run("use", both, "work").code == 0
    assert token(line, both) == token(line, both, "--as", "work")


@pytest.mark.parametrize(
    "verb",
    [
        *(["token"], ["headers"], ["refresh"], ["revoke"], ["forget"], ["export"], ["headers", "--which"]),
        ["curl"],
    ],
)
def test_a_name_that_is_not_there_ends_with_4_and_the_names_that_are(
    line: CommandLine, both: str, verb: list[str]
) -> None:
    ran = line.run(*verb, both, "--as", "home")
    assert ran.code == 4, ran.words
    assert "There is no account 'home'" in ran.words
    assert "→ Use: --as work" in ran.words


@pytest.mark.parametrize("verb", ["revoke", "forget"])
def test_what_ends_a_login_ends_that_of_the_account_alone(line: CommandLine, both: str, verb: str) -> None:
    default = token(line, both)
    assert line.run(verb, both, "--as", "work").code == 0
    assert token(line, both) == default
    [login] = json.loads(line.run("list", "--json").answer)
    assert login["account"] == ""


def test_a_login_of_another_user_leaves_the_earlier_one_under_the_name_of_its_user(
    line: CommandLine, url: str
) -> None:
    log_in(line, url, "ada")
    of_ada = token(line, url)
    words = log_in(line, url, "grace")
    assert "The earlier login, of ada@example.com, stays, as the account ada@example.com." in words
    assert token(line, url, "--as", "ada@example.com") == of_ada
    assert token(line, url) != of_ada


def test_a_login_of_the_same_user_replaces_the_earlier_one(line: CommandLine, url: str) -> None:
    log_in(line, url, "ada")
    assert "earlier login" not in log_in(line, url, "ada", "--port", "0")


def test_where_no_token_says_who_logged_in_a_replacement_is_reported(line: CommandLine, url: str) -> None:
    line.browse = play_person
    assert line.run("login", url, "--port", "0").code == 0
    ran = line.run("login", url, "--port", "0")
    assert (
        "It is used instead of the earlier login; no token says whether that was the same user." in ran.words
    )
    assert f"→ To keep two logins: authlens login {url} --as NAME" in ran.words


def test_the_table_has_a_column_for_accounts(line: CommandLine, both: str) -> None:
    rows = line.run("list").answer.splitlines()
    assert any("work (grace@example.com)" in row for row in rows)
    assert any("  ada@example.com  " in row for row in rows)


def test_a_token_as_json_says_whose_it_is_and_until_when(line: CommandLine, both: str) -> None:
    answer = json.loads(line.run("token", both, "--json", "--as", "work").answer)
    expires_at = datetime.fromisoformat(answer.pop("expires_at"))
    assert expires_at > datetime.now(UTC)
    access_token = token(line, both, "--as", "work").strip()
    assert answer == {
        "access_token": access_token,
        "token_type": "Bearer",
        "account": "work",
        "resource": both,
    }


def test_git_chooses_the_account_that_the_url_names(line: CommandLine, both: str) -> None:
    scheme, _, host = both.rstrip("/").partition("://")
    asked = f"capability[]=authtype\nprotocol={scheme}\nhost={host}\n"
    for username, account in (("username=Work\n", ["--as", "work"]), ("username=anyone\n", []), ("", [])):
        ran = line.run("git-credential", "get", typed=f"{asked}{username}\n")
        assert f"credential={token(line, both, *account)}" in ran.answer


def test_the_entry_of_an_agent_names_the_account(line: CommandLine, both: str) -> None:
    entry = line.run("mcp-config", "cursor", both, "--as", "work").answer
    assert '"--as",' in entry
    assert '"work"' in entry
    assert "--as" not in line.run("mcp-config", "cursor", both).answer
