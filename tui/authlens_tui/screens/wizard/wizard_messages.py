"""Messages from the parts of the wizard to the screen and the app."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from authlens_core.desk.log_in import Login, WayOn


class LoginChanged(Message, namespace="wizard"):
    """The next stage, or what it sends, changed without a stage being run."""


class RunEnded(Message, namespace="wizard"):
    """A run started by a key has ended, so other keys work again."""


class LinkChanged(Message, namespace="wizard"):
    """The actions or the text for the link have changed."""


@dataclass(repr=False, eq=False)
class OtherWayWanted(Message, namespace="wizard"):
    """The user wants to reach `url` without OAuth."""

    way: WayOn
    url: str


class Then(Enum):
    """The next step after leaving a login."""

    MENU = auto()
    SAME_LOGIN = auto()
    NEXT_LOGIN = auto()


@dataclass(repr=False, eq=False)
class WizardClosed(Message, namespace="wizard"):
    """The user is done with this login."""

    login: Login
    then: Then = Then.MENU
