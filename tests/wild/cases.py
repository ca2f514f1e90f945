"""Hostile and broken servers, one knob a case: what is changed, and where the login has to end.

Each case runs at three levels: the engine (`test_login_matrix`), the command line
(`test_command_line_matrix`) and the app in a terminal (`test_screen_matrix`). What holds after each:

* A1: a stage, a cause, what to do, and an exit code of its own.
* A2: what the earlier stages learned is still there.
* A3: no secret in anything shown or stored in a file, and none at a stranger.
* A4: it ended in time and left no task, no process and no port behind.
* A5: nothing shown has a control character.
* A6: with an honest server afterwards, the same login succeeds.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from authlens_core.trace.record import Stage
from support.wild_server import (
    Change,
    Place,
    body,
    cut_off,
    document,
    header,
    member,
    raw,
    silent,
    status,
    trickle,
    without,
    without_header,
)

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J[bold]\u202egnp\u2066"
LONG = "x" * 60_000


@dataclass(frozen=True)
class Case:
    """One knob.

    Attributes:
        name: the rows of docs/internals/hostile-servers.md, and what is special.
        place: which answer is changed.
        change: how.
        stops: the stage that fails; None if the login has to succeed all the same.
    """

    name: str
    place: Place
    change: Change
    stops: Stage | None

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"

    @property
    def never_ends(self) -> bool:
        """Whether only the deadline ends it."""
        return self.change in (silent, trickle)


def _everywhere() -> Iterator[Case]:
    """Yield what every place may answer."""
    ends = {
        Place.PROBE: Stage.DETECTION,
        Place.RESOURCE_METADATA: Stage.RESOURCE_METADATA,
        Place.SERVER_METADATA: Stage.SERVER_METADATA,
        Place.REGISTRATION: Stage.REGISTRATION,
        Place.TOKEN: Stage.EXCHANGE,
        Place.ACCESS: Stage.ACCESS,
    }
    changes: dict[str, Change] = {
        "H158 garbage": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        "H158 binary": raw(bytes(range(256)) * 4),
        "H158 HTTP/0.9": raw(b"<html>hello</html>\r\n\r\n"),
        "H158 two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "H158 field without a colon": raw(b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n"),
        "H158 nothing": cut_off(0),
        "H158 half a status line": cut_off(7),
        "H158 half a header": cut_off(30),
        "silence": silent,
        "trickle": trickle,
        "too many fields": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000 + b"\r\n"),
        "a field without end": raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"),
    }
    for place, stage in ends.items():
        for name, change in changes.items():
            # A status that came is proof enough at the resource, however long its header is.
            lasts = place is Place.ACCESS and name == "too many fields"
            yield Case(name, place, change, None if lasts else stage)
        if place not in (Place.PROBE, Place.ACCESS):
            yield Case("status 500", place, status(500), stage)
        if place is not Place.PROBE:
            yield Case("status 403", place, status(403), stage)
            yield Case("redirect", place, _redirect, stage)


def _both(one: Change, other: Change) -> Change:
    return lambda answer: other(one(answer))


def _redirect(answer: Any) -> Any:
    return header("Location", "{stranger}/here")(replace(answer, status=302))


def _documents() -> Iterator[Case]:
    """Yield documents that are not what they should be, at the four places that answer with one."""
    ends = {
        Place.RESOURCE_METADATA: Stage.RESOURCE_METADATA,
        Place.SERVER_METADATA: Stage.SERVER_METADATA,
        Place.REGISTRATION: Stage.REGISTRATION,
        Place.TOKEN: Stage.EXCHANGE,
    }
    bodies: dict[str, bytes] = {
        "empty": b"",
        "a list": b"[]",
        "null": b"null",
        "text": b'"x"',
        "cut": b'{"issuer": "x',
        "H023 UTF-16": '{"a": 1}'.encode("utf-16"),
        "H023 not UTF-8": b'{"a": "\xff"}',
        "H050 NaN": b'{"a": NaN}',
        "H050 deep": b'{"a":' * 200 + b"1" + b"}" * 200,
        "H050 many members": json.dumps({f"m{n}": n for n in range(20_000)}).encode(),
        "H050 a number of 5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
        "H051 a key twice": b'{"token_endpoint": "a", "token_endpoint": "b"}',
        "a page": b"<!doctype html><title>Sign in</title>",
        "too long": b'{"a": "' + b"x" * 400_000 + b'"}',
    }
    for place, stage in ends.items():
        for name, data in bodies.items():
            yield Case(name, place, body(data), stage)
        yield Case("hostile unknown member", place, member("note", HOSTILE), None)
        yield Case("long unknown member", place, member("note", LONG), None)


RESOURCE, SERVER, REGISTER = Place.RESOURCE_METADATA, Place.SERVER_METADATA, Place.REGISTRATION
TOKEN, CALLBACK, PROBE, ACCESS = Place.TOKEN, Place.CALLBACK, Place.PROBE, Place.ACCESS
BAD_TOKENS: tuple[object, ...] = ("", "a b", "a\r\nX: y", "é", 7, [], None, "t" * 20_000, HOSTILE)
BAD_LISTS: tuple[object, ...] = (None, [], ["plain"], ["s256"], 7)
LIFETIMES: tuple[object, ...] = ("60", -1, 0, 10**15, 1.5, "soon", [], None)

SINGLE = (
    Case("H001 200", PROBE, status(200), None),
    Case("H003 Basic", PROBE, header("WWW-Authenticate", 'Basic realm="x"'), None),
    Case("H002 no challenge", PROBE, without_header("WWW-Authenticate"), None),
    Case(
        "H005 to a stranger",
        PROBE,
        lambda a: without_header("WWW-Authenticate")(_redirect(a)),
        Stage.DETECTION,
    ),
    Case("H005 with a challenge", PROBE, _redirect, None),
    Case("H013 empty", PROBE, header("WWW-Authenticate", 'Bearer resource_metadata=""'), Stage.DETECTION),
    Case(
        "H013 file",
        PROBE,
        header("WWW-Authenticate", 'Bearer resource_metadata="file:///x"'),
        Stage.DETECTION,
    ),
    Case(
        "H013 user info",
        PROBE,
        header("WWW-Authenticate", 'Bearer resource_metadata="https://a@b/"'),
        Stage.DETECTION,
    ),
    Case(
        "H013 relative", PROBE, header("WWW-Authenticate", 'Bearer resource_metadata="/x"'), Stage.DETECTION
    ),
    Case(
        "H009 two URLs",
        PROBE,
        header(
            "WWW-Authenticate",
            'Bearer resource_metadata="{server}/a", Bearer resource_metadata="{server}/b"',
        ),
        Stage.DETECTION,
    ),
    Case(
        "H010 twice",
        PROBE,
        header("WWW-Authenticate", 'Bearer resource_metadata="{server}/a", resource_metadata="{server}/b"'),
        Stage.DETECTION,
    ),
    Case(
        "H010 twice beside a good one",
        PROBE,
        header(
            "WWW-Authenticate",
            'Bearer resource_metadata="{server}/.well-known/oauth-protected-resource/api", '
            'Bearer resource_metadata="{server}/a", resource_metadata="{server}/b"',
        ),
        Stage.DETECTION,
    ),
    Case(
        "H010 twice the same",
        PROBE,
        header("WWW-Authenticate", 'Bearer resource_metadata="{server}/a", resource_metadata="{server}/a"'),
        None,
    ),
    Case(
        "H014 stranger",
        PROBE,
        header("WWW-Authenticate", 'Bearer resource_metadata="{stranger}/m"'),
        Stage.DETECTION,
    ),
    Case(
        "H011 many challenges",
        PROBE,
        header("WWW-Authenticate", ", ".join(f'Basic realm="{n}"' for n in range(200))),
        Stage.DETECTION,
    ),
    Case("H022 HTML", RESOURCE, header("Content-Type", "text/html"), Stage.RESOURCE_METADATA),
    Case("H025 sibling", RESOURCE, member("resource", "{server}/ap"), Stage.RESOURCE_METADATA),
    Case("H025 longer", RESOURCE, member("resource", "{server}/api/x"), Stage.RESOURCE_METADATA),
    Case("H026 origin", RESOURCE, member("resource", "{server}"), None),
    Case("H027 slash", RESOURCE, member("resource", "{server}/api/"), Stage.RESOURCE_METADATA),
    Case("H027 stranger", RESOURCE, member("resource", "{stranger}/api"), Stage.RESOURCE_METADATA),
    Case("no resource", RESOURCE, without("resource"), Stage.RESOURCE_METADATA),
    Case("no servers", RESOURCE, without("authorization_servers"), Stage.RESOURCE_METADATA),
    Case("servers is empty", RESOURCE, member("authorization_servers", []), Stage.RESOURCE_METADATA),
    Case("servers is text", RESOURCE, member("authorization_servers", "{server}"), Stage.RESOURCE_METADATA),
    Case("H030 query", RESOURCE, member("authorization_servers", ["{server}?a=b"]), Stage.RESOURCE_METADATA),
    Case(
        "H030 user info", RESOURCE, member("authorization_servers", ["https://a@b"]), Stage.RESOURCE_METADATA
    ),
    Case("H031 no header", RESOURCE, member("bearer_methods_supported", ["body"]), Stage.RESOURCE_METADATA),
    Case("H033 name", RESOURCE, member("resource_name", HOSTILE), None),
    Case("H035 206", RESOURCE, status(206), Stage.RESOURCE_METADATA),
    Case("H037 stranger", SERVER, member("issuer", "{stranger}"), Stage.SERVER_METADATA),
    Case("H037 slash", SERVER, member("issuer", "{server}/"), Stage.SERVER_METADATA),
    Case("H037 missing", SERVER, without("issuer"), Stage.SERVER_METADATA),
    Case("H037 list", SERVER, member("issuer", ["{server}"]), Stage.SERVER_METADATA),
    *(
        Case(f"H042 token_endpoint {value!r}", SERVER, member("token_endpoint", value), Stage.SERVER_METADATA)
        for value in (None, 7, False, "/token", "javascript:x", "https://h/#f", "https://a@b/", HOSTILE)
    ),
    *(
        Case(
            f"authorization_endpoint {value!r}",
            SERVER,
            member("authorization_endpoint", value),
            Stage.SERVER_METADATA,
        )
        for value in (None, 7, "/authorize", "file:///etc/passwd", "https://h/#f", "-x", HOSTILE)
    ),
    *(
        Case(
            f"H045 S256 {value!r}",
            SERVER,
            member("code_challenge_methods_supported", value),
            Stage.SERVER_METADATA,
        )
        for value in BAD_LISTS
    ),
    Case("H046 none", SERVER, member("token_endpoint_auth_methods_supported", ["client_secret_basic"]), None),
    *(
        Case(
            f"H428 required with {value!r}",
            SERVER,
            _both(
                member("require_pushed_authorization_requests", True),
                member("pushed_authorization_request_endpoint", value),
            ),
            Stage.SERVER_METADATA,
        )
        for value in (None, "/par", "ftp://h/par", "https://h/par#f", 7, HOSTILE)
    ),
    Case("pushing is optional", SERVER, member("pushed_authorization_request_endpoint", "/par"), None),
    Case("H048 modes", SERVER, member("response_modes_supported", ["fragment"]), None),
    Case("no registration", SERVER, without("registration_endpoint"), Stage.SERVER_METADATA),
    Case("no client_id", REGISTER, without("client_id"), Stage.REGISTRATION),
    Case("client_id is a number", REGISTER, member("client_id", 7), Stage.REGISTRATION),
    Case("H053 redirect", REGISTER, member("redirect_uris", ["{stranger}/cb"]), Stage.REGISTRATION),
    Case("200 for 201", REGISTER, status(200), None),
    Case("H061 issuer", REGISTER, member("issuer", "{stranger}"), None),
    Case(
        "H079 code twice",
        CALLBACK,
        lambda a: replace(a, fields=(*a.fields, ("code", "b"))),
        Stage.AUTHORIZATION,
    ),
    Case(
        "H079 iss twice",
        CALLBACK,
        lambda a: replace(a, fields=(*a.fields, ("iss", "b"))),
        Stage.AUTHORIZATION,
    ),
    Case("H079 code and error", CALLBACK, header("error", "access_denied"), Stage.AUTHORIZATION),
    Case("H078 iss", CALLBACK, header("iss", "{stranger}"), Stage.AUTHORIZATION),
    Case("H078 no iss", CALLBACK, without_header("iss"), Stage.AUTHORIZATION),
    Case("H090 encoding", CALLBACK, header("code", "%ff"), Stage.AUTHORIZATION),
    Case("H091 long code", CALLBACK, header("code", "c" * 9_000), Stage.AUTHORIZATION),
    Case("H105 type", TOKEN, member("token_type", "MAC"), Stage.EXCHANGE),
    Case("no type", TOKEN, without("token_type"), None),
    Case("no token", TOKEN, without("access_token"), Stage.EXCHANGE),
    *(
        Case(f"access_token {str(value)[:12]!r}", TOKEN, member("access_token", value), Stage.EXCHANGE)
        for value in BAD_TOKENS
    ),
    Case("H111 another resource", TOKEN, member("resource", "{stranger}/"), Stage.EXCHANGE),
    *(Case(f"H106 expires_in {value!r}", TOKEN, member("expires_in", value), None) for value in LIFETIMES),
    Case("scope is a list", TOKEN, member("scope", ["a"]), None),
    Case("error in a success", TOKEN, member("error", "invalid_grant"), Stage.EXCHANGE),
    Case(
        "H101 code refused",
        TOKEN,
        lambda a: document({"error": "invalid_grant"})(status(400)(a)),
        Stage.EXCHANGE,
    ),
    Case(
        "hostile refusal",
        TOKEN,
        lambda a: document({"error": "invalid_grant", "error_description": HOSTILE})(status(400)(a)),
        Stage.EXCHANGE,
    ),
    Case("H115 refused at the end", ACCESS, status(401), Stage.ACCESS),
    Case("hostile page", ACCESS, body(HOSTILE.encode()), None),
    Case("a megabyte", ACCESS, body(b"x" * 1_500_000), None),
)
CASES = (*_everywhere(), *_documents(), *SINGLE)


def choice(every: int) -> tuple[Case, ...]:
    """Return one case of `every`, so many that each place and each kind of change is there.

    With AUTHLENS_WILD=all, every case.
    """
    return tuple(
        case
        for number, case in enumerate(CASES)
        if os.environ.get("AUTHLENS_WILD") == "all"
        or number % every == 0
        or "hostile" in case.name
        or case.place is Place.CALLBACK
    )
