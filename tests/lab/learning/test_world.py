"""A world by itself: who is where, what leaks, and which pair of switches keeps a token at its resource."""

import asyncio

import pytest

from authlens_lab.emulator.ledger import LedgerEvent, Reason, What
from authlens_lab.emulator.weakness import Weakness
from authlens_lab.learning.moves import move_in
from authlens_lab.learning.row import Source
from authlens_lab.learning.world import World, WorldSettings

NEXT_DOOR = WorldSettings(
    weaknesses=(Weakness.AUDIENCE_UNCHECKED,), parties=("victim", "second"), victim={"resource": False}
)


async def replayed_next_door(*switches: str) -> tuple[str, LedgerEvent]:
    """Return for whom Ada's token was issued, and what another resource said to it."""
    async with World(NEXT_DOOR, seed=1, switches=switches) as world:
        await world.leak(["token"])
        await move_in("call at=second").perform(world)
        issued = [event.audience for event in world.events if event.what is What.TOKEN_ISSUED]
        assert [row.values["at"] for row in world.rows if row.source is Source.EXCHANGE] == ["second"]
        arrows = [row.arrow for row in world.rows if row.source is Source.EVENT]
        # Ada's login at the website is not in the record; the call is its first request.
        assert (arrows[0], arrows[-1]) == (0, 1)
        return issued[-1], world.events[-1]


@pytest.mark.parametrize(
    ("switches", "audience", "reason"),
    [
        ((), "any", None),
        (("second.audience",), "any", None),
        (("victim.resource",), "resource", None),
        (("second.signature", "victim.resource"), "resource", None),
        (("second.audience", "victim.resource"), "resource", Reason.WRONG_AUDIENCE),
    ],
)
def test_a_token_stays_at_its_resource_only_if_it_is_asked_for_and_checked(
    switches: tuple[str, ...], audience: str, reason: Reason | None
) -> None:
    issued, last = asyncio.run(replayed_next_door(*switches))
    assert (issued, last.at, last.seat, last.user, last.reason) == (
        audience, "second", "mallory", "ada", reason
    )  # fmt: skip


def test_everything_of_a_world_is_gone_at_its_end_and_is_the_same_with_the_same_seed() -> None:
    async def code() -> str:
        async with World(WorldSettings(parties=("victim",)), seed=7) as world:
            await world.leak(["code", "client"])
            return world.loot["code"]

    assert asyncio.run(code()) == asyncio.run(code())
