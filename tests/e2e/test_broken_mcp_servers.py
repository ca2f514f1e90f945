"""An MCP server of a developer's own, broken in one place: the login names it, and who changes what."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from authlens_lab.emulator import play_person
from e2e.servers.broken_mcp import FAULTS
from support.command_line import CommandLine, Ran, commands_in, fixes_in
from support.needs import free_port
from support.server_process import ServerProcess, serve

TESTS: Final = Path(__file__).parents[1]
MOST_STEPS: Final = 5


@dataclass(frozen=True)
class Row:
    """What is said of a fault.

    Attributes:
        cause: words of the cause; empty if the login gets over it.
        first: how the first advice begins.
        way: an option of a command that works; empty if only the owner can help.
        opened: how often the browser was opened at most.
    """

    cause: str
    first: str = ""
    way: str = ""
    opened: int = 1
    options: list[str] = field(default_factory=list)


OWNER: Final = "Ask the owner"
INNER: Final = (
    "authorization_endpoint is at auth:8080, a name that only the network of the server knows, and not"
)
# Where no option helps, the owner is given the document that does.
PUBLISHED: Final = ("resource metadata", "no metadata", "default paths", "server metadata")
ROWS: Final = {
    "none": Row(""),
    "resource": Row(
        r"describes another resource[\s\S]*aud is .*/api, only the owner", OWNER, "--resource", 0
    ),
    "resource metadata": Row("publishes no metadata at the well-known", "Only the owner", "", 0),
    "no metadata": Row("at its origin: .*/authorize .404", "Only the owner", "", 0),
    "default paths": Row("at its origin: .*/authorize .400", OWNER, "--legacy-paths", 0),
    "named otherwise": Row(r"describes another resource[\s\S]*aud is .*/api, only the owner", OWNER, "", 0),
    "inner address": Row(
        "https URL as authorization_endpoint, or http on loopback. Seen: http://auth:8080", INNER, "", 0
    ),
    "server metadata": Row("publishes no server metadata", OWNER, "--legacy-paths", 0),
    "secret": Row("lists none, client_secret_post; the registration gave no", OWNER, "--client-auth"),
    "issuer": Row("names another issuer", OWNER, "--issuer-name", 0),
    "issuer slash": Row("names another issuer", OWNER, "--issuer-name", 0),
    "audience": Row("aud is http://127.0.0.1:8000/mcp; this login asked for", OWNER),
    "expired": Row("exp is .* the resource got it at", OWNER),
    "no resource parameter": Row("takes no resource parameter", "Log in without it", "--resource"),
    "scopes": Row("asked for: api://other/read", "Log in without a scope", "--scope"),
    "proof": Row(
        "valid now and has the aud.*wants a proof of possession", "Only the owner of the resource", "--dpop"
    ),
    "registration page": Row("something before the server answers", "Only the server's owner", "", 0),
    "localhost": Row("does not accept localhost", "Log in with 127.0.0.1", "--redirect-host", 0),
    "confidential": Row(""),
    "wanted audience": Row("aud is http.*/userinfo; this login asked for", OWNER, "--audience"),
    "form": Row("does not read the form", "Only the server's owner", ""),
    "verifier": Row("compares the verifier wrongly", "Only the owner", ""),
    "token issuer": Row(r"iss is http://localhost:\d+; the metadata of the server says http://127", OWNER),
    "sign-in page": Row("redirects.*location: /login", "If the target is a page to sign in", "", 0),
    "unnamed scope": Row('names none in scope= or .*: "Required scope: mcp:tools"', "Ask its owner to list"),
    "challenge inside": Row("Expected: a URL on http://127", "Only the owner of the resource", "", 0),
    "issuer with a path": Row("server calls itself http", "Only the owner of the resource", "", 0),
    "declined": Row("declined on the page for the code", "If you declined by mistake", "", 0, ["--device"]),
}


@pytest.fixture
def server(fault: str, tmp_path: Path) -> Iterator[ServerProcess]:
    command = (sys.executable, str(TESTS / "e2e" / "servers" / "broken_mcp.py"), fault)
    with serve(command, tmp_path / "log", {**os.environ, "PYTHONPATH": str(TESTS)}) as running:
        yield running


def _login(line: CommandLine, server: ServerProcess, *options: str) -> tuple[str, Ran]:
    words = ["login", server.resource, "--port", str(free_port()), *options]
    return shlex.join(["authlens", *words]), line.run(*words)


def test_every_fault_has_a_row() -> None:
    assert ROWS.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_true_cause_is_named_and_the_browser_is_opened_once(
    fault: str, line: CommandLine, server: ServerProcess
) -> None:
    """The cause, no misleading first advice, and the command that works, word for word."""
    row, opened = ROWS[fault], []

    async def browse(url: str) -> None:
        opened.append(url)
        await play_person(url)

    line.browse = browse
    _, ran = _login(line, server, *row.options)
    assert len(opened) <= row.opened
    assert (ran.code == 0) is (row.cause == ""), ran.words
    if not row.cause:
        return
    assert re.search(row.cause, ran.words), ran.words
    first, *_ = fixes = fixes_in(ran)
    assert first.startswith(row.first), ran.words
    assert not re.search(r"wait a minute", ran.words, re.IGNORECASE)
    assert "owner" in " ".join(fixes), ran.words
    if row.way:
        [command] = [one for one in commands_in(fixes) if row.way in one]
        followed = line.run(*shlex.split(command)[1:])
        assert followed.code == 0, followed.words


@pytest.mark.parametrize("fault", ["named otherwise"])
def test_a_resource_taken_by_its_own_name_that_refuses_it_names_both(
    line: CommandLine, server: ServerProcess
) -> None:
    """The name came from its metadata; what it compares aud with is the URL."""
    command, ran = _login(line, server)
    [command] = commands_in(fixes_in(ran))
    followed = line.run(*shlex.split(command)[1:])
    other = server.resource.replace("/mcp", "/api")
    seen = f"aud is {other}, for which this login asked; the URL that you gave is {server.resource}"
    assert seen in followed.words
    [fix] = fixes_in(followed)
    assert f'set "resource" in the metadata to the URL that you gave: {server.resource}' in fix
    assert "resource_server_url" in fix
    assert not commands_in([fix])


@pytest.mark.parametrize("fault", ["unnamed scope"])
def test_the_scope_that_an_answer_names_in_words_is_asked_for_by_the_printed_command(
    line: CommandLine, server: ServerProcess
) -> None:
    _, ran = _login(line, server)
    [command] = commands_in(fixes_in(ran))
    followed = line.run(*shlex.split(command.replace("SCOPE", "mcp:tools"))[1:])
    assert followed.code == 0, followed.words


@pytest.mark.parametrize("fault", PUBLISHED)
def test_the_owner_is_given_the_document_to_publish(line: CommandLine, server: ServerProcess) -> None:
    _, ran = _login(line, server)
    fixes = fixes_in(ran)
    documents = [json.loads(one) for one in re.findall(r"\{.*?\}", " ".join(fixes))]
    keys = {key for document in documents for key in document}
    assert {"resource", "issuer"} & keys
    assert all(document.get("resource", server.resource) == server.resource for document in documents)
    assert not any("--yes resource_metadata.found" in one for one in fixes)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_advice_leads_back_to_one_that_was_followed(
    fault: str, line: CommandLine, server: ServerProcess
) -> None:
    """Every command that can be typed as it is, and those that its own message names, to the end."""
    start, ran = _login(line, server, *ROWS[fault].options)
    circles = list(_circles(line, (start,), ran))
    assert not circles, "\n".join(circles)


def _circles(line: CommandLine, path: tuple[str, ...], ran: Ran) -> Iterator[str]:
    if len(path) > MOST_STEPS:
        yield f"does not end: {' | '.join(path)}"
        return
    for fix in fixes_in(ran) if ran.code else ():
        for command in commands_in([fix]):
            words = shlex.split(command)[1:]
            # What only the owner knows cannot be typed, and "start again" names the login that it follows.
            if any(re.fullmatch(r"[A-Z]{2,}", word) for word in words) or "again" in fix:
                continue
            if sorted(words) in [sorted(shlex.split(one)[1:]) for one in path]:
                yield f"leads back to {command}: {' | '.join(path)}"
            else:
                yield from _circles(line, (*path, command), line.run(*words))
