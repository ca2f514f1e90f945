"""A way to log in as a value: its stages in order, what the user does in it, and how it is told.

Whatever depends on the way of a login asks its flow, and nothing compares grant types. What a flow sends is
in `login/stages`, under the same grant type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from authlens_core.values.stage import LOGIN_STAGES, PROGRAMS, GrantType, Program, Stage, UserPart
from authlens_core.values.word_files import texts, words


class StageInfo(Struct, frozen=True):
    """The words for one stage.

    Attributes:
        what: what happens, one or two plain sentences.
        why: what would go wrong without it.
        announces: what it does next, after its title, where its request does not say it.
    """

    title: str
    specification: str
    what: str
    why: str
    announces: str = ""


class Lesson(Struct, frozen=True):
    """What is worth knowing about one stage.

    Attributes:
        without_it: what an attacker could do, or what would break, if it were left out.
        specification: sections and what each says, in our words.
    """

    why: str
    without_it: str
    specification: tuple[tuple[str, str], ...]


@cache
def stage_info(stage: Stage, grant_type: GrantType = GrantType.AUTHORIZATION_CODE) -> StageInfo:
    """Return the words for `stage` in a login with `grant_type`, from `words/stages.toml`."""
    by_grant = words("stages")
    sentences = next(by_grant[table] for table in _tables(grant_type) if stage in by_grant.get(table, {}))
    return StageInfo(**sentences[stage])


@cache
def lesson(stage: Stage, grant_type: GrantType = GrantType.AUTHORIZATION_CODE) -> Lesson:
    """Return the lesson on `stage` in a login with `grant_type`, from `words/stages.md`."""
    paragraphs = texts("stages")
    heading = next(
        (table, stage.value) for table in _tables(grant_type) if (table, stage.value) in paragraphs
    )
    items = re.split(r"^- ", paragraphs[*heading, "specifications"], flags=re.MULTILINE)[1:]
    specification = (_one_line(item).partition(": ") for item in items)
    return Lesson(
        _one_line(paragraphs[heading]),
        _one_line(paragraphs[*heading, "without it"]),
        tuple((section, sentence) for section, _, sentence in specification),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tables(grant_type: GrantType) -> tuple[str, ...]:
    """Return the names under which the words of a grant are, its own first."""
    # Only the code grant has words for every stage; another has those of the stages in which it differs.
    family = "machine" if FLOWS[grant_type].user_part is UserPart.NOTHING else ""
    return grant_type.name.lower(), family, GrantType.AUTHORIZATION_CODE.name.lower()


class Flow(Struct, frozen=True):
    """A way to log in.

    Attributes:
        stages: in the order in which they run.
        starts_over: where another attempt begins once what it uses up was used, such as a state or a code;
            None where nothing is used up.
        single_use: the stages that use it up.
        extra_grant_types: what is registered besides the authorization code and refresh.
        chosen: the words for a user who chooses this flow instead of another.
        offer: the same as the meaning of a key.
        endpoint: the member of the server metadata without which the server does not offer it.
    """

    grant_type: GrantType
    stages: tuple[Stage, ...]
    user_part: UserPart
    starts_over: Stage | None
    single_use: frozenset[Stage]
    extra_grant_types: tuple[GrantType, ...]
    chosen: str
    offer: str
    endpoint: str = ""

    @property
    def is_by_link(self) -> bool:
        """Whether the user opens a link, whose answer comes back to this machine."""
        return self.user_part is UserPart.LINK

    @property
    def is_by_program(self) -> bool:
        """Whether a program logs in as itself, without a user."""
        return self.user_part is UserPart.NOTHING

    def is_offered(self, metadata: Struct) -> bool:
        return not self.endpoint or getattr(metadata, self.endpoint) is not None

    def position(self, stage: Stage | None) -> int:
        """Return how many stages come before `stage`, which need not be one of this flow; None is the end."""
        if stage is None:
            return len(self.stages)
        # By the order of all stages, so that a stage of another flow has its position here, too.
        return sum(1 for other in self.stages if _ORDER[other] < _ORDER[stage])

    def number(self, stage: Stage) -> int:
        """Return the number that users see, from 1; 0 for what is no stage of this flow."""
        return self.stages.index(stage) + 1 if stage in self.stages else 0

    def numbered(self, stage: Stage) -> str:
        """Return the title of `stage` with its number before it, if it has one."""
        number, title = self.number(stage), self.info(stage).title
        return f"{number} {title}" if number else title

    def info(self, stage: Stage) -> StageInfo:
        return stage_info(stage, self.grant_type)

    def lesson(self, stage: Stage) -> Lesson:
        return lesson(stage, self.grant_type)


_ORDER: Final = {stage: number for number, stage in enumerate(Stage)}
AUTHORIZATION_CODE: Final = Flow(
    GrantType.AUTHORIZATION_CODE,
    LOGIN_STAGES,
    UserPart.LINK,
    # A verifier is for one authorization request (RFC 7636 §4.1), and a code is used up by the first who
    # sends it (RFC 6749 §4.1.2).
    starts_over=Stage.PKCE,
    single_use=frozenset({Stage.AUTHORIZATION, Stage.EXCHANGE}),
    extra_grant_types=(),
    chosen="You will get a link again. authlens registers for that first.",
    offer="use a link",
)
# Without PKCE: there is no link that could carry a challenge or a state (RFC 8628 §3.1).
_DEVICE_CODE: Final = Flow(
    GrantType.DEVICE_CODE,
    tuple(stage for stage in LOGIN_STAGES if stage is not Stage.PKCE),
    UserPart.CODE,
    starts_over=Stage.AUTHORIZATION,
    single_use=frozenset({Stage.EXCHANGE}),
    extra_grant_types=(GrantType.DEVICE_CODE,),
    chosen="You will get a code to enter on another device. authlens registers for that first.",
    offer="use a code on another device",
    endpoint="device_authorization_endpoint",
)


def _machine(program: Program) -> Flow:
    """Return the flow of a program that logs in as itself: no browser, no callback, nothing used up."""
    by_user = {Stage.PKCE, Stage.AUTHORIZATION}
    return Flow(
        program.grant_type,
        tuple(stage for stage in LOGIN_STAGES if stage not in by_user),
        UserPart.NOTHING,
        starts_over=None,
        single_use=frozenset(),
        extra_grant_types=(),
        chosen="",
        offer="",
    )


FLOWS: Final[Mapping[GrantType, Flow]] = MappingProxyType(
    {
        flow.grant_type: flow
        for flow in (
            AUTHORIZATION_CODE,
            _DEVICE_CODE,
            *map(_machine, PROGRAMS.values()),
        )
    }
)


def flow_of(grant_type: GrantType | None) -> Flow:
    """Return the flow of a login; of a record that names none, the one with the most stages."""
    return AUTHORIZATION_CODE if grant_type is None else FLOWS[grant_type]
