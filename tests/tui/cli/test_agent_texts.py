"""The texts for agents and shells: skill, help with examples, man page, completion, explanation."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from authlens_tui.cli.completion import man_page
from authlens_tui.cli.main import run
from authlens_tui.cli.parser import VERBS, build_parser, declared
from authlens_tui.cli.scripts.agent_verbs import agents_text, skill_text
from e2e.skill_agents import most_tokens
from support.needs import program

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_ends_with_its_example(verb: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([verb, "--help"])
    assert ended.value.code == 0
    assert declared(verb)["examples"][0] in capsys.readouterr().out


def test_the_man_page_names_every_verb_and_option_and_is_valid_roff() -> None:
    """It is made from the parser; groff finds nothing to complain about where it is installed."""
    page = man_page(build_parser(), "1.2")
    assert page.isascii()
    for verb in VERBS:
        assert f"\n.SS {verb}\n" in page
    assert "\\-\\-min\\-ttl S" in page
    assert not [line for line in page.splitlines() if line.startswith("'")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_knows_the_verbs(shell: str, capsys: Captured) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "mcp-bridge" in script
    if shell == "bash":
        checked = subprocess.run([program("bash"), "-n"], input=script, text=True, check=False)
        assert checked.returncode == 0


@pytest.mark.parametrize("text", [skill_text(), agents_text()], ids=["skill", "agents"])
def test_the_skill_is_short_and_names_only_verbs_and_options_that_exist(text: str) -> None:
    assert most_tokens(text) <= 900
    calls = re.findall(r"`(?:printf .+ \| )?authlens ([^`\n]+ [^`\n]+)`", text)
    assert len(calls) >= 12
    for call in calls:
        build_parser().parse_args(shlex.split(call.replace("AGENT", "codex")))


def test_the_section_of_agents_md_replaces_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is around it stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "AGENTS.md").write_text(
        "# Mine\n\n<!-- authlens: begin -->\nold\n<!-- authlens: end -->\nend\n"
    )
    assert run(["skill", "--format", "agents", "--write"]) == 0
    assert (tmp_path / "AGENTS.md").read_text() == f"# Mine\n\n{agents_text()}end\n"
    assert run(["skill", "--write"]) == 0
    assert (tmp_path / ".claude/skills/authlens/SKILL.md").read_text() == skill_text()


def test_explain_prints_cause_and_cure_and_knows_json(capsys: Captured) -> None:
    """What it cannot explain is a usage error."""
    assert run(["explain", "invalid_client"]) == 0
    words = capsys.readouterr().out
    assert "→" in words or "->" in words
    assert run(["explain", "--json", "invalid_client"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "invalid_client"
    assert run(["explain", "all is well"]) == 2
