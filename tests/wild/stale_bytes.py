"""What a server sends too much on a connection that is used again, after its first answer."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from support.hostile_server import Close, Forever, Send, Signal, Step, Until, answer

STALE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"


@dataclass(slots=True)
class Moments:
    """What the server and the test wait for from each other."""

    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the test once the first answer is over."""
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the server once it did what the case is about."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a server does on the first connection after its first answer, and what stock httpx makes of it.

    Attributes:
        while_idle: true when it waits until the connection is idle; false when it sends at once.
        body: the body of the first answer.
        stock_holds: false where stock httpx takes the bytes for the next answer.
    """

    steps: tuple[Step, ...]
    while_idle: bool = True
    body: bytes = b"first"
    stock_holds: bool = True


LARGE: Final = b"a" * (64 * 1024 * 3)
CASES: Final = {
    "a whole answer while idle": Case((Send(STALE),)),
    "half an answer while idle": Case((Send(STALE[:30]),)),
    "garbage while idle": Case((Send(b"\x00\xffgarbage\r\n\r\n"),)),
    "100 Continue while idle": Case((Send(b"HTTP/1.1 100 Continue\r\n\r\n"),)),
    "an empty line while idle": Case((Send(b"\r\n"),)),
    "408 and the end while idle": Case(
        (Send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), Close())
    ),
    "the end while idle": Case((Close(),)),
    "two answers at once": Case((Send(STALE),), while_idle=False, stock_holds=False),
    "an answer and a half at once": Case((Send(STALE[:30]),), while_idle=False, stock_holds=False),
    "an answer and garbage at once": Case((Send(b"\x00\xff"),), while_idle=False, stock_holds=False),
    "a large answer and another one at once": Case(
        (Send(STALE),), while_idle=False, body=LARGE, stock_holds=False
    ),
}


def first_connection(case: Case, moments: Moments) -> tuple[Step, ...]:
    """Return the steps: an honest answer, what the case is about, and honest answers again."""
    first = answer(body=case.body)
    pause = (Until(moments.idle),) if case.while_idle else ()
    done = (Signal(moments.sent),)
    more = Forever(*answer(body=b"on the first connection"))
    if case.steps[-1] == Close():
        return (*first, *pause, *case.steps[:-1], *done, Close())
    return (*first, *pause, *case.steps, *done, more)


async def turns() -> None:
    """Let what was written arrive: who sends and who waits share one loop, and loopback does not wait."""
    for _ in range(50):
        await asyncio.sleep(0)
