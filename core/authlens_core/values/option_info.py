"""The declaration of one option of a login: what it can be, where it is chosen, and what depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Final, Literal

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import GrantType, Stage
from authlens_core.values.url import UrlRefused, parse_url

_YES, _NO = "yes", "no"
_BRACES: Final = str.maketrans("", "", "{}")


class Kind(Enum):
    """What an option can be."""

    TEXT = "text"
    URL = "url"
    PORT = "port"
    SECONDS = "seconds"
    CHOICE = "choice"
    SWITCH = "switch"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    SECRET_FILE = "secret file"  # noqa: S105 - the name of a kind
    FILE = "file"


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why an option is left out somewhere, for those who read its declaration."""

    reason: str


class Remembered(Enum):
    """Whose login has an option again that was given with `--remember`."""

    SERVER = "server"
    """Every login at the same authorization server."""

    RESOURCE = "resource"
    """The login to the same URL, at the same authorization server."""


@dataclass(frozen=True, slots=True)
class NamedFlag:
    """A second flag of a `SWITCH`, which names one of several other values."""

    flag: str
    help: str
    metavar: str
    values: Mapping[str, Any]

    @property
    def argument(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """The declaration of one option.

    Attributes:
        name: of the field of `Options`.
        flag: on the command line.
        matters_from: the first stage that has to run again after a change; None if nothing that was learned
            depends on it.
        edited_in: the stages before which the wizard's form offers it, or why it is in none.
        resumed: whether a login that was interrupted has it again, or why it has not.
        metavar: what the command line calls its value.
        choices: what a `CHOICE` can be.
        turned_on: what the flag of a `SWITCH` chooses instead of the default.
        named: the flag of a `SWITCH` for what else it can be; the wizard's form does not have it.
        wrong: what to say of a value that is none of the `choices`.
        exclusive: whether it excludes the other options of this sort.
        for_one: whether it is meant for one server, and refused for several URLs.
        instead_of: the options that mean nothing beside it.
        empty_is_chosen: whether an empty text asks for none, instead of leaving the choice to the login.
        remembered: what `--remember` stores it for; None: for nothing.
        owner: the option of the client that a secret is of; empty for others.
    """

    name: str
    default: Any
    flag: str
    help: str
    kind: Kind
    matters_from: Stage | None
    edited_in: tuple[Stage, ...] | WhyNot
    resumed: Literal[True] | WhyNot
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    turned_on: Any = True
    named: NamedFlag | None = None
    wrong: str = ""
    exclusive: bool = False
    for_one: bool = False
    instead_of: tuple[str, ...] = ()
    empty_is_chosen: bool = False
    remembered: Remembered | None = None
    owner: str = ""

    @property
    def title(self) -> str:
        """Its name for users, such as `client id`."""
        return self.flag.removeprefix("--").replace("-", " ")

    @property
    def argument(self) -> str:
        """Its name among parsed arguments, such as `client_id`."""
        return self.flag.removeprefix("--").replace("-", "_")

    def is_edited_in(self, stage: Stage) -> bool:
        """Whether the wizard's form before `stage` offers it."""
        return not isinstance(self.edited_in, WhyNot) and stage in self.edited_in

    def text(self, value: object) -> str:
        """Return `value` as it is in the wizard's form."""
        if self.kind is Kind.SWITCH:
            return _NO if value == self.default else _YES
        return "" if value is None else str(value)

    def typed(self, text: str) -> Any:
        """Return the value that a user typed in the wizard's form.

        Raises:
            ValueError: it cannot be; the message says what can.
        """
        match self.kind:
            case Kind.SWITCH:
                if text not in (_YES, _NO):
                    raise ValueError(f"{self.title} is yes or no.")
                return self.turned_on if text == _YES else self.default
            case Kind.PORT:
                # Cut before it is read: a long row of digits takes `int` long, or raises.
                if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65_535):
                    raise ValueError("A port is a number from 0 to 65535; 0 lets the system choose.")
                return int(text)
            case Kind.CHOICE:
                if text not in self.choices and (text or self.default is not None):
                    raise ValueError(self.wrong)
            case Kind.URL if text:
                try:
                    # An issuer may be a template: `https://login.example/{tenantid}`.
                    parse_url(text.translate(_BRACES), loopback_http=True, allow_query=False)
                except UrlRefused as refused:
                    raise ValueError(f"The {self.title} cannot be used: {refused}.") from None
            case _:
                pass
        return text if self.empty_is_chosen else text or None

    def stored(self, value: Any) -> Any:
        """Return the value that the note of an interrupted login has.

        Raises:
            ValueError: authlens did not write it.
        """
        if not self.can_be_stored(value):
            raise ValueError(self.name)
        # JSON has no enums.
        return GrantType(value) if isinstance(self.default, GrantType) else value

    def can_be_stored(self, value: Any) -> bool:
        """Return whether it can be this, and may be in a file."""
        # By `type`, because True is an int and equals 1.
        match self.kind:
            case Kind.SWITCH:
                named = () if self.named is None else self.named.values.values()
                return type(value) in (bool, str) and value in (self.default, self.turned_on, *named)
            case Kind.PORT:
                return type(value) is int and 0 <= value <= 65_535
            case Kind.SECONDS:
                return value is None or (type(value) in (int, float) and 0 < value <= 86_400)
            case Kind.CHOICE:
                return value in (*self.choices, self.default)
            case Kind.TEXT | Kind.URL | Kind.FILE:
                return value is None or isinstance(value, str)
            case Kind.SECRET | Kind.SECRET_FILE:
                return False


def option(
    default: Any,
    flag: str,
    words: str,
    kind: Kind,
    *,
    matters_from: Stage | None,
    edited_in: tuple[Stage, ...] | WhyNot,
    resumed: Literal[True] | WhyNot = True,
    **more: Any,
) -> Any:
    # Any, as of `dataclasses.field`: what it returns stands for a value of the field's own type.
    declared = {
        "flag": flag,
        "help": words,
        "kind": kind,
        "matters_from": matters_from,
        "edited_in": edited_in,
        "resumed": resumed,
    }
    return field(default=default, metadata=declared | more)
