"""The options of every verb that sends a credential: how long it has to last, which kind, and which it is."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta

from authlens_core.credentials.inventory.request_headers import CredentialKind
from authlens_core.gateway.request_credential import RequestCredential
from authlens_core.session import Session

__all__ = ["kind_of", "min_ttl_of", "request_credential"]


def kind_of(arguments: Namespace) -> CredentialKind | None:
    """Return the kind that `--kind` names, or None."""
    return CredentialKind(arguments.kind) if arguments.kind else None


def min_ttl_of(arguments: Namespace) -> timedelta | None:
    """Return what `--min-ttl` says, or None."""
    return None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl)


def request_credential(session: Session, url: str, arguments: Namespace) -> RequestCredential:
    """Return the credential for `url` that the options choose."""
    return RequestCredential(
        session.credentials, session.wire, url, kind=kind_of(arguments), min_ttl=min_ttl_of(arguments)
    )
