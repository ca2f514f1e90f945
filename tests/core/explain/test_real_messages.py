"""Messages that servers, clients and tools really print: each has its cause, and none that of another."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from authlens_core.diagnosis.causes import EDGE_FAMILIES, client_messages, server_messages
from authlens_core.explain.pasted_error import explain_text
from authlens_core.values.check import Diagnosis

MESSAGES: list[dict[str, Any]] = [
    message
    for file in sorted(Path(__file__).parent.glob("messages*.toml"))
    for message in tomllib.loads(file.read_text(encoding="utf-8"))["message"]
]
CLOUDFLARES = re.compile(
    r"(?i)cloudflare|\bwarp\b|zero trust|managed oauth|cf-ray|cdn-cgi"
    r"|(?-i:(?<!Conditional )(?<!Third-party )(?<!Data )\bAccess\b(?! Pol| Pass| token))"
)
MARK = "https://t.cloudflareaccess.com/ cf-ray: 1\n"
MARKS = re.compile(
    r"(?i)cloudflare|connindex=|cf-ray|access application|unauthorized to access requested|cdn-cgi|ray ?id"
    r"|access\.api\.error|org token for app token|user/group information"
    r"|warp is not registered|warp-cli|the warp api|reason: registration missing|cf_registration_missing"
    r"|doesn't have tunnel|origin cert\b|handshake with edge error"
    r"|error code:? (?:52|10[012])\d|name of the tunnel to run"
    r"|failed to write the certif|(?:argo|quick)tunnel|access app launcher application|ca for application"
    r"|origin error=\"websocket| \| 5[23]\d: |zero trust polic|<title>just a moment|cf-access-|turnstile"
)


@cache
def explained(text: str) -> tuple[Diagnosis, ...]:
    return explain_text(text)


def test_there_are_enough_of_them_each_with_its_source() -> None:
    assert len(MESSAGES) >= 150
    assert len({message["text"] for message in MESSAGES}) > len(MESSAGES) - 5
    assert all(message["source"].startswith("https://") for message in MESSAGES)


PARTS = 4
each_part = pytest.mark.parametrize(
    "part", [pytest.param(n, marks=pytest.mark.xdist_group(f"messages-{n}")) for n in range(PARTS)]
)


@each_part
def test_nine_of_ten_are_explained_and_none_wrongly(part: int) -> None:
    messages = MESSAGES[part::PARTS]
    first = [next((d.name for d in explained(m["text"])), "unknown") for m in messages]
    missed = [(m["expect"], name) for m, name in zip(messages, first, strict=True) if name != m["expect"]]
    wrong = [pair for pair in missed if pair[1] != "unknown"]
    assert wrong == []
    assert len(missed) <= len(messages) // 10, missed


@each_part
def test_what_is_said_of_one_is_about_its_server_and_can_be_done(part: int) -> None:
    for text, told in ((m["text"], told) for m in MESSAGES[part::PARTS] for told in explained(m["text"])):
        # What is quoted is the text's, and so is a host.
        words = re.sub(r"“[^”]*”|\b[\w-]+(?:\.[\w-]+){2,}", "", f"{told.cause} {told.cure}")
        assert MARKS.search(text) or not CLOUDFLARES.search(words), (text, words)
        assert "{" not in words, text
        assert "--global" not in words, text


@pytest.mark.parametrize("part", range(PARTS))
def test_every_cause_can_be_found_by_its_phrases(part: int) -> None:
    """Those that no message of the collection has; of the phrases of a cause, alike in form, the ends."""
    collected = "\n".join(message["text"].lower() for message in MESSAGES)
    for cause in (*server_messages(), *client_messages())[part::PARTS]:
        if any(phrase in collected for phrase in cause.phrases):
            continue
        for phrase in {*cause.phrases[:1], *cause.phrases[-1:]}:
            mark = MARK if cause.family in {"access", *EDGE_FAMILIES} else ""
            told = [d.name for d in explain_text(mark + phrase.replace(" … ", " x "))]
            assert told, (cause.name, phrase)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("curl: (22) The requested URL returned error: 403", "--fail-with-body instead of --fail"),
        (
            "$ curl -f https://wiki.example/mcp\ncurl: (22) The requested URL returned error: 403",
            "authlens curl https://wiki.example/mcp -- -sS --fail-with-body",
        ),
        (
            "Connecting to https://wiki.example/mcp\nError: does not support dynamic client registration",
            "authlens login https://wiki.example/mcp --client-id ID",
        ),
        (
            "trying to load OAuth metadata https://wiki.example/.well-known/oauth-protected-resource/mcp",
            "authlens probe https://wiki.example/mcp",
        ),
        (
            "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
            "git -c 'credential.https://git.example.helper=!authlens git-credential' clone https://git.example",
        ),
        # Neither a page that explains nor the callback is what the message is about.
        (
            "MCP server: AADSTS54005 see https://learn.microsoft.com/x http://localhost:33418/callback",
            "authlens login URL",
        ),
    ],
)
def test_a_fix_names_the_address_that_the_text_is_about(text: str, command: str) -> None:
    assert command in str(explain_text(text)[0].cure)


def test_a_transcript_without_its_first_line_says_the_same() -> None:
    head = "HTTP/2 302\n"
    rest = "location: https://team.cloudflareaccess.com/cdn-cgi/access/login/wiki.example.com?meta=x\n"
    assert [d.name for d in explain_text(head + rest)] == [d.name for d in explain_text(rest)]


def test_a_number_is_not_found_in_a_longer_one() -> None:
    names = [explain_text(code)[0].name for code in ("AADSTS50011", "AADSTS500113", "AADSTS500119")]
    assert names == ["entra.redirect_uri", "entra.redirect_none", "entra.redirect_form"]
    assert explain_text("AADSTS900144: 'client_id'")[0].name == "entra.parameter_missing"
    assert explain_text("AADSTS5001199")[0].name == "entra.any_other"
