"""The real git with authlens as its credential helper: the right server gets the token, and no other one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from support.git_origin import git_origin
from support.grants import save_login
from support.needs import program
from support.verb_process import AUTHLENS, authlens, log_in, machine_in, process_table, secrets_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
LINE_ENDS = ("\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
"""What `str.splitlines` takes for the end of a line and git does not."""

HELPER = "!" + " ".join((*AUTHLENS, "git-credential"))


@dataclass(slots=True)
class Stranger:
    """Another server: what it got, and what it answers to each path.

    Attributes:
        host: its host and port.
        got: every byte that it was sent.
        challenge: the value of its WWW-Authenticate.
        location: where it redirects the first request; None to redirect nothing.
    """

    host: str = ""
    got: bytearray = field(default_factory=bytearray)
    challenge: bytes = b'Basic realm="x"'
    location: bytes | None = None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            head = b""
        self.got += head
        fields = b"WWW-Authenticate: " + self.challenge
        status = b"401 Unauthorized"
        if self.location is not None and b"/redirected" not in head.partition(b"\r\n")[0]:
            status, fields = b"302 Found", b"Location: " + self.location
        writer.write(
            b"HTTP/1.1 %s\r\n%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (status, fields)
        )
        writer.close()


@asynccontextmanager
async def stranger() -> AsyncIterator[Stranger]:
    """Run another server of this machine, on a port of its own."""
    other = Stranger()
    server = await asyncio.start_server(other.answer, "127.0.0.1", 0)
    other.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield other


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine with a keyring and a person, whose git has authlens as its only helper."""
    for with_path in (False, True):
        (tmp_path / f"gitconfig-{with_path}").write_text(
            f'[credential]\n\thelper = "{HELPER}"\n\tuseHttpPath = {with_path}\n'
            "[user]\n\tname = a\n\temail = a@b\n"
        )
    own = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "HOME": str(tmp_path),
    }
    return {**machine_in(tmp_path), **own}


async def git(machine: Mapping[str, str], *arguments: str, with_path: bool = False) -> int:
    """Run git to its end; return its exit code."""
    environ = {**machine, "GIT_CONFIG_GLOBAL": f"{machine['HOME']}/gitconfig-{with_path}"}
    process = await asyncio.create_subprocess_exec(
        *(program("git"), *arguments),
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), PATIENCE)


