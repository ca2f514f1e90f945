"""Lock the dependencies, list them as an SBOM, and build twice to show that the build can be reproduced.

python scripts/supply_chain.py lock           requirements/*.txt, with hashes (needs uv and the network)
python scripts/supply_chain.py sbom           requirements/authlens.cdx.json, from requirements/run.txt
python scripts/supply_chain.py build FOLDER   wheel, sdist and SHA256SUMS; fails when two builds differ
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ROOT / "requirements"
SBOM: Final = LOCKS / "authlens.cdx.json"
_PINNED: Final = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)
_EPOCH: Final = "1767225600"  # the time of every file in the archives, where no commit says another
_NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562: identifiers made from URLs


def project() -> Mapping[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pinned(lock: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and environment marker of every line of a lock file."""
    yield from _PINNED.findall((LOCKS / lock).read_text("utf-8"))


def lock() -> None:
    """Write the lock files; what is locked already stays where it fits."""
    for name, more in (
        ("dev.txt", ("--group", "dev")),
        ("run.txt", ("--constraint", str(LOCKS / "dev.txt"))),
    ):
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header"]
        command += ["--python-version", "3.11", *more, "--output-file", str(LOCKS / name), "pyproject.toml"]
        subprocess.run(command, cwd=ROOT, check=True)


def sbom() -> str:
    """Return what authlens is made of, as CycloneDX 1.6."""
    about = project()["project"]
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "scope": "optional" if marker else "required",
            **({"properties": [{"name": "python:marker", "value": marker}]} if marker else {}),
        }
        for name, version, marker in pinned("run.txt")
    ]
    purl = f"pkg:pypi/{about['name']}@{about['version']}"
    contents = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": purl,
                "name": about["name"],
                "version": about["version"],
                "purl": purl,
                "licenses": [{"license": {"id": about["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": purl, "dependsOn": [one["bom-ref"] for one in components]}],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(contents, sort_keys=True))
    return json.dumps({**contents, "serialNumber": f"urn:uuid:{serial}"}, indent=1) + "\n"


def build(folder: Path) -> Mapping[str, str]:
    """Build wheel and sdist into `folder`, and again elsewhere; return the digest of each file.

    Raises:
        ValueError: the two builds differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as other:
        first = _built(folder)
        second = _built(Path(other))
    if first != second:
        different = sorted(
            name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
        )
        raise ValueError(f"two builds differ: {', '.join(different)}")
    lines = [f"{digest}  {name}\n" for name, digest in sorted(first.items())]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
    return first


def _built(folder: Path) -> Mapping[str, str]:
    environ = {"SOURCE_DATE_EPOCH": _EPOCH} | os.environ
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    archives = [path for pattern in ("*.whl", "*.tar.gz") for path in folder.glob(pattern)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for."""
    match arguments:
        case ["lock"]:
            lock()
        case ["sbom"]:
            SBOM.write_text(sbom(), "utf-8")
        case ["build", folder]:
            build(Path(folder))
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
