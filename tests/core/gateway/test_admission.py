"""Which requests reach the resource: by their place, by their sender, and without what is not theirs."""

import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from authlens_core.gateway.forwarding import Mapping, ResourceCookies, response_fields
from authlens_core.values.url import parse_url
from support.served_proxy import RawUpstream, ServedProxy, raw_upstream, served_proxy
from support.two_readings import PLACE_FIELDS, both_readings
from support.waiting import PATIENCE

MAPPING = Mapping(parse_url("https://app.example/"), "http://127.0.0.1:8080", "/s3cret")


@pytest.fixture
async def resource() -> AsyncIterator[RawUpstream]:
    """A resource that remembers every byte."""
    async with raw_upstream() as running:
        yield running


def get(proxy: ServedProxy, path: str, *fields: str, method: str = "GET", host: str = "") -> bytes:
    """Return a request."""
    lines = (
        f"{method} {path} HTTP/1.1",
        f"Host: {host or proxy.netloc}",
        *fields,
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("latin-1")


async def test_a_proxy_serves_what_it_was_given_although_the_credential_is_for_more(
    resource: RawUpstream,
) -> None:
    """H380: by whole segments; and the command that the refusal names serves the rest."""
    async with served_proxy(f"{resource.url}/app", granted=f"{resource.url}/") as proxy:
        for path in ("/app", "/app/", "/app/x?y=/z"):
            assert (await proxy.ask(get(proxy, proxy.path + path))).startswith(b"HTTP/1.1 200 ")
        for path in ("/", "/apple", "/admin", "/app/../admin", "/app/%2e%2e/admin"):
            (refused,) = both_readings(await proxy.ask(get(proxy, proxy.path + path)))
            facts = json.loads(refused.body)
            assert (refused.target, facts["error"]) == (b"403", "not_served"), path
    assert len([one for stream in resource.streams for one in both_readings(bytes(stream))]) == 3
    verb, wider = shlex.split(facts["command"])[1:]
    assert verb == "proxy"
    async with served_proxy(wider, granted=f"{resource.url}/") as proxy:
        assert (await proxy.ask(get(proxy, f"{proxy.path}/admin"))).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("field", "status"),
    [
        *(("Destination: {base}/app/copy", 200), ("Destination: {prefix}/app/copy", 200)),
        *(("Destination: {base}/admin", 403), ("Destination: {prefix}/app/../admin", 403)),
        *(("Destination: {resource}/app/copy", 200), ("Destination: {resource}/admin", 403)),
        *(("Destination: /admin", 403), ("Destination: https://evil.example/app/x", 403)),
        *(("Destination:", 403), ("X-Original-URL: /app/x?y", 200), ("X-Original-URL: /admin", 403)),
        *(("X-Rewrite-URL: /admin?/app/x", 403), ("x_rewrite_url: /admin", 403)),
        ("X-Original-URL: /.well-known/oauth-x", 404),
    ],
)
async def test_no_field_leads_to_a_place_that_is_not_served(
    field: str, status: int, resource: RawUpstream
) -> None:
    """H470: where WebDAV copies to, and what some servers read instead of the path."""
    async with served_proxy(f"{resource.url}/app", granted=f"{resource.url}/") as proxy:
        values = {"base": proxy.base, "prefix": proxy.path, "resource": resource.url}
        asked = get(proxy, f"{proxy.path}/app/a", field.format_map(values), method="COPY")
        assert (await proxy.ask(asked)).startswith(f"HTTP/1.1 {status} ".encode())
    assert bool(resource.streams) is (status == 200)
    assert not any(b"secret-path" in stream for stream in resource.streams)


@pytest.mark.parametrize("name", PLACE_FIELDS)
async def test_a_field_that_some_servers_read_the_path_from_leads_nowhere_else(
    name: str, resource: RawUpstream
) -> None:
    """By the form of the name: the lists of servers and gateways differ, and grow."""
    async with served_proxy(f"{resource.url}/app", granted=f"{resource.url}/app") as proxy:
        received = await proxy.ask(get(proxy, f"{proxy.path}/app/a", f"{name}: /admin"))
    assert received.startswith(b"HTTP/1.1 403 ")
    assert resource.streams == []


@pytest.mark.parametrize(
    "field", ["X-HTTP-Method-Override: TRACE", "X_HTTP_Method: trace", "X-Method-Override: GET, Track"]
)
async def test_no_field_makes_a_request_one_that_is_repeated(field: str, resource: RawUpstream) -> None:
    """H371: also by a name or a list that only some servers read so."""
    async with served_proxy(resource.url) as proxy:
        received = await proxy.ask(get(proxy, f"{proxy.path}/a", field, method="POST"))
    assert received.startswith(b"HTTP/1.1 405 ")
    assert resource.streams == []


