"""`authlens store`: where the secrets are, and moving all of them somewhere else."""

from __future__ import annotations

from argparse import Namespace
from contextlib import aclosing

from authlens_core.credentials.store.secret_store import SecretStore
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import MoveReport
from authlens_core.credentials.vault.open_store import file_path, remembered_place, store_at
from authlens_core.desk.move_secrets import move_secrets, records_by_store
from authlens_core.values.errors import UsageError
from authlens_tui.cli.session import open_place
from authlens_tui.cli.terminal.output import answer_json, answer_line, explain, say
from authlens_tui.cli.terminal.plain import numbered
from authlens_tui.words.forgotten import where_secrets_are_left

_PLAIN_WARNING = (
    "! A plain file is not protected. Anyone who can read your files gets your logins: a backup, another "
    "program, root, or anyone who finds the disk. An encrypted file needs only a passphrase."
)


async def store(arguments: Namespace) -> int:
    """Say where the secrets are, or move them; return the exit code.

    Raises:
        UsageError: the target is no place to move to, or a plain file was not confirmed.
        NoSecretStore: the target cannot be opened; nothing was moved.
    """
    if arguments.move is None:
        return await _show(as_json=arguments.json)
    return await _move(StoreKind(arguments.move), confirmed=arguments.yes, as_json=arguments.json)


async def _show(*, as_json: bool) -> int:
    in_use = remembered_place()
    async with aclosing(await Credentials.on(store_at(in_use))) as credentials:
        stored = records_by_store(credentials)
    if as_json:
        answer_json({"store": in_use.value, "kept": {place.value: count for place, count in stored.items()}})
        return 0
    where = f", {file_path(in_use)}" if in_use in (StoreKind.ENCRYPTED_FILE, StoreKind.FILE) else ""
    answer_line(f"{in_use.value}{where}")
    for line in numbered(f"{count} with secrets in {place.words}" for place, count in stored.items()):
        say(f"  {line}")
    if set(stored) - {in_use}:
        say(f"  → To bring them together: authlens store --move {in_use.value}")
    return 0


async def _move(to: StoreKind, *, confirmed: bool, as_json: bool) -> int:
    if to is StoreKind.MEMORY:
        raise UsageError(
            "Memory is lost when a program ends, so everything moved there would be gone.",
            "To end logins: authlens revoke --all. For a memory-only session, use the full-screen app.",
        )
    if to is StoreKind.FILE and not confirmed:
        say(_PLAIN_WARNING)
        raise UsageError("A plain file has to be confirmed.", "Run: authlens store --move file --yes")
    opened = await open_place(to, prove=True, create=True)
    async with aclosing(await Credentials.on(opened.store)) as target:
        report = await move_secrets(target, _unlocked)
        left = target.index.places_left()
    _tell(to, report, left, as_json=as_json)
    return report.failed[0][1].exit_code if report.failed else 0


async def _unlocked() -> SecretStore:
    return (await open_place(StoreKind.ENCRYPTED_FILE, prove=True)).store


def _tell(to: StoreKind, report: MoveReport, left: tuple[StoreKind, ...], *, as_json: bool) -> None:
    logins, tokens = report.logins, report.service_tokens
    if as_json:
        answer_json(
            {
                "store": to.value,
                "logins": logins,
                "service_tokens": tokens,
                "damaged": [{"id": one.record_id, "kind": one.kind} for one in report.damaged],
                "failed": [{"what": what, "cause": error.cause} for what, error in report.failed],
                "left_in": [place.value for place in left],
            }
        )
    moved = f"{_counted(len(logins), 'login')} and {_counted(len(tokens), 'service token')}"
    say(f"✔ {moved} moved. New ones go to {to.words}.")
    for what, error in report.failed:
        say(f"✖ {what} was not moved:")
        explain(error)
    for record in report.damaged:
        say(f"! The record of {record.words} cannot be read; its secrets were moved with the others.")
        say(f"  → To remove it: {record.cure}")
    if left:
        say(f"! Old copies stay for now. {where_secrets_are_left(left, to)}")


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
