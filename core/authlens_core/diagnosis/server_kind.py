"""Which product an authorization server is, and where its owner sets what a login needs.

The table is `words/servers.toml`. Nothing is guessed: a server that shows no mark of a product is `OTHER`,
and gets plain words of OAuth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from authlens_core.values.exchange import Exchange
from authlens_core.values.fix import Fix, cure_in, fix, mapped


class ServerKind(StrEnum):
    """A product that is recognised."""

    ACCESS = "access"
    ENTRA = "entra"
    COGNITO = "cognito"
    AUTH0 = "auth0"
    OKTA = "okta"
    KEYCLOAK = "keycloak"
    GOOGLE = "google"
    GITHUB = "github"
    GITLAB = "gitlab"
    PING = "ping"
    ZITADEL = "zitadel"
    AUTHENTIK = "authentik"
    AUTHKIT = "authkit"
    OTHER = "other"


class ServerWords(Struct, frozen=True, kw_only=True):
    """What is known of a kind. What the owner has to do follows "Ask the owner to", without a full stop.

    Attributes:
        kind: which it is.
        name: of the product; "the authorization server" where it is not known.
        sources: where that is written.
        redirect_uri: allow a redirect URI.
        registration: let clients register themselves, or register one.
        client: make a client that a program on this machine can use.
        scope: let the client have a scope, with consent.
        resource: let tokens be issued for a resource; `audience` at some.
        account: let the user in.
        lifetime: let a grant last longer.
        sessions: end the user's sessions.
        sign_out: what the user does to sign in as someone else, an imperative.
        page: what the browser shows where it does not come back because of the redirect URI.
        errors: what its errors look like, a sentence.
    """

    kind: ServerKind
    name: str
    sources: tuple[str, ...]
    redirect_uri: str
    registration: str
    client: str
    scope: str
    resource: str
    no_resource: Fix
    audience: Fix
    account: str
    lifetime: str
    sessions: str
    sign_out: str
    page: str
    errors: str

    def fill(self, text: str) -> str:
        """Return `text` with each `{redirect_uri}` and the like in the words of this kind."""
        for name in SETTINGS if "{" in text else ():
            text = text.replace(f"{{{name}}}", getattr(self, name))
        return text

    def fill_fix(self, cure: str | Fix) -> str | Fix:
        """Return a fix with the words of this kind; `{audience}` and `{no_resource}` are steps of it."""
        if isinstance(cure, str):
            return self.fill(cure)
        steps = {"{no_resource}": self.no_resource, "{audience}": self.audience}
        filled = fix(*(steps.get(step.words) or Fix((step,)) for step in cure.steps), ways=cure.ways)
        return mapped(filled, self.fill)


# The attributes that are steps of a fix.
STEPS: Final = ("no_resource", "audience")
# The attributes that a sentence may name.
SETTINGS: Final = tuple(
    name for name in ServerWords.__struct_fields__ if name not in ("kind", "sources", *STEPS)
)
# What says how a kind is recognised, and nothing to a user.
MARKS: Final = ("hosts", "fields", "paths", "said")
_POINTERS: Final = ("location", "www-authenticate")
_URL: Final = re.compile(r"https?://[^\s\"',<>]+")


@cache
def server_words(kind: ServerKind) -> ServerWords:

    entry = {**_table()[ServerKind.OTHER], **_table()[kind]}
    entry |= {name: fix(cure_in([entry[name]])) for name in STEPS}
    return ServerWords(kind=kind, **{name: text for name, text in entry.items() if name not in MARKS})


def server_kind(urls: Iterable[str] = (), fields: Iterable[str] = (), text: str = "") -> ServerKind:
    """Return which product a server is; `OTHER` where it shows no mark of one.

    Args:
        urls: its issuer and its endpoints, and where an answer of the resource points.
        fields: the names of the header fields of its answers.
        text: what it says in its errors, or a text that a user pasted.
    """
    addresses = list(filter(None, map(_split, urls)))
    names = {field.lower() for field in fields}
    text = text.lower()
    rules: tuple[Callable[[Mapping[str, Any]], bool], ...] = (
        lambda marks: any(_is_host(address.hostname or "", marks.get("hosts", ())) for address in addresses),
        lambda marks: not names.isdisjoint(marks.get("fields", ())),
        lambda marks: any(
            fragment in address.path for address in addresses for fragment in marks.get("paths", ())
        ),
        lambda marks: any(phrase in text for phrase in marks.get("said", ())),
    )
    for rule in rules:
        for kind in ServerKind:
            if rule(_table()[kind]):
                return kind
    return ServerKind.OTHER


def kind_in(exchanges: Sequence[Exchange], text: str = "") -> ServerKind:
    """Return which product answered in `exchanges`, by header fields, addresses and `text`.

    A body is not looked at: any page may name a product.
    """
    answers = [exchange.response for exchange in exchanges if exchange.response is not None]
    fields = [pair for answer in answers for pair in answer.headers.fields]
    requested = [exchange.request.url for exchange in exchanges]
    pointed = [url for name, value in fields if name.lower() in _POINTERS for url in _URL.findall(value)]
    challenges = " ".join(value for name, value in fields if name.lower() in _POINTERS)
    return server_kind((*requested, *pointed), (name for name, _value in fields), f"{text} {challenges}")


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    from authlens_core.values.word_files import words  # a login without a failure needs none of them

    return words("servers")


def _split(url: str) -> SplitResult | None:
    try:
        address = urlsplit(url)
        return address if address.hostname else None
    except ValueError:
        return None


def _is_host(host: str, names: Iterable[str]) -> bool:
    """Return whether `host` is one of `names`, or below one that begins with a dot: whole labels only."""
    return any(host.endswith(name) if name.startswith(".") else host == name for name in names)
