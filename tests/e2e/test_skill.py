"""An agent that knows the text of the skill and nothing else, with a person played in between."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authlens_core.emulator import Emulator, play_person
from support.verb_process import AUTHLENS, Done, authlens, machine_in
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@dataclass
class Agent:
    """Follows the numbered steps of the skill literally: it runs the commands that are written there."""

    machine: dict[str, str]
    text: str
    url: str
    asked: list[str] = field(default_factory=list)

    async def run(self, step: int, number: int = 0) -> Done:
        """Run a command of a step, with its URL for the word URL."""
        section = re.split(r"^## \d\. .*$", self.text, flags=re.MULTILINE)[step]
        commands = re.findall(r"(?:^|`)(authlens [^`\n]+)", section, re.MULTILINE)
        words = [self.url if word == "URL" else word for word in shlex.split(commands[number])]
        return await authlens(self.machine, *words[1:])

    def advice(self, code: int) -> str:
        """Return what the table of step 6 says about an exit code."""
        found = re.search(rf"^\| {code} \| [^|]+ \| ([^|]+) \|$", self.text, re.MULTILINE)
        assert found is not None
        return found[1]


@pytest.fixture
async def agent(tmp_path: Path) -> Agent:
    """An agent that was given the skill."""
    machine = machine_in(tmp_path)
    return Agent(machine, (await authlens(machine, "skill")).answer, "")


async def test_it_reaches_the_page_with_a_person_in_between(agent: Agent) -> None:
    """Detect, ask, use; a token that expires is no reason to ask again."""
    async with Emulator() as emulator:
        agent.url = emulator.resource_url
        detected = await agent.run(1)
        assert (detected.code, json.loads(detected.answer)["login_possible"]) == (0, True)
        there = await agent.run(2)
        assert there.code == 4
        assert agent.advice(4) == "step 3"
        # Step 3: the line is shown to the user, who runs it; the browser of this machine signs in.
        by_the_user = await authlens(agent.machine, "login", agent.url, "--port", "0")
        assert by_the_user.code == 0
        assert (await agent.run(2)).code == 0
        for _ in range(2):
            page = await agent.run(4)
            assert json.loads(page.answer)["message"] == "Welcome, ada@example.com"
            emulator.expire_access_tokens()
            # The token has ended before its time: the index does not know, the resource does.
            await authlens(agent.machine, "refresh", agent.url)


async def test_it_hands_the_link_on_and_waits_for_the_end(agent: Agent) -> None:
    """Step 3 in its second form: the events of a login."""
    async with Emulator() as emulator:
        agent.url = emulator.resource_url
        machine = {**agent.machine, "BROWSER": ""}
        process = await asyncio.create_subprocess_exec(
            *(*AUTHLENS, "login", agent.url, "--no-browser", "--json", "--port", "0"),
            env=machine,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=1_000_000,
        )
        assert process.stdout is not None
        last = ""
        async with asyncio.timeout(PATIENCE):
            while line := await process.stdout.readline():
                event = json.loads(line)
                last = event["event"]
                if last == "authorization_url":
                    await play_person(event["url"])
            await process.wait()
        assert last == "authenticated"


@pytest.mark.parametrize(
    ("fault", "step", "code", "advice"),
    [
        ("public", 1, 3, "use the URL without authlens"),
        ("service-auth-only", 1, 5, "give up"),
        ("no-registration-endpoint", 1, 7, "give up"),
    ],
)
async def test_it_gives_up_politely_where_it_should(
    fault: str, step: int, code: int, advice: str, agent: Agent
) -> None:
    """One exit code, one line of advice, and a line on stderr to report."""
    async with Emulator(faults=(fault,)) as emulator:
        agent.url = emulator.resource_url
        done = await agent.run(step)
    assert done.code == code
    assert agent.advice(code).startswith(advice)
    assert json.loads(done.answer)["cause"]
