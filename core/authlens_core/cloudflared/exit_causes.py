"""Why `cloudflared access login` failed, as far as its output shows: its known bugs, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NetworkFailure,
    Refused,
    ServerMisconfigured,
    TimedOut,
)
from authlens_core.values.fix import step
from authlens_core.values.quick_dataclass import dataclass

STAGE: Final = "cloudflared"
_SETTINGS: Final = "Zero Trust → Access controls → Applications → (app)"


@dataclass(frozen=True, slots=True)
class _KnownCause:
    phrases: tuple[str, ...]
    kind: type[AuthlensError]
    cause: str
    cure: str


# The first row that fits counts, so what names a cause comes before what only says that something failed.
_TABLE: Final = (
    _KnownCause(
        ("failed to find access application", "unable to find access application", "appinfo"),
        ServerMisconfigured,
        "cloudflared found no Access application at this address. A Bypass policy that covers your "
        "address has the same effect (cloudflared#498).",
        "Open the address in a browser. If it opens without a login, you need none. Otherwise check its "
        f"hostname: {_SETTINGS} → Basic information.",
    ),
    _KnownCause(
        ("does not have access", "forbidden", "access denied", "not authorized", "unauthorized"),
        Refused,
        "A policy of the application refused this account.",
        f"Sign in with another account, or ask the owner to add it: {_SETTINGS} → Policies.",
    ),
    _KnownCause(
        ("flag provided but not defined", "incorrect usage"),
        ServerMisconfigured,
        "This version of cloudflared does not know the options that authlens uses.",
        "Update it: cloudflared update, or with the package manager.",
    ),
    _KnownCause(
        ("no such host", "connection refused", "network is unreachable", "x509", "tls:", "i/o timeout"),
        NetworkFailure,
        "cloudflared could not reach the application or the server that transfers the token.",
        "Check the network and the proxy. A TLS-inspecting proxy's certificate must be trusted on "
        "this machine.",
    ),
    _KnownCause(
        ("context deadline exceeded", "client.timeout", "timed out"),
        TimedOut,
        "cloudflared gave up waiting: for the address itself (cloudflared#1637), or for the login.",
        "Try again; sign in as soon as the link is shown.",
    ),
    _KnownCause(
        ("failed to fetch resource", "failed to get", "failed to transfer", "error polling"),
        LoginNeeded,
        "The login in the browser was not completed, so cloudflared got no token.",
        "Try again. If the browser showed an error, sign in with the right account.",
    ),
)


def failure_of(code: int, lines: Sequence[str]) -> AuthlensError:
    """Return the error for an exit code; where no row of the table fits, its last line is quoted."""
    known = _known(lines)
    if known is not None:
        return known
    last = next((line for line in reversed(lines) if line.strip()), "nothing")
    return ServerMisconfigured(
        f"cloudflared ended with exit code {code}. Its last output: {last}",
        "Run it yourself to see more: cloudflared access login URL",
        stage=STAGE,
    )


def _known(lines: Sequence[str]) -> AuthlensError | None:
    said = "\n".join(lines).lower()
    row = next((row for row in _TABLE if any(phrase in said for phrase in row.phrases)), None)
    return None if row is None else row.kind(row.cause, row.cure, stage=STAGE)


def without_token(lines: Sequence[str]) -> AuthlensError:
    """Return the error for exit code 0 without a token (cloudflared#1429)."""
    return _known(lines) or LoginNeeded(
        "cloudflared reported success but returned no token (cloudflared#1429).",
        "Log in again; an old token may have expired at that moment.",
        stage=STAGE,
    )


def own_lock(pid: int) -> AuthlensError:
    """Return the error for a cloudflared that waits for itself (cloudflared#1692, #1713)."""
    return ServerMisconfigured(
        f"cloudflared waits for itself (process {pid}) and would never finish (cloudflared#1692): its new "
        "token was refused immediately. The usual reason is the Binding Cookie of the application.",
        f"Ask the owner to turn the Binding Cookie off: {_SETTINGS} → Advanced settings → Cookie settings.",
        stage=STAGE,
    )


def timed_out(seconds: float, *, link_shown: bool) -> AuthlensError:
    if link_shown:
        return TimedOut(
            f"The login was not finished within {seconds:g} seconds; cloudflared was stopped.",
            "Try again and open the link; it works on any machine. For more time: --timeout 900",
            stage=STAGE,
        )
    return TimedOut(
        f"cloudflared showed no link within {seconds:g} seconds and was stopped (cloudflared#1637).",
        step("Check that the address responds", "authlens probe URL"),
        stage=STAGE,
    )
