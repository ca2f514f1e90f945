"""One request as a curl command to read and to copy: every secret is a variable, never a mask.

A command with masks in it would look as if it ran. The variables are listed above the command, each with the
mask that stands for its value elsewhere. To run a whole trace, take the curl script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.bash_words import CURLS_OWN, bash_word, bash_word_of_masked
from authlens_core.export.redaction import Redactor
from authlens_core.export.secret_forms import MASKED
from authlens_core.oauth.http_message import FORM_TYPE, Request

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Z0-9_]")


def curl_commands(requests: Sequence[Request], redactor: Redactor) -> Iterator[str]:
    """Yield the lines of a bash script that sends `requests`: the secrets to set, then a command each.

    Args:
        redactor: knows the secrets; what it masks becomes a variable.
    """
    variables = _Variables()
    commands = [list(_command(request, redactor, variables)) for request in requests]
    for mask, name in variables.names.items():
        yield f"read -rsp '{name}: ' {name}  # {mask}"
    for command in commands:
        if variables.names or command is not commands[0]:
            yield ""
        yield from (f"{line} \\" for line in command[:-1])
        yield command[-1]


class _Variables:
    """Names for the secrets, by where they are; one name for one secret."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def word(self, text: str, place: str) -> str:
        """Return `text`, found under the name `place`, as a word with variables for the masks in it."""
        return bash_word_of_masked(text, lambda mask: f"${self._name(mask, place)}")

    def _name(self, mask: str, place: str) -> str:
        if mask not in self.names:
            wanted = _NOT_IN_A_NAME.sub("_", place.upper())[:40].strip("_") or "SECRET"
            taken = wanted in self.names.values() or not wanted[0].isalpha()
            self.names[mask] = f"SECRET_{mask[-8:]}" if taken else wanted
        return self.names[mask]


def _command(request: Request, redactor: Redactor, variables: _Variables) -> Iterator[str]:
    url = variables.word(redactor.text(request.url), "secret")
    yield f"curl --include --request {bash_word(request.method)} {url}"
    for name, value in redactor.headers(request.headers):
        folded = name.lower()
        if folded not in CURLS_OWN:
            place = "access_token" if folded == "authorization" else folded
            yield f"  --header {variables.word(f'{name}: {value}', place)}"
    text = redactor.body(request.body).text
    if request.headers.media_type == FORM_TYPE and text:
        for field in text.split("&"):
            yield f"  --data-urlencode {_field(field, variables)}"
    elif text:
        yield f"  --data-raw {variables.word(text, 'secret')}"


def _field(field: str, variables: _Variables) -> str:
    """Return one field of a form as curl takes it: its name encoded, its value to be encoded by curl."""
    name, equals, value = field.partition("=")
    plain = value if MASKED.search(value) else unquote_plus(value)
    return variables.word(f"{name}={plain}" if equals else f"={unquote_plus(name)}", name)
