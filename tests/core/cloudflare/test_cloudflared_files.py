"""The tokens of cloudflared on disk: names, claims, pending logins, locks; read and never changed."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authlens_core.cloudflare.cloudflared_files import (
    CloudflaredDirectory,
    cloudflared_directory,
    find_cloudflared_token,
    read_cloudflared_token,
)
from authlens_core.cloudflare.cloudflared_token import (
    CloudflaredKind,
    LockOwner,
    Process,
    process_of,
    read_lock,
)
from support.cloudflared_stub import AUD, jwt
from support.made_checks import present

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STARTED = datetime(2026, 6, 1, 11, 59, tzinfo=UTC)


def put(directory: Path, name: str, content: str | bytes) -> Path:
    """Write a file and return it."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_an_application_token_tells_host_audience_person_team_and_times(tmp_path: Path) -> None:
    """What the dashboard shows comes from the name and the claims."""
    put(tmp_path, f"wiki.example.com-{AUD}-token", jwt(iat=1_000_000_000, exp=2_000_000_000) + "\n")
    (token,) = CloudflaredDirectory(tmp_path).find()
    assert (token.kind, token.host, token.audience) == (CloudflaredKind.APPLICATION, "wiki.example.com", AUD)
    assert (token.person, token.team) == ("ada@example.com", "team.cloudflareaccess.com")
    assert token.issued_at == datetime.fromtimestamp(1_000_000_000, UTC)
    assert token.expires_at == datetime.fromtimestamp(2_000_000_000, UTC)
    assert token.problem == ""


def test_an_organisation_token_is_told_by_its_name(tmp_path: Path) -> None:
    """It opens no application, so it is a kind of its own."""
    put(tmp_path, "team.cloudflareaccess.com-org-token", jwt(type="org", aud="AUTH"))
    (token,) = CloudflaredDirectory(tmp_path).find()
    assert token.kind is CloudflaredKind.ORGANISATION
    assert (token.host, token.audience) == ("team.cloudflareaccess.com", "AUTH")


@pytest.mark.parametrize(
    ("name", "host"),
    [
        (f"a-b.example.com-{AUD}-token", "a-b.example.com"),
        (f"a.example.com-admin-x-{AUD}-token", "a.example.com-admin-x"),
        (f"-.example.com-{AUD}-token", "*.example.com"),
        ("strange-token", "strange"),
    ],
)
def test_the_host_is_everything_before_the_audience(tmp_path: Path, name: str, host: str) -> None:
    """`/` and `*` are hyphens in the name; what cannot be told is shown as it is."""
    put(tmp_path, name, jwt())
    assert CloudflaredDirectory(tmp_path).find()[0].host == host


