"""`authlens curl`: real requests of a real curl, to a server that notes them, with a canary beside it."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from authlens_core.gateway.curl import command, configuration
from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import UsageError
from authlens_lab.emulator import Emulator
from support.hostile_server import LocalAuthority
from support.needs import program
from support.request_recorder import CurlDone, RequestRecorder, recorder, run_words
from support.verb_process import authlens, machine_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.slow

FIELDS = (("Authorization", "Bearer canary-token"), ("DPoP", "canary-proof"))
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
CREDENTIAL = dict(FIELDS)


@pytest.fixture
def canary() -> Iterator[RequestRecorder]:
    """A server that nothing leads to."""
    with recorder() as server:
        yield server


@pytest.fixture
def named() -> Iterator[RequestRecorder]:
    """The server that is named."""
    with recorder() as server:
        yield server


def configured(url: str, fields: tuple[tuple[str, str], ...]) -> str:
    """Return what curl reads for a request without options."""
    return configuration(url, read_request([], url), fields).reveal()


def call(server: RequestRecorder, folder: Path, *words: str, typed: bytes = b"") -> CurlDone:
    """Call the server with these words."""
    return run_words(words, server.url, FIELDS, cwd=folder, typed=typed)


@pytest.mark.parametrize(
    ("words", "method", "body", "fields"),
    [
        ([], "GET", b"", {"User-Agent": None}),
        (["-sS", "-X", "DELETE"], "DELETE", b"", {}),
        (["-H", "X-One: 1", "-H", "X-Two;"], "GET", b"", {"X-One": "1", "X-Two": ""}),
        (["-d", "a=b", "-d", "c=d"], "POST", b"a=b&c=d", {"Content-Length": "7"}),
        (["--data-binary", "@in.txt"], "POST", b"line\nline\n", {}),
        (["-d", "@-"], "POST", b"typed", {}),
        (["--data-raw", "@x"], "POST", b"@x", {}),
        (["--data-urlencode", "q=a&b"], "POST", b"q=a%26b", {}),
        (["--json", '{"a": 1}'], "POST", b'{"a": 1}', {"Content-Type": "application/json"}),
        (["-T", "in.txt"], "PUT", b"line\nline\n", {}),
        (["-I"], "HEAD", b"", {}),
        (["--compressed"], "GET", b"", {"Accept-Encoding": "deflate, gzip"}),
        (["-A", "agent/1", "-e", "https://a.test/"], "GET", b"", {"User-Agent": "agent/1"}),
        (["-b", "a=b", "-r", "0-9"], "GET", b"", {"Cookie": "a=b", "Range": "bytes=0-9"}),
        (["-z", "1 Jan 2026"], "GET", b"", {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        (["-N", "--http1.1", "-4", "-#"], "GET", b"", {}),
        (["--max-time", "9", "-m", "9", "--connect-timeout", "9", "--retry", "1"], "GET", b"", {}),
        (["--limit-rate", "1M", "--fail-with-body", "-R"], "GET", b"", {}),
    ],
)
def test_what_people_do_with_curl_works(
    words: list[str],
    method: str,
    body: bytes,
    fields: dict[str, str | None],
    named: RequestRecorder,
    tmp_path: Path,
) -> None:
    (tmp_path / "in.txt").write_bytes(b"line\nline\n")
    done = call(named, tmp_path, *words, typed=b"typed")
    assert (done.code, done.err if "-sS" in words else b"") == (0, b"")
    (request,) = named.requests
    assert (request.method, request.target, request.body) == (method, "/app/page", body)
    for name, value in {**CREDENTIAL, **fields}.items():
        got = request.get(name) or ""
        assert got.startswith(value) if value else got is not None


def test_a_form_and_a_query_work(named: RequestRecorder, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"content of a file")
    assert call(named, tmp_path, "-F", "a=b", "-F", "f=@in.txt").code == 0
    assert call(named, tmp_path, "-G", "-d", "a=b").code == 0
    assert call(named, tmp_path, "--url-query", "c=d").code == 0
    form, got, query = named.requests
    assert b'name="a"\r\n\r\nb' in form.body
    assert b"content of a file" in form.body
    assert [one.method for one in (got, query)] == ["GET", "GET"]
    assert [one.target for one in (got, query)] == ["/app/page?a=b", "/app/page?c=d"]


def test_the_answer_goes_where_the_options_say(named: RequestRecorder, tmp_path: Path) -> None:
    shown = call(named, tmp_path, "-s", "-i", "-w", " %{http_code} %{json} %{header_json}")
    assert shown.out.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
    assert b"canary" not in shown.out + shown.err
    into = ("-o", "a/b.txt", "--create-dirs", "-c", "jar.txt", "--stderr", "err.txt")
    assert call(named, tmp_path, *into).out == b""
    assert call(named, tmp_path, "-s", "-O", "--output-dir", "a").out == b""
    written = {path.name: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    assert (written["b.txt"], (tmp_path / "a" / "page").read_bytes()) == (b"ok", b"ok")
    assert b"canary" not in b"".join(written.values())


def test_an_http_error_is_curls_exit_code(tmp_path: Path) -> None:
    with recorder(answer=b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno") as server:
        assert (call(server, tmp_path, "-sf").code, call(server, tmp_path, "-sf").out) == (22, b"")
        assert call(server, tmp_path, "-s", "--fail-with-body").out == b"no"


def test_a_redirect_is_not_followed(canary: RequestRecorder, tmp_path: Path) -> None:
    """H357."""
    answer = f"HTTP/1.1 302 Found\r\nLocation: {canary.url}\r\nContent-Length: 0\r\n\r\n".encode()
    with recorder(answer=answer) as server:
        for words in (("-s",), ("-sL",), ("--location",)):
            done = call(server, tmp_path, *words, "-w", "%{redirect_url}")
            assert done.out.decode() == canary.url
    assert canary.raw == []


def test_a_name_of_a_file_is_no_pattern(named: RequestRecorder, tmp_path: Path) -> None:
    """--globoff: one request, whatever is in braces."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert call(named, tmp_path, "-s", "-T", "{a,b}").code == 26
    assert named.requests == []


