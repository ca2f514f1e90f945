"""A bash script that does again with curl what a trace did, and asks for the secrets.

No secret is in the script, and none is an argument of a program, where `ps` would show it: each reaches curl
through a pipe (`--config -`). Verifier and state are drawn again, the code comes from the URL that the user
pastes, the token from the answer. Of any other trace the requests are repeated, with each mask asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from authlens_core.export.curl.bash_words import bash_remark, bash_word, bash_word_of_masked
from authlens_core.export.curl.curl_command import can_be_sent, header_arguments, is_callable
from authlens_core.export.redaction import body_text, redacted_trace
from authlens_core.trace.record import Stage, StageRecord, Trace, fact_text, sent_once
from authlens_core.values.exchange import FORM_TYPE, Exchange, Request
from authlens_core.values.known_secrets import MASKED

# These two parts are the same for every trace: no text from outside is in them.
_PRELUDE: Final = r"""# Needs bash 4.2, curl and openssl. No secret is in here: it asks for what it needs.
# Secrets go to curl through a pipe, never as an argument, and messages go to standard error.
set -euo pipefail
set +x # a trace of the script would print what it asks for
umask 077

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# ask NAME WORDS: read one line into the variable NAME, unseen.
ask() {
  printf '%s: ' "$2" >&2
  IFS= read -rs "$1" || [[ -n ${!1} ]] || stop 'Nothing was given.'
  printf '\n' >&2
}

