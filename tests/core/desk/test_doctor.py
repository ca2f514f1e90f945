"""All findings together: bounded, in order, with one exit code; port, SSH, TLS trust and proxy among them."""

import os
import socket
import time
from pathlib import Path

import pytest

from authlens_core.desk import doctor
from authlens_core.desk.doctor import (
    examine,
    exit_code,
    look_at_cloudflared,
    look_at_port,
    look_at_proxy,
    look_at_ssh,
    look_at_trust,
)
from authlens_core.login.callback.binding import bind_loopback
from authlens_core.values.check import Severity

TOPICS = ["state", "keyring", "ssh", "port 0", "tls trust", "proxy", "cloudflared"]


async def test_everything_that_a_login_needs_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §6; the order is that of a login."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    findings = [finding async for finding in examine(os.environ, port=0)]

    assert [finding.topic for finding in findings] == TOPICS
    assert exit_code(findings) == 9


async def test_a_look_that_takes_too_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "look_at_ssh", lambda *_: time.sleep(1))
    monkeypatch.setattr(doctor, "_LIMIT", 0.5)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    findings = [f async for f in examine(os.environ, port=0)]

    assert [finding.topic for finding in findings] == TOPICS
    assert "within 0.5 seconds" in findings[2].words


async def test_an_old_cloudflared_is_named_with_its_fault(tmp_path: Path) -> None:
    """CF: the version matters."""
    program = tmp_path / "cloudflared"
    program.write_text("#!/bin/sh\necho 'cloudflared version 2024.1.5 (built 2024-01-30)'\n")
    program.chmod(0o700)

    finding = await look_at_cloudflared({"PATH": str(tmp_path)})

    assert finding.severity is Severity.WARNING
    assert "2024.1.5" in finding.words
    assert finding.cure


SSH = {"SSH_CONNECTION": "192.0.2.7 50000 198.51.100.4 2222"}


async def test_a_port_that_is_taken_names_who_has_it() -> None:
    """Design §6: who holds it, and the setting that goes round it; a login would end with 2."""
    bound = bind_loopback("localhost", 0)
    try:
        finding = await look_at_port(bound.port)
    finally:
        bound.close()

    assert (finding.severity, finding.code) == (Severity.FAILURE, 2)
    assert "--port" in str(finding.cure)
    if Path("/proc/net/tcp").exists():
        assert f"process {os.getpid()}" in finding.words


def test_over_ssh_the_line_that_forwards_the_port_is_given() -> None:
    finding = look_at_ssh(SSH, 8400)

    assert finding.severity is Severity.NOTICE
    assert "ssh -N -L 8400:localhost:8400 " in str(finding.cure)
    assert "198.51.100.4 -p 2222" in str(finding.cure)


@pytest.mark.parametrize(
    ("environ", "severity", "words"),
    [
        ({}, Severity.PASS, "directly"),
        ({"HTTPS_PROXY": "http://me:hunter2@proxy.example:3128"}, Severity.NOTICE, "proxy.example:3128"),
        ({"HTTPS_PROXY": "socks5://me:hunter2@proxy.example"}, Severity.NOTICE, "proxy.example:1080"),
        ({"HTTPS_PROXY": "socks4://me:hunter2@proxy.example"}, Severity.FAILURE, "HTTPS_PROXY"),
    ],
)
async def test_the_proxy_is_named_without_its_password(
    environ: dict[str, str], severity: Severity, words: str
) -> None:
    """PK-5: host and port, or the setting that cannot be used."""
    finding = await look_at_proxy(environ)

    assert finding.severity is severity
    assert words in finding.words
    assert "hunter2" not in repr(finding)


async def test_nothing_is_sent_and_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("something was looked up or connected to")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)

    await look_at_trust({})
    await look_at_proxy({"HTTPS_PROXY": "http://proxy.example:3128"})
    look_at_ssh(SSH)
