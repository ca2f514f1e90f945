"""Keep fifty grants fresh against a server that fails at random, and watch memory and descriptors.

`python tests/benchmarks/endurance/soak.py [MINUTES]`

After a warm-up of a tenth of the time, memory has to stay within five per cent and no descriptor stays open.
At the end the refresh token of every grant has to be one that the server still takes.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from authlens_core.credentials.lifecycle import background_refresh
from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.lifecycle.background_refresh import BackgroundRefresh
from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_core.wire.client import Wire
from benchmarks.endurance.kill import body, serving

GRANTS: Final = 50
FAILURES: Final = "0.3"
MOST_GROWTH: Final = 0.05


@dataclass
class Samples:
    """What was measured, once a second after the warm-up.

    Attributes:
        memory: resident memory in KiB.
        descriptors: open files.
        outcomes: how often each came.
    """

    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def take(self) -> None:
        """Measure once."""
        gc.collect()
        status = Path("/proc/self/status").read_text()
        self.memory.append(int(status.partition("VmRSS:")[2].split()[0]))
        self.descriptors.append(len(os.listdir("/proc/self/fd")))

    def problems(self) -> Iterator[str]:
        """Yield what grew, by the medians of the first and the last tenth."""
        tenth = max(1, len(self.memory) // 10)
        first, last = sorted(self.memory[:tenth])[tenth // 2], sorted(self.memory[-tenth:])[tenth // 2]
        if last > first * (1 + MOST_GROWTH):
            yield f"memory grew from {first} to {last} KiB"
        if min(self.descriptors[-tenth:]) > max(self.descriptors[:tenth]):
            yield f"open files grew from {max(self.descriptors[:tenth])} to {min(self.descriptors[-tenth:])}"


def grant(base: str, number: int) -> Grant:
    """Return a grant that is due at once."""
    began = datetime.now(UTC) - timedelta(hours=1)
    return Grant(
        grant_id=f"grant-{number}",
        resource_url=f"{base}/s{number}",
        resource=f"{base}/s{number}",
        issuer=base,
        token_endpoint=f"{base}/token",
        client_id="endurance",
        redirect_uri="http://localhost:8400/callback",
        obtained_at=began,
        refreshed_at=began,
        expires_at=began + timedelta(seconds=2),
        has_refresh_token=True,
    )


async def soak(port: int, directory: Path, minutes: float) -> tuple[Samples, list[str]]:
    """Refresh for some minutes; return the samples, and what went wrong."""
    samples, base = Samples(), f"http://127.0.0.1:{port}"
    os.environ["AUTHLENS_HOME"] = str(directory)
    store = store_at(StoreKind.FILE, create=True)
    credentials = Credentials.open(store, directory)
    for number in range(GRANTS):
        new = json.loads(body(port, f"/first?name=/s{number}"))
        secrets = GrantSecrets(Secret(f"access-{new}"), Secret(f"refresh-{new}"))
        await credentials.save(grant(base, number), secrets)

    def count(_grant: Grant, result: ActionResult) -> None:
        samples.outcomes[result.outcome.value] += 1

    async with Wire(environ={}) as wire:
        work = BackgroundRefresh(credentials, wire, on_result=count)
        running = asyncio.create_task(work.run())
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < minutes * 60:
            await asyncio.sleep(1)
            if passed > minutes * 6:
                samples.take()
        await work.stop()
        running.cancel()
        await asyncio.wait({running})
        await credentials.unfinished.settle()
        problems = list(samples.problems())
        valid = set(json.loads(body(port, "/valid")))
        for one in credentials.list():
            _, secrets = await credentials.load(one.grant_id)
            token = secrets.refresh_token
            if token is None or token.reveal().partition("-")[2] not in valid:
                problems.append(f"{one.grant_id} holds a spent refresh token, and is {one.state}")
        await credentials.aclose()
    return samples, problems


def main() -> int:
    """Soak for as long as the command line says; 1 if something went wrong."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    # A server whose failures are answered by longer and longer pauses would be left alone most of the time.
    background_refresh.PAUSE = 0.5  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder, serving(FAILURES) as port:
        samples, problems = asyncio.run(soak(port, Path(folder), minutes))
    memory, files = samples.memory, samples.descriptors
    sys.stdout.write(f"{minutes:g} minutes, {GRANTS} grants, outcomes {dict(samples.outcomes)}\n")
    sys.stdout.write(f"memory {memory[0]} KiB at first, {memory[-1]} at the end, {max(memory)} at most\n")
    sys.stdout.write(f"open files {files[0]} at first, {files[-1]} at the end, {max(files)} at most\n")
    sys.stdout.writelines(f"  {problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
