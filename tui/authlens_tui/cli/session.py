"""The session of a verb: its secret store, opened, the credentials it names, and logins one after another."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from authlens_core.desk import session as desk
from authlens_core.desk.session import (
    Grant,
    OpenedStore,
    PassphraseNeeded,
    Secret,
    Session,
    StoreKind,
    WrongPassphrase,
    open_secret_store,
    remembered_store,
)
from authlens_core.values.errors import AuthlensError, gravest
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.terminal.flags import no_input, numbered
from authlens_tui.cli.terminal.output import AnswerLost, report_error, say, say_fix
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.terminal.quiet_terminal import PasteReader
from authlens_tui.terminal.secret_files import VARIABLE, passphrase_in_file

if TYPE_CHECKING:
    from authlens_core.desk.lifecycle import ActionResult


def asks_on_terminal() -> bool:
    """Return whether a user types the passphrase, and can be asked again after a wrong one."""
    return not os.environ.get(VARIABLE)


async def passphrase(prompt: str = "Passphrase of the encrypted file (not shown): ") -> Secret:
    """Return the passphrase.

    Raises:
        PassphraseNeeded: there is neither a file that can be read nor a terminal to ask on.
    """
    passphrase = passphrase_in_file()
    return await _ask(prompt) if passphrase is None else passphrase


async def _ask(prompt: str) -> Secret:
    if no_input():
        raise _no_terminal()
    try:
        # Not stdin, which a script may have for its own data.
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise _no_terminal() from None
    answer: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    def ended() -> None:
        if not answer.done():
            answer.set_exception(_no_terminal())

    def typed(lines: tuple[Secret, ...]) -> None:
        if not answer.done():
            answer.set_result(lines[0])

    def ask() -> None:
        os.write(terminal, prompt.encode())

    reader = PasteReader(typed, ended=ended, back=ask)
    try:
        if not reader.start(terminal):
            raise _no_terminal()
        ask()
        return await answer
    finally:
        reader.close()
        with suppress(OSError):
            os.write(terminal, b"\n")
            os.close(terminal)


def _no_terminal() -> PassphraseNeeded:
    return PassphraseNeeded(
        "There is no terminal to ask for the passphrase of the encrypted file.",
        f"Run it on a terminal, or set {VARIABLE} to a private file with the passphrase.",
    )


_TRIES = 3


@asynccontextmanager
async def open_session(
    *,
    needs_secrets: bool = True,
    prove_keyring: bool = False,
    loads: Callable[[], object] = lambda: None,
    account: str | None = None,
) -> AsyncIterator[Session]:
    """Yield a session on the keyring, or on another store that the user chose.

    The helper of the keyring starts only when a secret is asked for; a passphrase is asked for at once.

    Args:
        needs_secrets: false for what reads records alone: no passphrase is asked for.
        prove_keyring: true to write, read and delete a value first: before anything is received.
        loads: imports what else the verb needs; done while the keyring is tried.
        account: as in the desk's `open_session`.

    Raises:
        NoSecretStore: there is no usable keyring, or the state directory cannot be used.
    """
    kind = remembered_store().kind if needs_secrets else StoreKind.KEYRING
    # Otherwise the desk opens the store when it is first needed.
    asks = prove_keyring or kind is StoreKind.ENCRYPTED_FILE
    opened = partial(open_place, kind, prove=prove_keyring) if asks else None
    async with desk.open_session(
        opened, sends=prove_keyring, loads=loads, on_wait=_say_wait, account=account
    ) as session:
        yield session


def _say_wait(seconds: float) -> None:
    say(
        f"Waiting up to {seconds:.0f} s for a response that may have the only copy of a token. "
        "Ctrl-C again quits immediately."
    )


async def open_place(kind: StoreKind, *, prove: bool, create: bool = False) -> OpenedStore:
    """Open a store and return it; ask for its passphrase up to three times.

    Args:
        prove: true to write, read and delete a value.
        create: true to create the encrypted file if it does not exist.

    Raises:
        NoSecretStore: it cannot be opened, or no user can be asked.
    """
    if kind is not StoreKind.ENCRYPTED_FILE:
        return await open_secret_store(kind, probe=prove)
    new = create and not remembered_store().has_encrypted_file
    for tries_left in reversed(range(_TRIES)):
        typed = await (_new_passphrase() if new else passphrase())
        try:
            return await open_secret_store(kind, passphrase=typed, create=new, probe=prove)
        except WrongPassphrase as error:
            # A file with the passphrase would say the same three times.
            if tries_left == 0 or not asks_on_terminal():
                raise
            say(f"✖ {error.cause}")
    raise refusal("Wrong passphrase.", "Try again.")


async def _new_passphrase() -> Secret:
    first = await passphrase("A passphrase for the new encrypted file (not shown): ")
    if asks_on_terminal() and await passphrase("Repeat the passphrase: ") != first:
        raise refusal("The two passphrases differ.", "Try again.")
    return first


def logins_named(session: Session, name: str) -> tuple[Grant, ...]:
    """Return the login with the id `name`, or all for the resource of a URL, the newest first.

    Raises:
        UsageError: it is neither an id nor a URL.
        NoLogin: there is none for the URL.
    """
    grants = session.credentials.list()
    by_id = tuple(grant for grant in grants if grant.grant_id == name)
    if by_id:
        return by_id
    grant = session.credentials.covering(checked_url(name))
    return (grant, *grant.others_of_resource(grants))


def say_result(name: str, result: ActionResult, url: str = "") -> None:
    """Report the result of an action on a credential; `url` is what its commands are about, if not `name`."""
    say(f"{result.sign} {name}: {result.summary}")
    for detail in result.details:
        say(f"  {detail}")
    say_fix(result.cure, url or name)


def iso_time(of: datetime | None) -> str | None:
    """Return a moment as JSON carries it: ISO 8601 in UTC, to the second."""
    return None if of is None else of.astimezone(UTC).isoformat(timespec="seconds")


_SIGNALS: Final = 128  # an exit code above it: a signal ended the login, and with it the command


async def in_turn(urls: Sequence[str], log_in: Callable[[str], Awaitable[int]]) -> int:
    """Log in to each URL and return the gravest exit code; a failure does not stop the next login.

    Ctrl-C stops all of them.

    Raises:
        AnswerLost: no one reads the answer, so the rest would be lost as well.
    """
    codes: dict[str, int] = {}
    for number, url in enumerate(urls, 1):
        if len(urls) > 1:
            say(f"Login {number} of {len(urls)}: {url}")
        try:
            codes[url] = await log_in(url)
        # The reader is gone, and so would be the answers of all the other logins.
        except AnswerLost:
            raise
        except AuthlensError as error:
            report_error(error, url=url)
            codes[url] = error.exit_code
        # Ctrl-C is meant for the command, not for this one login of it.
        if codes[url] > _SIGNALS:
            return codes[url]
    if len(urls) > 1:
        _sum_up(codes)
    return gravest(codes.values())


def _sum_up(codes: Mapping[str, int]) -> None:
    failed = {url: code for url, code in codes.items() if code}
    say(f"{len(codes) - len(failed)} of {len(codes)} logins succeeded.")
    for line in numbered(f"{url}: exit code {code}" for url, code in failed.items()):
        say(f"  {line}")
