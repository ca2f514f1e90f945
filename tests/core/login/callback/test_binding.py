"""Taking the port: loopback only, both families or none, never shared."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from authlens_core.login.callback import binding
from authlens_core.login.callback.binding import NoLoopback, another_port, bind_loopback, free_port, is_held

V4, V6 = socket.AF_INET, socket.AF_INET6
IN_USE = os.strerror(errno.EADDRINUSE)


def bind_and_listen(sock: socket.socket, address: str, port: int) -> None:
    """Take the port for good: on Linux binding alone may pass where listening is refused."""
    sock.bind((address, port))
    sock.listen()


@contextmanager
def squatter(family: socket.AddressFamily, address: str, port: int) -> Iterator[int]:
    """Listen as a careless program does, with SO_REUSEADDR; give the port."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == V6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        bind_and_listen(sock, address, port)
        yield sock.getsockname()[1]


def test_only_loopback_addresses_are_bound() -> None:
    """LB-1: the names of the sockets are the two loopback addresses, with one port."""
    bound = bind_loopback("localhost", 0)
    names = {sock.getsockname()[:2] for sock in bound.sockets}
    bound.close()
    assert names == {("127.0.0.1", bound.port), ("::1", bound.port)}
    assert bound.families == ("IPv4", "IPv6")
    assert bound.notes == ()


def test_another_address_of_the_machine_does_not_answer() -> None:
    """LB-1: even another loopback address is refused."""
    bound = bind_loopback("localhost", 0)
    with socket.socket(V4, socket.SOCK_STREAM) as client:
        refused = client.connect_ex(("127.0.0.2", bound.port))
    bound.close()
    assert refused == errno.ECONNREFUSED


def test_the_ip_literal_binds_ipv4_alone() -> None:
    """LB-4: with 127.0.0.1 in the redirect URI nobody comes by IPv6."""
    bound = bind_loopback("127.0.0.1", 0)
    bound.close()
    assert [sock.family for sock in bound.sockets] == [V4]
    assert bound.notes == ()


@pytest.mark.parametrize(
    "taken",
    [
        [(V4, "127.0.0.1")],
        [(V6, "::1")],
        [(V4, "127.0.0.1"), (V6, "::1")],
        [(V4, "0.0.0.0")],
        [(V6, "::")],
    ],
    ids=["v4", "v6", "both", "v4 wildcard", "dual-stack wildcard"],
)
def test_a_port_taken_anywhere_is_refused(taken: list[tuple[socket.AddressFamily, str]]) -> None:
    """LB-2, H094: a stranger on one family alone is enough, and neither family is kept then."""
    port = free_port("localhost")
    with ExitStack() as squatters:
        for family, address in taken:
            squatters.enter_context(squatter(family, address, port))
        with pytest.raises(OSError, match=IN_USE):
            bind_loopback("localhost", port)
    bind_loopback("localhost", port).close()


def test_a_second_listener_is_refused_whatever_it_asks_for() -> None:
    """LB-6: neither SO_REUSEADDR nor SO_REUSEPORT lets anybody stand beside us."""
    bound = bind_loopback("localhost", 0)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        for family, address in ((V4, "127.0.0.1"), (V6, "::1"), (V4, "0.0.0.0"), (V6, "::")):
            with socket.socket(family, socket.SOCK_STREAM) as other:
                other.setsockopt(socket.SOL_SOCKET, option, 1)
                with pytest.raises(OSError, match=IN_USE):
                    bind_and_listen(other, address, bound.port)
    bound.close()


def test_we_do_not_share_with_somebody_who_would() -> None:
    """LB-6: a squatter with SO_REUSEPORT keeps us out instead of sharing our codes."""
    with socket.socket(V4, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match=IN_USE):
            bind_loopback("localhost", other.getsockname()[1])


