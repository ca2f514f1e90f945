"""What can be copied of a stage: messages as they were sent, curl, a JSON member or its value, a link."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from authlens_core.export.curl.curl_command import curl_commands
from authlens_core.export.redaction import Redactor, raw_message
from authlens_core.values.exchange import Request, Response
from authlens_core.values.secret import Secret


class Copyable(NamedTuple):
    """A text to copy, masked, and the word or two that name it; of a secret, `text` is only what is shown."""

    name: str
    text: str
    secret: Secret | None = None


def copyables(
    requests: Sequence[Request], responses: Sequence[Response], member: str, redactor: Redactor
) -> Iterator[Copyable]:
    """Yield what can be copied of some exchanges.

    Args:
        member: the lines of the JSON member that is marked, as shown, masked; empty if none is.
    """
    if responses:
        yield Copyable("Response", "\n\n".join(raw_message(message, redactor) for message in responses))
    if requests:
        yield Copyable("Request", "\n\n".join(raw_message(message, redactor) for message in requests))
        yield Copyable("curl", "\n".join(curl_commands(requests, redactor)))
        yield Copyable("Link", "\n".join(redactor.text(message.url) for message in requests))
    if member:
        yield Copyable("JSON member", member)
        yield Copyable("Value", _value(member))


def _value(member: str) -> str:
    """Return the value in laid out JSON: a string without its quotes, anything else as it is."""
    try:
        # A marked line is a member, `"name": value`, which is JSON only inside of an object.
        content = json.loads(f"{{{member}}}" if member.startswith('"') else member)
    except ValueError:
        return member
    value = next(iter(content.values())) if isinstance(content, dict) and member.startswith('"') else content
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
