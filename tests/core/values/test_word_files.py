"""The files of words: one form, keys that the code knows, and sentences that are safe to show."""

import ast
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest

from authlens_core.diagnosis.causes import Cause, general_causes, identifiers, literals
from authlens_core.explain.meanings import DocumentKind, members
from authlens_core.trace.flow import StageInfo, lesson, stage_info
from authlens_core.values.check import CheckId, ErrorCode
from authlens_core.values.fix import cure_in
from authlens_core.values.formats.error_response import ErrorMeaning, meaning
from authlens_core.values.safe_text import safe_line
from authlens_core.values.stage import GrantType, Stage
from authlens_core.values.word_files import folder_of, texts, words
from authlens_lab.emulator import Fault
from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

FILES = sorted(
    (path.stem, package)
    for package in ("authlens_core", "authlens_lab")
    for path in folder_of(package).iterdir()
    if path.suffix in {".toml", ".json"}
)
MESSAGES = "|".join(
    path.stem
    for path in folder_of("authlens_core").glob("*.toml")
    if "phrases = [" in path.read_text("utf-8")
)
PLACEHOLDERS = re.compile(
    r"course event |cloudflare service_token |course walk other-credential$|no_answer "
    rf"|(?:{MESSAGES}) \S+ \S+ (?:cause|cure|phrases)"
    r"|checks "
)
MARKUP = re.compile(r"\[/?[a-z]|<[a-z]|&[a-z]+;|\*\*|\\")


def sentences(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield each sentence of a file with the keys that lead to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from sentences(inner, f"{path} {key}")
    elif isinstance(value, tuple | list):
        for number, inner in enumerate(value):
            yield from sentences(inner, f"{path} {number}")
    elif not isinstance(value, bool):  # whether a setting of an owner is on
        yield path, value


EVERY = [one for name, package in FILES for one in sentences(words(name, package), name)]


def test_every_value_is_text_that_a_terminal_and_a_markup_language_show_as_it_is() -> None:
    assert len(EVERY) > 300
    for path, text in EVERY:
        assert isinstance(text, str), path
        assert text, path
        assert safe_line(text) == text, path
        # What is looked for is not shown.
        looked_for = re.search(" phrases | forms ", path)
        assert looked_for or not MARKUP.search(text), path
        assert "{" not in text or PLACEHOLDERS.match(path), path


def test_members_are_those_of_the_kinds_of_documents() -> None:
    assert set(words("members")) == set(DocumentKind)
    assert all(members(kind) for kind in DocumentKind)


def test_each_reason_for_no_answer_is_in_the_words_and_each_entry_is_a_reason() -> None:
    (reader,) = (s for s in sources_of_product() if s.name == "authlens_core/wire/response_reader.py")
    chosen: set[str] = set()
    for node in reader.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_failure":
            names: ast.AST = node.args[1]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "entry":
            names = node.value
        else:
            continue
        constants = (one.value for one in ast.walk(names) if isinstance(one, ast.Constant))
        chosen.update(value for value in constants if isinstance(value, str))
    assert chosen == set(words("no_answer"))


def test_errors_are_the_registered_codes_and_one_for_any_other() -> None:
    assert set(words("errors")) == {*ErrorCode, "any other"}
    for entry in words("errors").values():
        assert set(ErrorMeaning._fields) == set(entry)
    assert meaning("never heard of") == meaning("any other")


def test_words_of_stages_are_complete_for_the_code_grant_and_name_stages_for_others() -> None:
    grants = {grant_type.name.lower() for grant_type in GrantType} | {"machine"}
    lessons = [place for place in texts("stages") if len(place) == 2]
    assert set(words("stages")) == grants == {grant for grant, _ in lessons}
    assert set(words("stages")["authorization_code"]) == set(Stage)
    assert {stage for grant, stage in lessons if grant == "authorization_code"} == set(Stage)
    named = {stage for table in words("stages").values() for stage in table} | {stage for _, stage in lessons}
    assert named <= set(Stage)
    for grant_type in GrantType:
        assert all(isinstance(stage_info(stage, grant_type), StageInfo) for stage in Stage)


@pytest.mark.parametrize("grant_type", GrantType)
def test_a_lesson_on_a_stage_is_in_sentences_and_says_where_it_is_written(grant_type: GrantType) -> None:
    for stage in Stage:
        told = lesson(stage, grant_type)
        assert told.specification
        sentences = (told.why, told.without_it, *(sentence for _, sentence in told.specification))
        assert all(text.endswith(".") and safe_line(text) == text for text in sentences)
        assert not [text for text in sentences if MARKUP.search(text)]
        assert all(re.match(r"RFC \d{4,5}|draft-", section) for section, _ in told.specification)


@pytest.mark.parametrize("causes", [identifiers(), literals(), general_causes()])
def test_what_is_looked_for_is_lower_case_has_no_two_causes_and_has_its_source(
    causes: tuple[Cause, ...],
) -> None:
    phrases = [phrase for cause in causes for phrase in cause.phrases]
    assert phrases == [phrase.lower() for phrase in phrases]
    assert len(phrases) == len(set(phrases))
    assert all(cause.phrases and cause.source and cause.cause and cause.cure for cause in causes)


def test_every_fault_of_the_emulator_says_what_to_watch_for() -> None:
    assert set(words("emulator", "authlens_lab")["faults"]) == set(Fault)


CHECKS = {
    f"{stage}.{subject}": entry
    for stage, table in words("checks").items()
    for subject, entry in table.items()
}
SAID = {"expected", "why", "spec", "cure"}


def test_the_words_of_a_check_are_what_is_expected_and_what_differs_for_a_result() -> None:
    for name, entry in CHECKS.items():
        results = {key: said for key, said in entry.items() if key not in SAID}
        assert set(entry) - set(results) <= SAID - {"cure"}, name
        assert "expected" in entry, name
        assert all(said and set(said) <= SAID for said in results.values()), name
        assert all(cure_in(said["cure"]) for said in results.values() if "cure" in said), name


def _requirements() -> Iterator[tuple[str, set[str]]]:
    """Yield the entry that a call of `requirement` names and the values that it gives, if both are plain."""
    for source in sources_of_product():
        stage = re.search(r'^_STAGE: Final = "(\w+)"', source.text, re.MULTILINE)
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Name(id="requirement"), args=[*_, last], keywords=keywords):
                    text = ast.unparse(last).replace("{_STAGE}", stage[1] if stage else "")
                    names = {keyword.arg for keyword in keywords}
                    is_id = text.startswith("CheckId.")
                    name = CheckId[text.removeprefix("CheckId.")] if is_id else text.strip("f'")
                    if name in CHECKS and None not in names:
                        yield name, {str(each) for each in names}


def test_a_check_is_given_the_values_that_its_words_name() -> None:
    given = list(_requirements())
    assert len(given) > 80
    for name, values in given:
        texts = [text for _, text in sentences(CHECKS[name], name)]
        named = {field for text in texts for _, field, _, _ in Formatter().parse(text) if field}
        assert named == values, name


@pytest.mark.parametrize(("name", "package"), FILES)
def test_a_file_is_parsed_once(name: str, package: str) -> None:
    assert words(name, package) is words(name, package)
