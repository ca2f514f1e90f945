"""Requests as curl commands in bash: some to read and to copy, or a script that does a trace again.

A command to copy has a variable for each secret, never a mask: with masks in it, it would look as if it ran.
The variables are listed above the command, each with the mask that stands for its value elsewhere.

The script asks for the secrets. None is in it, and none is an argument of a program, where `ps` would show
it: each reaches curl through a pipe (`--config -`). Verifier and state are drawn again, the code comes from
the URL that the user pastes, the token from the answer. Of a trace that is no whole login the requests are
repeated, with each mask asked for.

A session file may come from a stranger. What is in it becomes words for curl, and some of curl's words mean
something else: `@name` reads a file, a user name in a URL makes a credential, `Name:` leaves a field out. So
only what curl can send as it was is sent. To bash it is a quoted word or a remark, and neither can become a
command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.redaction import Redactor, body_text, redacted_trace
from authlens_core.trace.fact import fact_text
from authlens_core.trace.record import Stage, StageRecord, Trace, sent_once
from authlens_core.values.exchange import Exchange, Request
from authlens_core.values.formats.curl_header import NotAField, header_argument, is_token
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret_masking import MASKED

# http or https, and a host without a user name before it; curl would read it as a file, or as another scheme.
_CALLABLE: Final = re.compile(r"https?://[^/?#@\\\x00-\x20\x7f]+(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
# The header fields that curl makes of the URL, the body and its options; never given twice.
_CURLS_OWN: Final = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}
)
_TYPE: Final = "content-type"
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Z0-9_]")
# curl takes brackets and braces for a pattern of URLs, and removes dot segments.
_TAKEN_AS_IT_IS: Final = (
    ("--globoff", re.compile(r"[\[\]{}]")),
    ("--path-as-is", re.compile(r"/(?:\.|%2e)", re.IGNORECASE)),
)
# Registration is not repeated: each would leave a client behind at the server.
_REPEATED: Final = (Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA)
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "client_id")
_MADE_ANEW: Final = frozenset({"client_id", "state", "code_challenge", "code"})
_LONGEST_REMARK: Final = 300  # characters


def bash_word(text: str) -> str:
    r"""Return `text` quoted for bash, on one line and printable; NUL, which no argument can hold, as U+FFFD.

    Whatever a terminal would obey is written as `\x` and two digits for each byte, whatever the locale.
    """
    text = text.replace("\0", "\ufffd")
    # Printable on one line: shlex's quotes are enough. Otherwise a terminal would obey what is shown.
    if safe_line(text, len(text)) == text:
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def bash_word_of_masked(text: str, expansion: Callable[[str], str]) -> str:
    """Return `text` as one word of bash, with a quoted expansion instead of each mask.

    Args:
        text: what may hold masks of secrets.
        expansion: returns for a mask what bash puts there, without the quotes around it.
    """
    word, end = "", 0
    for mask in MASKED.finditer(text):
        word += _piece(text[end : mask.start()]) + f'"{expansion(mask[0])}"'
        end = mask.end()
    return (word + _piece(text[end:])) or "''"


def _piece(text: str) -> str:
    return bash_word(text) if text else ""


def bash_remark(text: str) -> str:
    """Return `text` as it may be after `# `: one printable line."""
    return safe_line(text, _LONGEST_REMARK)


def _escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if safe_line(character) == character:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "replace"))


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
    arguments, left_out = [], []
    for name, value in fields:
        if name.lower() in _CURLS_OWN:
            continue
        try:
            arguments.append((name, header_argument(name, value)))
        except NotAField:
            left_out.append(name)
    # curl adds a type of its own to a body; the empty field takes it away.
    if has_body and not any(name.lower() == _TYPE for name, _ in arguments):
        arguments.append((_TYPE, "Content-Type:"))
    return arguments, left_out


def curl_commands(requests: Sequence[Request], redactor: Redactor) -> Iterator[str]:
    """Yield the lines of a bash script that sends `requests`: the secrets to set, then a command each.

    Args:
        redactor: knows the secrets; what it masks becomes a variable.
    """
    variables = _SecretVariables()
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


class _SecretVariables:
    """Names for the secrets, by where they are; one name for one secret."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def word(self, text: str, label: str) -> str:
        """Return `text`, found under the name `label`, as a word with variables for the masks in it."""
        return bash_word_of_masked(text, lambda mask: f"${self._name(mask, label)}")

    def _name(self, mask: str, label: str) -> str:
        if mask not in self.names:
            variable = _NOT_IN_A_NAME.sub("_", label.upper())[:40].strip("_") or "SECRET"
            # Two secrets under one name get two variables, or one value would be sent for both.
            is_used = variable in self.names.values() or not variable[0].isalpha()
            self.names[mask] = f"SECRET_{mask[-8:]}" if is_used else variable
        return self.names[mask]


def _command(request: Request, redactor: Redactor, variables: _SecretVariables) -> Iterator[str]:
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
    if is_whole and request.headers.is_form:
        yield from _form(body.text, variables)
    elif is_whole and body.text:
        yield f"  --data-raw {variables.word(body.text, 'secret')}"


def _form(text: str, variables: _SecretVariables) -> Iterator[str]:
    """Yield the fields of a form: the value to be encoded by curl where that gives the same value."""
    for field in text.split("&") if text else ():
        name, equals, value = field.partition("=")
        plain = value if MASKED.search(value) else _decoded(value)
        if name and equals and plain is not None:
            yield f"  --data-urlencode {variables.word(f'{name}={plain}', name)}"
        else:
            yield f"  --data-raw {variables.word(field, name)}"


