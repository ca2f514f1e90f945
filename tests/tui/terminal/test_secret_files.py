"""A private key in a file that the user names is read up to a limit, whatever the file is."""

import os
from pathlib import Path

import pytest

from authlens_core.values.errors import UsageError
from authlens_tui.terminal.secret_files import private_key_in

PEM = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"


def test_the_text_of_a_key_is_what_the_file_holds(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    (tmp_path / "key.pem").chmod(0o600)

    assert private_key_in(str(tmp_path / "key.pem")).reveal() == PEM


def test_a_file_without_an_end_is_read_up_to_the_limit() -> None:
    """No key is as long: what was read is refused when it is to sign."""
    assert len(private_key_in("/dev/zero").reveal()) == 64 * 1024


@pytest.mark.parametrize(
    ("name", "cause"),
    [("missing.pem", "The key cannot be read: No such file or directory."), ("a\0b", "The key is no text.")],
)
def test_what_cannot_be_read_is_refused(
    name: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        private_key_in(name, "Check --client-key.")

    assert refused.value.cause == cause


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key.der").write_bytes(b"\x30\x82\xff")
    (tmp_path / "key.der").chmod(0o600)
    with pytest.raises(UsageError, match="The key is no text"):
        private_key_in(str(tmp_path / "key.der"))


@pytest.mark.skipif(os.name == "nt", reason="modes of files")
def test_a_key_that_others_can_read_is_refused_with_a_quoted_command(tmp_path: Path) -> None:
    key = tmp_path / "my key.pem"
    key.write_text(PEM)
    key.chmod(0o644)
    with pytest.raises(UsageError, match="Others may read") as refused:
        private_key_in(str(key))

    assert f"chmod 600 '{key}'" in str(refused.value.cure)
