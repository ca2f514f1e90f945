"""A server may repeat what it was sent, in any text of its answer; what authlens says of the answer does not.

A reason phrase, a header field, an error code, a member that was to be a number: each is quoted somewhere.
So whatever is shown of an exchange loses the secrets that were sent in it, wherever they came from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol, TypeVar

from authlens_core.cloudflare.credential import secrets_sent
from authlens_core.oauth.error_response import without_secrets
from authlens_core.values.exchange import Exchange
from authlens_core.values.secret import Secret


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


_Value = TypeVar("_Value", bound=_Dataclass)
_SHORTEST: Final = 8  # characters; what is shorter is an ordinary word in too many sentences


def sent_in(exchanges: Iterable[Exchange]) -> tuple[Secret, ...]:
    secrets = dict.fromkeys(secret for exchange in exchanges for secret in secrets_sent(exchange.request))
    return tuple(secret for secret in secrets if len(secret.reveal()) >= _SHORTEST)


def text_without_echoes(text: str, sent: Collection[Secret]) -> str:
    """Return `text` with every secret of `sent` masked, in small letters too: a media type is read so."""
    values = [secret.reveal() for secret in sent]
    if not any(value in text or value.lower() in text for value in values):
        return text
    text = without_secrets(text, sent)
    for secret in sorted(sent, key=lambda known: len(known.reveal()), reverse=True):
        low = secret.reveal().lower()
        if low in text:
            text = text.replace(low, secret.masked)
    return text


def without_echoes(value: _Value, sent: Collection[Secret], *names: str) -> _Value:
    """Return a dataclass with `sent` masked in the fields `names`: texts, or tuples of texts."""
    masked: dict[str, Any] = {}
    for name in names if sent else ():
        content: Any = getattr(value, name)
        text = content
        if isinstance(content, tuple):
            text = tuple(text_without_echoes(line, sent) for line in content)
        elif isinstance(content, str):
            text = text_without_echoes(content, sent)
        if text != content:
            masked[name] = text
    return replace(value, **masked) if masked else value
