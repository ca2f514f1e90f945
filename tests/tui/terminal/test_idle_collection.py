"""Garbage is collected while no key waits."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from authlens_tui.terminal import idle_collection
from authlens_tui.terminal.idle_collection import LATEST, PAUSE, QUIET, IdleCollection


class Clock:
    """Moves when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Later:
    """Calls when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, work: Callable[[], None]) -> None:
        self.calls.append((seconds, work))

    def come(self) -> None:
        """Let the time pass."""
        calls, self.calls = self.calls, []
        for _, work in calls:
            work()


class Knot:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def survivor() -> weakref.ref[Knot]:
    """Return a reference to garbage that survived one collection."""
    knot = Knot()
    gc.collect(0)
    return weakref.ref(knot)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    thresholds = gc.get_threshold()
    monkeypatch.setattr(idle_collection, "DUE", 0)
    yield Clock()
    gc.set_threshold(*thresholds)  # what is frozen stays so, as the tests themselves do


def test_garbage_is_collected_when_no_key_was_pressed_for_a_while(clock: Clock) -> None:
    collection = IdleCollection(clock)
    collection.start(Later())
    collection.note_key()
    clock.now += QUIET / 2
    assert not collection.tick()
    clock.now += QUIET
    assert collection.tick()


def test_a_user_who_never_pauses_does_not_let_garbage_pile_up(clock: Clock) -> None:
    collection = IdleCollection(clock)
    clock.now += LATEST
    collection.note_key()
    assert collection.tick()


def test_nothing_is_collected_when_nothing_was_made(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_collection, "DUE", 1_000)
    collection = IdleCollection(clock)
    clock.now += LATEST
    assert not collection.tick()


def test_no_full_collection_happens_automatically(clock: Clock) -> None:
    IdleCollection(clock).start(Later())
    assert gc.get_threshold()[2] >= 100_000


def test_what_survived_once_is_collected_after_a_key(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_collection, "AFTER_KEY", 0)
    collection, later = IdleCollection(clock), Later()
    collection.start(later)
    garbage = survivor()
    collection.note_key()
    assert [seconds for seconds, _ in later.calls] == [PAUSE]
    assert garbage() is not None, "it was collected before the key was answered"

    later.come()

    assert garbage() is None


def test_nothing_is_collected_after_a_key_that_made_little(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_collection, "AFTER_KEY", 1_000)
    collection, later = IdleCollection(clock), Later()
    collection.start(later)
    garbage = survivor()
    collection.note_key()

    later.come()

    assert garbage() is not None
    gc.collect()


def test_a_key_that_is_held_down_is_followed_by_one_collection(clock: Clock) -> None:
    collection, later = IdleCollection(clock), Later()
    collection.start(later)
    for _ in range(5):
        collection.note_key()
    assert len(later.calls) == 1

    later.come()
    collection.note_key()

    assert len(later.calls) == 1
