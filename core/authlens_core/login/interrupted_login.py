"""A login that was interrupted: what is known of it, and the options to start it again.

It holds no secret. State, PKCE verifier and code were never written down, so the login starts again from the
first stage; only the client that it registered is still there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.grammars.json_document import load_object
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import OPTIONS, Options
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.url import UrlRefused, parse_url

# Characters of one record; a longer one is neither written nor read.
LONGEST: Final = 64 * 1024
# The stages after a client was found or registered and before the tokens are kept.
_WORTH_IT: Final = frozenset({Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE})
_VERSION: Final = 1


_RESUMED: Final = {name: option for name, option in OPTIONS.items() if option.resumed is True}


@dataclass(frozen=True, slots=True)
class InterruptedLogin:
    """A login that a client was found for, and that has no tokens yet.

    Attributes:
        options: what the user had decided, without the client's secret.
        redirect_uri: where the browser was to come back to.
        needs_secret: whether the client has a secret that the user gave; it is not stored.
        why: what ended it, if that is known; a few words.
    """

    resource_url: str
    stage: Stage
    at: datetime
    options: Options
    redirect_uri: str | None = None
    needs_secret: bool = False
    why: str = ""

    @property
    def again(self) -> Options:
        """The options for the same login again.

        With the port that it had, even where the operating system chose it: a client is registered for one
        redirect URI, port and all, and is known only for that.
        """
        port = urlsplit(self.redirect_uri or "").port
        return replace(self.options, port=port) if port and self.options.listen else self.options


def unfinished(login: Login, at: datetime) -> InterruptedLogin | None:
    """Return the record of `login` as if it ended now; None if nothing would be lost."""
    stage = login.running or login.position
    if stage not in _WORTH_IT or login.keeps_nothing:
        return None
    options = login.facts.options
    return InterruptedLogin(
        login.facts.resource_url.text,
        stage,
        at,
        replace(options, client_secret=None),
        login.facts.redirect_uri,
        needs_secret=options.client_secret is not None,
    )


def to_text(record: InterruptedLogin) -> str:
    return json.dumps(
        {
            "version": _VERSION,
            "resource_url": record.resource_url,
            "stage": record.stage.value,
            "at": record.at.isoformat(),
            "options": {name: getattr(record.options, name) for name in _RESUMED},
            "redirect_uri": record.redirect_uri,
            "needs_secret": record.needs_secret,
            "why": record.why,
        }
    )


def from_text(text: str) -> InterruptedLogin | None:
    """Return the record that `to_text` wrote, or None where it is something else."""
    if len(text) > LONGEST:
        return None
    try:
        read: dict[str, Any] = load_object(text.encode())
        texts = (read["redirect_uri"], read["why"])
        if read["version"] != _VERSION or not all(isinstance(text, str | None) for text in texts):
            return None
        stage, at = Stage(read["stage"]), datetime.fromisoformat(read["at"])
        stored = read["options"]
        options = Options(**{name: option.stored(stored[name]) for name, option in _RESUMED.items()})
        url = parse_url(read["resource_url"], loopback_http=True).text
        record = InterruptedLogin(
            url, stage, at, options, read["redirect_uri"], read["needs_secret"] is True, read["why"] or ""
        )
        _ = record.again  # its port may be none
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UrlRefused):
        return None
    return record if stage in _WORTH_IT and at.tzinfo is not None else None
