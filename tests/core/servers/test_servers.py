"""The servers of docs/servers.toml, played: what a login says, and where the commands that it names lead."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from support.command_line import CommandLine
from support.followed_fixes import commands_in, fixes_in, words_of_cloudflare
from support.odd_server import CLIENT_ID, CLIENT_SECRET, OddServer, Plays
from support.ports import free_port

ROWS: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[3] / "docs" / "servers.toml").read_text("utf-8")
)

QUICK: Final = frozenset({"entra"})


@pytest.fixture
def server(name: str, line: CommandLine) -> Iterator[OddServer]:
    """The server of a row."""
    server = OddServer(Plays(**ROWS[name].get("plays", {})))
    line.beside(server.start())
    yield server
    line.beside(server.stop())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in ROWS]
)
def test_a_server_is_logged_in_to_by_the_commands_that_its_messages_name(
    name: str, server: OddServer, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the row says without options is said; each next command is taken from the message before it."""
    row = ROWS[name]
    command = shlex.join(
        ["authlens", "login", server.resource_url, *row.get("options", ()), "--port", str(free_port())]
    )
    ran = line.run(*shlex.split(command)[1:])
    said = ran.words[ran.words.rindex("✖") :] if ran.code else ""
    assert said.startswith(f"✖ {row['says']}" if row["says"] else ""), ran.words
    for option in row.get("steps", ()):
        assert not words_of_cloudflare(ran), ran.words
        named = [one for one in commands_in(fixes_in(ran)) if option in one]
        assert named, f"no command with {option} in:\n{ran.words}"
        command = named[0]
        given = {"ID": CLIENT_ID, "API": "https://api.example/", "ENDPOINT": server.device_endpoint}
        words = [given.get(word, word) for word in shlex.split(command)]
        if {"--client-secret", "--machine"}.intersection(words):
            monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", CLIENT_SECRET)
        ran = line.run(*words[1:])
    if "way" not in row:
        assert ran.code, ran.words
        assert "owner" in " ".join(fixes_in(ran)), ran.words
        assert not words_of_cloudflare(ran), ran.words
        return
    assert ran.code == 0, ran.words
    assert _as_in_the_row(command, server) == row["way"]
    refreshed = line.run("refresh", server.resource_url)
    assert refreshed.code == 0, refreshed.words


def _as_in_the_row(command: str, server: OddServer) -> str:
    names = {server.resource_url: "URL", CLIENT_ID: "ID", shlex.quote(server.named): "SERVER"}
    names |= {shlex.quote(server.issuer): "ISSUER", f"{server.resource_url}/": "URL/"}
    command = " ".join(names.get(word, word) for word in command.split(" "))
    return re.sub(r" --(?:port|timeout) \d+", "", command)
