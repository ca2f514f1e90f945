"""A whole login through authlens's own engine, with a person (or whoever is given) at the browser."""

import asyncio
from collections.abc import Awaitable, Callable

from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.trace.record import Trace
from support.person import Page, Person

Browse = Callable[[str], Awaitable[Page]]
"""Opens the link and goes on to the callback; returns the page seen there."""

LOGIN_SECONDS = 60.0


async def say_yes(authorization_url: str) -> Page:
    async with Person() as person:
        return await person.authorize(authorization_url)


async def say_no(authorization_url: str) -> Page:
    async with Person() as person:
        return await person.authorize(authorization_url, allow=False)


async def log_in(run: Login, browse: Browse = say_yes) -> tuple[Trace, Page | None]:
    """Run every stage; return the record, and the page that the browser ended on, if it was needed."""
    browsing: list[asyncio.Task[Page]] = []

    def on_event(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            browsing.append(asyncio.ensure_future(browse(event.url)))
        elif isinstance(event, DeviceCodeReady) and event.verification_uri_complete is not None:
            page = event.verification_uri_complete.text
            browsing.append(asyncio.ensure_future(_enter_code(page)))

    run.watch(on_event)
    try:
        trace = await asyncio.wait_for(run.run_all(), LOGIN_SECONDS)
        pages = await asyncio.gather(*browsing)
    finally:
        for task in browsing:
            task.cancel()
        await run.aclose()
    return trace, pages[-1] if pages else None


async def _enter_code(page: str) -> Page:
    async with Person() as person:
        return await person.enter_code(page)


def story(trace: Trace) -> str:
    """Return what happened, one line a stage and one a failed check: for the message of a failed test."""
    lines = []
    for record in trace.records:
        lines.append(f"{record.stage}: {record.outcome}")
        lines += [f"   {check.name}: wanted {check.expected}; saw {check.seen}" for check in record.failures]
    return "\n".join(lines)
