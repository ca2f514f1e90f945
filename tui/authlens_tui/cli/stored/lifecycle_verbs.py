"""Actions on stored credentials: `authlens refresh`, `revoke`, `probe --all` and `forget`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum

from msgspec.structs import replace

from authlens_core.desk.credentials import (
    AccessKind,
    CredentialKind,
    Grant,
    InventoryEntry,
    access_events,
    damaged_records,
    read_inventory,
)
from authlens_core.desk.forget import Forgotten, forget
from authlens_core.desk.lifecycle import (
    ActionResult,
    ProbeResult,
    Refreshed,
    Revoked,
    for_each,
    probe,
    refresh,
    revoke,
)
from authlens_core.desk.log_in import missing_credential
from authlens_core.desk.session import Session
from authlens_core.values.errors import NoLogin, gravest
from authlens_core.values.fix import fix, step
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import iso_time, logins_named, open_session, say_result
from authlens_tui.cli.terminal.output import answer_json, fix_as_json, say, say_fix
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.words.outcomes import (
    count_results,
    what_stays_valid,
    where_secrets_are_left,
    with_validity,
)
from authlens_tui.words.times import in_words

# -- refresh ----------------------------------------------------------------------------------------------


async def refresh_credentials(arguments: Namespace) -> int:
    """Refresh one credential or all; the exit code is that of the gravest failure."""
    async with open_session() as session:
        # What a killed program left in doubt has to be known before another refresh is sent.
        await session.recover()
        grants = grants_or_other_kind(session, arguments, CredentialVerb.REFRESH)
        if len(grants) > 1:
            await session.require_store()
        results = await for_each(
            grants, lambda grant: _refresh(session, grant, _title(grant, grants), again=arguments.again)
        )
    if not results:
        say("No credentials on this machine.")
    if arguments.json:
        answer_json(
            [_refreshed_as_json(grant, result) for grant, result in zip(grants, results, strict=True)]
        )
    return gravest(result.exit_code for result in results)


def _title(grant: Grant, grants: Sequence[Grant]) -> str:
    """Return its URL, with its id if others of `grants` are for the same resource."""
    others = grant.others_of_resource(grants)
    return f"{grant.resource_url} (login {grant.grant_id})" if others else grant.resource_url


async def _refresh(session: Session, grant: Grant, title: str, *, again: bool) -> ActionResult:
    result = await refresh(session, grant, despite_unknown=again)
    if isinstance(result, Refreshed) and result.may_be_spent:
        quoted = shlex.quote(grant.resource_url)
        cure = fix(
            step("To try again (this may end the login)", f"authlens refresh --again {quoted}"),
            step("Or log in again", "authlens login URL"),
        )
        result = replace(result, cure=cure)
    result = with_validity(result)
    say_result(title, result, grant.resource_url)
    return result


def _refreshed_as_json(grant: Grant, result: ActionResult) -> dict[str, object]:
    now = result.grant if isinstance(result, Refreshed) else grant
    return {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": result.outcome.value,
        "summary": result.summary,
        **fix_as_json(result.cure, grant.resource_url),
        "expires_at": iso_time(now.expires_at),
    }


# -- revoke -----------------------------------------------------------------------------------------------


async def revoke_credentials(arguments: Namespace) -> int:
    """Revoke one credential or all: at the server first, verified, and only then here.

    0 means that the server confirmed it and the resource does not accept the token any more.
    """
    async with open_session() as session:
        grants = grants_or_other_kind(session, arguments, CredentialVerb.REVOKE)
        if len(grants) > 1:
            await session.require_store()
        results: dict[str, ActionResult] = {}
        try:
            await for_each(
                grants,
                lambda grant: _revoke(session, grant, _title(grant, grants), arguments.wait),
                on_result=lambda grant, result: results.update({grant.grant_id: result}),
            )
        finally:  # Ctrl-C during the verification loses no result
            if arguments.json:
                answer_json([_revoked_as_json(grant, results.get(grant.grant_id)) for grant in grants])
    if not grants:
        say("No credentials on this machine.")
    return gravest(result.exit_code for result in results.values())


async def _revoke(session: Session, grant: Grant, title: str, wait: float) -> ActionResult:
    result = await revoke(
        session,
        grant,
        waiting=lambda seconds: say(
            f"  {title}: the server confirmed it and the resource still accepts the token; "
            f"asking it again for up to {seconds:.0f} s."
        ),
        wait=wait,
    )
    say_result(title, result, grant.resource_url)
    return result


def _revoked_as_json(grant: Grant, result: ActionResult | None) -> dict[str, object]:
    """Return a result as JSON; None is one that a signal stopped."""
    members: dict[str, object] = {
        "id": grant.grant_id,
        "resource_url": grant.resource_url,
        "outcome": "unfinished",
        "removed": False,
        "still_accepted": None,
        "summary": "Stopped before the result was known. The tokens are still stored.",
        **fix_as_json(step("Run", "authlens revoke URL"), grant.resource_url),
    }
    if result is not None:
        members |= {"outcome": result.outcome.value, "summary": result.summary}
        members |= fix_as_json(result.cure, grant.resource_url)
    if isinstance(result, Revoked):
        members |= {
            "removed": result.removed,
            "still_accepted": result.still_accepted,
            "tokens": [
                {"token": token.token, "outcome": token.outcome, "summary": token.summary}
                for token in result.tokens
            ],
            "proof": list(result.details[-1:]),
        }
    return members


# -- probe ------------------------------------------------------------------------------------------------


async def probe_credentials(arguments: Namespace) -> int:
    """Probe the resources with stored credentials, a few at a time; return the code of the gravest failure.

    Raises:
        UsageError: the URL cannot be used.
        LoginNeeded: nothing is stored for it, and a user can log in.
        AuthlensError: nothing is stored for it, and this is why a user cannot.
    """
    url = None if arguments.all else checked_url(arguments.url)
    async with open_session() as session:
        entries = read_inventory(session.credentials.index).to_probe(url)
        if url is not None and not entries:
            raise await missing_credential(url)
        if len([entry for entry in entries if entry.cloudflared is None]) > 1:
            await session.require_store()
        results = await for_each(entries, lambda entry: probe(session, entry), on_result=_tell_probe)
    if not results:
        say("No credentials on this machine to probe with.")
    elif len(results) > 1:
        say(count_results(results))
    if arguments.json:
        answer_json([_probed_as_json(*pair) for pair in zip(entries, results, strict=True)])
    return gravest(result.exit_code for result in results)


def _tell_probe(entry: InventoryEntry, result: ProbeResult) -> None:
    say(f"{result.sign} {entry.title} ({entry.kind.label}), {result.layer}: {result.said}")
    if not result.accepted:
        say_fix(result.cure, entry.url)


def _probed_as_json(entry: InventoryEntry, result: ProbeResult) -> dict[str, object]:
    return {
        "id": entry.entry_id,
        "kind": entry.kind,
        "url": entry.url,
        "accepted": result.accepted,
        "layer": result.layer,
        "summary": result.summary,
        **fix_as_json(result.cure, entry.url),
        "exit_code": result.exit_code,
        "expires_at": iso_time(entry.token_ends),
    }


# -- forget -----------------------------------------------------------------------------------------------


async def forget_credential(arguments: Namespace) -> int:
    """Remove every login for a URL, or the credential with an id; an unreadable record has only its id.

    It works without a keyring: what cannot be deleted now is deleted when the keyring is back.

    Raises:
        LoginNeeded: there is none.
    """
    async with open_session(needs_secrets=False) as session:
        for record_id, title in _titles(session, arguments.url).items():
            forgotten = await forget(session, record_id)
            say_forgotten(session, title, forgotten)
    if forgotten.kind is CredentialKind.OAUTH:
        say("  To end them at the server instead, run authlens revoke before you forget.")
    return 0


def say_forgotten(session: Session, name: str, forgotten: Forgotten) -> None:
    """Report a removal: what is left in a store, and what stays valid at the server."""
    say(f"✔ Removed from this machine: {name}")
    if forgotten.left:
        say(f"! {where_secrets_are_left(forgotten.left, session.credentials.store.place)}")
    say(f"  {what_stays_valid(forgotten)}")


def _titles(session: Session, name: str) -> Mapping[str, str]:
    """Return the ids of the matching credentials, each with its title."""
    credentials = session.credentials
    for record in damaged_records(credentials.index):
        if record.record_id == name:
            return {name: f"the unreadable record of {record.words}"}
    for token in credentials.service_tokens.list():
        if token.token_id == name:
            return {name: f"{token.client_id} for {token.url}"}
    logins = logins_named(session, name)
    return {login.grant_id: _title(login, logins) for login in logins}


# -- credentials of other kinds ---------------------------------------------------------------------------


class CredentialVerb(Enum):
    """The verb that needs a credential."""

    TOKEN = "token"  # noqa: S105 - a verb, not a token
    REFRESH = "refresh"
    REVOKE = "revoke"


def refuse_other_kinds(session: Session, url: str, verb: CredentialVerb) -> None:
    """Refuse if only another kind of credential covers the URL: a login there would not help.

    A token of cloudflared that has ended, or that a login waits for, can still be renewed.

    Raises:
        UsageError: with what serves in its place.
    """
    from authlens_core.desk.use import covering_credentials  # most verbs find what they want

    for match in covering_credentials(session, url, usable=verb is CredentialVerb.TOKEN):
        if match.kind in _OTHER_KINDS:
            name, cures = _OTHER_KINDS[match.kind]
            cure = cures[verb].format(url=shlex.quote(url))
            raise refusal(f"The credential for {url} is a {name} token, {_WHY[verb]}.", cure)


def grants_or_other_kind(session: Session, arguments: Namespace, verb: CredentialVerb) -> tuple[Grant, ...]:
    """Return the logins that a verb is about, all of them or those for its URL.

    Raises:
        UsageError: only a credential of another kind is for the URL, or it is no URL.
        NoLogin: there is nothing for the URL.
    """
    if arguments.all:
        return session.credentials.list()
    try:
        # All for the resource, such as on another port: the next `token` would hand out what was left.
        return logins_named(session, arguments.url)
    except NoLogin:
        refuse_other_kinds(session, arguments.url, verb)
        if verb is not CredentialVerb.REVOKE:
            raise
        # The grant itself is gone once it is revoked; the history is what remembers it.
        revoked = access_events(session, kind=AccessKind.REVOKED, url=checked_url(arguments.url))
        if not revoked:
            raise
        revoked_at = revoked[0].at
        ago = in_words((revoked_at - datetime.now(UTC)).total_seconds())
        cause = f"The login for {arguments.url} was revoked {ago}, at {revoked_at:%Y-%m-%d %H:%M:%S} UTC."
        raise NoLogin(cause, "What the server answered: authlens events") from None


_WHY = {
    CredentialVerb.TOKEN: "which is not an access token and has its own headers",
    CredentialVerb.REFRESH: "and authlens refreshes only OAuth tokens",
    CredentialVerb.REVOKE: "and authlens revokes only OAuth tokens",
}
_FIELDS = "Use: authlens headers {url}     Or: authlens curl {url}"
_SERVICE_TOKENS = "Zero Trust → Access controls → Service credentials → Service Tokens"
_OF_A_SERVICE = {
    CredentialVerb.TOKEN: _FIELDS,
    CredentialVerb.REFRESH: f"Refresh it in {_SERVICE_TOKENS}, then: "
    "authlens service-token edit {url} --expires DATE "
    "    Or rotate it there, then: authlens service-token replace {url}",
    CredentialVerb.REVOKE: f"Delete it in {_SERVICE_TOKENS}, then: authlens service-token remove {{url}}",
}
_OF_CLOUDFLARED = {
    CredentialVerb.TOKEN: _FIELDS,
    CredentialVerb.REFRESH: "A login renews it: authlens login {url} --cloudflared",
    CredentialVerb.REVOKE: "An administrator ends it: Zero Trust → Team & Resources → Users → Action → "
    "Revoke. On this machine, delete its file (path: authlens list --json).",
}
_OTHER_KINDS = {
    CredentialKind.SERVICE_TOKEN: ("service", _OF_A_SERVICE),
    CredentialKind.CLOUDFLARED: ("cloudflared", _OF_CLOUDFLARED),
}
