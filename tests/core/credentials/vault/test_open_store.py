"""Which keyring is used, and what happens where there is none."""

import os
from pathlib import Path
from typing import Any

import pytest

from authlens_core.credentials.store import keyring_process as backends
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import SecretStoreTimeout
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import OpenedStore, open_store
from authlens_core.values.errors import NoSecretStore, SecretStoreDenied
from support.grants import make_grant


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
async def test_backends_that_keep_nothing_are_refused_though_named(keyring: Any, backend: str) -> None:
    """The null backend takes everything in silence."""
    with pytest.raises(NoSecretStore, match="stores nothing") as caught:
        await open_store(KeyringStore(environ=keyring.environ(backend)))
    assert caught.value.exit_code == 9
    assert "memory-only" in str(caught.value.cure)


async def test_a_backend_that_forgets_fails_the_probe(keyring: Any) -> None:
    """What cannot be read back was not kept."""
    with pytest.raises(NoSecretStore, match="could not be read back"):
        await open_store(KeyringStore(environ=keyring.environ("ForgetfulKeyring")))


async def test_a_backend_that_cannot_be_loaded_is_reported(keyring: Any) -> None:
    """A typing error in the variable must not lead to another store."""
    with pytest.raises(NoSecretStore, match="cannot be loaded"):
        await open_store(KeyringStore(environ=keyring.environ("no_such_module.Keyring")))


async def test_a_chain_with_a_foreign_member_is_refused(keyring: Any, tmp_path: Path) -> None:
    """A chain writes to whichever member takes it, a plain file among them."""
    module = tmp_path / "foreign_backend.py"
    module.write_text(
        "import keyring.backends.chainer as chainer\n"
        "from support.keyring_backends import FileKeyring\n"
        "class Loaded: pass\n"
    )
    environ = keyring.environ("keyring.backends.chainer.ChainerBackend")
    startup = tmp_path / "sitecustomize.py"
    startup.write_text("import support.keyring_backends\n")
    environ["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{environ['PYTHONPATH']}"
    with pytest.raises(NoSecretStore, match="not allowed"):
        await open_store(KeyringStore(environ=environ))


async def test_without_any_keyring_it_is_said_and_nothing_is_written(state: Path) -> None:
    """No silent fallback to a file; the cure names the choices."""
    environ = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    with pytest.raises(NoSecretStore, match="no operating system keyring") as caught:
        await open_store(KeyringStore(environ=environ))
    assert "PYTHON_KEYRING_BACKEND" in str(caught.value.cure)
    assert list(state.iterdir()) == []


async def test_other_packages_backends_are_not_chosen_by_themselves(keyring: Any, tmp_path: Path) -> None:
    """An installed plain-file backend is never taken, nor even imported, unless it is named."""
    environ = keyring.environ("FileKeyring")
    del environ["PYTHON_KEYRING_BACKEND"]
    environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
    package = tmp_path / "evil-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[keyring.backends]\nevil = evil_backend\n")
    (tmp_path / "evil_backend.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()\n")
    environ["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{environ['PYTHONPATH']}"
    with pytest.raises(NoSecretStore):
        await open_store(KeyringStore(environ=environ))
    assert not (tmp_path / "imported").exists()


async def test_a_module_in_the_working_directory_is_not_run(
    keyring: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper does not import from where the person happens to be."""
    (tmp_path / "keyring.py").write_text("raise SystemExit('taken over')\n")
    monkeypatch.chdir(tmp_path)
    opened = await open_store(KeyringStore(environ=keyring.environ("FileKeyring")))
    await opened.store.aclose()


async def test_a_keyring_that_hangs_is_a_typed_error(keyring: Any) -> None:
    """The program can offer to wait longer, or memory only."""
    keyring.lock()
    with pytest.raises(SecretStoreTimeout):
        await open_store(KeyringStore(limit=1.0, environ=keyring.environ("SlowKeyring")))


async def test_a_locked_keyring_is_a_typed_error(keyring: Any) -> None:
    """It is never downgraded in silence."""
    keyring.lock()
    with pytest.raises(SecretStoreDenied):
        await open_store(KeyringStore(environ=keyring.environ("DeniedKeyring")))


async def test_memory_instead_of_a_store_says_how_many_logins_are_not_shown(
    open_credentials: Any, secrets: Any, state: Path
) -> None:
    """A locked keyring makes the table empty; nobody shall think that the logins are gone."""
    assert len(OpenedStore.in_memory(instead_of=state).notes) == 1
    await open_credentials().save(make_grant(), secrets)
    note, _ = OpenedStore.in_memory(instead_of=state).notes
    assert note.startswith("1 login is stored in the secret store that could not be opened")


async def test_memory_only_writes_no_file(secrets: Any, private_environment: Path) -> None:
    opened = OpenedStore.in_memory()
    credentials = Credentials.open(opened.store)
    saved = await credentials.save(make_grant(), secrets)
    assert (await credentials.load(saved.grant_id))[1] == secrets
    assert credentials.find("https://wiki.example/mcp/x") == saved
    await credentials.aclose()
    assert not (private_environment / "authlens").exists()
    assert "lost" in opened.notes[0]


def test_every_class_of_the_allow_list_exists() -> None:
    """A name that keyring no longer has would quietly never be chosen."""
    from importlib import import_module

    for name in backends.ALLOWED:
        module, _, attribute = name.rpartition(".")
        if module.endswith("macOS"):
            continue  # its module loads a framework of that system
        assert hasattr(import_module(module), attribute)


async def test_a_named_backend_is_used_after_the_probe(keyring: Any) -> None:
    opened = await open_store(KeyringStore(environ=keyring.environ("FileKeyring")))
    await opened.store.aclose()
    assert opened.store.name == "support.keyring_backends.FileKeyring"
    assert "PYTHON_KEYRING_BACKEND" in opened.notes[0]
    assert keyring.entries() == {}
