"""Finding the address among the lines of a paste: it may be one of them, or several that were wrapped.

A terminal or a mail wraps a long address, and what is above and below it is easily copied with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from authlens_core.oauth.authorization import Verdict
from authlens_core.values.secret import Secret

MOST_PIECES: Final = 16  # lines into which one address may have been wrapped
_LONGEST: Final = 64 * 1024  # characters, more than any address that is taken
_ORDER: Final = (
    Verdict.CODE,
    Verdict.ERROR,
    Verdict.WRONG_ISSUER,
    Verdict.MALFORMED,
    Verdict.OUTDATED,
    Verdict.INVALID,
)
_ANSWERS: Final = 3  # of them, the first: the others are refused


def likeliest(
    lines: Sequence[Secret], earlier: Sequence[Secret], verdict_of: Callable[[Secret], Verdict]
) -> Secret:
    """Return the text that is likeliest the answer.

    If the lines alone are not an answer, they may be the end of one that began earlier. If that is not an
    answer either, the text is made of these lines alone, and so is the reason why it is refused.

    Args:
        earlier: lines that were pasted before and refused.
        verdict_of: judges a text, without any consequence.
    """
    rank, best = _best(_runs(lines), verdict_of, lines[-1])
    if rank >= _ANSWERS:
        rank, joined = _best(_ends(earlier, lines), verdict_of, best)
        if rank < _ANSWERS:
            return joined
    return best


def _best(
    candidates: Iterator[Secret], verdict_of: Callable[[Secret], Verdict], default: Secret
) -> tuple[int, Secret]:
    """Return the first of the likeliest candidates and its place in the order; `default` if there is none."""
    ranked = ((_ORDER.index(verdict_of(line)), line) for line in candidates)
    return min(ranked, key=itemgetter(0), default=(len(_ORDER), default))


def _runs(lines: Sequence[Secret]) -> Iterator[Secret]:
    """Yield the lines joined to one text, more lines first.

    The end of a wrapped code is missing in its first line, which would be an answer on its own.
    """
    for length in range(min(len(lines), MOST_PIECES), 0, -1):
        for start in range(len(lines) - length + 1):
            yield from _joined(lines[start : start + length])


def _ends(earlier: Sequence[Secret], lines: Sequence[Secret]) -> Iterator[Secret]:
    """Yield all `lines` with more and more of what came before them."""
    for count in range(1, min(len(earlier), MOST_PIECES) + 1):
        yield from _joined((*earlier[-count:], *lines))


def _joined(pieces: Sequence[Secret]) -> Iterator[Secret]:
    """Yield the pieces as one text; nothing where a blank tells that one of several is no piece."""
    texts = [piece.reveal().strip() for piece in pieces]
    whole = len(texts) == 1 or not any(len(text.split()) > 1 for text in texts)
    if whole and sum(map(len, texts)) <= _LONGEST:
        yield Secret("".join(texts))
