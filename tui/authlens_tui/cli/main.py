"""The entry point: parses, then imports only what the verb needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from authlens_core.values.errors import AuthlensError, LoginNeeded
from authlens_core.values.secret import forbid_core_dump
from authlens_core.values.version import VERSION
from authlens_tui.cli import INTERRUPTED, READER_GONE, has_borrowed_rights
from authlens_tui.cli.terminal.flags import is_plain, no_input, without_flags
from authlens_tui.cli.terminal.output import BESIDE, answer_line, discard, report_error, say
from authlens_tui.cli.terminal.refused import login_needed, nearest, refusal, say_command
from authlens_tui.cli.terminal.unexpected import FAILED, say_unexpected, silence_tracebacks
from authlens_tui.cli.verbs import VERBS, follow_attached_client

if TYPE_CHECKING:
    from argparse import Namespace


# The verbs that take the words of another program, and where those go.
_OTHER_PROGRAM: Final = {"curl": "arguments", "run": "command"}


def main() -> None:
    _main(sys.argv[1:])


def git_credential_main() -> None:
    """Run as `git-credential-authlens`, which git calls for `credential.helper = authlens`."""
    _main(["git-credential", *sys.argv[1:]])


def _main(argv: Sequence[str]) -> None:
    silence_tracebacks()
    forbid_core_dump()
    code = run(argv)
    # The interpreter would flush at its exit, and turn a reader that is gone into a message and exit code
    # 120.
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            discard(stream)
    # Everything is closed by now; ending the interpreter in order takes as long as a request.
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    argv = without_flags(argv)
    sign = BESIDE if argv[:1] and argv[0] in _OTHER_PROGRAM else "✖ "
    try:
        return _dispatch(list(argv))
    except LoginNeeded as error:
        if no_input():
            say_command(error, argv)
        else:
            report_error(error, url=_url_in(argv), sign=sign)
        return error.exit_code
    except AuthlensError as error:
        report_error(error, url=_url_in(argv), sign=sign)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    # `authlens list | head` is no error: shells report it as 128 + SIGPIPE.
    except BrokenPipeError:
        discard(sys.stdout)
        return READER_GONE
    except Exception as error:
        # The boundary of the process: a traceback would show lines of data.
        say_unexpected(error)
        return FAILED


def _url_in(argv: Sequence[str]) -> str:
    """Return the URL that a command was called with; empty if there is none, or there are several."""
    # Words of another program are not ours to name: behind `--` a URL may be anyone's.
    urls = [word for word in argv[: argv.index("--") if "--" in argv else None] if "://" in word]
    return urls[0] if len(urls) == 1 else ""


def _dispatch(argv: list[str]) -> int:
    # With setuid, PYTHON* variables and the user's own files would run with the rights of another account.
    if has_borrowed_rights():
        raise refusal(
            "authlens was started with the rights of another account (setuid or setgid).",
            "Remove that bit from the program; it needs only your own rights.",
        )
    # Before the verb is known: `authlens --theme NAME URL` has none that a parser could be built for.
    if argv[:1] == ["--theme"] and len(argv) > 1:
        os.environ["AUTHLENS_THEME"] = argv[1]
        argv = argv[2:]
    # A URL where a verb would be: argparse would refuse it as a choice that it does not know.
    if not argv or (not argv[0].startswith("-") and argv[0] not in VERBS):
        return _app(argv)
    # Alone, as scripts ask for it, it needs no parser: those of all verbs would be built.
    if argv == ["--version"] or (parsed := _parse(argv)).version:
        answer_line(f"authlens {VERSION}")
        return 0
    if parsed.verb is None:
        return _app([])
    return VERBS[parsed.verb](parsed)


def _parse(argv: Sequence[str]) -> Namespace:
    from authlens_tui.cli.parser import build_parser  # the full-screen app needs none

    parser = build_parser(argv[0] if argv else None)
    ours, theirs = _split_at_dashes(argv)
    parsed: Namespace
    parsed, curl_options = parser.parse_known_args(ours)
    # Put in after parsing: argparse would read their options as ours.
    if theirs:
        getattr(parsed, _OTHER_PROGRAM[parsed.verb]).extend(theirs)
    # argparse reads a list of arguments in one run alone: the URLs of a login behind an option are left over.
    if parsed.verb == "login" and not any(word.startswith("-") for word in curl_options):
        parsed.urls += curl_options
    elif curl_options and parsed.verb == "curl":
        _refuse_options_of_curl(parsed, curl_options)
    elif curl_options:
        parser.refuse(curl_options, parsed.verb)
    return parsed


def _refuse_options_of_curl(parsed: Namespace, curl_options: Sequence[str]) -> NoReturn:
    """Refuse curl's options among ours, and name the command that passes them to curl.

    Raises:
        UsageError: always.
    """
    from shlex import join

    command = join(["authlens", "curl", parsed.url, "--", *parsed.arguments, *curl_options])
    raise refusal(f"authlens curl has no option {curl_options[0]}.", f"If it is for curl: {command}")


def _split_at_dashes(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return our arguments, and those of another program, after the first `--`.

    Before Python 3.13, argparse removes a second `--`: `git checkout -- FILE` would be another command.
    """
    if "--" not in argv or argv[0] not in _OTHER_PROGRAM:
        return argv, ()
    index = argv.index("--")
    return argv[:index], argv[index + 1 :]


def _app(argv: list[str]) -> int:
    """Start the full-screen app, on the wizard if a URL is given; or do it line by line.

    Raises:
        UsageError: the first argument is neither a verb nor a URL.
    """
    if argv:
        _refuse_other_words(argv[0])
    if no_input():
        raise login_needed("The app is interactive.", "Without --no-input: authlens")
    # Before it is decided whether a browser can be opened: in tmux the environment is that of the first
    # client.
    follow_attached_client()
    from authlens_tui.cli.full_screen import run_app, why_no_full_screen

    why = why_no_full_screen()
    # Without a URL there is no login to continue line by line: `run_app` refuses with what to run instead.
    if why is None or (not argv and not is_plain()):
        return run_app(*_url_and_arguments(argv)) if argv else run_app(None)
    return _line_by_line(argv, why)


def _line_by_line(argv: list[str], why: str) -> int:
    """Do the app's work without a screen: log in to a URL, or list the credentials."""
    from authlens_tui.cli.option_values import checked_url

    if not argv:
        code = VERBS["list"](_parse(["list"]))
        say("  → Log in: authlens login URL     Everything else: authlens --help")
        return code
    arguments = _parse(["login", checked_url(argv[0]), *argv[1:]])
    say(f"{why} The login continues without the full screen.")
    return VERBS["login"](arguments)


def _url_and_arguments(argv: list[str]) -> tuple[str, Namespace | None]:
    if len(argv) == 1:
        return argv[0], None
    from authlens_tui.cli.login.login_arguments import refuse_options_without_screen

    arguments = _parse(["login", *argv])
    refuse_options_without_screen(arguments)
    if len(arguments.urls) > 1:
        raise refusal(
            "The full screen logs in to one URL at a time.",
            ("Several, one by one", "authlens login URL URL"),
        )
    return arguments.urls[0], arguments


def _refuse_other_words(word: str) -> None:
    if "/" not in word and "." not in word and ":" not in word:
        # A typing error would otherwise become a login to a host of that name.
        near = nearest(word, VERBS)
        meant = f"Did you mean authlens {near}? " if near else ""
        raise refusal(f"There is no verb {word!r}.", f"{meant}See: authlens --help")
