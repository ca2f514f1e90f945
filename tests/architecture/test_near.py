"""`near.py` finds tests of every kind of file."""

import pytest

import near


@pytest.mark.parametrize(
    ("pattern", "test"),
    [
        ("core/authlens_lab/learning/lessons/06-*.toml", "tests/lab/learning/test_questions.py"),
        ("tui/authlens_tui/cli/verb/ref*.toml", "tests/tui/cli/test_parser.py"),
    ],
)
def test_a_file_of_data_that_no_module_names_has_the_tests_of_its_folder(pattern: str, test: str) -> None:
    """A pattern: a name here would make this module one that names it."""
    (path,) = near.ROOT.glob(pattern)
    assert near.ROOT / test in set(near.tests_of(path.relative_to(near.ROOT).as_posix()))
