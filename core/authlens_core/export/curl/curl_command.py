"""One request as a curl command to read and to copy: every secret is a variable, never a mask.

A command with masks in it would look as if it ran. The variables are listed above the command, each with the
mask that stands for its value elsewhere. To run a whole trace, take the curl script.

A session file may come from a stranger. What is in it becomes words for curl, and some of curl's words mean
something else: `@name` reads a file, a user name in a URL makes a credential, `Name:` leaves a field out. So
only what curl can send as it was is sent.

"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.curl.bash_words import CURLS_OWN, bash_remark, bash_word, bash_word_of_masked
from authlens_core.export.redaction import Redactor
from authlens_core.grammars.curl_header import NotAField, header_argument, is_token
from authlens_core.values.exchange import FORM_TYPE, Request
from authlens_core.values.known_secrets import MASKED

# http or https, and a host without a user name before it; curl would read it as a file, or as another scheme.
_CALLABLE: Final = re.compile(r"https?://[^/?#@\\\x00-\x20\x7f]+(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_TYPE: Final = "content-type"


def is_callable(url: str) -> bool:
    """Return whether curl calls `url` by http or https, and adds nothing to the request because of it."""
    return _CALLABLE.fullmatch(url) is not None


def can_be_sent(request: Request) -> bool:
    """Return whether curl can send a request with this URL and this method."""
    return is_callable(request.url) and is_token(request.method)


def header_arguments(
    fields: Iterable[tuple[str, str]], *, has_body: bool
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the fields as names and arguments of `--header`, and the names of those that cannot be sent.

    The ones that curl makes itself are in neither.

    Args:
        has_body: whether a body follows, of which curl would invent the type.
    """
    given, left_out = [], []
    for name, value in fields:
        if name.lower() in CURLS_OWN:
            continue
        try:
            given.append((name, header_argument(name, value)))
        except NotAField:
            left_out.append(name)
    # curl adds a type of its own to a body; the empty field takes it away.
    if has_body and not any(name.lower() == _TYPE for name, _ in given):
        given.append((_TYPE, "Content-Type:"))
    return given, left_out


_NOT_IN_A_NAME: Final = re.compile(r"[^A-Z0-9_]")
# curl takes brackets and braces for a pattern of URLs, and removes dot segments.
_TAKEN_AS_IT_IS: Final = (
    ("--globoff", re.compile(r"[\[\]{}]")),
    ("--path-as-is", re.compile(r"/(?:\.|%2e)", re.IGNORECASE)),
)


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
        remarks = [line for line in command if line.startswith("#")]
        yield from remarks
        yield from _continued(command[len(remarks) :])


def _continued(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"{line} \\" for line in lines[:-1])
    yield from lines[-1:]


class _Variables:
    """Names for the secrets, by where they are; one name for one secret."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def word(self, text: str, label: str) -> str:
        """Return `text`, found under the name `place`, as a word with variables for the masks in it."""
        return bash_word_of_masked(text, lambda mask: f"${self._name(mask, label)}")

    def _name(self, mask: str, label: str) -> str:
        if mask not in self.names:
            wanted = _NOT_IN_A_NAME.sub("_", label.upper())[:40].strip("_") or "SECRET"
            # Two secrets under one name get two variables, or one value would be sent for both.
            taken = wanted in self.names.values() or not wanted[0].isalpha()
            self.names[mask] = f"SECRET_{mask[-8:]}" if taken else wanted
        return self.names[mask]


def _command(request: Request, redactor: Redactor, variables: _Variables) -> Iterator[str]:
    if not can_be_sent(request):
        yield "# curl cannot send this request: its URL or method is not valid in HTTP"
        return
    body = redactor.body(request.body)
    # Half a body is another request, and an argument cannot hold NUL.
    is_whole = not (body.binary or body.truncated or "\0" in body.text)
    fields, left_out = header_arguments(redactor.headers(request.headers), has_body=bool(body.text))
    yield from (f"# without the field {bash_remark(name)}, which is not valid in HTTP" for name in left_out)
    if not is_whole:
        yield "# without the body, which is not text, or was not recorded completely"
    url = redactor.text(request.url)
    needed = "".join(f"{option} " for option, pattern in _TAKEN_AS_IT_IS if pattern.search(url))
    # With --request HEAD curl would wait for a body that never comes.
    is_head = request.method == "HEAD" and not body.text
    method = "--head" if is_head else f"--request {bash_word(request.method)}"
    yield f"curl --include {needed}{method} --url {variables.word(url, 'secret')}"
    for name, argument in fields:
        label = "access_token" if name.lower() == "authorization" else name.lower()
        yield f"  --header {variables.word(argument, label)}"
    if is_whole and request.headers.media_type == FORM_TYPE:
        yield from _form(body.text, variables)
    elif is_whole and body.text:
        yield f"  --data-raw {variables.word(body.text, 'secret')}"


def _form(text: str, variables: _Variables) -> Iterator[str]:
    """Yield the fields of a form: the value to be encoded by curl where that gives the same value."""
    for field in text.split("&") if text else ():
        name, equals, value = field.partition("=")
        plain = value if MASKED.search(value) else _decoded(value)
        if name and equals and plain is not None:
            yield f"  --data-urlencode {variables.word(f'{name}={plain}', name)}"
        else:
            yield f"  --data-raw {variables.word(field, name)}"


def _decoded(value: str) -> str | None:
    """Return what a value of a form stands for, or None if that is no text that an argument can hold."""
    try:
        plain = unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if "\0" in plain else plain
