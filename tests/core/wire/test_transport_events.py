"""What the events of the HTTP library are taken to mean."""

import pytest

from authlens_core.wire.addresses import AddressPolicy, AddressRefused
from authlens_core.wire.client import _judge
from authlens_core.wire.proxy_settings import Proxy
from authlens_core.wire.transport_events import Observation, TransportPhase

PROXY = Proxy("http", "proxy.example", 3128)


class _Stream:
    """A connection to a given address, as httpcore hands it to the event."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.closed = False

    def get_extra_info(self, name: str) -> object:
        return (self._host, 443) if name == "server_addr" else None

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("scheme", "policy", "proxy", "address", "allowed"),
    [
        ("http", AddressPolicy.ANY, None, "127.0.0.1", True),
        ("http", AddressPolicy.ANY, None, "10.0.0.1", False),
        ("http", AddressPolicy.ANY, None, "1.1.1.1", False),
        ("https", AddressPolicy.ANY, None, "10.0.0.1", True),
        ("https", AddressPolicy.PUBLIC_ONLY, None, "10.0.0.1", False),
        ("https", AddressPolicy.PUBLIC_ONLY, None, "1.1.1.1", True),
        ("https", AddressPolicy.PUBLIC_ONLY, PROXY, "10.0.0.1", True),
    ],
)
async def test_the_connected_address_is_judged_before_anything_is_sent(
    *, scheme: str, policy: AddressPolicy, proxy: Proxy | None, address: str, allowed: bool
) -> None:
    """GEN-1, GEN-3: a localhost that a hosts file sends elsewhere gets no plain http either."""
    observed, stream = Observation(_judge(scheme, policy, proxy)), _Stream(address)
    event = ("connection.connect_tcp.complete", {"return_value": stream})
    if allowed:
        await observed(*event)
    else:
        with pytest.raises(AddressRefused, match=address):
            await observed(*event)
    await observed.hang_up()
    assert stream.closed
    assert observed.peer == f"{address}:443"
    assert not observed.sent


async def test_what_the_lookup_took_is_no_part_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds of connecting, three of them for the name."""
    clock = iter([10.0, 11.0, 14.0, 15.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    observed = Observation()
    await observed("connection.connect_tcp.started", {})
    with observed.lookup():
        pass
    await observed("connection.connect_tcp.complete", {"return_value": _Stream("127.0.0.1")})
    timings = observed.timings(20.0)
    assert (timings.dns, timings.connect) == (3.0, 2.0)


class _Connect:
    method = b"CONNECT"


class _Get:
    method = b"GET"


async def test_a_tunnel_is_not_yet_the_request() -> None:
    """What a proxy was told does not count as sent."""
    observed = Observation()
    await observed("http11.send_request_headers.started", {"request": _Connect()})
    await observed("http11.receive_response_headers.complete", {"return_value": (b"HTTP/1.1", 200, b"", [])})
    assert (observed.sent, observed.step, observed.tunnel_status) == (False, TransportPhase.TUNNEL, 200)
    await observed("http11.send_request_headers.started", {"request": _Get()})
    assert (observed.sent, observed.step) == (True, TransportPhase.SEND)
