"""The strict URL (GEN-8, GEN-1, GEN-4, H065 to H067): one text, one meaning, or the reasons why not."""

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authlens_core.values.url import Url, UrlRefused, parse_url

CANONICAL = [
    "https://h",
    "https://h/",
    "https://h?x=1",
    "https://h/?",
    "https://h/a//b/",
    "https://wiki.example.com/a/b?tenant=a&x=%2F",
    "https://h:8443/p",
    "https://[::1]:8400/callback",
    "https://[2001:db8::1]/",
    "https://192.0.2.1/",
    "https://xn--bcher-kva.example/",
    "https://under_score.example/",
    "https://a-b.example/~user/;p=1/@x:y,z!$&'()*+",
]

_HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True)
_PATHS = st.from_regex(r"(/[A-Za-z0-9~_@!$&'()*+,;=:-]{0,6}){0,4}", fullmatch=True)


@pytest.mark.parametrize("text", CANONICAL)
def test_a_canonical_url_comes_back_letter_by_letter(text: str) -> None:
    """GEN-4: identifiers are compared code point by code point, so nothing is added, not even a slash."""
    assert parse_url(text).text == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("HTTPS://Wiki.Example.COM/A", "https://wiki.example.com/A"),
        ("https://h:443/", "https://h/"),
        ("https://h:443", "https://h"),
        ("https://[2001:DB8:0:0::1]/", "https://[2001:db8::1]/"),
        ("https://[::FFFF:192.0.2.1]/", "https://[::ffff:192.0.2.1]/"),
    ],
)
def test_scheme_host_and_default_port_are_written_one_way(text: str, canonical: str) -> None:
    """GEN-8: what is shown is what is opened."""
    assert parse_url(text).text == canonical


