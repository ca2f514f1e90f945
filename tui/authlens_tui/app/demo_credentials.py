"""What the demo holds besides the login's own tokens, where a scenario is about another credential.

A service token lies where service tokens are kept; a token of cloudflared lies in a directory of its own, as
a file with the name that cloudflared gives it. Both are rows of the dashboard and can be probed there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from authlens_core.access.cloudflared_files import find_cloudflared_tokens
from authlens_core.access.cloudflared_token import CloudflaredToken
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.service_tokens import new_token_id
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.faults import Fault
from authlens_core.secret import Secret

_LABEL: Final = "demo service token"


class DemoCredentials:
    """Hands out the credential that a fault is about, and takes it back."""

    def __init__(self) -> None:
        self._directory: TemporaryDirectory[str] | None = None

    async def hand_out(self, emulator: Emulator, credentials: Credentials) -> None:
        """Put the credential that the faults of `emulator` are about where the dashboard finds it.

        Raises:
            AuthlensError: it could not be kept.
            OSError: the file could not be written.
        """
        if Fault.SERVICE_AUTH_MISSING in emulator.faults:
            await self._keep_service_token(emulator, credentials)
        if Fault.BINDING_COOKIE in emulator.faults:
            jwt = await emulator.app_token()
            (self._folder() / f"{urlsplit(emulator.resource_url).netloc}-token").write_text(jwt)

    async def _keep_service_token(self, emulator: Emulator, credentials: Credentials) -> None:
        client_id, secret = emulator.service_token
        if any(one.client_id == client_id for one in credentials.service_tokens.list()):
            return
        token = ServiceToken(
            token_id=new_token_id(),
            url=emulator.resource_url,
            client_id=client_id,
            added_at=datetime.now(UTC),
            label=_LABEL,
        )
        await credentials.service_tokens.save(token, Secret(secret))

    def _folder(self) -> Path:
        if self._directory is None:
            self._directory = TemporaryDirectory(prefix="authlens-demo-")
        return Path(self._directory.name)

    def find(self) -> tuple[CloudflaredToken, ...]:
        directory = self._directory
        return () if directory is None else find_cloudflared_tokens(Path(directory.name))

    async def take_back(self, credentials: Credentials) -> None:
        """Leave nothing of what was handed out.

        Raises:
            AuthlensError: it could not be removed.
        """
        for token in credentials.service_tokens.list():
            await credentials.service_tokens.remove(token.token_id)
        self.close()

    def close(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.cleanup()