@pytest.mark.parametrize("target", ["GET http://app.example/a", "CONNECT app.example:443"])
async def test_a_client_that_takes_it_for_its_http_proxy_is_told(target: str, resource: RawUpstream) -> None:
    async with served_proxy(resource.url) as proxy:
        received = await proxy.ask(f"{target} HTTP/1.1\r\nHost: app.example\r\n\r\n".encode())
    assert b"it is no HTTP proxy" in received
    assert resource.streams == []


async def test_what_the_credential_is_not_for_names_the_login(resource: RawUpstream) -> None:
    """H380: another proxy would not help there."""
    async with served_proxy(f"{resource.url}/app") as proxy:
        (refused,) = both_readings(await proxy.ask(get(proxy, f"{proxy.path}/admin")))
        facts = json.loads(refused.body)
        assert (facts["error"], facts["command"]) == ("not_covered", f"authlens login {resource.url}/admin")
        (refused,) = both_readings(await proxy.ask(get(proxy, f"{proxy.path}/app/%2e%2e/admin")))
        assert json.loads(refused.body)["error"] == "not_covered"
        (refused,) = both_readings(await proxy.ask(get(proxy, f"{proxy.path}/app/..;/admin")))
        facts = json.loads(refused.body)
        # A login for such a path is for that path alone.
        assert ("Write it without //" in facts["cure"], "command" in facts) == (True, False)
    assert resource.streams == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), 200),
        (("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), 200),
        (("User-Agent: curl/8",), 200),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1"), 403),
        (("Sec-Fetch-Site: same-site",), 403),
        (("Sec-Fetch-Site: SAME-ORIGIN",), 403),
        (("Sec-Fetch-Site:",), 403),
        (("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"), 403),
        (("Origin: {origin}", "Sec-Fetch-Site: cross-site"), 403),
        (("Origin: {origin}",), 200),
        (("Origin: {origin}", "Origin: https://evil.example"), 403),
        (("Origin: null",), 403),
        (("Origin: null", "Sec-Fetch-Site: none"), 403),
        (("Origin: null", "Sec-Fetch-Site: cross-site"), 403),
        (("Origin: null", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"), 403),
        (("Origin: null", "Sec-Fetch-Site: same-origin"), 200),
        (("Origin: http://localhost:80",), 403),
        (("Service-Worker: script", "Sec-Fetch-Site: same-origin"), 403),
        (("Service-Worker: x",), 403),
        (("Sec-Fetch-Dest: serviceworker",), 403),
        (("Origin: https://evil.example", "Access-Control-Request-Private-Network: true"), 403),
    ],
)
async def test_only_the_user_and_the_resources_own_pages_are_let_in_from_a_browser(
    fields: tuple[str, ...], status: int, resource: RawUpstream
) -> None:
    """H375: and programs that are no browsers, which send none of these fields."""
    async with served_proxy(resource.url) as proxy:
        given = [field.replace("{origin}", proxy.origin) for field in fields]
        received = await proxy.ask(get(proxy, f"{proxy.path}/a", *given))
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert bool(resource.streams) is (status == 200)
    assert (b'"cure": "' in received) is (status == 403)
    assert b"access-control-" not in received.lower()


@pytest.mark.parametrize("path", ["/a", "/.well-known/oauth-x"])
async def test_every_answer_keeps_the_secret_path_from_other_sites(path: str, resource: RawUpstream) -> None:
    """H376: the proxy's own and those of the resource, whatever it says itself."""
    resource.answers = [b"HTTP/1.1 200 OK\r\nReferrer-Policy: unsafe-url\r\nContent-Length: 0\r\n\r\n"]
    async with served_proxy(resource.url) as proxy:
        (received,) = both_readings(await proxy.ask(get(proxy, proxy.path + path)))
    assert received.all_of(b"referrer-policy") == [b"same-origin"]


KEEPS = (
    (b"Content-Type", b"text/html"),
    (b"Cache-Control", b"no-store"),
    (b"Content-Security-Policy", b"default-src 'self'"),
    (b"X-Frame-Options", b"DENY"),
    (b"Refresh", b"5"),
)


@pytest.mark.parametrize(
    "field",
    [
        *("Service-Worker-Allowed: /", 'Clear-Site-Data: "*"', "Strict-Transport-Security: max-age=1"),
        *('Alt-Svc: h3=":443"', "NEL: {}", "Report-To: {}", 'Reporting-Endpoints: a="https://evil.example/"'),
        *("Content-Security-Policy-Report-Only: report-uri https://evil.example/", "Public-Key-Pins: x"),
        *("Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"),
        *("Access-Control-Allow-Private-Network: true", "Timing-Allow-Origin: *", "Expect-CT: x"),
        *("Refresh: 0;url=https://evil.example/", "Refresh: 0; https://evil.example/", "Upgrade: h2c"),
        *("WWW-Authenticate: Bearer", "Proxy-Authenticate: Basic", "Keep-Alive: timeout=5", "Trailer: X"),
    ],
)
def test_what_a_browser_would_remember_for_this_address_does_not_pass(field: str) -> None:
    """H377: the port may be another resource's tomorrow."""
    name, _, value = field.partition(": ")
    given = (*KEEPS, (name.encode(), value.encode()))
    passed = list(response_fields(given, MAPPING, ResourceCookies()))
    assert passed[: len(KEEPS)] == list(KEEPS)
    assert name.encode() not in [found for found, found_value in passed[len(KEEPS) :]]


def test_a_policy_of_the_page_stays_and_tells_no_one() -> None:
    """H376: a report has the address of the page in it."""
    policy = b"default-src 'self'; report-uri https://evil.example/; REPORT-TO a; img-src *"
    passed = dict(response_fields([(b"content-security-policy", policy)], MAPPING, ResourceCookies()))
    assert passed[b"content-security-policy"] == b"default-src 'self'; img-src *"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("a=b", "a=b; Path=/s3cret/; SameSite=Strict"),
        ("a = b ; Path=/x; HttpOnly", "a=b; HttpOnly; Path=/s3cret/x; SameSite=Strict"),
        (
            "a=b; Domain=app.example; Secure; Partitioned; Max-Age=5",
            "a=b; Max-Age=5; Path=/s3cret/; SameSite=Strict",
        ),
        ("a=b; SameSite=None; Path=x; Path", "a=b; Path=/s3cret/; SameSite=Strict"),
        ("a=b; path=/x; PATH=/y", "a=b; Path=/s3cret/y; SameSite=Strict"),
        ("__Host-a=b; Secure; Path=/", "authlens__Host-a=b; Path=/s3cret/; SameSite=Strict"),
        ("__secure-a=b; Secure; HttpOnly", "authlens__secure-a=b; HttpOnly; Path=/s3cret/; SameSite=Strict"),
        ("CF_Authorization=jwt", None),
        (" cf_appsession = x", None),
        ("a=" + "b" * 5000, None),
    ],
)
def test_a_cookie_of_the_resource_is_for_this_proxy_alone(given: str, stored: str | None) -> None:
    """H378: no domain, below the secret path, and never sent by a page of another site."""
    found = ResourceCookies().for_client(given.encode(), MAPPING)
    assert found == (None if stored is None else stored.encode())