def test_a_service_token_is_named_by_its_client_id(tmp_path: Path) -> None:
    """A JWT of a service token has no e-mail."""
    put(tmp_path, f"a.example.com-{AUD}-token", jwt(email=None, common_name="abc.access"))
    assert CloudflaredDirectory(tmp_path).find()[0].person == "abc.access"


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "no JWT"), ("not a token", "no JWT"), (b"\xff\xfe", "no JWT"), ("e" * 70_000, "too large")],
)
def test_what_cannot_be_read_is_an_entry_with_a_reason(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    put(tmp_path, f"a.example.com-{AUD}-token", content)
    (token,) = CloudflaredDirectory(tmp_path).find()
    assert words in token.problem
    assert read_cloudflared_token(token) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_token_holds_nothing_up(tmp_path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / f"a.example.com-{AUD}-token")
    assert CloudflaredDirectory(tmp_path).find()[0].problem == "It is not a regular file."


def test_nothing_but_tokens_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory holds tunnel credentials and certificates, too."""
    opened: list[str] = []
    real = os.open

    def noted(path: Path, flags: int) -> int:
        opened.append(path.name)
        return real(path, flags)

    for name in ("cert.pem", "config.yml", "6ff42ae2.json", "team.cloudflareaccess.com-jwks", "-token"):
        put(tmp_path, name, "secret")
    monkeypatch.setattr(os, "open", noted)
    assert CloudflaredDirectory(tmp_path).find() == ()
    assert opened == []


def test_reading_changes_nothing_even_where_the_token_has_expired(tmp_path: Path) -> None:
    """Read-only, never deleted, though cloudflared itself would."""
    path = put(tmp_path, f"a.example.com-{AUD}-token", jwt(exp=1))
    before = path.stat().st_mtime_ns, path.read_bytes()
    CloudflaredDirectory(tmp_path).find()
    assert find_cloudflared_token("https://a.example.com/", tmp_path) is None
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_a_login_that_waits_is_an_entry_without_a_token(tmp_path: Path) -> None:
    link = "https://a.example.com/cdn-cgi/access/cli?token=x"
    put(tmp_path, f"a.example.com-{AUD}-token.url", f"{link}\n")
    put(tmp_path, f"a.example.com-{AUD}-token.lock", json.dumps({"pid": os.getpid()}))
    (token,) = CloudflaredDirectory(tmp_path).find()
    assert token.pending_url == link
    assert "in progress" in token.problem
    assert present(token.lock).pid == os.getpid()
    assert present(token.lock).holds


def test_a_pending_url_that_is_none_is_not_shown(tmp_path: Path) -> None:
    """It comes from a file that anybody of this account may write."""
    put(tmp_path, f"a.example.com-{AUD}-token.url", "javascript:alert(1)")
    assert CloudflaredDirectory(tmp_path).find()[0].pending_url is None


def test_hostile_claims_are_made_safe_to_show(tmp_path: Path) -> None:
    """Nothing of a token is believed, and nothing of it reaches a terminal as it is."""
    put(tmp_path, f"a\x1b.example.com-{AUD}-token", jwt(email="\x1b[31mroot", iss=7, exp="soon", aud=[{}]))
    (token,) = CloudflaredDirectory(tmp_path).find()
    assert token.person == "\\e[31mroot"
    assert token.host == "a\\e.example.com"
    assert (token.team, token.expires_at) == ("", None)


def test_the_raw_token_is_read_at_need_and_shows_nothing(tmp_path: Path) -> None:
    text = jwt()
    put(tmp_path, f"a.example.com-{AUD}-token", text)
    (token,) = CloudflaredDirectory(tmp_path).find()
    secret = present(read_cloudflared_token(token))
    assert secret.reveal() == text
    assert text not in repr(token) + repr(secret)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example.com/", "a.example.com"),
        ("https://a.example.com/admin/users", "a.example.com-admin"),
        ("https://b.example.com/x", "*.example.com"),
        ("https://a.b.example.com/", None),
        ("https://example.com/", None),
        ("https://a.example.com.evil.test/", None),
        ("nonsense", None),
    ],
)
def test_a_token_goes_to_the_host_in_its_name_and_to_no_other(
    tmp_path: Path, url: str, host: str | None
) -> None:
    """TK-10: the closest path wins, a wildcard stands for one label."""
    for name in ("a.example.com", "a.example.com-admin", "-.example.com"):
        put(tmp_path, f"{name}-{AUD}-token", jwt())
    found = find_cloudflared_token(url, tmp_path)
    assert (None if found is None else found.host) == host


def test_no_directory_is_no_tokens(tmp_path: Path) -> None:
    assert CloudflaredDirectory(tmp_path / "nowhere").find() == ()
    assert cloudflared_directory({"HOME": "/home/ada"}) == Path("/home/ada/.cloudflared")


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400), lock=st.binary(max_size=100), url=st.binary(max_size=100))
def test_no_file_makes_it_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, lock: bytes, url: bytes
) -> None:
    directory = tmp_path_factory.mktemp("cloudflared")
    for end, data in (("", content), (".lock", lock), (".url", url)):
        put(directory, f"a.example.com-{AUD}-token{end}", data)
    assert len(CloudflaredDirectory(directory).find()) == 1


def _lock(process: Process, *, age: timedelta = timedelta(0), start: datetime = STARTED) -> LockOwner:
    data = json.dumps({"pid": 42, "start_time": int(start.timestamp() * 1000)}).encode()
    return read_lock(data, NOW - age, NOW, lambda _pid: process).owner


def test_a_lock_is_held_only_by_the_process_that_made_it() -> None:
    """Stale when the pid is gone, started at another time, or older than ten minutes."""
    alive = Process(True, STARTED)
    assert _lock(alive) is LockOwner.ALIVE
    assert _lock(Process(True)) is LockOwner.ALIVE
    assert _lock(Process(False)) is LockOwner.GONE
    assert _lock(alive, start=STARTED + timedelta(seconds=2)) is LockOwner.GONE
    assert _lock(alive, age=timedelta(minutes=11)) is LockOwner.GONE
    assert _lock(Process(None)) is LockOwner.UNKNOWN


@pytest.mark.parametrize("data", [b"", b"[]", b'{"pid": true}', b'{"pid": -1}', b'{"pid": 99999999999}'])
def test_a_lock_that_names_nobody_is_unknown(data: bytes) -> None:
    """Older versions wrote an empty file."""
    lock = read_lock(data, NOW, NOW, process_of)
    assert (lock.pid, lock.owner) == (None, LockOwner.UNKNOWN)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
def test_this_process_is_found_with_its_start() -> None:
    me = process_of(os.getpid())
    assert me.runs
    assert timedelta(0) <= datetime.now(UTC) - present(me.started_at) < timedelta(hours=12)
    assert process_of(2**22 + 1).runs is False