def test_connections_of_before_do_not_hold_the_port() -> None:
    """A login right after another one: TIME_WAIT on our side is no listener."""
    bound = bind_loopback("localhost", 0)
    with socket.create_connection(("127.0.0.1", bound.port)) as client:
        bound.sockets[0].setblocking(True)
        accepted, _ = bound.sockets[0].accept()
        accepted.close()
        assert client.recv(1) == b""
    bound.close()
    bind_loopback("localhost", bound.port).close()


Refuse = dict[socket.AddressFamily, list[int]]


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch, errors: Refuse) -> Iterator[None]:
    """Let binding fail in the families with the errors in turn, as the system would."""
    really = binding._bind

    def bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if errors.get(family):
            number = errors[family].pop(0)
            raise OSError(number, "simulated")
        return really(family, address, port)

    with monkeypatch.context() as patch:
        patch.setattr(binding, "_bind", bind)
        yield


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize(("absent", "left"), [(V6, "IPv4"), (V4, "IPv6")], ids=["no v6", "no v4"])
def test_an_absent_family_is_noted(
    monkeypatch: pytest.MonkeyPatch, number: int, absent: socket.AddressFamily, left: str
) -> None:
    """LB-2, H097: continue on the other family and say so."""
    with refusing(monkeypatch, {absent: [number]}):
        bound = bind_loopback("localhost", 0)
    bound.close()
    assert bound.families == (left,)
    assert len(bound.notes) == 1
    assert f"listening only on {left}" in bound.notes[0]


def test_no_family_at_all_is_an_error_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """H097: a machine without loopback."""
    errors: Refuse = {V4: [errno.EADDRNOTAVAIL], V6: [errno.EAFNOSUPPORT]}
    with refusing(monkeypatch, errors), pytest.raises(NoLoopback, match="loopback") as caught:
        bind_loopback("localhost", 0)
    assert "paste" in str(caught.value.cure)


def test_an_ephemeral_port_is_drawn_again_when_the_other_family_has_it_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H095: port 0 means the same free port in both families."""
    with refusing(monkeypatch, {V6: [errno.EADDRINUSE] * 3}):
        bound = bind_loopback("localhost", 0)
    bound.close()
    assert {sock.family for sock in bound.sockets} == {V4, V6}


def test_drawing_again_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every loop is bounded; free_port then has nothing to suggest."""
    with refusing(monkeypatch, {V6: [errno.EADDRINUSE] * 100}):
        with pytest.raises(OSError, match="simulated"):
            bind_loopback("localhost", 0)
        assert free_port("localhost") == 0


def test_another_port_is_one_of_the_same_few_where_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = free_port("localhost"), free_port("localhost")
    monkeypatch.setattr(binding, "OTHER_PORTS", (first, second))
    assert another_port("localhost") == first
    with squatter(V6, "::1", first):
        assert another_port("localhost") == second
        assert another_port("127.0.0.1") == first
        with squatter(V4, "127.0.0.1", second):
            assert another_port("localhost") not in (0, first, second)


@pytest.mark.parametrize(("family", "address"), [(V4, "127.0.0.1"), (V6, "::1"), (V4, "0.0.0.0")])
def test_a_port_with_a_listener_in_any_family_is_held(family: socket.AddressFamily, address: str) -> None:
    """And it is not, once that is gone."""
    port = free_port("localhost")
    with squatter(family, address, port):
        assert is_held("localhost", port)
        assert is_held("127.0.0.1", port) is (family == V4)
        assert free_port("localhost", port) == 0
    assert not is_held("localhost", port)
    assert free_port("localhost", port) == port


def test_a_port_that_is_not_for_this_account_is_held_if_somebody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Below 1024 binding tells only that it is refused."""
    port = free_port("localhost")
    with refusing(monkeypatch, {V4: [errno.EACCES] * 2}):
        assert not is_held("localhost", port)
        with squatter(V4, "127.0.0.1", port):
            assert is_held("localhost", port)


def test_nothing_is_left_open_when_one_family_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port("localhost")
    with refusing(monkeypatch, {V6: [errno.EACCES]}), suppress(PermissionError):
        bind_loopback("localhost", port)
    with squatter(V4, "127.0.0.1", port) as taken:
        assert taken == port
