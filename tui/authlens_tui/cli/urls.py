"""The URLs of a command line: checked, and one login after another for several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from authlens_core.errors import AuthlensError, UsageError
from authlens_core.oauth.url import UrlRefused, parse_url, with_https
from authlens_tui.cli.terminal.output import AnswerLost, explain, say
from authlens_tui.cli.terminal.plain import numbered

_SIGNALS: Final = 128  # an exit code above it: a signal ended the login, and with it the command


def checked_url(url: str) -> str:
    """Return `url` if it can be used; a host name alone means https.

    Raises:
        UsageError: with every reason why it cannot.
    """
    try:
        return parse_url(with_https(url), loopback_http=True).text
    except UrlRefused as refused:
        cause = f"{url or 'Nothing'} cannot be used: {refused}."
        raise UsageError(cause, "Give the whole address, such as https://wiki.example.com/") from None


def checked_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return several URLs, each once; all are checked before anything is sent.

    Raises:
        UsageError: one of them cannot be used.
    """
    return tuple(dict.fromkeys(map(checked_url, urls)))


async def in_turn(urls: Sequence[str], log_in: Callable[[str], Awaitable[int]]) -> int:
    """Log in to each URL and return the highest exit code; a failure does not stop the next login.

    Ctrl-C stops all of them.

    Raises:
        AnswerLost: no one reads the answer, so the rest would be lost as well.
    """
    codes: dict[str, int] = {}
    for number, url in enumerate(urls, 1):
        if len(urls) > 1:
            say(f"Login {number} of {len(urls)}: {url}")
        try:
            codes[url] = await log_in(url)
        except AnswerLost:
            raise
        except AuthlensError as error:
            explain(error)
            codes[url] = error.exit_code
        # Ctrl-C is meant for the command, not for this one login of it.
        if codes[url] > _SIGNALS:
            return codes[url]
    if len(urls) > 1:
        _sum_up(codes)
    return max(codes.values(), default=0)


def _sum_up(codes: Mapping[str, int]) -> None:
    failed = {url: code for url, code in codes.items() if code}
    say(f"{len(codes) - len(failed)} of {len(codes)} logins succeeded.")
    for line in numbered(f"{url}: exit code {code}" for url, code in failed.items()):
        say(f"  {line}")
