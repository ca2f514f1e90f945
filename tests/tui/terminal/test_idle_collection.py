"""Garbage is collected while no key waits."""

import gc
from collections.abc import Iterator

import pytest

from authlens_tui.terminal import terminal_app
from authlens_tui.terminal.terminal_app import LATEST, QUIET, IdleCollection


class Clock:
    """Moves when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    thresholds = gc.get_threshold()
    monkeypatch.setattr(terminal_app, "DUE", 0)
    yield Clock()
    gc.set_threshold(*thresholds)  # what is frozen stays so, as the tests themselves do


def test_garbage_is_collected_when_no_key_was_pressed_for_a_while(clock: Clock) -> None:
    collection = IdleCollection(clock)
    collection.start()
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
    monkeypatch.setattr(terminal_app, "DUE", 1_000)
    collection = IdleCollection(clock)
    clock.now += LATEST
    assert not collection.tick()


def test_no_full_collection_happens_automatically(clock: Clock) -> None:
    IdleCollection(clock).start()
    assert gc.get_threshold()[2] >= 100_000
