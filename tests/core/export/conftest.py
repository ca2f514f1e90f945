"""Traces for all tests of the exports: a real login at the emulator, recorded once, and a hostile one."""

import asyncio

import pytest

from authlens_core.trace.record import Trace
from support.driven_login import Recorded, record_login
from support.hostile_trace import hostile_trace


@pytest.fixture(scope="session")
def login() -> Recorded:
    return asyncio.run(record_login())


@pytest.fixture
def hostile() -> Trace:
    return hostile_trace()
