"""The two ways out: answers on stdout, words on stderr. Everything is one printable line at a time.

What begins with `answer` raises `AnswerLost` where the answer could not be written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TextIO

from authlens_core.values.errors import AuthlensError
from authlens_core.values.safe_text import DOCUMENT, NAME, safe_line, safe_sentence
from authlens_core.values.secret import Secret
from authlens_tui.cli.terminal.abilities import shows_utf_8, with_sign
from authlens_tui.cli.terminal.flags import in_words, is_plain, numbered

if TYPE_CHECKING:
    from authlens_core.values.fix import Fix
    from authlens_core.values.login_command import GivenOptions

# Starts our own words beside those of another program (`curl`, `run`).
BESIDE: Final = "authlens: "
# What stands for our own signs where the encoding of the terminal has none.
_PLAIN: Final = str.maketrans(
    {
        **dict(zip("✔✖✘×–●◐○•·─├└“”", '+xxx-*~o*|-+-""', strict=True)),
        "→": "->",
        "…": "...",
        "§": "section ",
    }
)


class AnswerLost(AuthlensError):
    """The answer could not be written; a reader of stdout must not take silence for success."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a standard stream is there and is a terminal."""
    return stream is not None and stream.isatty()


def say(sentence: str) -> None:
    """Write one safe line on stderr, whatever its encoding, even if it is closed."""
    if sys.stderr is None:
        return
    try:
        # The colour comes last: what is made safe loses every escape sequence.
        line = encodable(safe_sentence(in_words(sentence), DOCUMENT), sys.stderr)
        sys.stderr.write(with_sign(line, sys.stderr) + "\n")
        sys.stderr.flush()
    # A stream that takes no more for now, or is closed: words may be lost, the work goes on.
    except (BlockingIOError, ValueError):
        pass
    except OSError:
        discard(sys.stderr)


