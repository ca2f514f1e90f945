"""The options of a login as they were typed, for the full screen and for plain lines."""

from __future__ import annotations

from argparse import Namespace
from typing import Final

from authlens_core.desk.log_in import Options
from authlens_core.values.errors import UsageError
from authlens_core.values.grant_type import GrantType
from authlens_core.values.secret import Secret

_WITHOUT_SCREEN: Final = ("json", "yes", "cloudflared", "no_browser")


def login_options(arguments: Namespace, secret: Secret | None) -> Options:
    """Return what the user decided before the login; `secret` is that of the client, if it has one."""
    return Options(
        port=arguments.port,
        redirect_host=arguments.redirect_host,
        client_id=arguments.client_id,
        client_secret=secret,
        client_metadata_url=arguments.client_metadata_url,
        scope=arguments.scope,
        resource=arguments.resource,
        issuer=arguments.issuer,
        method=arguments.method,
        wait=arguments.timeout,
        anyway=arguments.anyway,
        grant_type=GrantType.DEVICE_CODE if arguments.device else GrantType.AUTHORIZATION_CODE,
        dpop=arguments.dpop,
        legacy_paths=arguments.legacy_paths,
        any_issuer=arguments.any_issuer,
        listen=not arguments.paste_only,
    )


def refuse_options_without_screen(arguments: Namespace) -> None:
    """Refuse the options of `login` that the full screen answers by a key or a setting.

    Raises:
        UsageError: one of them was typed.
    """
    typed = next((name for name in _WITHOUT_SCREEN if getattr(arguments, name)), None)
    if typed is not None:
        raise UsageError(
            f"The full screen has no --{typed.replace('_', '-')}.",
            "Without the full screen: authlens login URL. The other options of login are the same.",
        )
