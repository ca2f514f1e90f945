"""`authlens service-token`: add, test, replace, edit, remove and list service tokens."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Coroutine
from typing import Any

from msgspec.structs import replace

from authlens_core.desk.credentials import (
    CredentialKind,
    ServiceToken,
    expiry_from_text,
    read_inventory,
)
from authlens_core.desk.forget import forget
from authlens_core.desk.lifecycle import (
    ServiceTokenPair,
    ServiceTokenProbe,
    probe_service_token,
    replace_service_token,
)
from authlens_core.desk.session import Session
from authlens_core.values.errors import gravest
from authlens_tui.cli.login.login_arguments import typed_secret
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import open_session, say_result
from authlens_tui.cli.stored.credential_list import (
    damaged_as_json,
    say_damaged,
    service_token_as_json,
    show_table,
    sorted_by_urgency,
)
from authlens_tui.cli.stored.lifecycle_verbs import say_forgotten
from authlens_tui.cli.terminal.interruption import exit_on_signals
from authlens_tui.cli.terminal.output import answer_json, fix_as_json, is_terminal, say
from authlens_tui.cli.terminal.refused import login_needed, refusal
from authlens_tui.cli.terminal.standard_input import next_line

_LONGEST_LINE = 4_096  # bytes


def service_token(arguments: Namespace) -> Coroutine[Any, Any, int]:
    """Return the work of an action. A secret is asked for first: a prompt blocks, and Ctrl-C has to end it.

    Raises:
        UsageError: no id or secret came, or what else was given cannot be used.
    """
    if arguments.action in _WITH_SECRET:
        exit_on_signals()
        return _WITH_SECRET[arguments.action](arguments, _ask_for_pair(arguments))
    return _ACTIONS[arguments.action](arguments)


async def _add(arguments: Namespace, pair: ServiceTokenPair) -> int:
    url = checked_url(arguments.url)
    expires = expiry_from_text(arguments.expires) if arguments.expires else None
    async with open_session(prove_keyring=True) as session:
        token = ServiceToken.new(
            url,
            pair.client_id,
            label=arguments.label,
            expires_at=expires,
            header=arguments.single_header,
            method=arguments.method,
        )
        _warn_of_shape(pair)
        token = await session.credentials.service_tokens.save(token, pair.secret)
        say(f"✔ Stored in {session.credentials.store.name}: the service token for {url}")
        if arguments.no_test:
            if arguments.json:
                answer_json(service_token_as_json(token))
            return 0
        test = await _probe(session, token)
    if arguments.json:
        answer_json(_as_json(test))
    return test.result.exit_code


def _warn_of_shape(pair: ServiceTokenPair) -> None:
    problem = pair.problem
    if problem is not None and not problem.refused:
        say(f"! {problem.cause} {problem.cure}")


async def _test(arguments: Namespace) -> int:
    async with open_session() as session:
        if arguments.all:
            tokens = session.credentials.service_tokens.list()
        else:
            tokens = (_find(session, arguments.url),)
        results = [await _probe(session, token) for token in tokens]
    if not results:
        say("No service tokens on this machine. To add one: authlens service-token add URL")
    if arguments.json:
        answer_json([_as_json(test) for test in results])
    return gravest(test.result.exit_code for test in results)


async def _probe(session: Session, token: ServiceToken) -> ServiceTokenProbe:
    test = await probe_service_token(session, token)
    say_result(token.url, test.result)
    return test


def _as_json(test: ServiceTokenProbe) -> dict[str, object]:
    result = test.result
    answer = {"accepted": result.accepted, "summary": result.summary}
    return {**service_token_as_json(test.token), **answer, **fix_as_json(result.cure, test.token.url)}


async def _replace(arguments: Namespace, pair: ServiceTokenPair) -> int:
    async with open_session(prove_keyring=True) as session:
        token = _find(session, arguments.url)
        expires = expiry_from_text(arguments.expires) if arguments.expires else token.expires_at
        client_id = pair.client_id or token.client_id
        changed = replace(token, client_id=client_id, expires_at=expires)
        _warn_of_shape(replace(pair, client_id=client_id))
        outcome = await replace_service_token(session, changed, pair.secret, anyway=arguments.anyway)
    say_result(token.url, outcome.result)
    note = (
        "the new secret is stored, the old one is deleted"
        if outcome.stored
        else "the old secret is unchanged"
    )
    say(f"{'✔' if outcome.stored else '!'} {token.url}: {note}")
    if not outcome.stored:
        say("  → To store the new one anyway: --anyway")
    if arguments.json:
        answer_json({**_as_json(outcome), "replaced": outcome.stored})
    return outcome.result.exit_code


async def _edit(arguments: Namespace) -> int:
    if arguments.expires is None and arguments.label is None:
        raise refusal("There is nothing to change.", "Add --expires DATE, --label L, or both.")
    never = arguments.expires == "never"
    expires = None if never or arguments.expires is None else expiry_from_text(arguments.expires)
    async with open_session() as session:
        token = _find(session, arguments.url)
        changed = session.credentials.service_tokens.edit(
            token.token_id,
            label=token.label if arguments.label is None else arguments.label,
            expires_at=token.expires_at if arguments.expires is None else expires,
        )
    end = "" if changed.expires_at is None else f" until {changed.expires_at:%Y-%m-%d %H:%M} UTC"
    say(f"✔ {changed.url}: {changed.status().word}{end}; the secret is unchanged.")
    if arguments.json:
        answer_json(service_token_as_json(changed))
    return 0


async def _remove(arguments: Namespace) -> int:
    async with open_session() as session:
        tokens = session.credentials.service_tokens
        # A record that cannot be read has no URL; its id is the only name it has left.
        if arguments.url in tokens.damaged():
            token_id = arguments.url
            name = "the unreadable record"
        else:
            token = _find(session, arguments.url)
            token_id = token.token_id
            name = f"{token.client_id} for {token.url}"
        say_forgotten(session, name, await forget(session, token_id))
    return 0


async def _list(arguments: Namespace) -> int:
    async with open_session() as session:
        inventory = read_inventory(session.credentials.index, files=())
    entries = [entry for entry in inventory.entries if entry.service_token is not None]
    damaged = [record for record in inventory.damaged if record.kind is CredentialKind.SERVICE_TOKEN]
    if arguments.json:
        tokens = (entry.service_token for entry in entries if entry.service_token is not None)
        answer_json([*map(service_token_as_json, tokens), *map(damaged_as_json, damaged)])
    elif not entries:
        say("No service tokens on this machine. To add one: authlens service-token add URL")
    else:
        show_table(sorted_by_urgency(entries))
    say_damaged(damaged)
    return 0


def _find(session: Session, name: str) -> ServiceToken:
    """Return the service token of that id, or the one for that URL.

    Raises:
        UsageError: it is neither.
        LoginNeeded: there is none for the URL.
    """
    tokens = session.credentials.service_tokens
    for stored in tokens.list():
        if stored.token_id == name:
            return stored
    url = checked_url(name)
    token = tokens.find(url)
    if token is None:
        raise login_needed(
            f"There is no service token for {url} on this machine.",
            ("To add one", f"authlens service-token add {shlex.quote(url)}"),
        )
    return token


def _ask_for_pair(arguments: Namespace) -> ServiceTokenPair:
    """Ask for or read the id and the secret; the id is empty if it does not change."""
    # Before anything is typed: a date that cannot be read must not cost a secret that is shown only once.
    if arguments.expires:
        expiry_from_text(arguments.expires)
    if arguments.client_id is not None or arguments.action == "replace":
        return ServiceTokenPair.typed(arguments.client_id or "", _secret())
    checked_url(arguments.url)
    if is_terminal(sys.stdin):
        # Not on stdout, which may go into a file with --json.
        sys.stderr.write("Client ID: ")
        sys.stderr.flush()
    return ServiceTokenPair.typed(_line("Client ID"), _secret())


def _secret() -> str:
    """Return the secret: asked for without echo, or the next line of standard input."""
    if is_terminal(sys.stdin):
        return typed_secret("Access shows it only once, when you create the token.")
    return _line("client secret")


def _line(what: str) -> str:
    text = next_line(_LONGEST_LINE)
    if not text.strip():
        raise refusal(f"No {what} came on standard input.", "Run it in a terminal, or pipe it in.")
    return text


_WITH_SECRET = {"add": _add, "replace": _replace}
_ACTIONS = {"test": _test, "edit": _edit, "remove": _remove, "list": _list}
