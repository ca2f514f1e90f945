"""All findings together: bounded, in order, with one exit code."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from authlens_core.desk import doctor
from authlens_core.desk.doctor import examine, exit_code, look_at_cloudflared
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
