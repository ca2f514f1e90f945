"""Another account of this machine that knows the whole URL of the proxy, and its socket."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from authlens_core.gateway import admission, http_protocol
from authlens_core.gateway.admission import account_of_peer, judged, refused_peer
from support.needs import program, stop
from support.served_proxy import raw_upstream, served_proxy
from support.two_readings import both_readings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a socket is")

OTHER = 65_534
# Sends a request and closes the connection at once, so that the kernel forgets whose it was.
HIT_AND_RUN = 'exec 3<>/dev/tcp/127.0.0.1/$0; printf %b "$1" >&3; exec 3>&-'


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection on loopback: the client's, and the one that was accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with client, accepted:
            yield client, accepted


async def run_as_other(*command: str) -> bytes:
    """Run a program as an account that is neither this one nor root."""
    if os.geteuid() != 0:
        stop("only root can run a program as another account")
    account = (program("setpriv"), f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups")
    running = await asyncio.create_subprocess_exec(*account, *command, stdout=asyncio.subprocess.PIPE)
    return (await running.communicate())[0]


async def test_a_second_account_that_knows_the_whole_url_is_refused() -> None:
    """H374: it read the secret path in the arguments of a client; the resource is not asked."""
    curl = program("curl")
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        refused = await run_as_other(curl, "-sS", "-w", "%{http_code}", f"{proxy.base}/a")
        assert refused.endswith(b"403")
        assert b'"other_account"' in refused
        posted = await run_as_other(curl, "-sS", "-w", "%{http_code}", "-d", "x" * 100_000, f"{proxy.base}/a")
        assert posted.endswith(b"403")
        assert resource.streams == []


async def test_a_second_account_does_not_get_in_by_leaving_at_once() -> None:
    """H374: a socket that no program has any more belongs to account 0 for the kernel."""
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        request = f"GET {proxy.path}/a HTTP/1.1\\r\\nHost: {proxy.netloc}\\r\\n\\r\\n"
        for _ in range(5):
            await run_as_other(program("bash"), "-c", HIT_AND_RUN, str(proxy.port), request)
        received, _ = await proxy.answer_to(request.encode().decode("unicode_escape").encode())
        assert received.startswith(b"HTTP/1.1 200 ")
        (stream,) = resource.streams
        assert bytes(stream).count(b"GET /a ") == 1


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory in which every account finds a file whose name it knows."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:  # TMPDIR may be one's own
        Path(directory).chmod(0o711)
        yield Path(directory)


async def test_a_second_account_cannot_open_the_socket(open_directory: Path) -> None:
    """H374: by its mode; and where that was changed, by its account."""
    curl, path = program("curl"), open_directory / "p.sock"
    async with raw_upstream() as resource, served_proxy(resource.url, socket=path):
        ask = (curl, "-sS", "-w", "%{http_code}", "--unix-socket", str(path), "http://any/a")
        assert (await run_as_other(*ask)).endswith(b"000")
        path.chmod(0o666)
        assert (await run_as_other(*ask)).endswith(b"403")
        assert resource.streams == []


async def test_a_program_that_is_not_served_gets_one_answer_whatever_it_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H374: nothing that it sends is read."""
    monkeypatch.setattr(http_protocol, "refused_peer", lambda _: judged(OTHER, 1000))
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        good = f"GET {proxy.path}/a HTTP/1.1\r\nHost: {proxy.netloc}\r\n\r\n".encode()
        for sent in (good, good * 3, b"\x16\x03\x01", b"x" * 100_000):
            (answer,) = both_readings(await proxy.ask(sent))
            assert answer.target == b"403"
        assert resource.streams == []


@pytest.mark.parametrize(
    ("account", "own", "code"),
    [(1000, 1000, None), (0, 1000, None), (1001, 1000, "other_account"), (None, 1000, "unknown_account")],
)
def test_this_account_and_root_are_served_and_no_one_who_is_not_known(
    account: int | None, own: int, code: str | None
) -> None:
    """Root can read the memory of this process anyway."""
    refusal = judged(account, own)
    assert (refusal.code if refusal else None) == code
    if refusal is not None:
        assert refusal.status == 403
        assert refusal.cure


def test_the_kernel_knows_whose_the_other_end_is(pair: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = pair
    assert account_of_peer(accepted) == os.geteuid()
    assert refused_peer(accepted) is None
    client.shutdown(socket.SHUT_WR)
    assert account_of_peer(accepted) == os.geteuid(), "a client may end its side and wait"


def test_a_socket_that_no_program_has_any_more_is_no_ones(pair: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = pair
    client.close()
    assert account_of_peer(accepted) is None


def test_where_the_kernel_cannot_be_asked_no_one_is_served(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "NETLINK_SOCK_DIAG", 31)  # no such protocol
    refusal = refused_peer(pair[1])
    assert refusal is not None
    assert "--socket" in refusal.cure


def test_a_client_with_an_address_of_both_families_is_known() -> None:
    """A mapped address."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_INET6) as client:
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        with listener.accept()[0] as accepted:
            assert account_of_peer(accepted) == os.geteuid()
