"""Every option of this machine's curl, in every spelling, against the named server and a canary."""

import random
import string
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from authlens_core.values.errors import UsageError
from support.request_recorder import HelpLine, RequestRecorder, machine_options, recorder, run_words

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TOKEN = "canary-token-0123456789abcdef"
FIELDS = (("Authorization", f"Bearer {TOKEN}"),)


@pytest.fixture
def canary() -> Iterator[RequestRecorder]:
    with recorder() as server:
        yield server


@pytest.fixture
def named(canary: RequestRecorder) -> Iterator[RequestRecorder]:
    """The server that is named: it tries to lead everything to the other one."""
    answer = (
        b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\nConnection: close\r\n"
        b'Alt-Svc: http1.1="%s"\r\nRefresh: 0; url=%s\r\nLocation: %s\r\n\r\nok'
    )
    address, url = "{}:{}".format(*canary.address).encode(), canary.url.encode()
    with recorder(answer=answer % (address, url, url)) as server:
        yield server


@pytest.fixture
def hostile_environment(canary: RequestRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Proxies and files of options that lead to the other server; return an empty folder to work in."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("CURL_CA_BUNDLE", "/dev/null")
    options = (
        f'url = "{canary.url}"\nproxy = "{canary.url}"\nlocation\nverbose\ntrace-ascii = "{tmp_path}/rc"\n'
    )
    for variable in ("HOME", "XDG_CONFIG_HOME", "CURL_HOME"):
        folder = tmp_path / variable
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
        for name in ("curlrc", ".curlrc"):
            (folder / name).write_text(options)
    work = tmp_path / "work"
    work.mkdir()
    return work


def abbreviated(name: str, names: list[str]) -> Iterator[str]:
    """Yield the shortest beginning that only this option has, and one in the middle."""
    shortest = next(
        (end for end in range(1, len(name)) if sum(one.startswith(name[:end]) for one in names) == 1), None
    )
    if shortest is not None:
        yield f"--{name[:shortest]}"
        yield f"--{name[: (shortest + len(name)) // 2]}"


def spellings(option: HelpLine) -> list[str]:
    """Return an option as it is, with its letter, negated, abbreviated, and with what newer curls read."""
    names = [one.name for one in machine_options()]
    other = option.name.removeprefix("no-") if option.name.startswith("no-") else f"no-{option.name}"
    written = [f"--{option.name}", f"--{other}", f"--{option.name.upper()}", f"--expand-{option.name}"]
    letter = [f"-{option.letter}", f"-s{option.letter}", f"-{option.letter}s"] if option.letter else []
    return list(dict.fromkeys([*written, *letter, *abbreviated(option.name, names)]))


def layouts(spelling: str, address: str) -> Iterator[list[str]]:
    """Yield command lines in which a stray address could be read as one."""
    yield [spelling]
    yield [f"{spelling}={address}"]
    yield [f"{spelling}{address}"]
    for value in (address, "1000", "-s"):
        yield [spelling, value]
    yield ["-s", spelling, "--", "-S"]
    yield [spelling, "1000", address]
    yield [spelling, address, "--next", address]


class Watch:
    """Run command lines and note what must not happen."""

    def __init__(self, named: RequestRecorder, canary: RequestRecorder, work: Path) -> None:
        self.named, self.canary, self.work = named, canary, work
        self.refused, self.ran, self.sent = 0, 0, 0
        self.faults: list[str] = []

    def run(self, words: list[str]) -> None:
        """Run one; the word `-m` ends what waits for ever."""
        try:
            done = run_words([*words, "-m", "10"], self.named.url, FIELDS, cwd=self.work)
        except UsageError:
            self.refused += 1
            return
        self.ran += 1
        requests = self.named.take()
        self.sent += bool(requests)
        files = b"".join(one.read_bytes() for one in self.work.rglob("*") if one.is_file())
        for one in self.work.iterdir():
            one.unlink()
        path = self.named.url.partition("/app")[2]
        if self.canary.raw:
            self.faults.append(f"{words}: the other server heard {self.canary.take()}")
        if TOKEN.encode() in done.out + done.err + files:
            self.faults.append(f"{words}: shows the token")
        for request in requests:
            host = request.get("host")
            whole = request.target.partition("?")[0] == f"/app{path}"
            if (
                request.method == "PRI"
            ):  # the start of HTTP/2 (RFC 9113 §3.4), which this server does not speak
                continue
            if host != "{}:{}".format(*self.named.address) or not whole or len(requests) > 1:
                self.faults.append(f"{words}: {request}")
            if [value for name, value in request.fields if name == "Authorization"] != [f"Bearer {TOKEN}"]:
                self.faults.append(f"{words}: {request.fields}")


def test_no_option_of_this_curl_takes_the_credential_anywhere_else(
    named: RequestRecorder, canary: RequestRecorder, hostile_environment: Path
) -> None:
    """H350: long, short, bundled, negated, abbreviated; with and without a word; before and after others."""
    watch = Watch(named, canary, hostile_environment)
    for option in machine_options():
        for spelling in spellings(option):
            for words in layouts(spelling, canary.url):
                watch.run(words)
    assert watch.faults == []
    assert watch.refused > 5_000
    assert watch.sent > 200


def test_no_row_of_letters_and_words_takes_the_credential_anywhere_else(
    named: RequestRecorder, canary: RequestRecorder, hostile_environment: Path
) -> None:
    """H351: what authlens reads as the value of an option, curl reads as one, too."""
    draw = random.Random(21)
    letters = [one.letter for one in machine_options() if one.letter] + list(string.ascii_letters)
    values = (canary.url, "1", "-", "", "-s", "--", "-o", "--url", "@-", "a=b")
    watch = Watch(named, canary, hostile_environment)
    for _ in range(2_000):
        rows = ["-" + "".join(draw.choices(letters, k=draw.randint(1, 5))) for _ in range(draw.randint(1, 3))]
        words = list(chain.from_iterable((row, *draw.choices(values, k=draw.randint(0, 1))) for row in rows))
        watch.run(words)
    assert watch.faults == []
    assert watch.ran > 10