def test_a_name_below_localhost_leads_to_this_machine_without_a_resolver(
    named: RequestRecorder, tmp_path: Path
) -> None:
    """Also by an older curl, which would ask one: the credential would go where the answer says."""
    port = urlsplit(named.url).port
    url = f"http://wiki.localhost:{port}/"
    assert run_words((), url, FIELDS, cwd=tmp_path).code == 0
    config = configured(url, FIELDS)
    assert f'resolve = "wiki.localhost:{port}:127.0.0.1,::1"' in config
    assert len(named.requests) == 1


def test_what_authlens_adds_comes_last_and_says_where_it_goes(canary: RequestRecorder) -> None:
    """No option can undo it; the credential is in the pipe alone."""
    request = read_request(["-N"], canary.url)
    heads = ["--suppress-connect-headers", "--dump-header", "/dev/fd/4"]
    assert command(request, 3, 4) == ["curl", "-q", "-N", *heads, "--config", "/dev/fd/3"]
    assert configuration(canary.url, request, FIELDS).reveal().splitlines() == [
        "globoff",
        "path-as-is",
        'proto = "=http"',
        'noproxy = "*"',
        'header = "Authorization: Bearer canary-token"',
        'header = "DPoP: canary-proof"',
        f'url = "{canary.url}"',
    ]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nurl = evil", "a\0", "a\x0b"])
def test_a_credential_that_would_start_another_line_is_not_handed_over(value: str) -> None:
    with pytest.raises(UsageError, match="cannot be handed"):
        configured("http://localhost:1/", (("Authorization", value),))


@pytest.mark.parametrize("value", ["x" * 60_000, "ü" * 30_000])
def test_a_credential_that_no_pipe_holds_is_not_handed_over(value: str) -> None:
    """The write would wait for a reader that is not started yet."""
    with pytest.raises(UsageError, match="too large"):
        configured("http://localhost:1/", (("Authorization", value),))


