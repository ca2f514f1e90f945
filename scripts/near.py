"""Run the tests of what you changed since main: `python scripts/near.py [--list] [ARGUMENT OF PYTEST …]`.

Tests mirror the modules: those of `core/authlens_core/oauth/token.py` are in `tests/core/oauth`. In
that folder the tests run that are named for the module or import it, or all of them if there are none. The
tests of a file of words or data are those that name it, and those of the modules that do; of one that no
module names, such as a lesson, those of its folder. A guard of
scripts/mutations.py adds the test that notices its removal; a screen adds its pictures, slow ones too. The
quick tests of tests/architecture always run. `pytest` runs everything.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mutations import MUTATIONS

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = ROOT / "tests"
ALWAYS: Final = TESTS / "architecture"
SNAPSHOTS: Final = "tui/screens/test_snapshots*.py"
_FOLDERS: Final = {"core/authlens_core": "core", "core/authlens_lab": "lab", "tui/authlens_tui": "tui"}
_ACTIVATE: Final = "Activate the environment first: . .venv/bin/activate (scripts/setup.py makes it)"


def _git(*arguments: str) -> str:
    process = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return process.stdout if process.returncode == 0 else ""


def changed() -> set[str]:
    """Return what differs from the point where this branch left main, and what git does not know yet."""
    base = next(
        (revision for name in ("origin/main", "main") if (revision := _git("merge-base", "HEAD", name))),
        "HEAD",
    )
    paths = _git("diff", "--name-only", base.strip()) + _git("ls-files", "--others", "--exclude-standard")
    return set(paths.splitlines())


def tests_of(path: str) -> Iterator[Path]:
    """Yield the test modules that are near a file of this repository."""
    file = ROOT / path
    if file.is_relative_to(TESTS) and file.suffix == ".py" and file.name.startswith("test_"):
        if file.exists():
            yield file
        return
    if file.suffix == ".tcss":
        yield from TESTS.glob(SNAPSHOTS)
    yield from (ROOT / one.test.partition("::")[0] for one in MUTATIONS if one.path == path)
    readers = list[str]()
    if path.endswith((".json", ".md", ".toml")) and path.startswith(("core/", "tui/")):
        patterns = ("-e", file.name, "-e", f'words("{file.stem}"')
        readers = _git("grep", "-lF", *patterns, "--", "*.py").splitlines()
    for reader in readers:
        yield from tests_of(reader)
    for source, mirrored in _FOLDERS.items():
        if path.startswith(f"{source}/") and file.suffix != ".tcss" and not readers:
            folder = TESTS / mirrored / Path(path).relative_to(source).parent
            while not any(folder.glob("test_*.py")) and folder != TESTS:
                folder = folder.parent
            yield from _in(folder, Path(path).stem, _dotted(path))
            yield from (shot for shot in TESTS.glob(SNAPSHOTS) if _imports(shot, _dotted(path)))


def _dotted(path: str) -> str:
    return ".".join(Path(path).with_suffix("").parts[1:]).removesuffix(".__init__")


def _in(folder: Path, stem: str, module: str) -> list[Path]:
    """Return the tests in a folder that are named for a module or import it, or else all of the folder."""
    tests = list(folder.glob("test_*.py"))
    near = [test for test in tests if test.stem.startswith(f"test_{stem}") or _imports(test, module)]
    return near or tests


def _imports(test: Path, module: str) -> bool:
    return bool(re.search(rf"\b{re.escape(module)}\b", test.read_text("utf-8")))


def main(arguments: Sequence[str]) -> int:
    """Run them, and return the exit code of pytest."""
    tests = {ALWAYS, *(test for path in changed() for test in tests_of(path))}
    if "--list" in arguments:
        sys.stdout.write("".join(f"{test.relative_to(ROOT)}\n" for test in sorted(tests)))
        return 0
    if find_spec("pytest") is None:
        sys.exit(_ACTIVATE)
    pictures = {test for test in tests if test.match(SNAPSHOTS)}
    command = (sys.executable, "-m", "pytest", "-q", *arguments)
    quick = subprocess.call((*command, "-m", "not slow", *sorted(tests - pictures)), cwd=ROOT)
    return quick or (subprocess.call((*command, *pictures), cwd=ROOT) if pictures else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
