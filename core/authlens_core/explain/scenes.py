"""Where a failure happened, as far as the addresses in a text tell: it changes what a general message means.

That nothing answered at localhost, or that a token endpoint said 401, has other causes than the same words of
any server. The answers are the entries of the tables with a `scene`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from authlens_core.diagnosis.causes import Cause, client_messages
from authlens_core.explain.log_lines import waits_for_the_browser
from authlens_core.values.url import Url

_LOOPBACK: Final = r"(?:127\.0\.0\.\d{1,3}|localhost|\[?::1\]?)"
_REFUSED_HERE: Final = re.compile(
    rf"(?i)(?:connect to|econnrefused|dial tcp|proxy)\W{{1,3}}{_LOOPBACK}(?: port |:)\d{{2,5}}"
)
# Where a text has no URL: an address of this machine.
_AT_HERE: Final = re.compile(
    rf"(?i)(?<![\w.-]){_LOOPBACK}(?::\d{{2,5}}| (?:port )?\d{{2,5}}\b|\.{{3}}|['\"], ?['\"]?port)"
)
# How urllib3 names what it could not connect to.
_POOL_HERE: Final = re.compile(rf"(?i)pool\(host='{_LOOPBACK}'")
# A server by its name, and the port if one is named.
_SERVER: Final = re.compile(
    r"(?i)https?://(?:[^\s/@]*@)?([\w.-]+)(?::(\d+))?"
    r"|\bhost='([\w.-]+)', port=(\d+)"
    r"|\b(?:to|connect) ([\w.-]+)(?::| port |, port )(\d+)"
    r"|(?<![\w.-])([\w-]{1,63}(?:\.[\w-]{1,63}){1,8}) refused to connect"
)
_PUBLIC: Final = re.compile(
    r"(?i)(?!.*\.(?:local|localhost|localdomain|internal|intern|lan|corp|home|svc|cluster|test|invalid)$)"
    r"[\w.-]+\.[a-z]{2,}"
)
_STANDARD_PORTS: Final = frozenset({"80", "443"})
_TOKEN_ENDPOINT: Final = re.compile(
    r"(?i)/(?:oauth2?|oidc|openid-connect|connect|auth|v\d\.?\d?|as)/(?:\w+/)?token\b"
)
_UNAUTHORIZED: Final = re.compile(r"(?i)\b401\b|unauthorized")
# Behind a step that failed: the server is down, and refused nothing. Of several statuses the last counts.
_GATEWAY: Final = re.compile(
    r"(?i)(?:token|failed|error|status)\W{1,4}(50[234])\b|<(?:title|h1)>\s*(50[234])\b|\b40[0134]\b"
)
# A step that has no credential yet, and its status: 401 and 404 mean other things there than at the resource.
_REGISTERS: Final = re.compile(
    r"(?i)(?:\bregistration\b|\bregister (?:the |an? |oauth |mcp )*client|/register\b|\bdcr\b)"
    r"[^\n]{0,90}?\b(401|403|404|405)\b"
)
_FAILS_TO_REGISTER: Final = re.compile(
    r"(?i)\bservererror\b[^\n]*\n(?:[^\n]*\bat [^\n]*\n){0,6}?[^\n]*\bregisterclient\b"
)
_READS_METADATA: Final = re.compile(
    r"(?i)(?:trying to load|fetch(?:ing)?|load(?:ing)?|get|discover(?:ing)?|retriev(?:e|ing)|read)\b"
    r"[^\n]{0,60}"
    r"(?:(?<!resource_)metadata|well-known|discovery)(?:[^\n]|\n\s{0,4}\(){0,120}?\b(401|403|404)\b"
    r"|\b(401|403|404)\b(?:[^\n]{0,30}trying to load| (?:\w+ ){0,2}(?:from|for url) \S{0,80}/\.well-known/)"
)
_METADATA_OF_ORIGIN: Final = re.compile(
    r"(?is)/oauth-protected-resource(?:/\S{0,120})?[^\n]{0,12}\b404\b.{0,600}?"
    r"/oauth-authorization-server(?:/\S{0,120})?[^\n]{0,12}\b200\b"
)
_WANTS_A_SCOPE: Final = re.compile(
    r"(?i)invalid_scope[^\n]{0,60}(?:missing required scope|(?:must|has to) (?:include|contain))"
)
_ASKS_FOR_A_SCOPE: Final = re.compile(
    r"(?i)invalid[_ ]?scope|/authorize|/token|/auth\?|request(?:ed)? scope|regist"
)
_REFRESHES: Final = re.compile(
    r"(?i)(?:token refresh|refresh(?:ing)? (?:the |access |oauth |expired )*token)"
    r"[^\n]{0,50}?(?:http|status|code|failed|fetch token|\()\W{0,2}(?:400|401)\b"
)
# A program that logs in with a client, a key or a token of its own, and no person.
_OF_A_MACHINE: Final = re.compile(
    r"(?i)client[_ ]credentials|service[_ -]?account|service principal|\bterraform|\.tf line \d|\bansible"
    r"|\ba0deploy\b|deploy-cli|machine[- ]to[- ]machine|management api|\bx-api-key\b"
    r"|\bapi[_ -]?(?:key|token)s?\b|--(?:api-)?(?:key|token)\b|github_token|personal access token"
)
_KEY_MISSING: Final = re.compile(
    r"(?i)\b(?:missing|no|without an?|(?:did not|didn't) (?:provide|send) an?) (?:valid )?(?:\w+ )?"
    r"(?:api|secret|access)[ _-]?key\b"
    r"|\bapi[ _-]?key (?:is |was )?(?:missing|required|not (?:set|provided|found|configured))"
)
# In a frame of a stack: the keys of a provider were asked for.
_ASKS_FOR_KEYS: Final = re.compile(r"\b(?:queryKeyStore|Issuer\.keystore|RemoteJWKSet|JwksClient\.\w+)\b")
# A request of the text that has a credential.
_SENT: Final = re.compile(r"(?im)(?:(?:-H|--header)[ =]?|^>\s?)\s*[\"']?authorization: ?\S")
# A server that gives its own fault as the reason, in an address or in JSON.
_SERVER_SAID: Final = re.compile(
    r"(?i)error_description[\"']?\s?[=:]\s?[\"']?[^&\"'\n]{0,60}?(?:\b|%20)(?:"
    r"(?:internal|unexpected|unhandled)(?:[ +_]|%20)(?:server(?:[ +_]|%20))?error|server(?:[ +_]|%20)error\b"
    r"|allowed(?:[ +]|%20)execution(?:[ +]|%20)time|database\b)"
)
_OWN_REPOSITORY: Final = re.compile(r"(?i)\bpermission to ([\w.-]+)/\S+ denied to \1(?![\w-])")
# Where an application takes names and passwords.
_LOGIN_ADDRESS: Final = re.compile(
    r"(?im)(?:/(?:log|sign)[-_]?in(?:\.json)?\b[^\n/?]{0,30}\b401\b"
    r"|\b401\b[^\n]{0,120}/(?:log|sign)[-_]?in(?:\.json)?$)"
)
_NAMES_A_USER: Final = re.compile(
    r"(?im)\bauthenticat(?:ing as|ion failed for user)\b"
    r"|^[^\n]{0,60}\b(?:password|passphrase)(?: for [^\n:]{1,80})?:[ \t]*$"
)
_ASKS_FOR_A_CODE: Final = re.compile(r"(?i)\b(?:otp|passcode|one-time|(?:verification|mfa) code|push sent)\b")

# The proxy of the MCP Inspector asks for its own token at each address but those that it hands on.
_INSPECTOR_HANDS_ON: Final = re.compile(rf"(?i){_LOOPBACK}:6277/(?:mcp|sse|stdio)\b[^\n]{{0,300}}\b401\b")
_INSPECTOR_REFUSES: Final = re.compile(rf"(?i){_LOOPBACK}:6277/(?:config|health)\b[^\n]{{0,80}}\b401\b")
_INSPECTOR: Final = re.compile(
    rf"(?i){_LOOPBACK}:6277\b[^\n]{{0,120}}refused|refused[^\n]{{0,60}}{_LOOPBACK}:6277\b"
)
# A line of the log of a server that a program on its machine asks for a model.
_KEY_HERE: Final = re.compile(
    rf'(?i){_LOOPBACK}(?::\d+)? - [^\n]{{0,60}}"POST /\S*(?:messages|completions|responses)\S*'
    r' http/[\d.]+" 401\b'
)
# Each error of Anthropic's own API has this type.
_KEY_OF_A_GATEWAY: Final = re.compile(
    r"(?i)\bapi error: 401 \{(?!(?s:.{0,300}?)(?:type\W{1,6}error\b|authentication_error))"
)
# Members and addresses that only the API of a model has.
_OF_A_MODEL: Final = re.compile(
    r'(?i)"(?:choices|cost|usage)"\s*:|/chat/completions\b|/v1/messages\b|\bopenrouter\b'
)
_EXCHANGE: Final = (
    r"(?i)\b(?:exchang(?:e|ing)|token (?:request|endpoint)"
    r"|(?:gett?|fetch|obtain|retriev)(?:e|ing)? (?:an? )?access token)\b"
    r"[^\n]{0,60}?(?:http|status|code|failed|error)(?: is)?\W{0,3}"
)
_CLIENT_REFUSED: Final = re.compile(r"(?i)\b(?:exchange|access token response)\b[^\n]{0,60}?\b401\b")
_PROFILE_REFUSED: Final = re.compile(
    r"(?i)\buser ?(?:info|profile)\b(?s:.{0,120}?)\b(?:401\b|bad credentials)"
)
# A program that asks a resource, and fails as it renews the token for it.
_RENEWS: Final = re.compile(
    r"(?i)\b(?:get|post|put|patch|delete) \"?https?://[^\n]{1,300}"
    r": oauth2: (?:cannot fetch token|\"invalid_grant)"
)

_OF_ONE_SENTENCE: Final = (
    ("registration_failed", _FAILS_TO_REGISTER),
    ("authorize_refused", re.compile(r'(?i)"get /\S*authorize\?\S* http/[\d.]+" 400\b')),
    ("metadata_of_origin", _METADATA_OF_ORIGIN),
    ("wanted_scope", _WANTS_A_SCOPE),
    ("refresh_refused", _REFRESHES),
    ("inspector_token", _INSPECTOR_REFUSES),
    ("inspector_handed_on", _INSPECTOR_HANDS_ON),
    ("key_of_a_gateway", _KEY_OF_A_GATEWAY),
    ("inspector", _INSPECTOR),
    ("key_of_a_server_here", _KEY_HERE),
    ("html", re.compile(r"(?i)<!doctype html|<html[\s>]")),
    ("sse_address", re.compile(r"(?is)https?://[^\s\"']{1,200}/sse\b.{0,2000}?\bstreamable ?http error")),
    ("exchange_refused", re.compile(rf"{_EXCHANGE}400\b|\bhttp 400\b[^\n]{{0,40}}\bexchanging\b")),
    ("exchange_blocked", re.compile(rf"{_EXCHANGE}403\b")),
    ("exchange_failed", re.compile(rf"{_EXCHANGE}500\b")),
    ("exchange_denied", re.compile(r"(?i)\btoken (?:request|endpoint|exchange)\b[^\n]{0,60}access_denied")),
    ("key_missing", _KEY_MISSING),
    ("keys_of_the_provider", _ASKS_FOR_KEYS),
    ("profile_refused", _PROFILE_REFUSED),
    ("stored_login", _RENEWS),
    ("login_address", _LOGIN_ADDRESS),
    ("machine", _OF_A_MACHINE),
    ("sent", _SENT),
    ("own_repository", _OWN_REPOSITORY),
    ("server_said", _SERVER_SAID),
    # So long no refusal takes, whatever curl calls it.
    ("waited", re.compile(r"(?i)after (?:[3-9]|\d\d+)\d{3} ms: could(?:n't| not) connect to server")),
    (
        "name_of_a_network",
        re.compile(
            r"(?i)(?:getaddrinfo (?:enotfound|eai_again|eai_noname) |resolve host(?:name)? ?[:'\"]+ ?"
            r"|translate host name \\?\"|dial tcp: lookup |host=')"
            r"(?!(?:localhost|https?|undefined|null|none|your|host|hostname)\b)[a-z][\w-]*(?=[\s'\":;,\\]|$)"
        ),
    ),
    (
        "proxy_elsewhere",
        re.compile(
            r"(?i)unable to access 'https?://(?:[^\s/@]*@)?([\w.-]+)(?=[:/'])[^'\n]*': failed to connect to "
            rf"(?!\1 |{_LOOPBACK} )\S+ port \d"
        ),
    ),
)


def in_its_scene(cause: Cause, text: str, urls: Iterable[Url]) -> Cause:
    """Return what a cause means where the text says that it happened, most often the cause itself."""
    # What an entry of a product says in particular is not general.
    is_general = cause.general or not cause.family
    entries = [one for one in _entries() if cause.name in one.instead_of and one.general <= is_general]
    found = frozenset(_scenes(text, tuple(urls))) if entries else frozenset()
    return next((entry for entry in entries if entry.scene in found), cause)


def _scenes(text: str, urls: tuple[Url, ...]) -> Iterator[str]:
    if all(url.is_loopback for url in urls) and (urls or _POOL_HERE.search(text)):
        yield from ("here", "refused_here")
    if not urls and _AT_HERE.search(text):
        yield "refused_here"
    servers = [list(filter(None, match.groups(""))) for match in _SERVER.finditer(text)]
    if servers and all(
        _PUBLIC.fullmatch(host) and _STANDARD_PORTS.issuperset(port) for host, *port in servers
    ):
        yield "public"
    if urls and not any(url.is_loopback for url in urls) and _REFUSED_HERE.search(text):
        yield "proxy_here"
    yield from _of_a_step(text)
    yield from (scene for scene, pattern in _OF_ONE_SENTENCE if pattern.search(text))
    if _NAMES_A_USER.search(text) and not _ASKS_FOR_A_CODE.search(text):
        yield "user_named"
    if any(map(waits_for_the_browser, text.split("\n"))):
        yield "login_waits"


def _of_a_step(text: str) -> Iterator[str]:
    """Yield what a status means for the step that it is the answer to."""
    refused = _UNAUTHORIZED.search(text) is not None
    asks_for_tokens = _TOKEN_ENDPOINT.search(text) is not None and "refresh" not in text.lower()
    if refused and (asks_for_tokens or _CLIENT_REFUSED.search(text)):
        yield "token_endpoint"
    if asks_for_tokens and re.search(r"\b400\b", text):
        yield "exchange_refused"
    if tried := _REGISTERS.search(text):
        yield "registration_absent" if tried[1] > "403" else "registration_closed"
    if tried := _READS_METADATA.search(text):
        yield "metadata_absent" if "404" in tried.groups() else "metadata_closed"
    if refused and _OF_A_MODEL.search(text):
        yield "key_of_a_model"
    if refused and not _ASKS_FOR_A_SCOPE.search(text):
        yield "refused_scope"
    if any(map("".join, _GATEWAY.findall(text)[-1:])):
        yield "gateway"


@cache
def _entries() -> tuple[Cause, ...]:
    return tuple(cause for cause in client_messages() if cause.scene)
