"""A line shows its kind by colour on a terminal whose user wants that, and nowhere else."""

import io

import pytest

from authlens_tui.cli.terminal.abilities import shows_colour, with_headings, with_sign


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def test_the_sign_alone_has_the_colour() -> None:
    assert with_sign("  → Run: authlens list", Terminal()) == "  \x1b[36m→\x1b[0m Run: authlens list"
    assert with_sign("✖ refused", Terminal()) == "\x1b[31m✖\x1b[0m refused"


@pytest.mark.parametrize("line", ["", "words alone", "!important", "a → b"])
def test_a_line_without_a_sign_of_ours_stays(line: str) -> None:
    assert with_sign(line, Terminal()) == line


@pytest.mark.parametrize(
    ("name", "value"),
    [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "vt52"), ("TERM", None), ("AUTHLENS_PLAIN", "1")],
)
def test_a_user_who_wants_no_colour_gets_none(
    name: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)

    assert not shows_colour(Terminal())
    assert with_sign("✔ done", Terminal()) == "✔ done"


def test_headings_of_a_help_are_bold() -> None:
    assert with_headings("usage: authlens\n\noptions:\n  -h\n", Terminal()) == (
        "usage: authlens\n\n\x1b[1moptions:\x1b[0m\n  -h\n"
    )
