"""No value of core shows a secret (PK-5): every Struct is filled with canaries and printed.

They are found by walking the modules, so a type that is added tomorrow is held to it, too.
"""

from __future__ import annotations

import ast
import asyncio
import copy
import enum
import functools
import importlib
import inspect
import pkgutil
import sys
import traceback
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import asdict
from rich.pretty import pretty_repr

import authlens_core
import authlens_lab
from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import store_tokens
from authlens_core.desk.session import Session
from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.stage_work import Stored
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.pkce import Pkce
from authlens_core.oauth.token import TokenResponse
from authlens_core.trace.events import Event, ExchangeEnded, StageEnded
from authlens_core.trace.record import Fact, StageRecord, Trace
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body, Secret
from authlens_core.wire.client import Wire
from support.scripted_login import ScriptedSender, come_back, honest

CANARY: Final = "canary-7f3a9b51c2"


# Types whose text is for people or public, by nature: what stands in them never is a secret, and what puts
# it there is tested on its own (the fault walk searches every check, fact and event of every login).
# The emulator plays servers and holds no secret of a person.
APART: Final = ("authlens_lab.emulator",)


def _modules() -> Iterator[types.ModuleType]:
    for package in (authlens_core, authlens_lab):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not info.name.startswith(APART) and not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


def _structs() -> list[type[Struct]]:
    found = {
        member
        for module in _modules()
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, Struct)
        if member.__module__.startswith(("authlens_core", "authlens_lab"))
        and not member.__module__.startswith(APART)
    }
    return sorted(found, key=lambda c: f"{c.__module__}.{c.__qualname__}")


TYPES: Final = _structs()


