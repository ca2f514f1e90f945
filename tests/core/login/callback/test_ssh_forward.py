"""The line that brings the callback of a browser elsewhere to this machine."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.login.callback.ssh_forward import (
    THIS_MACHINE,
    escape_hint,
    other_route_hint,
    ssh_forward_line,
)
from authlens_core.values.user_screen import UserScreen


def line(connection: str, user: str = "ada", hostname: str = "jump.example") -> str | None:
    return ssh_forward_line(UserScreen({"SSH_CONNECTION": connection}), 8400, user=user, hostname=hostname)


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"])
def test_each_variable_of_sshd_means_ssh(name: str) -> None:
    """One of them is enough, as sudo and tmux keep only some."""
    assert UserScreen({name: "x"}).over_ssh
    assert not UserScreen({name: ""}).over_ssh


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("203.0.113.9 50022 198.51.100.7 22", "ssh -N -L 8400:localhost:8400 ada@198.51.100.7"),
        ("203.0.113.9 50022 198.51.100.7 2222", "ssh -N -L 8400:localhost:8400 ada@198.51.100.7 -p 2222"),
        ("2001:db8::9 50022 2001:db8::7 22", "ssh -N -L 8400:localhost:8400 ada@2001:db8::7"),
        ("::ffff:1.2.3.4 1 ::ffff:198.51.100.7 22", "ssh -N -L 8400:localhost:8400 ada@198.51.100.7"),
        ("127.0.0.1 50022 127.0.0.1 22", "ssh -N -L 8400:localhost:8400 ada@jump.example"),
        ("fe80::9%eth0 50022 fe80::7%eth0 2222", "ssh -N -L 8400:localhost:8400 ada@jump.example -p 2222"),
        ("UNKNOWN 65535 UNKNOWN 65535", "ssh -N -L 8400:localhost:8400 ada@jump.example"),
        ("nonsense", "ssh -N -L 8400:localhost:8400 ada@jump.example"),
        ("a b 198.51.100.7 99999", "ssh -N -L 8400:localhost:8400 ada@198.51.100.7"),
    ],
)
def test_line_is_filled_in_from_the_connection(connection: str, expected: str) -> None:
    """H070: the address that the person reached; the name where that address means nothing elsewhere."""
    assert line(connection) == expected


def test_words_with_a_meaning_to_the_shell_are_quoted() -> None:
    """An account with a domain before a backslash reaches ssh as it is."""
    made = line("203.0.113.9 50022 198.51.100.7 22", user="CORP\\ada")
    assert made is not None
    assert shlex.split(made)[-1] == "CORP\\ada@198.51.100.7"


def test_an_account_that_ssh_would_take_for_an_option_is_left_out() -> None:
    """Nobody's account name becomes `-oProxyCommand`."""
    assert line("1.1.1.1 1 198.51.100.7 22", user="-oProxyCommand=x") == (
        "ssh -N -L 8400:localhost:8400 198.51.100.7"
    )


@pytest.mark.parametrize(
    ("client", "end"),
    [("10.0.0.2 5555 2222", " -p 2222"), ("10.0.0.2 5555 22", ""), ("UNKNOWN 65535 65535", ""), ("x", "")],
)
def test_the_port_of_the_server_comes_from_the_older_variable_where_that_alone_is_left(
    client: str, end: str
) -> None:
    """Sudo and others keep SSH_CLIENT at times; it holds no address of the server, and its port last."""
    assert ssh_forward_line(
        UserScreen({"SSH_CLIENT": client}), 8400, user="ada", hostname="jump.example"
    ) == (f"ssh -N -L 8400:localhost:8400 ada@jump.example{end}")


@pytest.mark.parametrize("name", ["SUDO_USER", "DOAS_USER"])
def test_the_account_is_the_one_that_came_in(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root by sudo is no account that the person can come in by."""
    monkeypatch.setenv("LOGNAME", "root")
    environ = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 22"}
    assert " root@198.51.100.7" in (ssh_forward_line(UserScreen(environ), 8400) or "")
    assert " bob@198.51.100.7" in (ssh_forward_line(UserScreen({**environ, name: "bob"}), 8400) or "")


@pytest.mark.parametrize("hostname", ["-x", "", "my host"])
def test_without_a_usable_host_the_line_leaves_a_gap_for_it(hostname: str) -> None:
    """What else it holds is right, and no shell takes it before the name is put in."""
    assert line("nonsense", hostname=hostname) == f"ssh -N -L 8400:localhost:8400 ada@{THIS_MACHINE}"
    made = (
        ssh_forward_line(
            UserScreen({"SSH_CLIENT": "10.0.0.2 5555 2222"}), 8400, user="ada", hostname=hostname
        )
        or ""
    )
    assert made.endswith(f"-p 2222 ada@{THIS_MACHINE}")
    assert subprocess.run(["sh", "-c", made], capture_output=True).returncode != 0


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_line_is_always_one_command_of_safe_words(connection: str, user: str, hostname: str) -> None:
    """Whatever the environment holds: five words or seven, printable, and only our own options."""
    made = line(connection, user, hostname)
    if made is not None and not made.endswith(THIS_MACHINE):
        words = shlex.split(made)
        assert made.isprintable()
        assert words[:4] == ["ssh", "-N", "-L", "8400:localhost:8400"]
        assert not words[4].startswith("-")
        assert words[5:] == [] or (words[5] == "-p" and words[6].isdigit() and len(words) == 7)


def test_every_hint_forwards_to_the_address_that_listens() -> None:
    """With 127.0.0.1 in the redirect URI a stranger may have the port on ::1."""
    forward = "8400:127.0.0.1:8400"
    environ = {"SSH_CONNECTION": "203.0.113.9 50022 198.51.100.7 22"}
    assert forward in (
        ssh_forward_line(UserScreen(environ), 8400, "127.0.0.1", user="ada", hostname="h") or ""
    )
    assert forward in escape_hint(8400, "127.0.0.1")
    assert forward in other_route_hint(8400, "127.0.0.1")
    assert "8400:localhost:8400" in other_route_hint(8400)
