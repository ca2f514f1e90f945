"""Which stored login the short way of `authlens token` chooses, and which a new one would only repeat."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authlens_core.credentials.records.accounts import NoAccount, login_for
from authlens_core.credentials.records.grant import GrantState, TokenVerdict, working_logins
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.vault.plain_token import NotPlain, PlainUrl, plain_login, plain_url
from authlens_core.values.url import UrlRefused, parse_url
from support.grants import NOW, grant, put

_SCHEMES = st.sampled_from(["https://", "http://", "HTTPS://", "https:/"])

_HOSTS = st.sampled_from(
    [
        *(
            "a.example.com",
            "A.example.com",
            "example.com",
            "b.example.com",
            "localhost",
            "127.0.0.1",
            "[::1]",
        ),
        *(
            "xn--mnchen-3ya.de",
            "xn--a.de",
            "-a.de",
            "a-.de",
            "a_b.de",
            "10.0.0.1",
            "a.0x1",
            "user@a.example.com",
        ),
        *("a..de", "a.example.com.", "münchen.de", f"{'a' * 64}.de", f"{'a.' * 130}de"),
    ]
)

_PORTS = st.sampled_from(["", ":443", ":80", ":8443", ":65535", ":65536", ":70000", ":0", ":08", ":x", ":9"])

_SEGMENTS = st.lists(
    st.sampled_from(["", "a", "b", "A", ".", "..", "...", "a.b", "~c", "%2e", "%2f", "a;b", "é", "[", "a b"]),
    max_size=3,
)

_TAILS = st.sampled_from(["", "", "", "?q=1", "#f", "?", "\n", " "])

URLS = st.builds(
    lambda scheme, host, port, segments, tail: "".join(
        (scheme, host, port, *(f"/{s}" for s in segments), tail)
    ),
    *(_SCHEMES, _HOSTS, _PORTS, _SEGMENTS, _TAILS),
)

_CLEAN = st.builds(
    lambda host, segments: "".join((f"https://{host}", *(f"/{s}" for s in segments))),
    st.sampled_from(["a.example.com", "a.example.com:8443", "b.example.com"]),
    st.lists(st.sampled_from(["", "a", "b"]), max_size=3),
)


def _plain(text: str) -> PlainUrl | None:
    try:
        return plain_url(text)
    except NotPlain:
        return None


@given(st.one_of(URLS, st.text(max_size=40), _CLEAN))
@example("https://a.example.com/\n")
@example("https://a.example.com/" + "a" * 2_100)
@example("https://a.example.com:443")
@example("http://localhost:65536/")
@settings(max_examples=400)
def test_a_plain_url_is_read_as_the_whole_parser_reads_it(text: str) -> None:
    plain = _plain(text)
    if plain is None:
        return
    parsed = parse_url(text, loopback_http=True)
    assert (parsed.text, parsed.origin, parsed.path) == (text, plain.origin, plain.path)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://wiki.example.com/",
            "https://wiki.example.com",
            "https://mcp.example.com:8443/a/b-c_d.e~f",
        ),
        *("http://localhost:8400/mcp", "http://127.0.0.1:59999"),
    ],
)
def test_the_usual_urls_are_plain(text: str) -> None:
    assert _plain(text) is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.one_of(_CLEAN, URLS), st.none() | st.one_of(_CLEAN, URLS), st.sampled_from(["", "work"])
        ),
        max_size=5,
    ),
    _CLEAN,
    st.none() | st.just("work"),
)
def test_the_login_is_the_one_that_the_whole_program_chooses(
    tmp_path: Path, logins: list[tuple[str, str | None, str]], url: str, account: str | None
) -> None:
    path = tmp_path / "index.sqlite3"
    path.unlink(missing_ok=True)
    index = Index(path)
    for number, (resource_url, resource, name) in enumerate(logins):
        moment = NOW + timedelta(seconds=number * 7 % 5)
        one = replace(
            grant(f"g{number}"),
            resource_url=resource_url,
            resource=resource,
            obtained_at=moment,
            account=name,
        )
        put(index, one, 1)
    expected = None
    with suppress(NoAccount):
        expected = login_for(index.grants()[0], url, account, {})
    index.close()
    try:
        found = plain_login(path, url, account)
    except NotPlain:
        return
    assert (found and found.grant_id) == (expected and expected.grant_id)


def test_an_index_of_another_version_is_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    index = Index(path)
    put(index, grant(), 1)
    with index.writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    index.close()
    with pytest.raises(NotPlain):
        plain_login(path, grant().resource_url)


def test_secrets_elsewhere_are_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    index = Index(path)
    put(index, grant(), 1)
    index.set_fact("place", "file")
    index.close()
    with pytest.raises(NotPlain):
        plain_login(path, grant().resource_url)


def test_a_refused_url_is_never_plain() -> None:
    for text in (
        "https://a.example.com/../b",
        "https://u@a.example.com/",
        "http://a.example.com/",
        "file:///x",
    ):
        with pytest.raises(UrlRefused):
            parse_url(text, loopback_http=True)
        assert _plain(text) is None


@pytest.mark.parametrize("minutes", [90, 1, None])
def test_a_token_that_has_not_expired_works(minutes: float | None) -> None:
    one = grant(minutes=minutes)
    assert working_logins([one], NOW) == {one.resource_url: one}


@pytest.mark.parametrize("state", [state for state in GrantState if state is not GrantState.LIVE])
def test_a_login_in_any_other_state_is_not_offered(state: GrantState) -> None:
    """Above all one whose revocation failed: its token may work, but the user wanted it gone."""
    assert working_logins([grant(state=state)], NOW) == {}


def test_a_token_that_expired_or_is_refused_is_not_offered() -> None:
    refused = replace(grant(), last_verdict=TokenVerdict.REFUSED)
    assert working_logins([grant(minutes=-1), refused], NOW) == {}


def test_of_several_the_one_that_works_longest_is_offered() -> None:
    short, long = grant(minutes=5), replace(grant(minutes=60), grant_id="id-long")
    assert working_logins([long, short], NOW) == {long.resource_url: long}