async def repository(machine: Mapping[str, str], path: Path, submodule: str | None = None) -> None:
    """Make a bare repository of one commit at `path`, with a submodule if a URL is given."""
    work = path.with_suffix(".work")
    await git(machine, "init", "-q", "-b", "main", str(work))
    (work / "file").write_text("innocent")
    if submodule is not None:
        (work / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = "{submodule}"\n')
        gitlink = f"160000,{'1' * 40},sub"
        await git(machine, "-C", str(work), "update-index", "--add", "--cacheinfo", gitlink)
    await git(machine, "-C", str(work), "add", "-A", "file", *([".gitmodules"] if submodule else []))
    await git(machine, "-C", str(work), "commit", "-q", "-m", "first")
    await git(machine, "clone", "-q", "--bare", str(work), str(path))


def fields_of(good: str, end: str) -> str:
    return f"x{end}protocol=http{end}host={good}{end}path="


Attack = Callable[[Stranger, str, str], str]


def as_user_name(other: Stranger, good: str, end: str) -> str:
    return f"http://{quote(fields_of(good, end), safe='')}@{other.host}/repository.git"


def as_path(other: Stranger, good: str, end: str) -> str:
    return f"http://{other.host}/{quote(fields_of(good, end), safe='')}/repository.git"


def as_challenge(other: Stranger, good: str, end: str) -> str:
    other.challenge = b'Basic realm="' + f"{fields_of(good, end)}{end}rest=".encode() + b'"'
    return f"http://{other.host}/repository.git"


def as_redirect(other: Stranger, good: str, end: str) -> str:
    lines = quote(fields_of(good, end), safe="")
    other.location = f"http://{other.host}/{lines}/redirected/info/refs?service=git-upload-pack".encode()
    return f"http://{other.host}/repository.git"


@pytest.mark.parametrize("attack", [as_user_name, as_path, as_challenge, as_redirect])
async def test_nothing_that_git_passes_on_makes_another_host_the_right_one(
    machine: dict[str, str], tmp_path: Path, attack: Attack
) -> None:
    """H310, H311: the token of one host, asked for with the line ends of `str.splitlines`."""
    async with git_origin(tmp_path, program("git")) as url:
        await log_in(machine, url)
        (token, *_) = secrets_in(machine)
        good = url.removeprefix("http://").rstrip("/")
        for end in LINE_ENDS:
            async with stranger() as other:
                target = attack(other, good, end)
                assert await git(machine, "ls-remote", target, with_path=attack is not as_user_name) != 0
                assert other.got, target
                assert token.encode() not in other.got, target


async def test_a_submodule_of_an_innocent_repository_gets_no_token_of_another_host(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """H312: `clone --recurse-submodules` follows any URL that a repository names."""
    async with git_origin(tmp_path, program("git")) as url, stranger() as other:
        await log_in(machine, url)
        (token, *_) = secrets_in(machine)
        good = url.removeprefix("http://").rstrip("/")
        await repository(machine, tmp_path / "innocent.git", as_user_name(other, good, "\x0b"))
        target = str(tmp_path / "clone")
        await git(machine, "clone", "-q", "--recurse-submodules", f"{url}innocent.git", target)
        assert (tmp_path / "clone" / "file").read_text() == "innocent"
        assert other.got
        assert token.encode() not in other.got


async def test_the_right_host_is_cloned_with_its_submodules(machine: dict[str, str], tmp_path: Path) -> None:
    """With the path in the request, and names that git decodes; no argument and no file has the token."""
    async with git_origin(tmp_path, program("git")) as url:
        await log_in(machine, url)
        await repository(machine, tmp_path / "sub é.git")
        await repository(machine, tmp_path / "main.git", f"{url}sub%20%C3%A9.git")
        sub = tmp_path / "sub é.work"
        process = await asyncio.create_subprocess_exec(
            *(program("git"), "-C", str(sub), "rev-parse", "HEAD"),
            env=machine,
            stdout=asyncio.subprocess.PIPE,
        )
        commit = (await process.communicate())[0].decode().strip()
        work = tmp_path / "main.work"
        gitlink = f"160000,{commit},sub"
        await git(machine, "-C", str(work), "update-index", "--cacheinfo", gitlink)
        await git(machine, "-C", str(work), "commit", "-q", "-m", "second")
        await git(machine, "-C", str(work), "push", "-q", str(tmp_path / "main.git"), "main")
        async with process_table() as table:
            for with_path in (False, True):
                target = tmp_path / f"clone-{with_path}"
                command = ("clone", "-q", "--recurse-submodules", f"{url}main.git", str(target))
                assert await git(machine, *command, with_path=with_path) == 0
                assert (target / "sub" / "file").read_text() == "innocent"
    tokens = [token.encode() for token in secrets_in(machine)]
    files = [path.read_bytes() for path in tmp_path.glob("clone-*/**/*") if path.is_file()]
    assert tokens
    assert not [token for token in tokens if token in b"".join([*table, *files])]


async def test_a_redirect_to_another_host_takes_no_token_along(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """H313: git asks for the credential of the host that it was led to."""
    async with git_origin(tmp_path, program("git")) as url, stranger() as other, stranger() as first:
        await log_in(machine, url)
        (token, *_) = secrets_in(machine)
        first.location = f"http://{other.host}/redirected/info/refs?service=git-upload-pack".encode()
        assert await git(machine, "ls-remote", f"http://{first.host}/repository.git") != 0
        assert other.got
        assert token.encode() not in other.got + first.got


async def test_a_refusal_at_another_host_touches_no_login(machine: dict[str, str], tmp_path: Path) -> None:
    """H321: `erase` and `store` for a host without a login, with the token of a host that has one."""
    async with git_origin(tmp_path, program("git")) as url:
        await log_in(machine, url)
        before = Path(machine["FAKE_KEYRING"]).read_bytes()
        (token, *_) = secrets_in(machine)
        good = url.removeprefix("http://").rstrip("/")
        for action in ("erase", "store"):
            for host in ("127.0.0.1:1", f"127.0.0.1:1\x0bhost={good}", f"127.0.0.1:1\n\nhost={good}"):
                asked = f"protocol=http\nhost={host}\nauthtype=Bearer\ncredential={token}\n\n"
                done = await authlens(machine, "git-credential", action, typed=asked)
                assert (done.code, done.answer) == (0, "")
        assert Path(machine["FAKE_KEYRING"]).read_bytes() == before


async def test_a_login_for_a_path_is_for_no_repository_that_servers_may_read_as_elsewhere(
    machine: dict[str, str],
) -> None:
    """H322: with `credential.useHttpPath`, git sends the path decoded once."""
    await save_login(machine, "https://good.example/app")
    asked = "capability[]=authtype\nprotocol=https\nhost=good.example\npath={}\n\n"
    for path in ("app/repo.git", "app/a b/é.git"):
        done = await authlens(machine, "git-credential", "get", typed=asked.format(path))
        assert "credential=canary\n" in done.answer, path
    for path in (
        "app/..;/admin.git",
        "app/%2e%2e/admin.git",
        "app//admin.git",
        "app/../admin.git",
        "apple.git",
    ):
        done = await authlens(machine, "git-credential", "get", typed=asked.format(path))
        assert (done.code, done.answer) == (0, ""), path
    assert (
        "in different ways"
        in (await authlens(machine, "git-credential", "get", typed=asked.format("app/..;/admin.git"))).words
    )