@pytest.mark.parametrize("value", ['"', "\\", 'a" b\\n', "{}[]%", "'$(id)'"])
def test_every_other_credential_arrives_unchanged(value: str, named: RequestRecorder, tmp_path: Path) -> None:
    run_words(["-s"], named.url, (("X-Token", value),), cwd=tmp_path)
    assert named.requests[0].get("X-Token") == value


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_no_proxy_sees_what_is_meant_for_this_machine(
    host: str,
    named: RequestRecorder,
    canary: RequestRecorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H353: plain http on loopback, and a proxy of the environment that would read the credential."""
    for name in PROXIES:
        monkeypatch.setenv(name, canary.url)
    monkeypatch.setenv("NO_PROXY", "")
    url = named.url.replace("127.0.0.1", host)
    run_words(["-s", "-m", "9"], url, FIELDS, cwd=tmp_path)
    assert canary.raw == []


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME", "CURL_HOME"])
def test_no_file_of_options_is_read(
    variable: str,
    named: RequestRecorder,
    canary: RequestRecorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H352: -q, because a .curlrc may name a second URL."""
    monkeypatch.setenv(variable, str(tmp_path))
    for name in (".curlrc", "curlrc"):
        (tmp_path / name).write_text(f'url = "{canary.url}"\nverbose\n')
    done = call(named, tmp_path, "-s")
    assert (done.out, done.err, canary.raw) == (b"ok", b"", [])


HOST = "wiki.example.test"


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    """An authority that nothing trusts; its certificate is in ca.pem."""
    made = LocalAuthority()
    (tmp_path / "ca.pem").write_text(made.pem)
    return made


@pytest.fixture
def site(authority: LocalAuthority) -> Iterator[RequestRecorder]:
    """A server with TLS."""
    with recorder(context=authority.server_context(HOST, "127.0.0.1")) as server:
        yield server


@pytest.mark.parametrize("variable", PROXIES[2:])
def test_a_proxy_of_the_environment_carries_https_and_sees_a_tunnel(
    variable: str, site: RequestRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.txt"))
    with recorder(tunnel=site.address) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        done = run_words(["-sS"], f"https://{HOST}/app/page", FIELDS, cwd=tmp_path)
    assert (done.out, done.err) == (b"ok", b"")
    assert site.requests[0].get("Authorization") == "Bearer canary-token"
    assert proxy.raw[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert b"canary" not in b"".join(proxy.raw)
    assert not (tmp_path / "keys.txt").exists(), "whoever reads the keys reads the credential"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_proxy_with_tls_is_trusted_as_the_site_is(
    variable: str,
    site: RequestRecorder,
    authority: LocalAuthority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For the certificate of a proxy, curl has options of its own, which are refused."""
    (tmp_path / f"{name_hash(authority, tmp_path)}.0").write_text(authority.pem)
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem" if variable == "SSL_CERT_FILE" else tmp_path))
    with recorder(tunnel=site.address, context=authority.server_context("localhost")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.address[1]}")
        done = run_words(["-sS"], f"https://{HOST}/app/page", FIELDS, cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, b"ok", b"")
    assert b"canary" not in b"".join(proxy.raw)


@pytest.mark.parametrize(
    ("variables", "trusted"),
    [
        ({}, False),
        ({"SSL_CERT_FILE": "ca.pem"}, True),
        ({"SSL_CERT_DIR": "authorities"}, True),
        ({"SSL_CERT_FILE": "other.pem"}, False),
        ({"SSL_CERT_FILE": "other.pem", "CURL_CA_BUNDLE": "ca.pem"}, False),
        ({"CURL_CA_BUNDLE": "ca.pem"}, False),
        ({"SSL_CERT_FILE": "ca.pem", "CURL_CA_BUNDLE": "other.pem"}, True),
    ],
)
def test_curl_trusts_whom_authlens_trusts(
    variables: dict[str, str],
    trusted: bool,
    site: RequestRecorder,
    authority: LocalAuthority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H354: CURL_CA_BUNDLE is for curl alone, and would let it trust others."""
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    (tmp_path / "other.pem").write_text(LocalAuthority("another authority").pem)
    (tmp_path / "authorities").mkdir()
    (tmp_path / "authorities" / f"{name_hash(authority, tmp_path)}.0").write_text(authority.pem)
    for name, file in variables.items():
        monkeypatch.setenv(name, str(tmp_path / file))
    done = run_words(["-s"], site.url, FIELDS, cwd=tmp_path)
    assert (done.code, bool(site.raw)) == ((0, True) if trusted else (60, False))


def name_hash(authority: LocalAuthority, folder: Path) -> str:
    """Return the name that OpenSSL looks a certificate up by in a directory."""
    path = folder / "hashed.pem"
    path.write_text(authority.pem)
    command = [program("openssl"), "x509", "-noout", "-hash", "-in", str(path)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.strip()


def test_one_setting_of_trust_replaces_both_of_curls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --cacert alone curl would ask its own directory, too, and with --capath alone its own file."""
    (tmp_path / "0123abcd.0").write_text("")
    for name, value, lines in (
        ("SSL_CERT_FILE", "/ca.pem", ['cacert = "/ca.pem"', 'capath = "/dev/null"']),
        ("SSL_CERT_DIR", str(tmp_path), [f'cacert = "{tmp_path}/0123abcd.0"', f'capath = "{tmp_path}"']),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            made = configured(f"https://{HOST}/", FIELDS)
        assert [line for line in made.splitlines() if line.startswith("ca")] == lines


def test_a_directory_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="not a directory"):
        configured(f"https://{HOST}/", FIELDS)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[tuple[dict[str, str], str, str]]:
    """A machine with a service token; its environment, the URL, and the secret."""
    environ = machine_in(tmp_path)
    async with Emulator(faults=("service-auth-only",)) as emulator:
        url, (client_id, secret) = emulator.resource_url, emulator.service_token
        await authlens(environ, "service-token", "add", url, "--client-id", client_id, typed=secret)
        yield environ, url, secret


async def test_output_and_exit_code_are_those_of_curl(machine: tuple[dict[str, str], str, str]) -> None:
    program("curl")
    environ, url, _ = machine
    called = await authlens(environ, "curl", url, "--", "-sS", "-w", "%{http_code}")
    assert (called.code, "Welcome, " in called.answer, called.answer[-3:]) == (0, True, "200")
    failed = await authlens(environ, "curl", f"{url}x", "--", "-sS", "--max-filesize", "1")
    assert failed.code == 63


async def test_a_path_to_certificates_may_be_any_bytes(machine: tuple[dict[str, str], str, str]) -> None:
    """The credential goes through the same pipe."""
    environ, url, _ = machine
    called = await authlens({**environ, "SSL_CERT_FILE": "/ca-\udcff.pem"}, "curl", url, "--", "-sS")
    assert (called.code, "Welcome, " in called.answer) == (0, True), called.words


async def test_a_refused_option_is_a_usage_error_that_says_how_to_do_it(
    machine: tuple[dict[str, str], str, str],
) -> None:
    environ, url, _ = machine
    for words in (["-v"], ["-s", "--", url], ["-s", url], ["--silent=x"], ["-H", "CF-Access-Client-Id: x"]):
        refused = await authlens(environ, "curl", url, "--", *words)
        assert (refused.code, refused.answer) == (2, ""), words
        assert "authlens curl" in refused.words or "authlens headers" in refused.words


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the descriptor in /dev/fd")
async def test_no_argument_and_no_variable_holds_the_credential(
    machine: tuple[dict[str, str], str, str], tmp_path: Path
) -> None:
    """Other users can read arguments: a curl of the tests notes its own, and what it was fed."""
    environ, url, secret = machine
    fake = tmp_path / "curl"
    noted = f'printf "%s\\n" "$@" > {tmp_path}/argv\nenv > {tmp_path}/env\n'
    fake.write_text(f'#!/bin/sh\n{noted}for last; do :; done\ncat "$last" > {tmp_path}/fed\nexit 23\n')
    fake.chmod(0o755)
    more = {"PATH": f"{tmp_path}:{environ['PATH']}", "SSLKEYLOGFILE": "/k", "AUTHLENS_CLIENT_SECRET": "x"}
    called = await authlens({**environ, **more}, "curl", url, "--", "-s")
    assert called.code == 23
    variables = (tmp_path / "env").read_text()
    assert secret not in (tmp_path / "argv").read_text() + variables
    assert not [name for name in ("SSLKEYLOGFILE", "AUTHLENS_CLIENT_SECRET") if name in variables]
    assert f'header = "CF-Access-Client-Secret: {secret}"' in (tmp_path / "fed").read_text()