@functools.cache
def _names(module: str) -> dict[str, Any]:
    """Return what a module imports for the type checker alone: annotations may name it."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    names: dict[str, Any] = {}
    for imported in (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)):
        for alias in imported.names:
            source = importlib.import_module(imported.module or "")
            names[alias.asname or alias.name] = getattr(source, alias.name)
    return names


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith(("authlens_core", "authlens_lab")):
            names |= _names(base.__module__)
    return typing.get_type_hints(kind, localns=names)


def _sealed(kind: Any, depth: int = 0) -> Any:
    """Return a value of a type, as rich as can be, with the canary wherever a secret may stand.

    A plain `str` is public text; a `Secret`, a body, a header value and a query of a URL may hold secrets.
    """
    fixed: dict[Any, Callable[[], Any]] = {
        Secret: lambda: Secret(CANARY),
        Body: lambda: Body(CANARY.encode()),
        Headers: lambda: Headers.of([("Authorization", f"Bearer {CANARY}"), ("Set-Cookie", CANARY)]),
        Request: lambda: Request(
            "POST", f"https://h.example/p?code={CANARY}", _sealed(Headers), Body(CANARY.encode())
        ),
        Response: lambda: Response(200, "OK", _sealed(Headers), Body(CANARY.encode())),
        str: lambda: "public",
        int: lambda: 1,
        float: lambda: 1.0,
        bool: lambda: True,
        bytes: lambda: b"public",
        datetime: lambda: datetime(2026, 1, 1, tzinfo=UTC),
        type(None): lambda: None,
        Any: lambda: None,
        object: object,
    }
    if isinstance(kind, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        return _sealed(kind.__value__, depth)
    try:
        if kind in fixed:
            return fixed[kind]()
    except TypeError:
        return None
    return _composed(kind, depth)


def _composed(kind: Any, depth: int) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        # The member that holds most: a Struct or a secret before text, None last.
        ranked = sorted(arguments, key=lambda a: (a is type(None), a in (str, int, float, bool)))
        return _sealed(ranked[0], depth)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (tuple,):
        inner = [a for a in arguments if a is not Ellipsis]
        return tuple(_sealed(a, depth) for a in inner)
    if origin in (list, set, frozenset):
        return origin([_sealed(arguments[0], depth)]) if arguments else origin()
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {"name": _sealed(arguments[1], depth)} if arguments else {}
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return next(iter(kind), "public")
    if inspect.isclass(kind) and issubclass(kind, Struct) and depth < 8:
        return _filled(kind, depth + 1)
    return None


def _filled(kind: type[Struct], depth: int = 0) -> Any:
    if kind in (Request, Response, Headers):
        return _sealed(kind)
    hints = _hints(kind)
    return kind(**{name: _sealed(hints.get(name, Any), depth) for name in kind.__struct_fields__})


def _printed(value: Any) -> Iterator[tuple[str, str]]:
    """Every way of printing a value that a careless line of code could use."""
    yield "repr", repr(value)
    yield "str", str(value)
    yield "format", f"{value}"
    yield "rich", pretty_repr(value)
    yield "in a container", f"{[value]} {(value,)} { {'k': value} }"
    yield "in an exception", "".join(traceback.format_exception_only(ValueError(value)))


def _has_secret(value: Any) -> bool:
    """Whether the canary is anywhere in the value, so that a test of it could fail."""
    if isinstance(value, Secret):
        return value.reveal() == CANARY
    if isinstance(value, Body):
        return CANARY.encode() in value.reveal()
    if isinstance(value, Headers):
        return any(CANARY in text for _, text in value.fields)
    if isinstance(value, Mapping):
        return any(_has_secret(v) for v in value.values())
    if isinstance(value, (tuple, list, set, frozenset)):
        return any(_has_secret(v) for v in value)
    if isinstance(value, Struct):
        return any(map(_has_secret, asdict(value).values()))
    return isinstance(value, str) and CANARY in value


def test_the_walk_finds_the_types_that_hold_secrets() -> None:
    """A walk that found nothing would prove nothing."""
    entry = {kind for kind in TYPES if _has_secret(_filled(kind))}
    expected = {Exchange, Request, Response, Headers, Facts, Options, StageRecord, Trace, Fact, TokenResponse}
    expected |= {Client, Pkce, GrantSecrets, AuthorizationResponse, ExchangeEnded, StageEnded}
    assert expected <= entry
    assert len(TYPES) > 60


@pytest.mark.parametrize(
    "kind", TYPES, ids=lambda k: f"{k.__module__.removeprefix('authlens_core.')}.{k.__name__}"
)
def test_no_way_of_printing_a_value_shows_what_is_secret_in_it(kind: type[Struct]) -> None:
    """PK-5: repr, str, format, containers and exceptions, for every Struct there is."""
    value = _filled(kind)
    for way, text in _printed(value):
        assert CANARY not in text, way


@pytest.mark.parametrize(
    "kind", TYPES, ids=lambda k: f"{k.__module__.removeprefix('authlens_core.')}.{k.__name__}"
)
def test_a_field_that_is_named_like_a_secret_is_one(kind: type) -> None:
    """A token in a plain `str` is what the walk above could not see."""
    words = ("token", "secret", "verifier", "password", "code", "passphrase")
    harmless = (
        *("endpoint", "type", "expires", "method", "challenge", "status", "name", "has_", "asked", "origin"),
        *("supported", "lifetime", "bytes", "count", "token68", "token_id", "service_tokens"),
    )
    # Codes of errors, and the one code that is made to be read aloud.
    public = {
        ("Check", "error_code"),
        ("Cause", "codes"),
        ("SideResult", "error_code"),
        ("ProxyRefusal", "code"),
        ("DeviceAuthorization", "user_code"),
        ("DeviceCodeReady", "user_code"),
        # Names of credentials that a lesson has.
    }
    for name, hint in _hints(kind).items():
        if (kind.__name__, name) in public:
            continue
        if any(w in name for w in words) and not any(h in name for h in harmless):
            plain = hint in (str, bytes) or set(typing.get_args(hint)) & {str, bytes}
            assert not plain, f"{name}: {hint}"


SECRETS: Final = ("access-canary-1", "refresh-canary-1", "code-canary-1", "secret-canary-1")


async def _session_login() -> tuple[Session, Login, list[Event]]:
    session = Session(Wire(), Credentials.memory())
    events: list[Event] = []
    options = Options(port=0, wait=60, client_id="given", client_secret=Secret("secret-canary-1"))
    keeper = functools.partial(store_tokens, session.credentials)
    login = Login("https://app.example/mcp", ScriptedSender(honest()), options=options, keeper=keeper)
    login.watch(events.append)
    login.watch(come_back(login))
    await login.run_all()
    assert login.finished
    return session, login, events


def _everything(login: Login) -> set[str]:
    facts = login.facts
    assert facts.pkce is not None
    return {*SECRETS, facts.pkce.code_verifier.reveal()}


async def test_what_a_login_leaves_shows_no_secret_however_it_is_printed() -> None:
    session, login, events = await _session_login()
    secrets = _everything(login)
    [grant] = session.credentials.list()
    loaded = await session.credentials.load(grant.grant_id)
    values: list[object] = [session, login, login.trace, login.facts, *events, *loaded, vars(login)]
    values += [session.credentials, session.credentials.store, session.credentials.index, login.wait]
    for value in values:
        for way, text in _printed(value):
            assert not [s for s in secrets if s in text], (way, type(value))
    for name, field in asdict(login.facts).items():
        text = f"{field!r} {vars(field) if hasattr(field, '__dict__') else ''}"
        assert not [s for s in secrets if s in text], name
    await login.aclose()
    await session.aclose()


async def test_a_secret_is_neither_copied_nor_written() -> None:
    session, login, _ = await _session_login()
    with pytest.raises(TypeError, match="never pickled or copied"):
        copy.deepcopy(login.facts)
    with pytest.raises(TypeError, match="Secret is unsupported"):
        msgspec.json.encode(login.facts.pkce)
    await login.aclose()
    await session.aclose()


class _Crash(Exception):
    """A mistake of ours, in the middle of things."""


@pytest.mark.parametrize(
    "place", ["/.well-known/oauth-authorization-server", "/register", "/token", "/mcp", "keeper", "watcher"]
)
async def test_a_crash_shows_no_secret_with_all_local_variables(place: str) -> None:
    """Textual prints the locals of every frame; whatever they are, no secret is among them."""

    async def crash(request: Request) -> None:
        late = place != "/mcp" or request.headers.get("authorization") is not None
        if request.url.endswith(place) and late:
            raise _Crash

    async def keep(facts: Facts) -> Stored:
        if place == "keeper":
            raise _Crash
        return Stored()

    def watch(event: Event) -> None:
        if place == "watcher" and isinstance(event, ExchangeEnded) and "/token" in event.exchange.request.url:
            raise _Crash

    options = Options(port=0, wait=60, client_secret=Secret("secret-canary-1"))
    sender = ScriptedSender(honest(), before=crash)
    login = Login("https://app.example/mcp", sender, options=options, keeper=keep)
    login.watch(watch)
    login.watch(come_back(login))
    try:
        with pytest.raises(_Crash) as caught:
            await login.run_all()
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        lines = [line for line in frames.format() if "/authlens_core/" in line]
        assert len(lines) >= 3
        verifier = login.facts.pkce.code_verifier.reveal() if login.facts.pkce else "no-verifier-yet"
        shown = "".join(lines)
        assert not [s for s in (*SECRETS, verifier) if s in shown]
    finally:
        await login.aclose()
        await asyncio.sleep(0)
