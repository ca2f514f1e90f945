"""What the real git tells a helper, for every character, read by us and by a reader that knows only LF."""

import os
import subprocess
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from authlens_core.grammars.git_credential import GitRequest, GitRequestRefused, read_request
from support.needs import program
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
HIGHEST = 0x3000
BLOCK = 128
HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


def texts() -> Iterator[str]:
    """Yield every character below U+3000 in blocks that print or do not; the ends of lines alone."""
    for _, group in groupby(
        map(chr, range(1, HIGHEST)), lambda one: one if one in "\r\n" else one.isprintable()
    ):
        characters = "".join(group)
        yield from (characters[at : at + BLOCK] for at in range(0, len(characters), BLOCK))


def told_by_git(git: str, directory: Path, text: str) -> bytes:
    """Return what git writes to a helper for a URL with `text` in host, path and user name."""
    record = directory / "record"
    record.unlink(missing_ok=True)
    word = f"a{quote(text, safe='')}b"
    settings = ("credential.helper=", f"credential.helper=!cat >'{record}'; :", "credential.useHttpPath=true")
    subprocess.run(
        [git, *(part for one in settings for part in ("-c", one)), "credential", "fill"],
        input=f"url=https://{word}@{word}/{word}\n\n".encode(),
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false", "HOME": str(directory)},
        capture_output=True,
        timeout=PATIENCE,
    )
    return record.read_bytes() if record.exists() else b""


def by_lf_alone(told: bytes) -> dict[str, str]:
    pairs = (line.split(b"=", 1) for line in told.partition(b"\n\n")[0].rstrip(b"\n").split(b"\n"))
    return {name.decode(): value.decode() for name, value in pairs}


def by_us(values: dict[str, str]) -> GitRequest | None:
    """Return how we read a request of these values; None where it is refused."""
    request = "".join(f"{name}={value}\n" for name, value in values.items()).encode()
    try:
        return read_request(iter(BytesIO(request).readline, b""))
    except GitRequestRefused:
        return None


def test_every_character_is_read_as_git_means_it_or_not_at_all(tmp_path: Path) -> None:
    """H318: in user name, host and path; a character that does not print gives nothing."""
    git, seen = program("git"), 0
    for text in texts():
        told = told_by_git(git, tmp_path, text)
        if text in "\r\n":
            assert b"username" not in told  # git stops in the middle of its request
            continue
        values = by_lf_alone(told)
        word = f"a{text}b"
        assert (values["username"], values["host"]) == (word, word)
        assert values["path"].rstrip("/") == word
        plain = {"protocol": "https", "host": "good.example"}
        for name in ("username", "path", "new"):
            # Of those that do not print, each alone is enough for a refusal.
            for part in [text] if text.isprintable() else text:
                found = by_us({**plain, name: f"a{part}b"})
                assert (found is not None) is text.isprintable(), (name, part)
                assert found is None or found.site == "https://good.example"
                assert found is None or name != "path" or unquote(found.path) == f"/{word}"
        for character in text:
            found = by_us({**plain, "host": f"a{character}b"})
            assert (found is not None) is (character in HOST_CHARACTERS), character
        seen += len(text)
    assert seen == HIGHEST - 1 - len("\r\n")