REFUSED = [
    # no absolute https URL (GEN-1, H013)
    ("", "https://"),
    ("/relative", "https://"),
    ("//host/x", "https://"),
    ("host/x", "https://"),
    ("file:///etc/passwd", "https://"),
    ("javascript:alert(1)", "https://"),
    ("ftp://h/", "https://"),
    ("https:/h/", "https://"),
    ("https:h", "https://"),
    ("http://h/", "only https"),
    ("http://localhost/", "only https"),
    # host missing
    ("https:///path", "no host"),
    ("https://", "no host"),
    ("https://?x", "no host"),
    ("https://:443/", "no host"),
    # H065 - userinfo
    ("https://good@evil/", "user name"),
    ("https://good:pw@evil/", "user name"),
    ("https://@evil/", "user name"),
    ("https://team.cloudflareaccess.com@evil.example/", "user name"),
    # characters
    ("https://good.com\\@evil/", "backslash"),
    ("https://h\\evil/", "backslash"),
    ("https://h/a\\b", "backslash"),
    ("https://ex。com/", "outside ASCII"),
    ("https://ｅxample.com/", "outside ASCII"),
    ("https://gооd.example/", "outside ASCII"),
    ("https://h/ü", "outside ASCII"),
    ("https://h/\ud800", "outside ASCII"),
    (" https://h/", "space"),
    ("https://h/ ", "space"),
    ("https://h/\r\nX: y", "control"),
    ("https://h/\n", "control"),
    ("https://h/\x00", "control"),
    ("https://h/\x7f", "control"),
    ("https://h\t/", "control"),
    ("https://h/<b>", "unescaped"),
    ("https://h/{x}", "unescaped"),
    ('https://h/"', "unescaped"),
    ("https://h/a[0]", "bracket"),
    ("https://h/?a[]=1", "bracket"),
    # fragment
    ("https://h/#", "fragment"),
    ("https://h/#x", "fragment"),
    ("https://h#@evil/", "fragment"),
    # percent escapes
    ("https://h/%", "percent"),
    ("https://h/%4", "percent"),
    ("https://h/%zz", "percent"),
    ("https://h/?q=%u0041", "percent"),
    ("https://h/%0d%0aX", "escaped control"),
    ("https://h/?x=%00", "escaped control"),
    ("https://h%2eevil/", "host name"),
    ("https://h/%action", "%action"),
    # dot segments, which other parsers resolve
    ("https://h/a/../b", "segment"),
    ("https://h/.", "segment"),
    ("https://h/%2e%2E/b", "segment"),
    # H066 - ports
    ("https://h:0/", "port"),
    ("https://h:65536/", "port"),
    ("https://h:99999/", "port"),
    ("https://h:/", "port"),
    ("https://h:080/", "port"),
    ("https://h:+80/", "port"),
    ("https://h:-1/", "port"),
    ("https://h:8o/", "port"),
    ("https://h:1:2/", "port"),
    ("https://h:٤/", "port"),
    # H066 - addresses
    ("https://0177.0.0.1/", "IPv4"),
    ("https://0x7f.1/", "IPv4"),
    ("https://0x7f000001/", "IPv4"),
    ("https://2130706433/", "IPv4"),
    ("https://127.1/", "IPv4"),
    ("https://256.1.1.1/", "IPv4"),
    ("https://1.2.3.4.5/", "IPv4"),
    ("https://[fe80::1%25eth0]/", "zone"),
    ("https://[fe80::1%eth0]/", "zone"),
    ("https://[::1/", "IPv6"),
    ("https://[]/", "IPv6"),
    ("https://[::1]x/", "IPv6"),
    ("https://[127.0.0.1]/", "IPv6"),
    # H065 - host names
    ("https://localhost./", "dot"),
    ("https://h../", "dot"),
    ("https://a..b/", "host name"),
    ("https://.h/", "host name"),
    ("https://-h/", "host name"),
    ("https://h-/", "host name"),
    ("https://a,b/", "host name"),
    ("https://" + "a" * 64 + "/", "host name"),
    ("https://" + "a." * 127 + "aaa/", "host name"),
    ("https://xn--/", "host name"),
    ("https://xn--zzzzzzzz99999999/", "host name"),
    ("https://xn--abc-/", "host name"),
    # never an option of a browser's command line
    ("-https://h/", "'-'"),
    ("--help", "'-'"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_parsers_disagree_on_is_refused_with_the_reason(text: str, reason: str) -> None:
    """GEN-8, AZ-7, H013, H065, H066."""
    with pytest.raises(UrlRefused) as refused:
        parse_url(text)
    assert reason in str(refused.value)


def test_every_reason_is_told_at_once() -> None:
    """A person corrects a URL once, not once per mistake."""
    with pytest.raises(UrlRefused) as refused:
        parse_url("http://user@h:0/ #x")
    assert len(str(refused.value).split("; ")) == 5


@pytest.mark.parametrize("length", [2_049, 8_192, 100_000])
def test_a_long_url_is_refused_with_its_length(length: int) -> None:
    """H067."""
    with pytest.raises(UrlRefused, match=str(length)):
        parse_url("https://h/".ljust(length, "a"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_http_is_taken_on_loopback_when_it_is_asked_for(host: str) -> None:
    """GEN-1: the one place for plain http."""
    url = parse_url(f"http://{host}:8400/callback", loopback_http=True)
    assert url.is_loopback
    assert url.origin == f"http://{host}:8400"
    assert parse_url(f"http://{host}:80", loopback_http=True).text == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    ["h", "localhost.example", "127.0.0.1.example", "128.0.0.1", "[::ffff:127.0.0.1]", "[::2]", "0.0.0.0"],
)
def test_http_is_refused_everywhere_else(host: str) -> None:
    """GEN-1: what only looks like loopback is not."""
    with pytest.raises(UrlRefused, match="only https"):
        parse_url(f"http://{host}/", loopback_http=True)
    assert not parse_url(f"https://{host}/").is_loopback


def test_the_parts_of_a_url() -> None:
    """Origin and port leave the default port out."""
    url = parse_url("https://h:8443/p?q=1")
    assert (url.origin, url.port, url.path) == ("https://h:8443", 8443, "/p")
    plain = parse_url("https://h/p")
    assert (plain.origin, plain.port, plain.query) == ("https://h", None, None)


def test_a_lookalike_is_shown_and_opened_by_its_a_label() -> None:
    """H065."""
    assert parse_url("https://xn--80ak6aa92e.com/").text == "https://xn--80ak6aa92e.com/"


def test_repr_leaves_the_query_out() -> None:
    """A query may carry a code or a state."""
    assert "topsecret" not in repr(parse_url("https://h/?code=topsecret"))


_PIECES = st.sampled_from(
    [
        "https://",
        "http://",
        "//",
        "@",
        ":",
        "/",
        "\\",
        "?",
        "#",
        "[",
        "]",
        "::1",
        "127.0.0.1",
        "%",
        "%2f",
        "xn--",
        ".",
        "good.example",
        "evil",
        "localhost",
        "443",
        "65536",
        " ",
        "\t",
        "。",
        "-",
        "a",
        "0x7f",
        "é",
    ]
)

_NEARLY = st.lists(_PIECES, max_size=8).map("".join).map(lambda rest: f"https://{rest}")


def _agreed(url: Url) -> None:
    assert parse_url(url.text, loopback_http=True) == url
    split = urlsplit(url.text)
    bare = url.host.strip("[]")
    assert split.hostname == bare
    assert split.username is None
    assert split.port == url.port
    client = httpx.URL(url.text)
    assert client.raw_host.decode() == bare
    assert client.userinfo == b""
    assert client.port == url.port
    assert client.raw_path.decode() == (url.path or "/") + (f"?{url.query}" if url.query is not None else "")


@given(st.one_of(_NEARLY, st.text(max_size=40), st.from_regex(r"https://[a-z0-9.:\[\]@-]{1,20}/[!-~]{0,10}")))
@example("https://[::ffff:1.2.3.4]/")
def test_what_is_accepted_means_the_same_to_every_parser(text: str) -> None:
    """Accepted implies that urllib and httpx see the same host, port and path; else UrlRefused."""
    try:
        url = parse_url(text, loopback_http=True)
    except UrlRefused as refused:
        said = str(refused)
    else:
        _agreed(url)
        return
    assert said


@given(
    _HOSTS, st.one_of(st.none(), st.integers(1, 65_535)), _PATHS, st.one_of(st.none(), st.just("a=b&c=%20"))
)
def test_ordinary_urls_are_accepted(host: str, port: int | None, path: str, query: str | None) -> None:
    """The strictness costs no URL that is in use."""
    if host.rpartition(".")[2].isdigit() or "xn--" in host or host.startswith("0x"):
        return
    number = f":{port}" if port is not None else ""
    question = f"?{query}" if query is not None else ""
    url = parse_url(f"https://{host}{number}{path}{question}")
    assert (url.host, url.path, url.query) == (host, path, query)
    assert url.port == (None if port == 443 else port)
    _agreed(url)