def _decoded(value: str) -> str | None:
    """Return what a value of a form stands for, or None if no argument can hold it."""
    try:
        plain = unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if "\0" in plain else plain


def curl_script(trace: Trace) -> str:
    """Return a bash script (bash 4, curl, openssl) that repeats `trace`; answers go to standard output."""
    safe_trace = redacted_trace(trace)
    link, variables = safe_trace.latest(Stage.AUTHORIZATION), _variables(safe_trace)
    is_complete = all(variables[name] for name in _NEEDED) and is_callable(variables["token_endpoint"])
    # With all that a login needs, the script is the login; otherwise the requests one after another.
    if link is not None and is_complete:
        lines = _login(safe_trace, variables, _facts(link))
    else:
        lines = _requests(exchange for _, _, exchange in sent_once(safe_trace.records))
    title = f"# authlens: {safe_trace.kind} to {bash_remark(safe_trace.resource_url)}"
    return "\n".join(["#!/usr/bin/env bash", title, *_warning(safe_trace), _part("start"), *lines, ""])


def _part(name: str) -> str:
    """Return a part that is the same for every trace: no text from outside is in it."""
    return Path(__file__).with_name(f"curl_script_{name}.sh").read_text(encoding="utf-8")


def _warning(trace: Trace) -> Iterator[str]:
    """Yield remarks on what was changed on purpose; the script itself follows the protocol."""
    if trace.tampering:
        yield "# TAMPERED: this was changed on purpose when it was recorded."
        yield from (f"#   {bash_remark(change)}" for change in trace.tampering)


def _variables(trace: Trace) -> dict[str, str]:
    """Return what the script of a login knows of server and client, by the names of its variables."""
    server, client = _facts(trace.latest(Stage.SERVER_METADATA)), _facts(trace.latest(Stage.REGISTRATION))
    return {
        "client_id": client.get("client_id", ""),
        "auth_method": client.get("token_endpoint_auth_method", "none"),
        **{name: server.get(name, "") for name in ("issuer", "authorization_endpoint", "token_endpoint")},
    }


def _facts(record: StageRecord | None) -> dict[str, str]:
    return {} if record is None else {fact.name: fact_text(fact) for fact in record.facts}


def _login(trace: Trace, variables: dict[str, str], link: dict[str, str]) -> Iterator[str]:
    for stage in _REPEATED:
        record = trace.latest(stage)
        yield from _requests(record.exchanges if record else (), quiet=True)
    yield ""
    yield "# The client that the server knows already; registering again would leave one more behind."
    yield from (f"{name}={bash_word(value)}" for name, value in variables.items())
    # A recorded state or challenge belongs to a verifier that the trace no longer has.
    fixed = {name: value for name, value in link.items() if name not in _MADE_ANEW}
    yield "parameters=("
    yield from (f"  {bash_word(name)} {bash_word(value)}" for name, value in fixed.items())
    yield ")"
    yield from (f"{name}={bash_word(fixed.get(name, ''))}" for name in ("redirect_uri", "resource"))
    yield ""
    yield _part("login")
    access, first = trace.latest(Stage.ACCESS), trace.latest(Stage.DETECTION)
    # A trace that ended before the last stage still shows how to call the resource.
    record = access if access is not None and access.exchanges else first
    if record is not None and record.exchanges:
        yield 'say "8 The resource, with the token"'
        credential = ('option header "Authorization: Bearer $access_token"',)
        yield from _request(
            record.exchanges[-1].request, "show", leave_out="authorization", more_options=credential
        )


def _requests(exchanges: Iterator[Exchange] | Sequence[Exchange], *, quiet: bool = False) -> Iterator[str]:
    masks: set[str] = set()
    for exchange in exchanges:
        request = exchange.request
        yield ""
        yield f"say {bash_word(bash_remark(f'{request.method} {request.url}'))}"
        texts = [request.url, *(value for _, value in request.headers.fields), body_text(request.body)]
        for mask in [match[0] for text in texts for match in MASKED.finditer(text)]:
            if mask not in masks:
                masks.add(mask)
                yield f"ask {_variable(mask)} {bash_word(f'The secret {mask}')}"
        yield from _request(request, "status" if quiet else "show || :")


def _variable(mask: str) -> str:
    return f"secret_{mask[-8:]}"


def _request(
    request: Request, then: str, *, leave_out: str = "", more_options: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines that send one request, by way of the configuration that curl reads from a pipe."""
    if not can_be_sent(request):
        yield "say '  not sent: curl cannot send this request'"
        return
    fields, left_out = header_arguments(request.headers.fields, has_body=bool(request.body))
    yield from (f"say {bash_word(f'  without the field {bash_remark(name)}')}" for name in left_out)
    yield "{"
    # curl waits for the body of an answer unless it makes this method itself.
    is_head = request.method == "HEAD" and not request.body
    yield "  printf 'head\\n'" if is_head else f"  option request {bash_word(request.method)}"
    yield f"  option url {_with_secrets(request.url, encoded=True)}"
    for name, argument in fields:
        if name.lower() != leave_out:
            yield f"  option header {_with_secrets(argument)}"
    yield from (f"  {line}" for line in more_options)
    if request.body:
        is_form = request.headers.is_form
        yield f"  option data-raw {_with_secrets(body_text(request.body), encoded=is_form)}"
    yield f"}} | send | {then}"


def _with_secrets(text: str, *, encoded: bool = False) -> str:
    """Return `text` as one word of bash, with the variable of each mask in its place."""
    if encoded:
        return bash_word_of_masked(text, lambda mask: f'$(encoded "${_variable(mask)}")')
    return bash_word_of_masked(text, lambda mask: f"${_variable(mask)}")
