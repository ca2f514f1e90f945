"""Run the tests of what you changed since main: `python scripts/near.py [--list] [ARGUMENT OF PYTEST …]`.

Tests mirror the modules: those of `core/authlens_core/oauth/token.py` are in `tests/core/oauth`. In
that folder the tests run that are named for the module or import it, or all of them if there are none. The
quick tests of tests/architecture always run. `pytest` runs everything.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = ROOT / "tests"
ALWAYS: Final = TESTS / "architecture"
SNAPSHOTS: Final = "tui/screens/test_snapshots*.py"
_FOLDERS: Final = {"core/authlens_core": "core", "tui/authlens_tui": "tui"}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout if done.returncode == 0 else ""


def changed() -> set[str]:
    """Return what differs from the point where this branch left main, and what git does not know yet."""
    base = next(
        (found for name in ("origin/main", "main") if (found := _git("merge-base", "HEAD", name))), "HEAD"
    )
    named = _git("diff", "--name-only", base.strip()) + _git("ls-files", "--others", "--exclude-standard")
    return set(named.splitlines())


def tests_of(path: str) -> Iterator[Path]:
    """Yield the test modules that are near a file of this repository."""
    file = ROOT / path
    if file.is_relative_to(TESTS) and file.suffix == ".py" and file.name.startswith("test_"):
        if file.exists():
            yield file
        return
    if file.suffix == ".tcss":
        yield from TESTS.glob(SNAPSHOTS)
    for source, mirrored in _FOLDERS.items():
        if path.startswith(f"{source}/") and file.suffix == ".py":
            folder = TESTS / mirrored / Path(path).relative_to(source).parent
            while not any(folder.glob("test_*.py")) and folder != TESTS:
                folder = folder.parent
            yield from _in(folder, Path(path).stem, _dotted(path))


def _dotted(path: str) -> str:
    return ".".join(Path(path).with_suffix("").parts[1:]).removesuffix(".__init__")


def _in(folder: Path, stem: str, module: str) -> list[Path]:
    """Return the tests in a folder that are named for a module or import it, or else all of the folder."""
    imports = re.compile(rf"\b{re.escape(module)}\b")
    tests = list(folder.glob("test_*.py"))
    near = [
        test
        for test in tests
        if test.stem.startswith(f"test_{stem}") or imports.search(test.read_text("utf-8"))
    ]
    return near or tests


def main(arguments: Sequence[str]) -> int:
    """Run them, and return the exit code of pytest."""
    tests = sorted({ALWAYS, *(test for path in changed() for test in tests_of(path))})
    if "--list" in arguments:
        sys.stdout.write("".join(f"{test.relative_to(ROOT)}\n" for test in tests))
        return 0
    return subprocess.call(
        (sys.executable, "-m", "pytest", "-q", "-m", "not slow", *arguments, *tests), cwd=ROOT
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
