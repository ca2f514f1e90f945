"""What a verb of OAuth logins says where only a credential of another kind opens the URL."""

from __future__ import annotations

import shlex
from argparse import Namespace
from datetime import UTC, datetime
from enum import Enum

from authlens_core.desk.credentials import AccessKind, CredentialKind, Grant, access_events
from authlens_core.desk.session import Session
from authlens_core.values.errors import NoLogin
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import chosen_grants
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.words.times import in_words


class Wanted(Enum):
    """What was asked for."""

    TOKEN = "token"  # noqa: S105 - a verb, not a token
    REFRESH = "refresh"
    REVOKE = "revoke"


def refuse_other_kinds(session: Session, url: str, wanted: Wanted) -> None:
    """Refuse where only another kind of credential is for the URL: a login there would help no one.

    A token of cloudflared that has ended, or that a login waits for, can still be renewed.

    Raises:
        UsageError: with what serves in its place.
    """
    from authlens_core.desk.use import covering_credentials  # most verbs find what they want

    for match in covering_credentials(session, url, usable=wanted is Wanted.TOKEN):
        if match.kind in _OTHER_KINDS:
            name, cures = _OTHER_KINDS[match.kind]
            cure = cures[wanted].format(url=shlex.quote(url))
            raise refusal(f"The credential for {url} is a {name} token, {_WHY[wanted]}.", cure)


def grants_or_other_kind(session: Session, arguments: Namespace, wanted: Wanted) -> tuple[Grant, ...]:
    """Return the logins that a verb is about, all of them or those for its URL.

    Raises:
        UsageError: only a credential of another kind is for the URL, or it is no URL.
        NoLogin: there is nothing for the URL.
    """
    try:
        return chosen_grants(session, None if arguments.all else arguments.url)
    except NoLogin:
        refuse_other_kinds(session, arguments.url, wanted)
        if wanted is not Wanted.REVOKE:
            raise
        # The grant itself is gone once it is revoked; the history is what remembers it.
        revoked = access_events(session, kind=AccessKind.REVOKED, url=checked_url(arguments.url))
        if not revoked:
            raise
        at = revoked[0].at
        ago = in_words((at - datetime.now(UTC)).total_seconds())
        cause = f"The login for {arguments.url} was revoked {ago}, at {at:%Y-%m-%d %H:%M:%S} UTC."
        raise NoLogin(cause, "What the server answered: authlens events") from None


_WHY = {
    Wanted.TOKEN: "which is not an access token and has its own headers",
    Wanted.REFRESH: "and authlens refreshes only OAuth tokens",
    Wanted.REVOKE: "and authlens revokes only OAuth tokens",
}
_FIELDS = "Use: authlens headers {url}     Or: authlens curl {url}"
_SERVICE_TOKENS = "Zero Trust → Access controls → Service credentials → Service Tokens"
_OF_A_SERVICE = {
    Wanted.TOKEN: _FIELDS,
    Wanted.REFRESH: f"Refresh it in {_SERVICE_TOKENS}, then: "
    "authlens service-token edit {url} --expires DATE "
    "    Or rotate it there, then: authlens service-token replace {url}",
    Wanted.REVOKE: f"Delete it in {_SERVICE_TOKENS}, then: authlens service-token remove {{url}}",
}
_OF_CLOUDFLARED = {
    Wanted.TOKEN: _FIELDS,
    Wanted.REFRESH: "A login renews it: authlens login {url} --cloudflared",
    Wanted.REVOKE: "An administrator ends it: Zero Trust → Team & Resources → Users → Action → "
    "Revoke. On this machine, delete its file (path: authlens list --json).",
}
_OTHER_KINDS = {
    CredentialKind.SERVICE_TOKEN: ("service", _OF_A_SERVICE),
    CredentialKind.CLOUDFLARED: ("cloudflared", _OF_CLOUDFLARED),
}
