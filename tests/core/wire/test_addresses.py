"""Which addresses count as public."""

from collections.abc import Sequence

import pytest

from authlens_core.wire.addresses import AddressRefused, is_global, is_loopback, require_public, resolve

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::10.0.0.1",
    "::7f00:1",
    "::1.1.1.1",
    "fec0::1",
    "feff:ffff::1",
    "64:ff9b:1::101:101",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2606:4700::5efe:a00:1",
    "2606:4700::200:5efe:c0a8:101",
    "2001:2::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "4000::1",
    "192.0.0.1",
    "192.88.99.1",
    "198.18.0.1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_a_network_is_not_global(address: str) -> None:
    """GEN-3, H015, H379: private, loopback, link-local, reserved, multicast, and IPv4 dressed as IPv6."""
    assert not is_global(address)


PUBLIC = [
    *("1.1.1.1", "104.16.0.1", "2606:4700::1111", "[2606:4700::1111]", "2a00:1450:4001::200e"),
    *("::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1", "2606:4700::5efe:101:101"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_global(address: str) -> None:
    """The check lets the real thing through."""
    assert is_global(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.1", "::1", "[::1]", "::ffff:127.0.0.1"])
def test_loopback_is_recognised_in_every_form(address: str) -> None:
    """Plain http may go to these and to nothing else."""
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::1", "::127.0.0.1", "::7f00:1", "::"])
def test_loopback_behind_a_gateway_is_another_machine(address: str) -> None:
    """H379: plain http to it would leave this one."""
    assert not is_loopback(address)


async def _mixed(_host: str, _port: int) -> Sequence[str]:
    return ["1.1.1.1", "10.0.0.1"]


async def _unknown(_host: str, _port: int) -> Sequence[str]:
    raise OSError("unknown")


async def _public(_host: str, _port: int) -> Sequence[str]:
    return ["1.1.1.1", "2606:4700::1111"]


async def test_one_private_address_among_public_ones_is_refused_and_named() -> None:
    """H015: a name that resolves to both public and private."""
    with pytest.raises(AddressRefused) as caught:
        await require_public("wiki.example.com", 443, _mixed)
    assert caught.value.address == "10.0.0.1"


async def test_a_name_that_is_not_found_is_neither_public_nor_private() -> None:
    """It is another error than that of a private one."""
    await require_public("wiki.example.com", 443, _public)
    with pytest.raises(OSError, match="unknown"):
        await require_public("wiki.example.com", 443, _unknown)


async def test_localhost_is_resolved_by_the_system() -> None:
    with pytest.raises(AddressRefused):
        await require_public("localhost", 443)


@pytest.mark.parametrize("host", ["wiki.localhost", "a.b.LOCALHOST.", "login.localhost"])
async def test_a_name_below_localhost_is_this_machine_whatever_a_resolver_says(host: str) -> None:
    """RFC 6761 §6.3; and a public server cannot lead here by such a name."""
    assert await resolve(host, 80) == ("127.0.0.1", "::1")
    with pytest.raises(AddressRefused):
        await require_public(host, 80)
