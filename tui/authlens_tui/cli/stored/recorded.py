"""The record of a credential: its history, its traces as files, and a comparison of two."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from authlens_core.desk.credentials import Event, TraceSummary, access_events
from authlens_core.desk.session import Session
from authlens_core.export.compare import Comparison, Difference, compare
from authlens_core.export.formats import FORMATS
from authlens_core.export.saved_file import open_session_file, typed_path, write_export
from authlens_core.trace.record import Trace, TraceKind
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.session import iso_time, open_session
from authlens_tui.cli.terminal.output import (
    answer_json,
    answer_line,
    answer_list,
    answer_text,
    is_terminal,
    say,
)
from authlens_tui.cli.terminal.refused import ADD_FORCE, login_needed, refusal

_LOOK: Final = 1.0  # seconds between two looks at the history
_MOST_AT_ONCE: Final = 1_000  # events between two looks


async def show_events(arguments: Namespace) -> int:
    """Print the history, oldest first. The keyring is not opened, because no secret is shown.

    Raises:
        LoginNeeded: nothing is known of the URL.
        StateUnusable: the state directory cannot be used.
    """
    async with open_session(needs_secrets=False) as session:
        events = _events(session, arguments.url, arguments.limit)
        _show_events(events, arguments)
        last = max((event.event_id for event in events), default=0)
        while arguments.follow:
            await asyncio.sleep(_LOOK)
            events = _events(session, arguments.url, _MOST_AT_ONCE)
            _print_events([event for event in events if event.event_id > last], as_json=arguments.json)
            last = max(last, *(event.event_id for event in events), 0)
    return 0


def _show_events(events: Sequence[Event], arguments: Namespace) -> None:
    if not events:
        say("Nothing has happened yet.")
    if not arguments.json and events and is_terminal(sys.stdout):
        say(f"{'WHEN (UTC)':<21}{'WHAT':<24}RESOURCE, DETAIL")
    _print_events(events, as_json=arguments.json)


def _print_events(events: Sequence[Event], *, as_json: bool) -> None:
    if as_json:
        answer_text("".join(event.json_line for event in reversed(events)))
    else:
        answer_list(map(_event_line, reversed(events)))


def _event_line(event: Event) -> str:
    sentence = f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<22}  {event.resource}  {event.detail}"
    return sentence.rstrip()


def _events(session: Session, url: str | None, limit: int) -> tuple[Event, ...]:
    if url is None:
        return access_events(session, limit=limit)
    checked = checked_url(url)
    credentials = session.credentials
    grant = credentials.find(checked)
    token = credentials.service_tokens.find(checked)
    ids = [entry_id for entry_id in (grant and grant.grant_id, token and token.token_id) if entry_id]
    if not ids:
        raise login_needed(f"There is no credential for {checked} on this machine.", ("See", "authlens list"))
    events = [event for entry_id in ids for event in access_events(session, entry_id, limit=limit)]
    return tuple(sorted(events, key=lambda event: event.at, reverse=True)[:limit])


# -- export -----------------------------------------------------------------------------------------------


async def export_trace(arguments: Namespace) -> int:
    """Write a trace in the requested format.

    Raises:
        UsageError: there is no such trace or file, or the file to write is there already.
        LoginNeeded: there is no credential for the URL.
    """
    if arguments.list:
        return await _list(arguments.source)
    trace = await chosen_trace(arguments.source, arguments.which)
    text = FORMATS[arguments.format].write(trace)
    # With --force, root would replace the link /dev/stdout by a file.
    if arguments.output in (None, "-", "/dev/stdout"):
        answer_text(text)
        return 0
    path = write_export(typed_path(arguments.output), text, force=arguments.force, otherwise=ADD_FORCE)
    say(f"✔ Written to {path}; secrets are replaced by fingerprints.")
    return 0


async def chosen_trace(source: str, which: str | None) -> Trace:
    """Return the trace in a file, or one that is stored for the credential of a URL.

    Args:
        which: the kind of the trace, of which the newest is meant, or its number in the list, 1 being the
            newest of all; the newest login where it is None.

    Raises:
        UsageError: there is no such trace or file.
        LoginNeeded: there is no credential for the URL.
    """
    # A URL is known by its scheme; a file may have any name.
    if "://" not in source:
        if which is not None:
            raise refusal("A file holds one trace.", "Leave --which out.")
        return open_session_file(_file(source))
    async with open_session(needs_secrets=False) as session:
        summaries = _stored_traces(session, source)
        return session.credentials.traces.open(
            _choose_trace(summaries, which or TraceKind.LOGIN.value).trace_id
        )


def _stored_traces(session: Session, source: str) -> tuple[TraceSummary, ...]:
    """Return the stored traces for a URL, also of logins that stored no credential, newest first."""
    url = checked_url(source)
    credentials = session.credentials
    grant = credentials.find(url)
    if grant is not None:
        return credentials.traces.of(grant.grant_id, *{url, grant.resource_url})
    summaries = credentials.traces.of("", url)
    if not summaries:
        raise credentials.no_login(url)
    return summaries


def _file(source: str) -> Path:
    path = typed_path(source)
    with suppress(OSError):  # why it cannot be read is reported by what reads it
        if not path.exists():
            cause = f"There is no file {source}."
            cure = "Give a file, or the whole address of a resource: https://wiki.example.com/"
            raise refusal(cause, cure)
    return path


def _choose_trace(summaries: Sequence[TraceSummary], which: str) -> TraceSummary:
    if not summaries:
        raise refusal(
            "No trace of this login is stored: it is older than this feature, or nothing was sent.",
            "Log in again, or refresh it.",
        )
    # As `--list` numbers them: 1 is the newest.
    if which.isdecimal():
        number = int(which)
        if not 1 <= number <= len(summaries):
            raise refusal(
                f"{len(summaries)} traces of it are stored.", ("See them", "authlens export URL --list")
            )
        return summaries[number - 1]
    newest = next((trace for trace in summaries if trace.kind.value == which), None)
    if newest is None:
        kinds = ", ".join(sorted({trace.kind.value for trace in summaries}))
        cause = f"No {which} trace of it is stored; stored are: {kinds}."
        raise refusal(cause, ("See them", "authlens export URL --list"))
    return newest


async def _list(source: str) -> int:
    async with open_session(needs_secrets=False) as session:
        summaries = _stored_traces(session, source)
    if not summaries:
        say("No trace of this login is stored.")
    for number, trace in enumerate(summaries, 1):
        answer_line(f"{number:<3} {trace.kind:<8} {trace.outcome:<10} {iso_time(trace.at)}")
    return 0


# The exit code where something differs that need not.
DIFFERENT: Final = 10
_SHOWN: Final = 300  # characters of a value


async def compare_traces(arguments: Namespace) -> int:
    """Show the differences; return 0 if only expected differences were found.

    Raises:
        UsageError: there is no such trace or file.
        LoginNeeded: there is no credential for a URL.
    """
    first = await chosen_trace(arguments.left, arguments.which_a)
    right = await chosen_trace(arguments.right, arguments.which_b)
    comparison = compare(first, right)
    if arguments.json:
        answer_json(_as_json(comparison))
    else:
        _show(comparison)
    return 0 if comparison.same else DIFFERENT


def _show(comparison: Comparison) -> None:
    answer_line(comparison.verdict.sentence)
    _show_differences(comparison.about)
    for stage in comparison.stages:
        if stage.differences:
            answer_line(stage.title)
            _show_differences(stage.differences)
    count = sum(len(stage.expected) for stage in comparison.stages)
    if count:
        answer_line(
            f"{count} expected difference{'s' if count > 1 else ''}: states, codes, tokens, dates "
            "(--json lists them)."
        )


def _show_differences(differences: Sequence[Difference]) -> None:
    for difference in differences:
        answer_line(f"  {difference.title or difference.name}")
        for sign, value in (("A", difference.a), ("B", difference.b)):
            first, *others = ("(absent)" if value is None else value[:_SHOWN]).split("\n")
            answer_line(f"    {sign}  {first}")
            for other in others:
                answer_line(f"       {other}")


def _as_json(comparison: Comparison) -> dict[str, object]:
    verdict = comparison.verdict
    return {
        "same": comparison.same,
        "verdict": {
            "kind": verdict.kind.value,
            "stage": verdict.title,
            "sentence": verdict.sentence,
        },
        "about": _differences_as_json(comparison.about),
        "stages": [
            {
                "stage": stage.stage.value,
                "attempt": stage.turn,
                "differences": _differences_as_json(stage.differences),
                "as_it_must": [difference.name for difference in stage.expected],
            }
            for stage in comparison.stages
            if stage.differences or stage.expected
        ],
    }


def _differences_as_json(differences: Sequence[Difference]) -> list[dict[str, str | None]]:
    return [{"name": difference.name, "a": difference.a, "b": difference.b} for difference in differences]
