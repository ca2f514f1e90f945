"""The gate (H033): what comes out can be shown on any terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from authlens_core.values.errors import UsageError
from authlens_core.values.safe_text import safe_line, safe_sentence, safe_text
from support.made_checks import failed

HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J",
    "\x1b]8;;https://evil\x1b\\text",
    "\x9b2J",
    "\x9d0;x\x9c",
    "\x00",
    "\x7f",
    "\u202eevil",
    "\u2066evil\u2069",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u2028",
    "\u2029",
    "\u0085",
    "\ud800",
    "\ue000",
    "\U000e0041",
    "\ufe0f",
    "\u3164",
    "\u034f",
    "\u2800",
    "\r",
    "\x08",
]

ANY = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_obeys_is_made_visible(text: str) -> None:
    """Nothing is removed and nothing acts."""
    for shown in (safe_line(text), safe_text(text)):
        assert shown.isprintable()
        assert "\\" in shown
        assert shown != text


def test_the_escape_names_the_character() -> None:
    """The inspector stays truthful."""
    assert safe_line("a\x1bb\x00\x9b\u202e\U000e0041\n\t") == "a\\eb\\0\\x9b\\u202e\\U000e0041\\n\\t"


def test_line_ends_are_kept_and_tabs_widened_in_a_text() -> None:
    """A text has lines; a carriage return alone is a control character."""
    assert safe_text("a\r\nb\tc\rd\n") == "a\nb    c\\rd\n"


def test_a_cut_is_said() -> None:
    """H033: a megabyte does not reach a widget."""
    assert safe_line("a" * 30, 10) == "a" * 10 + "… (20 more characters)"
    assert safe_text("a" * 30, 10) == "a" * 10 + "\n… (20 more characters)"
    assert safe_line("a" * 10, 10) == "a" * 10
    assert len(safe_line("\x00" * 1_000_000)) < 3_000


@given(ANY)
def test_a_line_is_printable(text: str) -> None:
    """For every string there is, surrogates included."""
    assert safe_line(text).isprintable()
    safe_line(text).encode()


@given(ANY)
def test_a_text_is_printable_but_for_its_line_ends(text: str) -> None:
    """And can be encoded."""
    shown = safe_text(text)
    assert shown.replace("\n", "").isprintable()
    shown.encode()


@given(ANY)
def test_it_is_idempotent(text: str) -> None:
    assert safe_text(safe_text(text)) == safe_text(text)
    assert safe_line(safe_line(text)) == safe_line(text)


@given(ANY, st.integers(0, 20))
def test_the_limit_holds(text: str, limit: int) -> None:
    """H033: at most `limit` characters of what was said are shown, each by at most ten."""
    assert len(safe_line(text, limit)) <= 10 * limit + len(f"… ({len(text)} more characters)")
    assert len(safe_text(text, limit)) <= 10 * limit + len(f"\n… ({len(text)} more characters)")


def test_a_stack_of_combining_marks_is_cut() -> None:
    """A tower of accents would paint over the lines above it; no script needs more than four."""
    assert safe_line("a" + "\u0301" * 4 + "b") == "a" + "\u0301" * 4 + "b"
    assert safe_line("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + "\\u0301" * 2
    assert safe_text("a\n" + "\u0489" * 5) == "a\n" + "\u0489" * 4 + "\\u0489"


@pytest.mark.parametrize("slashes", ["//", "/"], ids=["URL", "path"])
@pytest.mark.parametrize("user", ["ada:pass-canary", "pass-canary", "ada:pass:canary", "%41:pass-canary"])
def test_a_password_in_a_url_is_shown_nowhere(slashes: str, user: str) -> None:
    """Errors, checks and what `say` writes quote the URL that was given."""
    words = f"https:{slashes}{user}@wiki.example.com/a@b cannot be used, nor http://x:pass-canary@y."
    shown = f"https:{slashes}•••@wiki.example.com/a@b cannot be used, nor http://•••@y."
    assert safe_sentence(words) == shown
    assert UsageError(words, words).cause == UsageError(words, words).cure == shown
    assert failed("a.b", words, words).seen == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("ada:pass-canary@wiki.example.com/x cannot be used.", "•••@wiki.example.com/x cannot be used."),
        ("There is no file ada:pass'canary@wiki.", "There is no file •••@wiki."),
        ("Invalid choice: 'ada:pass-canary@wiki'", "Invalid choice: '•••@wiki'"),
        ("Signed in as ada@example.com", "Signed in as ada@example.com"),
    ],
)
def test_a_password_before_a_host_without_a_scheme_is_not_shown(words: str, shown: str) -> None:
    """A host name alone means https, so a name and a password may stand before it, too."""
    assert safe_sentence(words) == shown


@given(ANY)
def test_no_character_changes_the_width_of_its_neighbours(text: str) -> None:
    """Rows are wrapped and cut by adding widths, so a whole must be as wide as its parts."""
    shown = safe_line(text)
    assert cell_len(shown) == sum(cell_len(c) for c in shown)
