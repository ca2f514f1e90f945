"""The wheel: both packages, their style sheets and words, and nothing under a name that others use."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=100)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_every_module_and_every_file_that_it_reads_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    """What runs from a checkout runs from an installation."""
    wanted = {
        str(path.relative_to(root))
        for root in (ROOT / "core", ROOT / "tui")
        for pattern in ("*.py", "*.tcss", "*.toml", "*.json", "*.md", "*.sh", "py.typed")
        for path in root.rglob(pattern)
    }

    assert wanted <= set(wheel.namelist())


def test_the_wheel_brings_two_packages_and_no_other_name(wheel: zipfile.ZipFile) -> None:
    """A generic name such as `tests` would overwrite somebody else's files in site-packages."""
    names = {name.partition("/")[0] for name in wheel.namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {
        "authlens_core",
        "authlens_lab",
        "authlens_tui",
    }


def test_the_program_is_named_authlens(wheel: zipfile.ZipFile) -> None:
    """`pip install` of the checkout gives a program of this name."""
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    assert "authlens = authlens_tui.cli.start:main" in wheel.read(entry).decode()
