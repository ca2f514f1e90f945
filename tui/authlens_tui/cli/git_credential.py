"""`authlens git-credential`: a credential helper for git (gitcredentials(7)), for Bearer tokens.

git 2.46 and newer can send a token that it does not store: `authtype` and `ephemeral`. Header fields of other
names, which service tokens and cloudflared need, git takes from no helper.
"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping

from authlens_core.credentials.inventory.request_headers import headers_for
from authlens_core.credentials.lifecycle.access_token import usable_token
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.vault.credentials import NoLogin
from authlens_core.errors import AuthlensError, LoginNeeded
from authlens_core.oauth.url import parse_url, usable_url
from authlens_core.quick_dataclass import dataclass
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret, explain, say

_LONGEST = 65_536


@dataclass(frozen=True, slots=True, repr=False)
class _Asked:
    """What git says about the request."""

    values: Mapping[str, str]
    capabilities: frozenset[str]

    @property
    def url(self) -> str | None:
        """The address, as far as git gives it: the path only with `credential.useHttpPath`."""
        scheme, host = self.values.get("protocol", ""), self.values.get("host", "")
        url = usable_url(f"{scheme}://{host}/{self.values.get('path', '')}", loopback_http=True)
        return None if url is None else url.text


async def git_credential(arguments: Namespace) -> int:
    """Do what git asks for: `get`, `store` or `erase`."""
    asked = _read()
    url = asked.url
    if url is None or arguments.action == "store":
        return 0  # git stores nothing here: every token comes from a login
    async with open_session() as session:
        if arguments.action == "erase":
            await _refused(session, url, asked)
            return 0
        return await _get(session, url, asked)


async def _get(session: Session, url: str, asked: _Asked) -> int:
    """Print the token; print nothing where git has to ask elsewhere; stop git where only a login helps."""
    try:
        found = await headers_for(session.credentials, session.wire, url)
    except NoLogin:
        return _none(session, url)
    except LoginNeeded as error:
        if session.credentials.find(url) is None:
            return _none(session, url)
        explain(error)
        say(f"  → Run: authlens login {shlex.quote(url)}")
        # Without it, git goes on to ask for a user name and a password on the terminal.
        answer_secret(Secret("quit=1"))
        return error.exit_code
    if found.kind is not CredentialKind.OAUTH or found.token is None:
        _refer_to_proxy(f"git cannot send this kind of credential from a helper: {found.kind.label}.", url)
        say(
            "    Or set http.extraHeader in the environment of one command (GIT_CONFIG_COUNT, git-config(1))."
        )
        return 0
    if found.signer is not None:
        return _refer_to_proxy("The token is bound to a key (DPoP), and git cannot sign its requests.", url)
    if "authtype" not in asked.capabilities:
        why = "This git cannot send a Bearer token from a helper; git 2.46 or newer can."
        return _refer_to_proxy(why, url)
    # ephemeral: git asks no other helper to store it, because it is refreshed here.
    lines = ["capability[]=authtype", "authtype=Bearer", f"credential={found.token.reveal()}", "ephemeral=1"]
    if found.expires_at is not None:
        lines.append(f"password_expiry_utc={int(found.expires_at.timestamp())}")
    answer_secret(Secret("\n".join(lines)))
    return 0


def _none(session: Session, url: str) -> int:
    """Say why there is no token, if a path would have found one; else leave git to its other helpers."""
    origin = parse_url(url, loopback_http=True).origin
    places = (grant.resource_identifier for grant in session.credentials.list())
    if any(place.startswith(f"{origin}/") for place in places):
        shown = shlex.quote(origin)
        say(f"The logins for {shown} are for paths, but git did not send the path.")
        say(f"  → Run: git config --global credential.{shown}.useHttpPath true")
    return 0


async def _refused(session: Session, url: str, asked: _Asked) -> None:
    """Refresh the token that the server refused, so that the next `get` returns another one."""
    token = asked.values.get("credential", "")
    if not token or session.credentials.find(url) is None:
        return
    try:
        await usable_token(session.credentials, session.wire, url, refused=Secret(token))
    except AuthlensError as error:
        explain(error)


def _refer_to_proxy(why: str, url: str) -> int:
    say(why)
    say(f"  → Use: authlens proxy {shlex.quote(url)}     and clone from the URL that it prints.")
    return 0


def _read() -> _Asked:
    values: dict[str, str] = {}
    capabilities = set()
    text = "" if sys.stdin is None else sys.stdin.read(_LONGEST)
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if name == "capability[]":
            capabilities.add(value)
        elif equals and not name.endswith("[]"):
            values[name] = value
    return _Asked(values, frozenset(capabilities))
