"""What the kernel says of sockets, and bytes that it does not say."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats import linux_sockets

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0
   1: 0100007F:C0F3 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 4712 1 0 20 4 30
   2: not a line
   3: 0100007F:C0F4 0100007F:1F90 06 00000000:00000000 03:000016AB 00000000     0        0 0 3 0
""".splitlines(keepends=True)


def test_a_table_has_a_socket_a_line_and_what_is_not_understood_is_left_out() -> None:
    """proc(5)."""
    found = list(linux_sockets.sockets(TABLE))
    assert [(one.state, one.account, one.inode) for one in found] == [
        (linux_sockets.LISTEN, 1000, 4711),
        ("01", 1001, 4712),
        ("06", 0, 0),
    ]


def test_an_endpoint_is_read_as_it_is_written() -> None:
    written = "0100007F:1F90" if sys.byteorder == "little" else "7F000001:1F90"
    assert linux_sockets.endpoint(written) == (bytes([127, 0, 0, 1]), 8080)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_of_the_kernel_or_refused(data: bytes) -> None:
    """Never another error: an unknown account is not served."""
    try:
        found = linux_sockets.read_owner(data)
    except linux_sockets.NotAnAnswer:
        return
    assert found is None or found >= 0


def test_an_error_of_the_kernel_is_no_answer() -> None:
    message = bytes.fromhex("24000000020000000100000000000000") + (-2).to_bytes(4, "little", signed=True)
    with pytest.raises(linux_sockets.NotAnAnswer):
        linux_sockets.read_owner(message)
