"""What authlens is built from: locked with hashes, listed, and built the same way twice."""

import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

import supply_chain

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = ("dev.txt", "run.txt")


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions in a lock file; some have one for each platform."""
    found: dict[str, set[str]] = {}
    for package, version, _ in supply_chain.pinned(name):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_has_a_hash(name: str) -> None:
    text = (supply_chain.LOCKS / name).read_text("utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) > 30

    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert len(locked(name)) <= len(blocks) == len(list(supply_chain.pinned(name)))


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_satisfies_the_project(name: str) -> None:
    project = supply_chain.project()
    wanted = list(project["project"]["dependencies"])
    if name == "dev.txt":
        wanted += project["dependency-groups"]["dev"]
    versions = locked(name)
    missing = [
        text
        for text in wanted
        if not any(
            Requirement(text).specifier.contains(one)
            for one in versions.get(Requirement(text).name.lower(), ())
        )
    ]

    assert missing == [], "run python scripts/supply_chain.py lock"


def test_no_part_speaks_http_2() -> None:
    """H159: what is not installed cannot be attacked."""
    assert {"h2", "hpack", "hyperframe"}.isdisjoint(name for name, _, _ in supply_chain.pinned("run.txt"))


def test_the_list_of_parts_is_what_the_script_writes() -> None:
    assert supply_chain.SBOM.read_text("utf-8") == supply_chain.sbom(), "run supply_chain.py sbom"


@pytest.mark.slow
def test_two_builds_are_the_same_and_hold_no_tests(tmp_path: Path) -> None:
    """The wheel has the list of parts, and neither tests nor what only tests need."""
    built = supply_chain.build(tmp_path)
    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    names = wheel.namelist()
    parts = json.loads(wheel.read(next(name for name in names if name.endswith(".cdx.json"))))

    assert len(built) == 2
    assert parts["components"]
    assert [name for name in names if re.search(r"(^|/)(tests?|conftest|support)(/|\.|_)", name)] == []
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        assert any(name.endswith("/tests/conftest.py") for name in sdist.getnames())


def test_the_workflow_has_no_rights_that_it_does_not_need() -> None:
    yaml = pytest.importorskip("yaml")
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        workflow: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert job["permissions"] == {"contents": "read"}
            assert job["timeout-minutes"] <= 60
            for step in job["steps"]:
                assert re.fullmatch(r"[^@]+@[0-9a-f]{40}", step.get("uses", "x@" + "0" * 40)), step
                assert "${{" not in step.get("run", ""), "an expression in a script can be injected into"


def test_the_workflow_runs_the_gate_on_every_python_that_is_promised() -> None:
    yaml = pytest.importorskip("yaml")
    workflow: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "gate.yml").read_text("utf-8")
    )
    job = workflow["jobs"]["pythons"]
    project = supply_chain.project()["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one]
    assert job["strategy"]["matrix"]["python"] == named == ["3.11", "3.12", "3.13", "3.14"]
    assert project["requires-python"] == f">={named[0]}"
    assert job["container"] == "python:${{ matrix.python }}-slim-trixie"
    assert ".ci/run" in [step.get("run") for step in job["steps"]]


def test_the_workflow_looks_for_advisories_on_every_locked_version() -> None:
    """On each change and once a week: an advisory comes without a change. No condition skips the step."""
    yaml = pytest.importorskip("yaml")
    workflow: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "gate.yml").read_text("utf-8")
    )
    # YAML 1.1 reads the key `on` as true.
    assert {"push", "pull_request", "schedule"} <= set(workflow[True])
    steps = {step.get("run"): step.get("if") for job in workflow["jobs"].values() for step in job["steps"]}
    assert steps[".ci/run"] is None
    assert steps[".ci/audit"] is None
    assert steps[".venv/bin/python scripts/mutations.py"] == "github.event_name == 'schedule'"
    audit = (ROOT / ".ci" / "audit").read_text("utf-8")
    assert re.search(r"exec \S*pip-audit --require-hashes", audit)
    assert {name for name in LOCKS if f"--requirement requirements/{name}" in audit} == set(LOCKS)