def say_over(sentence: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write("\r\x1b[K")
        sys.stderr.write(encodable(safe_line(sentence, NAME), sys.stderr))
        sys.stderr.flush()


def report_error(error: AuthlensError, *, url: str = "", sign: str = "✖ ") -> None:
    """Show the user what stopped the work and what to do.

    Args:
        url: what the commands of the fix are about, if it is known.
        sign: what the first line starts with.
    """
    where = f"{error.stage}: " if error.stage else ""
    say(f"{sign}{where}{error.cause}")
    say_fix(error.cure, url)


def say_fix(cure: str | Fix, url: str = "", options: GivenOptions = ()) -> None:
    """Show what to do, each command on a line of its own; `url` and `options` as for `filled`."""
    # What succeeds needs none of it.
    from authlens_core.values.fix import steps_of
    from authlens_core.values.login_command import filled

    todo = steps_of(filled(cure, url, options))
    for number, step in enumerate(todo, 1):
        say(f"  Fix {number}: {step}" if is_plain() and len(todo) > 1 else f"  → {step}")


def fix_as_json(cure: str | Fix, url: str = "") -> dict[str, object]:
    """Return the members of JSON that have a fix: in words, and its commands alone; `url` as for `filled`."""
    from authlens_core.values.fix import commands_of
    from authlens_core.values.login_command import filled

    whole = filled(cure, url)
    return {"cure": str(whole), "commands": commands_of(whole)}


def answer_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """Write one JSON value as one line on stdout; ASCII only, so nothing in it can steer a terminal."""
    _answer(json.dumps(value, ensure_ascii=True))


def answer_line(line: str) -> None:
    """Write one line of the answer on stdout, made safe to show."""
    _answer(safe_line(in_words(line)))


def answer_sentence(sentence: str, whole: str = "") -> None:
    """Write a sentence on stdout like `answer_line`, wrapped between words on a terminal.

    Args:
        whole: a part that is copied as it is, such as a command: no line ends in it.
    """
    line = safe_line(in_words(sentence))
    if is_terminal(sys.stdout) and not is_plain():
        import shutil  # a stored token is printed without them
        import textwrap

        text = line.lstrip(" →")
        # Only white space of ASCII ends a line.
        unbroken = line.replace(whole, whole.replace(" ", "\N{NO-BREAK SPACE}")) if whole else line
        wrapped = textwrap.wrap(
            unbroken,
            max(20, shutil.get_terminal_size().columns),
            subsequent_indent=" " * (len(line) - len(text)),
            break_long_words=False,
            break_on_hyphens=False,
        )
        line = "\n".join(wrapped).replace("\N{NO-BREAK SPACE}", " ")
    _answer(line)


def answer_fix(cure: str | Fix) -> None:
    """Write a fix on stdout, each step as a sentence with its command unbroken."""
    from authlens_core.values.fix import steps_of

    for step in steps_of(cure):
        answer_sentence(f"  → {step}", whole=step.shown_command)


def answer_list(lines: Iterable[str]) -> None:
    """Write the lines of a list, numbered in plain mode."""
    for line in numbered(lines):
        answer_line(line)


def answer_screen(lines: Sequence[str], *, over: bool) -> None:
    """Write a table that is updated; with `over`, it replaces the previous one on a terminal."""
    with _stdout() as stdout:
        stdout.write("\x1b[H\x1b[J" if over else "")
        stdout.writelines(f"{encodable(safe_line(line), stdout)}\n" for line in (*lines, ""))
        stdout.flush()


def answer_secret(secret: Secret) -> None:
    """Write a secret on stdout, because the verb asks for it."""
    _answer(secret.reveal())


def answer_text(text: str) -> None:
    """Write a whole document on stdout, in UTF-8 whatever the terminal's encoding: it is to be a file."""
    with _stdout() as stdout:
        stdout.flush()
        # Past the text layer, which on Windows would turn line ends into two characters.
        stdout.buffer.write(text.encode("utf-8", "replace"))
        stdout.buffer.flush()


class EventLines:
    """Writes the events of a login on stdout, each with the URL of its resource.

    Args:
        url: the resource.
        is_requested: false for a login that is reported in words: nothing is written.
        options: those that the login was given, for the commands that lead on from a failure.
    """

    def __init__(self, url: str, *, is_requested: bool, options: GivenOptions = ()) -> None:
        self.url = url
        self.is_requested = is_requested
        self.options = options

    def write(self, event: Mapping[str, object]) -> None:
        """Write one event.

        Raises:
            AnswerLost: it could not be written.
        """
        if self.is_requested:
            answer_json({**event, "resource_url": self.url})

    def stopped(self, code: int) -> int:
        """End the events after a signal, because their reader may live on; return the code."""
        try:
            self.write({"event": "stopped", "exit_code": code})
        except (AnswerLost, BrokenPipeError):  # the same Ctrl-C has ended the reader
            discard(sys.stdout)
        return code

    def failed(self, error: AuthlensError) -> int:
        """Show why the login failed and what to do, in words and as an event; return the exit code.

        Raises:
            AnswerLost: the event could not be written.
        """
        from authlens_core.values.login_command import filled  # what succeeds needs none of it

        error.cure = filled(error.cure, self.url, self.options)
        report_error(error)
        self.write(
            {
                "event": "failed",
                "stage": error.stage,
                "cause": error.cause,
                **fix_as_json(error.cure),
                "exit_code": error.exit_code,
            }
        )
        return error.exit_code


def encodable(text: str, stream: TextIO) -> str:
    """Return `text` in the encoding's characters: our signs become plain ones, others escapes.

    What `stream` can encode is not enough: Python writes UTF-8 in the locale C as well.
    """
    if text.isascii():
        return text
    encoding = stream.encoding or "ascii"
    # Python writes UTF-8 in the C locale (PEP 540), whatever the terminal shows.
    if encoding.lower().replace("-", "") == "utf8" and not shows_utf_8():
        encoding = "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


def discard(stream: TextIO) -> None:
    """Redirect a failed stream to nothing, or its buffer would fail again at exit."""
    # Replaced and not closed: the next file that is opened would get the number, and our words.
    nothing = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _answer(line: str) -> None:
    with _stdout() as stdout:
        stdout.write(encodable(line, stdout) + "\n")
        stdout.flush()


@contextmanager
def _stdout() -> Iterator[TextIO]:
    """Yield standard output, and raise AnswerLost if it could not be written."""
    if sys.stdout is None:
        raise AnswerLost("There is no standard output to write to.")
    try:
        yield sys.stdout
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        discard(sys.stdout)
        reason = error.strerror if isinstance(error, OSError) else None
        raise AnswerLost(f"The output could not be written: {reason or type(error).__name__}.") from None
