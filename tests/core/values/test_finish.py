"""Work that goes on to its end, whoever waits for it is in a hurry."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from authlens_core.values.finish import finish, finish_first

Finish = Callable[[Coroutine[Any, Any, str]], Coroutine[Any, Any, Any]]


class Work:
    """Something that takes until it is told to end, and then succeeds or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = asyncio.Event()
        self.begun = asyncio.Event()
        self.ended = False
        self._error = error

    async def __call__(self) -> str:
        """Begin, wait, end."""
        self.begun.set()
        await self.may_end.wait()
        self.ended = True
        if self._error is not None:
            raise self._error
        return "done"


async def _cancelled(waiting: asyncio.Task[Any], times: int) -> None:
    """Cancel a task again and again, and let it run in between."""
    for _ in range(times):
        waiting.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def _nothing_is_lost(run: Callable[[], Awaitable[None]]) -> None:
    """Await `run`, and fail where an exception of a task was never looked at."""
    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context))
    await run()
    gc.collect()
    await asyncio.sleep(0)
    assert lost == []


@pytest.mark.parametrize("waiter", [finish, finish_first])
async def test_without_a_cancellation_the_result_is_handed_on(waiter: Finish) -> None:
    work = Work()
    work.may_end.set()
    assert await waiter(work()) in ("done", ("done", False))


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("waiter", [finish, finish_first])
async def test_the_work_goes_on_through_every_cancellation(waiter: Finish, times: int) -> None:
    """TK-12: a second Ctrl-C in the middle of a save stops it as little as the first."""
    work = Work()
    waiting = asyncio.create_task(waiter(work()))
    await work.begun.wait()
    await _cancelled(waiting, times)
    assert not waiting.done()
    assert not work.ended
    work.may_end.set()
    await asyncio.wait({waiting})
    assert work.ended


async def test_finish_passes_the_cancellation_on_when_the_work_has_ended() -> None:
    work = Work()
    waiting = asyncio.create_task(finish(work()))
    await work.begun.wait()
    await _cancelled(waiting, 2)
    work.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_finish_first_gives_the_result_and_says_that_somebody_wanted_to_stop() -> None:
    """What was earned is not thrown away with the cancellation."""
    work = Work()
    waiting = asyncio.create_task(finish_first(work()))
    await work.begun.wait()
    await _cancelled(waiting, 2)
    work.may_end.set()
    assert await waiting == ("done", True)


@pytest.mark.parametrize("waiter", [finish, finish_first])
async def test_a_failure_of_the_work_is_raised(waiter: Finish) -> None:
    work = Work(ValueError("the disk is full"))
    work.may_end.set()
    with pytest.raises(ValueError, match="the disk is full"):
        await waiter(work())


@pytest.mark.parametrize("waiter", [finish, finish_first])
async def test_a_failure_after_a_cancellation_is_seen_and_the_cancellation_is_raised(waiter: Finish) -> None:
    """No "exception was never retrieved" appears on the terminal after the program."""

    async def run() -> None:
        work = Work(ValueError("the disk is full"))
        waiting = asyncio.create_task(waiter(work()))
        await work.begun.wait()
        await _cancelled(waiting, 2)
        work.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    await _nothing_is_lost(run)


@pytest.mark.parametrize("waiter", [finish, finish_first])
async def test_work_that_is_cancelled_itself_ends_the_wait(waiter: Callable[..., Any]) -> None:
    """The loop that ends cancels everything; nobody waits for ever."""
    work = Work()
    task = asyncio.create_task(work())
    waiting = asyncio.create_task(waiter(task))
    await work.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)


async def test_a_task_that_is_under_way_already_is_waited_for() -> None:
    """A caller that lists its tasks hands in the task and not the work."""
    work = Work()
    task = asyncio.create_task(work())
    await work.begun.wait()
    work.may_end.set()
    assert await finish_first(task) == ("done", False)
