"""Who said what in a world, line by line, and the parts of a request that can be pointed at; all masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.export.redaction import Redactor, secrets_of
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import MASK, Secret
from authlens_core.values.stage import Outcome
from authlens_core.values.word_files import words
from authlens_lab.learning.moves import course_words
from authlens_lab.learning.row import EvidenceRow, Source
from authlens_lab.learning.verdict import trace_of
from authlens_lab.learning.world import YOU, World


class StoryLine(Struct, frozen=True):
    """One line.

    Attributes:
        action: what was requested, or what a party did.
        receiver: empty for what a party did, which has no bytes to point at.
        answer: the status, or that there was none.
        meaning: what a request is for, in a sentence; empty for anything else.
        aside: the same in a few words; empty where the line says enough.
    """

    row: EvidenceRow
    sender: str
    action: str
    receiver: str = ""
    answer: str = ""
    meaning: str = ""
    aside: str = ""

    @property
    def arrow(self) -> int:
        """The number of the request, or of the one that a party answered so; 0 for anything else."""
        return self.row.arrow

    @property
    def text(self) -> str:
        """The line without its number."""
        if not self.receiver:
            return f"{self.sender} {self.action}"
        return f"{self.sender} → {self.receiver}: {self.action} → {self.answer}"

    @property
    def sentence(self) -> str:
        """The line, to be read aloud."""
        if self.receiver:
            return (
                f"Arrow {self.arrow}. {self.sender} to {self.receiver}. {self.action}. Answer {self.answer}."
            )
        return f"{f'At arrow {self.arrow},' if self.arrow else 'Event:'} {self.sender} {self.action}."


class Part(Struct, frozen=True):
    """A part of a request or its answer.

    Attributes:
        name: as in a move, such as `form.code_verifier`.
        group: where it is, in a word or two.
        value: masked.
        meaning: what it decides; empty if unknown.
    """

    name: str
    group: str
    value: str
    meaning: str

    @property
    def title(self) -> str:
        """The name without its place, which a user sees above it."""
        return part_title(self.name)


def part_title(name: str) -> str:
    """Return the name of a part without its place: `code_verifier` of `form.code_verifier`."""
    return name.partition(".")[2] or name


def spoken(text: str) -> str:
    """Return a text with words instead of the arrows of a request, to be read aloud."""
    return text.replace(" → ", " to ", 1).replace(" → ", ", answer ")


def spoken_value(value: str) -> str:
    """Return a value with words for its mask; the fingerprint tells two secrets apart."""
    return value.replace(f"{MASK} #", "secret #")


_FAILURE: Final = Severity.FAILURE.value
_KINDS: Final = {
    "query": ("authorization", "callback"),
    "form": ("token-request", "authorization", "revocation"),
    "proof": ("dpop-proof", "jose-header"),
    "json": ("tokens", "server", "resource", "client"),
}


_ASKS: Final = frozenset({Purpose.PUSHED_AUTHORIZATION.name.lower()})
"""A form that says what a token request says again has other meanings there."""


def story(rows: Iterable[EvidenceRow]) -> tuple[StoryLine, ...]:
    """Return what happened; what a server did for a request comes after its arrow."""
    lines: list[StoryLine] = []
    server_lines: list[StoryLine] = []  # for the request whose answer comes next
    for row in rows:
        if row.source is Source.EVENT and row.arrow:
            server_lines.append(line_of(row))
        elif row.source in {Source.EVENT, Source.EXCHANGE} or row.values.get("severity") == _FAILURE:
            lines.append(line_of(row))
            if row.source is Source.EXCHANGE:
                lines = [*lines, *server_lines]
                server_lines = []
    return (*lines, *server_lines)


def line_of(row: EvidenceRow) -> StoryLine:
    """Return the line of a request, or of what a party did, saw or checked."""
    values = row.values
    party = course_words("party")
    sender = party.get(values.get("seat"), "")
    if row.source is Source.EXCHANGE:
        return StoryLine(
            row,
            sender,
            f"{values['method']} {values['path']}",
            receiver=party.get(values.get("at")) or urlsplit(str(values["url"])).netloc,
            answer=str(values.get("status", "none")),
            meaning=course_words("request").get(values["purpose"], ""),
            aside=course_words("aside").get(values["purpose"], ""),
        )
    if row.source is Source.EVENT:
        return StoryLine(row, party.get(values.get("at"), sender), _event_sentence(row))
    if row.source is Source.RECORD:
        ended = "gets through" if values["outcome"] == Outcome.PASSED else "stops at"
        verdict = f"{ended} the step {str(values['stage']).replace('_', ' ')}"
    elif values["severity"] == _FAILURE:
        verdict = f"stops: {course_words('check').get(values['name']) or values['name']}"
    else:
        verdict = course_words("check_met").get(values["name"], "finds nothing wrong with the answer")
    return StoryLine(row, "authlens", verdict)


def _event_sentence(row: EvidenceRow) -> str:
    users = {name: str(row.values.get(name, "no one")) for name in ("user", "browser")}
    names = {name: user if user == "no one" else user.title() for name, user in users.items()}
    names["seat"] = course_words("party")[row.values["seat"]]
    sentence = str(course_words("event")[row.values["what"]]).format(**names)
    reason = row.values.get("reason")
    return f"{sentence}: {course_words('reason')[reason]}" if reason else sentence


_CHALLENGE: Final = "reply.www-authenticate"


def parts(world: World, row: EvidenceRow) -> Iterator[Part]:
    """Yield what can be pointed at in a request and its answer."""
    redactor = Redactor(secrets_of(trace_of(world.records)))
    for prefix, group in course_words("group").items():  # in the order in which parts are shown
        for name, value in row.values.items():
            kind, _, member = name.partition(".")
            # The parameters of a challenge are listed on their own: the value that counts is shown once.
            if name == _CHALLENGE and "challenge.resource_metadata" in row.values:
                continue
            # Mallory's requests go through the sender of authlens, whose name says nothing of her.
            is_hers = name != "header.user-agent" or row.values["seat"] == YOU
            if kind == prefix and is_hers:
                header = kind in {"header", "reply"}
                masked = redactor.header if header else redactor.member
                text = str(value).lower() if isinstance(value, bool) else str(value)
                yield Part(name, group, masked(member, text), meaning(name, row.values["purpose"]))


def masked_loot(world: World) -> tuple[tuple[str, str], ...]:
    """Return the learner's credentials by name, masked; a client's name is not secret."""
    return tuple((name, _mask(world, name, value)) for name, value in world.loot.items())


def _mask(world: World, name: str, value: str) -> str:
    if name == "client":
        owner = "authlens" if world.victim is None else "the website"
        return f"{value} (the name of {owner} at the login server)"
    return Redactor().text(value) if "://" in value else Secret(value).masked


def meaning(field: str, purpose: str | int = "") -> str:
    """Return what a part of a request for `purpose` decides, in a sentence; empty if nothing is known."""
    if text := course_words("part").get(field):
        return str(text)
    kind, _, name = field.partition(".")
    if kind == "challenge":
        return _sentence("headers", ["challenge-parameter"], name)
    if kind in {"header", "reply"}:
        return _sentence("headers", ["field"], name)
    documents = _KINDS.get(kind, ())
    if purpose in _ASKS:
        documents = ("authorization", *documents)
    return _sentence("members", documents, name)


def _sentence(file: str, kinds: Iterable[str], name: str) -> str:
    """Return the sentence on a name in the first kind of thing that has it; empty if none does."""
    for kind in kinds:
        for sentences in words(file)[kind].values():
            if name in sentences:
                return str(sentences[name])
    return ""
