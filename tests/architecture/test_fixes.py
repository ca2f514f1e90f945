"""Each command that a fix names is one that the command line takes."""

import ast
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from authlens_core.values.fix import Fix, Step, cure_in, fix, steps_of
from authlens_core.values.stage import LOGIN_STAGES, Stage
from authlens_core.values.word_files import folder_of, words
from authlens_tui.app.base_app import key_names
from authlens_tui.cli.parser import build_parser
from authlens_tui.screens.fix_keys import FixKeys, doing
from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")
# What stands for a word that only the user knows, where the parser wants a value of a kind.
_VALUES: Final = {
    "URL": "https://wiki.example/",
    "URI": "http://localhost:8400/callback",
    "ENDPOINT": "https://as.example/device",
    "DOCUMENT": "https://app.example/client.json",
    "PORT": "8401",
    "DATE": "2027-01-01",
    "AGENT": "codex",
    "{}": "0",
}

_FILES: Final = sorted(
    path.stem for path in folder_of("authlens_core").iterdir() if path.suffix in {".toml", ".json"}
)


def _in_words(value: Any) -> Iterator[Step]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _in_words(inner)
    elif isinstance(value, tuple) and any(isinstance(part, tuple) for part in value):
        yield from steps_of(cure_in(value))
    elif isinstance(value, tuple) and len(value) == 2 and value[1].startswith("authlens"):
        yield from steps_of(fix(cure_in([value])))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _in_code() -> Iterator[str]:
    for source in sources_of_product():
        for node in source.nodes:
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "step":
                commands = node.args[1:]
            elif node.func.id in {"refusal", "login_needed"}:
                commands = [way.elts[1] for way in node.args[1:] if isinstance(way, ast.Tuple)]
            else:
                continue
            yield from (text for command in commands if (text := _text(command)))


COMMANDS: Final = sorted(
    {
        *(shlex.join(each.command) for name in _FILES for each in _in_words(words(name))),
        *_in_code(),
    }
)


def test_commands_are_found_in_words_and_in_code() -> None:
    assert len(COMMANDS) > 60


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("authlens ")])
def test_a_command_of_a_fix_is_one_that_the_command_line_takes(command: str) -> None:
    _, *typed = shlex.split(command)
    # The full screen, and options that are made of values.
    if typed == ["URL"] or typed[-1:] == ["{}"]:
        return
    build_parser(typed[0]).parse_args([_VALUES.get(word, word) for word in typed])


# What no key of any screen does: verbs, and options of a login.
_KEYLESS: Final = {
    *(
        "client-metadata",
        "curl",
        "doctor",
        "headers",
        "learn",
        "list",
        "mcp-bridge",
        "mcp-config",
        "proxy",
        "run",
    ),
    *(
        "--any-state",
        "--client-auth",
        "--client-metadata-url",
        "--client-secret",
        "--device-endpoint",
        "--dpop",
    ),
    *("--initial-access-token", "--new-client"),
}
_PLAIN: Final = ("authlens clients", "authlens store", "authlens token URL", "authlens URL")


@cache
def _keys() -> dict[str, str]:
    return {name: binding.key for name, binding in key_names().items()}


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("authlens ")])
def test_a_fix_names_the_key_of_each_screen_that_does_its_command(command: str) -> None:
    words = tuple(_VALUES["URL"] if word == "URL" else word for word in shlex.split(command))
    keys = _keys()
    todo = Fix((Step("Do it", words),))
    by_stage = {stage: doing(words, stage) for stage in (None, *LOGIN_STAGES)}
    for stage, names in by_stage.items():
        for name in names:
            shown = FixKeys(((name, keys[name]),), stage)(todo)
            assert shown == f"Do it: press {keys[name]}, or run {todo.steps[0].shown_command}"
    assert FixKeys()(todo) == str(todo)
    assert any(by_stage.values()) == (_KEYLESS.isdisjoint(words) and command not in _PLAIN)


@pytest.mark.parametrize("option", ["--scope", "--resource"])
def test_what_is_asked_for_can_be_edited_at_every_stage_that_may_refuse_it(option: str) -> None:
    after = LOGIN_STAGES[LOGIN_STAGES.index(Stage.REGISTRATION) :]

    assert all(doing(("authlens", "login", "URL", option, "x"), stage) == ["wizard.edit"] for stage in after)


def test_another_name_of_the_server_is_edited_where_the_login_is_at_it() -> None:
    command = (
        "authlens",
        "login",
        "URL",
        "--issuer",
        "https://a.example",
        "--issuer-name",
        "https://b.example",
    )

    assert doing(command, Stage.SERVER_METADATA) == ["wizard.edit"]
