"""Which proxy is used for which host."""

import pytest

from authlens_core.wire.proxy_settings import Proxy, ProxyUnusable, proxy_for
from support.made_checks import present

CANARY = "canary-5f1c-proxy-password"


def _https(host: str, **environ: str) -> Proxy | None:
    return proxy_for("https", host, 443, environ)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_usual_variables_are_honoured(name: str) -> None:
    """GEN-10."""
    proxy = present(_https("wiki.example.com", **{name: "http://proxy.example:3128"}))
    assert proxy.display == "proxy.example:3128"


def test_the_lower_case_variable_wins() -> None:
    """As in the standard library."""
    proxy = _https("a.example", HTTPS_PROXY="http://upper.example:1", https_proxy="http://lower.example:2")
    assert proxy is not None
    assert proxy.host == "lower.example"


def test_http_proxy_is_not_for_https() -> None:
    """GEN-10."""
    assert _https("wiki.example.com", HTTP_PROXY="http://proxy.example:3128") is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "app.localhost"])
def test_this_machine_is_never_proxied(host: str) -> None:
    """GEN-10, H162: with and without NO_PROXY."""
    assert _https(host, HTTPS_PROXY="http://proxy.example:3128") is None


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("other.org, wiki.example.com", True),
        ("wiki.example.com:443", True),
        ("WIKI.EXAMPLE.COM", True),
        ("wiki.example.com:8443", False),
        ("ample.com", False),
        ("", False),
        (",,", False),
    ],
)
def test_no_proxy_lists_names_domains_and_ports(no_proxy: str, direct: bool) -> None:
    """GEN-10: on label boundaries."""
    proxy = _https("wiki.example.com", HTTPS_PROXY="http://proxy.example:3128", NO_PROXY=no_proxy)
    assert (proxy is None) is direct


def test_a_password_is_read_and_never_shown() -> None:
    """GEN-10: canary on the proxy password."""
    proxy = present(_https("wiki.example.com", HTTPS_PROXY=f"http://me:{CANARY}%40x@proxy.example:3128"))
    assert present(proxy.password).reveal() == CANARY + "@x"
    assert CANARY not in repr(proxy) + proxy.display + proxy.url


@pytest.mark.parametrize(
    "value",
    [f"socks4://me:{CANARY}@p.example:1080", f"http://{CANARY}:x:y", f"http://me:{CANARY}@", "ftp://p"],
)
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable_and_not_its_value(value: str) -> None:
    """The error names the setting; the value may hold a password."""
    with pytest.raises(ProxyUnusable) as caught:
        _https("wiki.example.com", HTTPS_PROXY=value)
    assert "HTTPS_PROXY" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    proxy = present(proxy_for("https", "wiki.example.com", 443))
    assert proxy.port == 3128
    monkeypatch.setenv("no_proxy", "example.com")
    assert proxy_for("https", "wiki.example.com", 443) is None
