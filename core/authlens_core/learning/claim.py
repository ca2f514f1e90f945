"""A claim of a lesson, as values: what has to be true of the rows that a learner's moves left.

Its form is `[no | N x] source [where test and …] [as name] [after name] [before name]`. All claims of a phase
have to hold together.
"""

from __future__ import annotations

from enum import StrEnum

from authlens_core.values.quick_dataclass import dataclass


class Source(StrEnum):
    """Where a row comes from: the record of the moves, or the ledger of the emulator."""

    EXCHANGE = "exchange"
    CHECK = "check"
    RECORD = "record"
    EVENT = "event"


class Operator(StrEnum):
    """How a field is compared with a value."""

    IS = "="
    IS_NOT = "!="
    IN = "in"
    HAS = "has"
    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class FieldOf:
    """The field of a row that an earlier claim named."""

    row: str
    field: str


@dataclass(frozen=True, slots=True)
class Loot:
    """A credential that the learner holds, by its name without the dollar sign."""

    name: str


Scalar = str | int
Value = Scalar | FieldOf | Loot | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class RowTest:
    """One comparison; `value` is None for `present` and `absent`."""

    field: str
    operator: Operator
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim.

    Attributes:
        count: how many rows there have to be at least; 0 means that there may be none.
        named: the name by which later claims refer to its row; empty without one.
        after: the name of a row that has to come before; empty without one.
        before: the name of a row that has to come after; empty without one.
        text: as it was written.
        line: in its file, from 1.
    """

    source: Source
    tests: tuple[RowTest, ...]
    count: int = 1
    named: str = ""
    after: str = ""
    before: str = ""
    text: str = ""
    line: int = 0
