"""What a failed login leaves: a trace that is listed, exported and compared, without a credential."""

from collections.abc import Iterator

import pytest

from authlens_lab.emulator import Emulator
from authlens_lab.emulator.profile import Fault
from support.command_line import CommandLine
from support.needs import free_port


@pytest.fixture
def served(line: CommandLine) -> Iterator[Emulator]:
    """A server that refuses every code."""
    emulator = Emulator(faults=[Fault.INVALID_GRANT])
    line.beside(emulator.start())
    yield emulator
    line.beside(emulator.stop())


def test_a_failed_login_is_listed_exported_and_compared_with_a_good_one(
    line: CommandLine, served: Emulator
) -> None:
    url, port = served.resource_url, str(free_port())
    assert line.run("login", url, "--port", port).code != 0
    assert line.run("list").answer == ""
    assert "login    failed" in line.run("export", url, "--list").answer
    exported = line.run("export", url, "--format", "session")
    assert exported.code == 0, exported.words
    assert "invalid_grant" in exported.answer
    served.set_faults([])
    assert line.run("login", url, "--port", port).code == 0
    listed = line.run("export", url, "--list").answer.splitlines()
    assert ["failed" in row for row in listed] == [False, True]
    compared = line.run("compare", url, url, "--which-a", "1", "--which-b", "2")
    assert compared.code == 10, compared.words
    assert "invalid_grant" in compared.answer


def test_what_a_revocation_sent_is_kept_when_the_credential_is_gone(
    line: CommandLine, served: Emulator
) -> None:
    served.set_faults([])
    url = served.resource_url
    assert line.run("login", url, "--port", str(free_port())).code == 0
    assert line.run("revoke", url).code == 0
    assert line.run("list").answer == ""
    assert "revoke" in line.run("export", url, "--list").answer
    assert line.run("export", url, "--which", "revoke").code == 0
