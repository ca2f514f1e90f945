"""Who has the port, as far as the operating system tells."""

import os
import socket
import sys
from pathlib import Path

import pytest

from authlens_core.login.callback.binding import PortOwner, find_owner, owner_by_psutil, owner_in_proc
from authlens_core.login.callback.listener import PortTaken

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells by /proc")
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(tmp_path: Path, name: str, line: str) -> Path:
    """Make a process file system that holds one socket and no process; return its root."""
    (tmp_path / "net").mkdir(exist_ok=True)
    (tmp_path / "net" / name).write_text(HEADER + line + "\n")
    return tmp_path


def line(local: str, state: str = "0A", uid: str = "4242") -> str:
    return f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}  0 777 1 x"


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")]
)
def test_a_listening_program_is_named(family: socket.AddressFamily, address: str) -> None:
    """LB-2, H094: the process and its name; here it is our own, as with a second instance of authlens."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((address, 0))
        sock.listen()
        owner = find_owner(sock.getsockname()[1])
    assert owner is not None
    assert owner.pid == os.getpid()
    assert owner.name == Path("/proc/self/comm").read_text().strip()


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")]
)
def test_psutil_names_the_same_program(family: socket.AddressFamily, address: str) -> None:
    """What macOS and Windows use, run here against the real processes of this machine."""
    pytest.importorskip("psutil")
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((address, 0))
        sock.listen()
        port = sock.getsockname()[1]
        assert owner_by_psutil(port) == owner_in_proc(port)
    assert owner_by_psutil(port) is None


def test_a_program_of_another_account_is_known_by_the_account(tmp_path: Path) -> None:
    """Port squatting: the kernel tells whose socket it is, though not which process."""
    little = "0100007F" if sys.byteorder == "little" else "7F000001"
    root = table(tmp_path, "tcp", line(f"{little}:20D0"))
    assert owner_in_proc(8400, root) == PortOwner(None, "", "4242")


@pytest.mark.parametrize(
    "hostile", [line("0100007F:20D0", state="01"), line("0A0000C6:20D0"), line("ZZ:20D0"), "", "x", "::::"]
)
def test_what_is_no_listener_on_loopback_has_no_owner(tmp_path: Path, hostile: str) -> None:
    """Established connections, other addresses and broken lines name nobody."""
    assert owner_in_proc(8400, table(tmp_path, "tcp", hostile)) is None


def test_no_process_file_system_means_unknown(tmp_path: Path) -> None:
    """A container may hide /proc: None, and no error."""
    assert owner_in_proc(8400, tmp_path / "none") is None


def test_name_is_safe_to_show(tmp_path: Path) -> None:
    """A program may call itself anything, escape sequences included."""
    little = "0100007F" if sys.byteorder == "little" else "7F000001"
    root = table(tmp_path, "tcp", line(f"{little}:20D0"))
    (root / "31" / "fd").mkdir(parents=True)
    (root / "31" / "fd" / "3").symlink_to("socket:[777]")
    (root / "31" / "comm").write_text("\x1b[2Jevil\n")
    owner = owner_in_proc(8400, root)
    assert owner == PortOwner(31, "\\e[2Jevil", "4242")


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (PortOwner(31, "nginx", "www"), "nginx (process 31) run by www"),
        (PortOwner(None, "", "bob"), "a program run by bob"),
        (None, "another program"),
    ],
)
def test_message_names_the_owner_and_the_way_out(owner: PortOwner | None, words: str) -> None:
    """H094: who has it, another port by name, and what another port means for the registration."""
    error = PortTaken(8400, owner, 8412)
    assert words in error.cause
    assert "such as 8412" in str(error.cure)
    assert "redirect URI" in str(error.cure)
    assert "such as" not in str(PortTaken(8400, owner, 0).cure)
    assert "127.0.0.1" not in str(error.cure)


def test_message_of_a_port_that_is_taken_on_one_address_names_the_other() -> None:
    """A browser that is sent to localhost may come to ::1, and one that is sent to 127.0.0.1 cannot."""
    error = PortTaken(8400, None, 8412, half=True)
    assert "on ::1 only" in error.cause
    assert "127.0.0.1, where the port is free" in str(error.cure)


@pytest.mark.parametrize(
    ("words", "is_login"),
    [
        (["/usr/bin/python3", "/home/ada/.local/bin/authlens", "login", "https://a.example/"], True),
        (["python", "-m", "authlens_tui", "https://a.example/"], True),
        (["/usr/bin/python3", "/home/ada/.local/bin/authlens", "emulator", "--fault", "port-taken"], False),
        (["nginx"], False),
        (["/usr/bin/python3", "-m", "http.server"], False),
    ],
)
def test_another_login_is_told_from_other_programs(words: list[str], is_login: bool, tmp_path: Path) -> None:
    proc = table(tmp_path, "tcp", line("0100007F:20D0"))
    process = proc / "42"
    (process / "fd").mkdir(parents=True)
    (process / "fd" / "3").symlink_to("socket:[777]")
    (process / "cmdline").write_text("\0".join([*words, ""]))
    owner = owner_in_proc(8400, proc)
    assert owner is not None
    assert owner.is_login is is_login
