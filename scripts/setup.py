"""Make .venv from the lock file, with authlens in it, and install the hooks of git.

    python3 scripts/setup.py

Run it again after requirements/dev.txt changed. It needs Python 3.11 or newer, and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
ENVIRONMENT: Final = ROOT / ".venv"
PROGRAMS: Final = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")


def main() -> int:
    """Run each step; one that fails says so itself, and ends this."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs on whatever Python is there
        sys.stderr.write(f"authlens needs Python 3.11 or newer, and this is {sys.version.split()[0]}\n")
        return 1
    if not (ENVIRONMENT / "pyvenv.cfg").exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = (PROGRAMS / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    steps = (
        (*pip, "--require-hashes", "--requirement", "requirements/dev.txt"),
        (*pip, "--no-deps", "--no-build-isolation", "--editable", "."),
        (PROGRAMS / "pre-commit", "install"),
    )
    for step in steps:
        process = subprocess.run(step, cwd=ROOT, check=False)
        if process.returncode:
            return process.returncode
    activate = PROGRAMS / ("Activate.ps1" if os.name == "nt" else "activate")
    sys.stdout.write(f"Ready. Activate it: . {activate.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
