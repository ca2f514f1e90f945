"""Of several causes whose words are in a text, the one that says most is told, in whatever order they are."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from authlens_core.explain import pasted_error
from authlens_core.explain.pasted_error import explain_text

MESSAGES: Final[list[dict[str, Any]]] = [
    message
    for file in sorted(Path(__file__).parent.glob("messages*.toml"))
    for message in tomllib.loads(file.read_text(encoding="utf-8"))["message"]
]
NOISE: Final = (
    "2026-11-28 10:00:00 INFO starting up",
    "listening on 127.0.0.1:8080",
    "DEBUG read the settings",
    "info: 12 objects, done",
    "cache warmed in 35 ms",
    "GET /health 200 2 ms",
)


def first(text: str) -> str:
    return next((str(told.name) for told in explain_text(text)), "unknown")


@pytest.mark.xdist_group("messages")
def test_lines_around_a_message_in_any_order_do_not_change_its_answer() -> None:
    chance = random.Random(24)
    single = [m for m in MESSAGES if "\n" not in m["text"] and m["expect"] != "unknown"]
    changed = []
    for message in chance.sample(single, 150):
        noise = chance.sample(NOISE, len(NOISE))
        text = "\n".join((*noise[:3], message["text"], *noise[3:]))
        if (name := first(text)) != message["expect"]:
            changed.append((message["text"], message["expect"], name))
    assert changed == []


@pytest.mark.xdist_group("messages")
def test_the_order_of_the_tables_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = random.Random(24).sample(MESSAGES, 300)
    before = [first(message["text"]) for message in sample]
    for name in ("server_messages", "client_messages"):
        particular = [cause for cause in getattr(pasted_error, name)() if not cause.general]
        general = [cause for cause in getattr(pasted_error, name)() if cause.general]
        # What says least is in the order of how much it says.
        turned = (*reversed(particular), *general)
        monkeypatch.setattr(pasted_error, name, lambda turned=turned: turned)
    after = [first(message["text"]) for message in sample]
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # A step that failed, and why.
        (
            "fatal: Could not read from remote repository.\nHost key verification failed.",
            "ssh.host_key_unknown",
        ),
        ("certificate verify failed: certificate has expired", "curl.certificate_expired"),
        ("certificate verify failed", "certificate_not_trusted"),
        # A number of the product beside a sentence.
        ("AADSTS50173: The provided grant has expired", "entra.refresh_revoked"),
        # The last command, and the first error of a chain.
        (
            "$ curl a\ncurl: (6) Could not resolve host: a\n$ curl b\ncurl: (28) Operation timed out",
            "curl.timeout",
        ),
        ("AppError: jwt expired\nCaused by: connect ECONNREFUSED 127.0.0.1:1", "connection_refused"),
        # An error of a log beside what it reports at a lower level, and what was cleared away.
        ("[info] redirect_uri mismatch\n[error] jwt expired\n[info] state not found", "jwt.expired"),
        ("[info] [certificates] Removed 18 expired certificates\n[info] jwt expired", "jwt.expired"),
        # A list of what is often the reason.
        (
            "jwt expired. Some common reasons include:\n\n- redirect_uri mismatch\n- nonce mismatch",
            "jwt.expired",
        ),
        # A phrase of the code beside a word of the refresh token.
        ("login failed: refresh token: grant not found", "refresh_token_ended"),
        # An ordinary sentence beside that of a program.
        ("host key verification failed: the request contains invalid characters", "ssh.host_key_unknown"),
    ],
)
def test_what_says_most_is_told(text: str, name: str) -> None:
    assert first(text) == name