# option NAME VALUE: one line of a curl configuration; the value cannot end it.
option() {
  local value=$2 backslash='\' quote='"'
  value=${value//"$backslash"/"$backslash$backslash"}
  value=${value//"$quote"/"$backslash$quote"}
  value=${value//$'\n'/"${backslash}n"}
  value=${value//$'\r'/"${backslash}r"}
  printf '%s = "%s"\n' "$1" "$value"
}

# encoded VALUE: percent-encoded, byte by byte (RFC 3986 §2.1).
encoded() {
  local LC_ALL=C text=$1 i c
  for ((i = 0; i < ${#text}; i++)); do
    c=${text:i:1}
    case $c in
      [A-Za-z0-9._~-]) printf '%s' "$c" ;;
      *) printf '%%%02X' "$(($(printf '%d' "'$c") & 255))" ;;
    esac
  done
}

# decoded VALUE: what a form-encoded value stands for.
decoded() {
  local text=${1//+/ } backslash='\'
  text=${text//"$backslash"/"$backslash$backslash"}
  printf '%b' "${text//%/"${backslash}x"}"
}

# parameter NAME URL: the value of a query parameter, or nothing.
parameter() {
  local query=${2#*\?} pair
  query=${query%%#*}
  local IFS='&'
  set -f
  for pair in $query; do
    if [[ ${pair%%=*} == "$1" ]]; then decoded "${pair#*=}"; break; fi
  done
  set +f
}

# member NAME JSON: a string member of the answer; tokens are printable ASCII without escapes (RFC 6749 §A).
member() {
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*\"([^\"]+)\"" backslash='\'
  [[ $2 =~ $pattern ]] || return 1
  printf '%s' "${BASH_REMATCH[1]//"$backslash"\//\/}"
}

# send: one request, as the configuration on standard input says; the status in a last line.
# Redirects are not followed, and ~/.curlrc is not read.
send() {
  curl --disable --silent --show-error --globoff --path-as-is --proto '=http,https' --max-time 60 \
    --write-out '\n%{http_code}' --config -
}

# status: say the status of an answer. show: print the answer too, and fail where the status does.
status() { local answer; answer=$(tr -d '\0'); say "  answered ${answer##*$'\n'}"; }
show() {
  local answer code
  answer=$(tr -d '\0')
  code=${answer##*$'\n'}
  printf '%s\n' "${answer%$'\n'*}"
  say "  answered $code"
  [[ $code == [123]?? ]]
}
"""

_AUTHORIZE: Final = r"""
say '5 A verifier and its challenge (RFC 7636), and a state'
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
challenge=-
while [[ $challenge != [A-Za-z0-9]* ]]; do # Cloudflare misreads one that begins with - or _
  verifier=$(openssl rand 32 | base64url)
  challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | base64url)
done
state=$(openssl rand 32 | base64url)

link=$authorization_endpoint
[[ $link == *\?* ]] && link+='&' || link+='?'
link+="client_id=$(encoded "$client_id")&state=$state&code_challenge=$challenge"
for ((i = 0; i < ${#parameters[@]}; i += 2)); do
  link+="&$(encoded "${parameters[i]}")=$(encoded "${parameters[i + 1]}")"
done
say '6 Open this link and sign in. The browser ends at a page that need not load: copy its URL.'
say "$link"
ask back 'Paste the URL, it is not shown'
[[ $(parameter state "$back") == "$state" ]] ||
  stop 'The state is not the one sent: this answer belongs to another login.'
code=$(parameter code "$back")
[[ -n $code ]] ||
  stop "There is no code in it; the error is: $(parameter error "$back" | tr -cd '[:alnum:]_.-')"
came_from=$(parameter iss "$back")
[[ -z $came_from || $came_from == "$issuer" ]] || stop 'The answer comes from another server (RFC 9207).'

client_secret=
[[ $auth_method == none ]] || ask client_secret 'The client secret'

say '7 The code is exchanged for a token'
answer=$({
  option url "$token_endpoint"
  option header 'Accept: application/json'
  option data-raw "grant_type=authorization_code"
  option data-raw "code=$(encoded "$code")"
  option data-raw "redirect_uri=$(encoded "$redirect_uri")"
  option data-raw "code_verifier=$(encoded "$verifier")"
  [[ -z $resource ]] || option data-raw "resource=$(encoded "$resource")"
  case $auth_method in
    client_secret_basic) option user "$(encoded "$client_id"):$(encoded "$client_secret")" ;;
    client_secret_post)
      option data-raw "client_id=$(encoded "$client_id")"
      option data-raw "client_secret=$(encoded "$client_secret")"
      ;;
    *) option data-raw "client_id=$(encoded "$client_id")" ;;
  esac
} | send)
say "  answered ${answer##*$'\n'}"
access_token=$(member access_token "$answer") ||
  stop "No token; error: $(member error "$answer" | tr -cd '[:alnum:]_.-')"
"""


# Registration is not repeated: each would leave a client behind at the server.
_REPEATED: Final = (Stage.DETECTION, Stage.RESOURCE_METADATA, Stage.SERVER_METADATA)
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "client_id")
_MADE_ANEW: Final = frozenset({"client_id", "state", "code_challenge", "code"})


def curl_script(trace: Trace) -> str:
    """Return a bash script (bash 4, curl, openssl) that repeats `trace`; answers go to standard output."""
    shown = redacted_trace(trace)
    link, known = shown.latest(Stage.AUTHORIZATION), _variables(shown)
    is_complete = all(known[name] for name in _NEEDED) and is_callable(known["token_endpoint"])
    # With all that a login needs, the script is the login; otherwise the requests one after another.
    if link is not None and is_complete:
        lines = _login(shown, known, _facts(link))
    else:
        lines = _requests(exchange for _, _, exchange in sent_once(shown.records))
    title = f"# authlens: {shown.kind} to {bash_remark(shown.resource_url)}"
    return "\n".join(["#!/usr/bin/env bash", title, *_warning(shown), _PRELUDE, *lines, ""])


def _warning(trace: Trace) -> Iterator[str]:
    """Say what was changed on purpose; the script itself does it as the protocol has it."""
    if trace.tampering:
        yield "# TAMPERED: this was changed on purpose when it was recorded."
        yield from (f"#   {bash_remark(words)}" for words in trace.tampering)


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


def _login(trace: Trace, known: dict[str, str], link: dict[str, str]) -> Iterator[str]:
    for stage in _REPEATED:
        record = trace.latest(stage)
        yield from _requests(record.exchanges if record else (), quiet=True)
    yield ""
    yield "# The client that the server knows already; registering again would leave one more behind."
    yield from (f"{name}={bash_word(value)}" for name, value in known.items())
    # A recorded state or challenge belongs to a verifier that the trace no longer has.
    fixed = {name: value for name, value in link.items() if name not in _MADE_ANEW}
    yield "parameters=("
    yield from (f"  {bash_word(name)} {bash_word(value)}" for name, value in fixed.items())
    yield ")"
    yield from (f"{name}={bash_word(fixed.get(name, ''))}" for name in ("redirect_uri", "resource"))
    yield _AUTHORIZE
    access, first = trace.latest(Stage.ACCESS), trace.latest(Stage.DETECTION)
    # A trace that ended before the last stage still shows how to call the resource.
    record = access if access is not None and access.exchanges else first
    if record is not None and record.exchanges:
        yield 'say "8 The resource, with the token"'
        own = ('option header "Authorization: Bearer $access_token"',)
        yield from _request(record.exchanges[-1].request, "show", leave_out="authorization", own=own)


def _requests(exchanges: Iterator[Exchange] | Sequence[Exchange], *, quiet: bool = False) -> Iterator[str]:
    asked: set[str] = set()
    for exchange in exchanges:
        request = exchange.request
        yield ""
        yield f"say {bash_word(bash_remark(f'{request.method} {request.url}'))}"
        texts = [request.url, *(value for _, value in request.headers.fields), body_text(request.body)]
        for mask in [match[0] for text in texts for match in MASKED.finditer(text)]:
            if mask not in asked:
                asked.add(mask)
                yield f"ask {_variable(mask)} {bash_word(f'The secret {mask}')}"
        yield from _request(request, "status" if quiet else "show || :")


def _variable(mask: str) -> str:
    return f"secret_{mask[-8:]}"


def _request(request: Request, then: str, *, leave_out: str = "", own: Sequence[str] = ()) -> Iterator[str]:
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
    yield from (f"  {line}" for line in own)
    if request.body:
        is_form = request.headers.media_type == FORM_TYPE
        yield f"  option data-raw {_with_secrets(body_text(request.body), encoded=is_form)}"
    yield f"}} | send | {then}"


def _with_secrets(text: str, *, encoded: bool = False) -> str:
    """Return `text` as one word of bash, with the variable of each mask in its place."""
    if encoded:
        return bash_word_of_masked(text, lambda mask: f'$(encoded "${_variable(mask)}")')
    return bash_word_of_masked(text, lambda mask: f"${_variable(mask)}")