def test_only_cookies_that_the_resource_has_set_go_to_it() -> None:
    """H378: by name and value; those of Access and of other programs stay here."""
    cookies = ResourceCookies()
    cookies.for_client(b"a=b; Path=/", MAPPING)
    cookies.for_client(b"a=c", MAPPING)
    assert cookies.for_resource(b"x=y; a=b; a=planted; CF_Authorization=jwt; a=c; d", MAPPING) == b"a=b; a=c"
    cookies.for_client(b"__Host-a=b; Path=/; Secure", MAPPING)
    assert (
        cookies.for_resource(b"authlens__Host-a=b; __Host-a=b; authlens__Host-a=x", MAPPING) == b"__Host-a=b"
    )
    assert cookies.for_resource(b"x=y", MAPPING) == b""
    assert ResourceCookies().for_resource(b"a=b", MAPPING) == b""
    on_a_socket = Mapping(MAPPING.upstream)
    assert cookies.for_resource(b"x=y; CF_Authorization=jwt", on_a_socket) == b"x=y"


async def test_cookies_that_no_one_may_send_are_not_sent(resource: RawUpstream) -> None:
    """H378: the field is left out where nothing of it remains."""
    resource.answers = [b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"]
    async with served_proxy(resource.url) as proxy:
        for sent in ("Cookie: other=1", "Cookie: other=1; a=b"):
            await proxy.ask(get(proxy, f"{proxy.path}/a", sent))
    seen = [one.all_of(b"cookie") for stream in resource.streams for one in both_readings(bytes(stream))]
    assert seen == [[], [b"a=b"]]


async def test_hops_are_counted(resource: RawUpstream) -> None:
    """RFC 9110 §7.6.2; with none left the proxy answers an OPTIONS itself."""
    async with served_proxy(resource.url) as proxy:
        for hops in ("3", "0"):
            asked = get(proxy, f"{proxy.path}/a", f"Max-Forwards: {hops}").replace(b"GET", b"OPTIONS", 1)
            assert (await proxy.ask(asked)).startswith(b"HTTP/1.1 200 ")
    seen = [
        one.all_of(b"max-forwards") for stream in resource.streams for one in both_readings(bytes(stream))
    ]
    assert seen == [[b"2"]]


async def test_a_client_of_the_socket_is_served_without_a_secret_path(
    resource: RawUpstream, tmp_path: Path
) -> None:
    """No browser reaches a Unix socket: its cookies and its host are its own."""
    path = tmp_path / "p.sock"
    async with served_proxy(resource.url, socket=path):
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
            answer = await client.get("http://any/a", headers={"Cookie": "x=y"})
            assert answer.status_code == 200
    (request,) = both_readings(bytes(resource.streams[0]))
    assert request.all_of(b"cookie") == [b"x=y"]
    assert request.all_of(b"host") == [urlsplit(resource.url).netloc.encode()]
