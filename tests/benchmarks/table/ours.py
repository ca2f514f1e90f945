"""A login in the engine, as `bare.py timed-login` does it: the link on stdout, then the seconds.

One request is sent first, as the bare client does: what a process loads once is no time of a login.
"""

import asyncio
import sys
import time

from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, Event, StageStarted
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire


async def login(resource_url: str) -> None:
    """Log in, and print the seconds that it took without those of the user at the browser."""
    moments: dict[str, float] = {}

    def on_event(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            moments["link"] = time.perf_counter()
            print(event.url, flush=True)  # noqa: T201
        elif isinstance(event, StageStarted) and event.stage is Stage.EXCHANGE:
            moments["back"] = time.perf_counter()

    async with Wire() as wire:
        await wire.send(Request("GET", resource_url), loopback_http=True)
        run = Login(resource_url, wire, options=Options(port=0, wait=30))
        run.watch(on_event)
        began = time.perf_counter()
        trace = await run.run_all()
        ended = time.perf_counter()
        await run.aclose()
    if trace.records[-1].outcome is not Outcome.PASSED:
        sys.exit(1)
    print((moments["link"] - began) + (ended - moments["back"]), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(login(sys.argv[1]))
