"""Every verb that writes a file, in a folder that someone else wrote: nothing outside of it changes."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Trace, TraceKind
from authlens_tui.cli.scripts.agent_verbs import agents_text, skill_text
from support.hostile_folder import AT_FILE, AT_PARENT, LINKS, HostileFolder, snapshot
from support.preloaded import Preloaded
from support.waiting import PATIENCE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows has neither FIFOs nor devices in folders"),
]

URL: Final = "https://wiki.example/mcp"
SESSION: Final = "login.authlens.json"


@dataclass(frozen=True)
class Writing:
    """A verb that writes a file.

    Attributes:
        file: what it writes, from the project on.
        present: what is in the file if it is one that may be written.
    """

    words: str
    file: str
    present: str = ""

    def path(self, folder: HostileFolder) -> Path:
        return folder.project / self.file


WRITING: Final[Mapping[str, Writing]] = {
    "skill": Writing("skill --write", ".claude/skills/authlens/SKILL.md"),
    "skill for AGENTS.md": Writing("skill --format agents --write", "AGENTS.md", "# Mine\n"),
    "export": Writing(f"export {SESSION} --format har -o sub/out.har", "sub/out.har"),
    "export --force": Writing(f"export {SESSION} --format har -o sub/out.har --force", "sub/out.har", "{}"),
}


@dataclass(frozen=True)
class Ended:
    """What a run came to: its exit code, and stdout and stderr together."""

    code: int
    words: str


@dataclass(frozen=True)
class Machine:
    """Runs the program in the project; it has to end soon, whatever is in its way."""

    program: Preloaded
    folder: HostileFolder

    def run(self, words: str, **environ: str) -> Ended:
        output = self.folder.project.parent / "words"
        with output.open("wb") as file, open(os.devnull, "rb") as nothing:
            running = self.program.start(
                words.split(),
                {**os.environ, **environ},
                stdin=nothing.fileno(),
                stdout=file.fileno(),
                stderr=file.fileno(),
                cwd=str(self.folder.project),
            )
            try:
                code = running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                running.send_signal(9)
                raise
        said = output.read_text("utf-8", "replace")
        assert "Traceback" not in said, said
        return Ended(code, said)


@pytest.fixture
def machine(program: Preloaded, tmp_path: Path) -> Machine:
    folder = HostileFolder.below(tmp_path)
    trace = Trace("t1", TraceKind.LOGIN, URL, datetime(2026, 1, 1, tzinfo=UTC))
    (folder.project / SESSION).write_text(session_json(trace))
    return Machine(program, folder)


def refused(machine: Machine, writing: Writing, obstacle: Path) -> None:
    """Run a verb; everything in and around the project stays as it is, and the obstacle is named."""
    root = machine.folder.project.parent
    root.joinpath("words").touch()
    before = {**snapshot(root), "words": (0, b"")}
    ended = machine.run(writing.words)
    assert ended.code == 2, ended.words
    assert obstacle.name in ended.words
    assert "→ " in ended.words
    assert {**snapshot(root), "words": (0, b"")} == before


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (verb, name)
        for verb in WRITING
        for name in AT_FILE
        # What you allow to be replaced may be a link or large: see below.
        if verb != "export --force" or name not in (*LINKS, "huge file")
    ],
)
def test_what_is_no_file_of_the_folder_is_refused_by_name(machine: Machine, verb: str, name: str) -> None:
    """H330 to H334: links, devices, FIFOs and directories in the place of the file."""
    writing = WRITING[verb]
    path = writing.path(machine.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    AT_FILE[name](machine.folder, path)
    refused(machine, writing, path)


@pytest.mark.parametrize(
    ("verb", "name"),
    [(verb, name) for verb, one in WRITING.items() for name in AT_PARENT if "/" in one.file],
)
def test_a_directory_that_leads_elsewhere_is_refused_by_name(machine: Machine, verb: str, name: str) -> None:
    """H331, H335: `.claude` as a link to `~/.ssh`."""
    writing = WRITING[verb]
    path = writing.path(machine.folder).parent
    path.parent.mkdir(parents=True, exist_ok=True)
    AT_PARENT[name](machine.folder, path)
    refused(machine, writing, path)


@pytest.mark.parametrize("verb", [name for name, one in WRITING.items() if one.present])
def test_a_read_only_file_is_refused_with_what_makes_it_writable(machine: Machine, verb: str) -> None:
    """H336: a rename would replace it whatever its mode, and root may write to any file."""
    writing = WRITING[verb]
    path = writing.path(machine.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(writing.present)
    path.chmod(0o444)
    refused(machine, writing, path)
    command = machine.run(writing.words).words.partition("→ Run: ")[2]
    subprocess.run(command, shell=True, cwd=machine.folder.project, check=True)
    assert machine.run(writing.words).code == 0


@pytest.mark.parametrize("verb", [name for name, one in WRITING.items() if one.present])
def test_another_name_of_the_file_keeps_its_bytes(machine: Machine, verb: str) -> None:
    """H337: a hard link, as to a file in your home."""
    writing = WRITING[verb]
    path = writing.path(machine.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    other = machine.folder.outside / "other-name"
    other.write_text(writing.present)
    os.link(other, path)
    ended = machine.run(writing.words)
    assert ended.code == 0, ended.words
    assert other.read_text() == writing.present
    assert path.read_text() != writing.present


@pytest.mark.parametrize("name", LINKS)
def test_an_export_with_force_replaces_a_link_and_not_what_it_leads_to(machine: Machine, name: str) -> None:
    """H330: the name that you gave becomes a file."""
    writing = WRITING["export --force"]
    path = writing.path(machine.folder)
    path.parent.mkdir()
    LINKS[name](machine.folder, path)
    before = snapshot(machine.folder.outside)
    ended = machine.run(writing.words)
    assert ended.code == 0, ended.words
    assert "log" in json.loads(path.read_text())
    assert not path.is_symlink()
    assert snapshot(machine.folder.outside) == before


def test_what_a_link_in_a_project_leads_to_is_never_offered(machine: Machine) -> None:
    """Whoever wrote the project made the link, and an agent may follow every fix."""
    (machine.folder.project / "AGENTS.md").symlink_to(machine.folder.canary)
    ended = machine.run(WRITING["skill for AGENTS.md"].words)
    by_hand = ended.words.partition("this prints it: authlens ")[2]
    assert by_hand.strip() == "skill --format agents"
    assert machine.run(by_hand).code == 0


def test_the_skill_of_someone_else_is_left_alone(machine: Machine) -> None:
    """H338: it is moved away with the command that is shown."""
    path = WRITING["skill"].path(machine.folder)
    path.parent.mkdir(parents=True)
    path.write_text("---\nname: other\n---\n")
    refused(machine, WRITING["skill"], path)
    command = machine.run("skill --write").words.partition("Move it away first: ")[2]
    subprocess.run(command, shell=True, cwd=machine.folder.project, check=True)
    assert machine.run("skill --write").code == 0
    assert path.with_name("SKILL.md.old").read_text() == "---\nname: other\n---\n"


def test_a_skill_that_you_changed_is_left_alone(machine: Machine) -> None:
    path = WRITING["skill"].path(machine.folder)
    path.parent.mkdir(parents=True)
    path.write_text(f"{skill_text()}and mine\n")
    refused(machine, WRITING["skill"], path)
    path.write_text(skill_text())
    assert "is up to date" in machine.run("skill --write").words


def test_the_section_of_agents_md_has_the_line_ends_of_the_file(machine: Machine) -> None:
    path = machine.folder.project / "AGENTS.md"
    path.write_bytes(b"# Mine\r\n")
    for _ in range(2):
        machine.run("skill --format agents --write")
        written = path.read_bytes()
        assert written.startswith(b"# Mine\r\n\r\n<!-- authlens: begin -->\r\n")
        assert written.count(b"\n") == written.count(b"\r\n")
        path.write_bytes(written.replace(b"## Protected", b"## Old"))


BEGIN, END = "<!-- authlens: begin -->\n", "<!-- authlens: end -->\n"


@pytest.mark.parametrize(
    ("before", "after"), [(BEGIN * 200_000, ""), (END, ""), (BEGIN, END), ("", END * 2), ("", BEGIN)]
)
def test_a_mark_in_your_own_text_neither_loses_that_text_nor_takes_time(
    machine: Machine, before: str, after: str
) -> None:
    """H334: a search from each of so many marks would take minutes."""
    path = machine.folder.project / "AGENTS.md"
    path.write_text(f"{before}{agents_text().replace('## Protected', '## Old')}{after}")
    machine.run("skill --format agents --write")
    assert path.read_text() == f"{before}{agents_text()}{after}"


@pytest.mark.parametrize("name", AT_FILE)
@pytest.mark.parametrize("words", ["config --check", "config"])
def test_a_configuration_that_is_no_regular_file_is_said_and_opened_in_no_editor(
    machine: Machine, words: str, name: str
) -> None:
    """H332: it is yours, so a link to a file is followed."""
    path = machine.folder.project / "config.toml"
    AT_FILE[name](machine.folder, path)
    before = snapshot(machine.folder.outside)
    editor = machine.folder.outside / "edited"
    ended = machine.run(words, AUTHLENS_CONFIG=str(path), EDITOR=f"touch {editor}")
    assert (ended.code, str(path) in ended.words) == (2, True), ended.words
    if name not in ("link out", "relative link out", "huge file"):
        assert snapshot(machine.folder.outside) == before


@pytest.mark.parametrize("name", [*AT_FILE, "no file"])
@pytest.mark.parametrize("words", ["export FILE", "open FILE", "compare FILE FILE"])
def test_a_session_file_that_is_no_regular_file_is_refused(machine: Machine, words: str, name: str) -> None:
    """H332, H334: a link is yours to name, what it leads to is read within limits."""
    path = machine.folder.project / "a.authlens.json"
    if name in AT_FILE:
        AT_FILE[name](machine.folder, path)
    ended = machine.run(words.replace("FILE", path.name))
    assert (ended.code, "→ " in ended.words) == (2, True), ended.words
