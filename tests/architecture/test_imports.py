"""The arrows of the house, held where a linter cannot see: in a running interpreter, and in the source."""

import ast
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import authlens_core
from support.source_trees import Source, sources_of_product
from support.waiting import PATIENCE

pytestmark = pytest.mark.xdist_group("sources")

SOURCES = Path(authlens_core.__path__[0]).parent

REACHING = {"httpx", "h11", "ssl", "asyncio", "sqlite3", "keyring", "subprocess"}
"""What sends, listens, stores or starts. A contract in pyproject.toml forbids the protocol to import it, and
`socket` too, which is not here: `email.utils`, which reads the dates of HTTP, brings it in on Python 3.11."""

IMPORT_AND_LIST = """
import importlib, json, sys
before = set(sys.modules)
for name in json.load(sys.stdin):
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules_of(package: str) -> list[str]:
    root = SOURCES.joinpath(*package.split("."))
    below = pkgutil.walk_packages([str(root)], prefix=f"{package}.")
    return [package, *(found.name for found in below)]


def loaded_by(names: list[str]) -> set[str]:
    """Import modules in a fresh interpreter; return the top-level names that this brought in."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_AND_LIST],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_core_brings_in_no_screen() -> None:
    """Every module of core and of the lab can be used where there is no terminal and no clipboard."""
    names = [*modules_of("authlens_core"), *modules_of("authlens_lab")]
    assert len(names) > 30, "the walk found too little to prove anything"

    assert loaded_by(names) & {"textual", "rich", "pyperclip", "authlens_tui"} == set()


@pytest.mark.parametrize("package", ["authlens_core.oauth", "authlens_core.trace"])
def test_the_protocol_brings_in_nothing_that_reaches_out(package: str) -> None:
    """`oauth` and `trace` are values and functions of values: no sender, no loop, no store, no process."""
    assert loaded_by(modules_of(package)) & REACHING == set()


def imports_of(source: Source) -> Iterator[str]:
    """Yield the absolute name of every import of a module, those inside functions too."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_few_modules_import_by_name() -> None:
    """An import that is hidden in a string would pass the rules above: only the owners of a library do it."""
    hidden = {
        source.name
        for source in sources_of_product()
        for node in source.nodes
        if (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id in ("import_module", "__import__"))
    }

    store = "authlens_core/credentials/store"
    owners = {
        f"{store}/keyring_process.py",
        f"{store}/keyring_helper.py",
        "authlens_core/wire/httpx_loading.py",
        "authlens_tui/cli/verbs.py",  # a verb imports its own module
    }
    assert hidden <= owners, "import it by a statement: the contracts in pyproject.toml cannot see a string"


def test_the_contracts_hold() -> None:
    """import-linter keeps the layers, and what it must not break is written in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    root = Path(__file__).parents[2]
    done = subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=100)

    assert done.returncode == 0, done.stdout


def test_every_imported_distribution_is_declared() -> None:
    """A package that only another one brings in may vanish with that one's next release."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    optional = [text for extra in project["optional-dependencies"].values() for text in extra]
    declared = {Requirement(text).name.lower() for text in [*project["dependencies"], *optional]}
    own = {"authlens_core", "authlens_lab", "authlens_tui"} | sys.stdlib_module_names
    imported = {
        name.partition(".")[0] for source in sources_of_product() for name in imports_of(source)
    } - own

    assert {name.lower() for name in imported} == declared, "see dependencies in pyproject.toml"


def test_values_of_the_core_are_structs() -> None:
    """A standard dataclass takes 0.3 ms of every start. The emulator and the screens load later."""
    slow = [
        source.name
        for source in sources_of_product()
        if source.name.startswith(("authlens_core/", "authlens_lab/learning/"))
        and re.search(r"^from dataclasses import (?:\w+, )*dataclass\b(?! as)", source.text, re.MULTILINE)
        and source.text.count("@dataclass(") == source.text.count("slots=True")
    ]
    assert slow == []
