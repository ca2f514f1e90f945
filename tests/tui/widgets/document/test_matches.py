"""Search finds every place, in either case, and gives others their turn."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from authlens_tui.widgets.document.matches import MAX_MATCHES, Match, find


async def test_places_are_found_in_either_case() -> None:
    """`Token` finds `token`."""
    assert await find(["a token", "TOKENtoken"], "Token") == [Match(0, 2, 7), Match(1, 0, 5), Match(1, 5, 10)]
    assert await find(["a"], "") == []


@given(st.lists(st.text("ab.*(", max_size=10)), st.text("ab.*(", min_size=1, max_size=3))
def test_words_are_looked_for_as_they_stand(texts: list[str], words: str) -> None:
    """Nothing in them is an expression."""
    found = asyncio.run(find(texts, words))
    assert len(found) == sum(text.count(words) for text in texts)
    assert all(texts[match.line][match.start : match.end] == words for match in found)


async def test_places_beyond_the_limit_are_not_looked_for() -> None:
    """One letter in a megabyte stands in too many places to walk through."""
    assert len(await find(["a" * 1_000_000], "a")) == MAX_MATCHES


async def test_others_have_their_turn_meanwhile() -> None:
    """A long text is searched in parts."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await find(["some text"] * 100_000, "nothing")
    task.cancel()
    assert turns >= 10
