"""What is noted of an exchange on the wire, and what the events of the HTTP library are taken to mean."""

from __future__ import annotations

import pytest

from authlens_core.wire.addresses import AddressPolicy, AddressRefused, address_judge
from authlens_core.wire.pooled_streams import LibraryEvents
from authlens_core.wire.transport_events import Observation, TransportPhase


@pytest.mark.parametrize(
    ("scheme", "policy", "proxied", "address", "allowed"),
    [
        ("http", AddressPolicy.ANY, False, "127.0.0.1", True),
        ("http", AddressPolicy.ANY, False, "10.0.0.1", False),
        ("http", AddressPolicy.ANY, False, "1.1.1.1", False),
        ("https", AddressPolicy.ANY, False, "10.0.0.1", True),
        ("https", AddressPolicy.PUBLIC_ONLY, False, "10.0.0.1", False),
        ("https", AddressPolicy.PUBLIC_ONLY, False, "1.1.1.1", True),
        ("https", AddressPolicy.PUBLIC_ONLY, True, "10.0.0.1", True),
    ],
)
def test_the_connected_address_is_judged_before_anything_is_sent(
    *, scheme: str, policy: AddressPolicy, proxied: bool, address: str, allowed: bool
) -> None:
    """GEN-1, GEN-3: a localhost that a hosts file sends elsewhere gets no plain http either."""
    observed = Observation(address_judge(scheme, policy, proxied=proxied))
    if allowed:
        observed.connected(address, 443)
    else:
        with pytest.raises(AddressRefused, match=address):
            observed.connected(address, 443)
    assert observed.peer == f"{address}:443"
    assert not observed.sent


def test_the_peer_of_an_ipv6_connection_stands_in_brackets() -> None:
    """RFC 3986 §3.2.2."""
    observed = Observation()
    observed.connected("::1", 443)
    assert observed.peer == "[::1]:443"


class _Connect:
    method = b"CONNECT"


class _Get:
    method = b"GET"


class _Stream:
    """A connection to a given address, as httpcore hands it to the event."""

    closed = False

    def get_extra_info(self, name: str) -> object:
        return ("10.0.0.1", 443) if name == "server_addr" else None

    async def aclose(self) -> None:
        self.closed = True


async def test_a_tunnel_is_not_yet_the_request() -> None:
    """What a proxy was told does not count as sent."""
    observed = Observation()
    events = LibraryEvents(observed)
    await events("http11.send_request_headers.started", {"request": _Connect()})
    await events("http11.receive_response_headers.complete", {"return_value": (b"HTTP/1.1", 200, b"", [])})
    assert (observed.sent, observed.step, observed.tunnel_status) == (False, TransportPhase.TUNNEL, 200)
    await events("http11.send_request_headers.started", {"request": _Get()})
    assert (observed.sent, observed.step) == (True, TransportPhase.SEND)


async def test_a_stream_to_an_address_that_is_not_allowed_is_hung_up() -> None:
    """The library would leave the connection open."""
    events, stream = LibraryEvents(Observation(lambda _: False)), _Stream()
    with pytest.raises(AddressRefused):
        await events("connection.connect_tcp.complete", {"return_value": stream})
    await events.hang_up()
    assert stream.closed
