"""`authlens store`: show where the secrets are, or move all of them."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

from authlens_core.desk import session as desk
from authlens_core.desk.session import StoreKind, move_secrets, records_by_store, remembered_store
from authlens_tui.cli.session import open_place
from authlens_tui.cli.terminal.flags import numbered
from authlens_tui.cli.terminal.output import answer_json, answer_line, report_error, say, say_fix
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.words.outcomes import where_secrets_are_left

if TYPE_CHECKING:
    from authlens_core.desk.session import MoveReport, OpenedStore

_PLAIN_WARNING = (
    "! A plain file is not protected. Anyone who can read your files gets your logins: a backup, another "
    "program, root, or anyone who finds the disk. An encrypted file needs only a passphrase."
)


async def store(arguments: Namespace) -> int:
    """Show where the secrets are and whether that store works, or move them; return the exit code.

    Raises:
        UsageError: secrets cannot be moved to the target, or a plain file was not confirmed.
        NoSecretStore: the target cannot be opened; nothing was moved.
    """
    if arguments.move is None:
        return await _show(as_json=arguments.json)
    return await _move(StoreKind(arguments.move), confirmed=arguments.yes, as_json=arguments.json)


async def _show(*, as_json: bool) -> int:
    from authlens_core.desk.doctor import look_at_keyring  # a move opens the stores itself

    remembered = remembered_store()
    in_use = remembered.kind
    state = await look_at_keyring()
    async with desk.open_session() as session:
        stored = records_by_store(session)
    if as_json:
        counts = {kind.value: count for kind, count in stored.items()}
        answer_json({"store": in_use.value, "usable": not state.code, "kept": counts})
    else:
        where = "" if remembered.file is None else f", {remembered.file}"
        answer_line(f"{in_use.value}{where}")
        for line in numbered(f"{count} with secrets in {kind.words}" for kind, count in stored.items()):
            say(f"  {line}")
        if set(stored) - {in_use}:
            say(f"  → To bring them together: {in_use.move_command}")
    if state.code:
        say(f"✖ {state.words}")
        say_fix(state.cure)
    return state.code


async def _move(to: StoreKind, *, confirmed: bool, as_json: bool) -> int:
    if to is StoreKind.MEMORY:
        raise refusal(
            "Memory is lost when a program ends, so everything moved there would be gone.",
            ("To end logins", "authlens revoke --all"),
            "For a memory-only session, use the full-screen app.",
        )
    # Of all moves this one makes secrets readable to others, and a script cannot be asked.
    if to is StoreKind.FILE and not confirmed:
        say(_PLAIN_WARNING)
        raise refusal("A plain file has to be confirmed.", ("Run", StoreKind.FILE.move_command))
    async with desk.open_session(partial(open_place, to, prove=True, create=True)) as target:
        report = await move_secrets(target, _open_encrypted_file)
    _tell(to, report, as_json=as_json)
    return report.failed[0][1].exit_code if report.failed else 0


async def _open_encrypted_file() -> OpenedStore:
    return await open_place(StoreKind.ENCRYPTED_FILE, prove=True)


def _tell(to: StoreKind, report: MoveReport, *, as_json: bool) -> None:
    logins = report.logins
    tokens = report.service_tokens
    if as_json:
        answer_json(
            {
                "store": to.value,
                "logins": logins,
                "service_tokens": tokens,
                "damaged": [{"id": record.record_id, "kind": record.kind} for record in report.damaged],
                "failed": [{"what": what, "cause": error.cause} for what, error in report.failed],
                "left_in": [kind.value for kind in report.left],
            }
        )
    moved = f"{_count_text(len(logins), 'login')} and {_count_text(len(tokens), 'service token')}"
    say(f"✔ {moved} moved. New ones go to {to.words}.")
    for what, error in report.failed:
        say(f"✖ {what} was not moved:")
        report_error(error)
    for record in report.damaged:
        say(f"! The record of {record.words} cannot be read; its secrets were moved with the others.")
        say(f"  → To remove it: {record.cure}")
    if report.left:
        say(f"! Old copies stay for now. {where_secrets_are_left(report.left, to)}")


def _count_text(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
