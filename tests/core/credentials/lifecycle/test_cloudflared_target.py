"""Where a token of cloudflared goes: to no host that has not named the application that it is for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authlens_core.cloudflare.cloudflared_files import CloudflaredDirectory
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.credentials.lifecycle.cloudflared_target import probe_cloudflared
from authlens_core.credentials.lifecycle.inventory import describe_cloudflared, inventory_of
from authlens_core.credentials.lifecycle.request_headers import headers_for
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import AuthlensError, LoginNeeded, NetworkFailure, UsageError
from authlens_core.values.exchange import Exchange, FailureKind, Headers, Request, Response, WireFailure
from authlens_core.values.store_kind import CredentialKind
from support.cloudflared_stub import AUD, jwt

LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/x?kid="


def redirect(audience: str = AUD, team: str = "team") -> Response:
    return Response(302, "", Headers.of([("location", LOGIN.replace("team", team) + audience)]))


class Hosts:
    """A sender for which hosts are what a test says; it keeps what was asked, and with which token."""

    def __init__(self, answers: dict[str, Response]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, bool]] = []

    async def send(self, request: Request, **_settings: Any) -> Exchange:
        """Answer nobody as the test says, and welcome whoever has a token."""
        with_token = request.headers.get("cf-access-token") is not None
        self.asked.append((request.url, with_token))
        answer = self._answers.get(request.url)
        failure = None if answer is not None else WireFailure(FailureKind.NAME, "There is no such host.")
        if with_token and answer is not None:
            answer = Response(200)
        return Exchange(request, answer, failure, datetime.now(UTC), 0.0)

    @property
    def given_to(self) -> list[str]:
        return [url for url, with_token in self.asked if with_token]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a token file of cloudflared and return what is found of it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cloudflared").mkdir()

    def write(name: str, audience: str = AUD, **claims: Any) -> CloudflaredToken:
        (tmp_path / ".cloudflared" / f"{name}-{audience}-token").write_text(jwt(**claims))
        return next(one for one in CloudflaredDirectory().find() if one.path.name.startswith(name))

    return write


WIKI = "https://wiki.example.com"


@pytest.mark.parametrize(
    ("name", "answers", "goes_to"),
    [
        ("wiki.example.com", {f"{WIKI}/": redirect("b" * 64)}, f"{WIKI}/"),
        ("wiki.example.com-admin", {f"{WIKI}/admin": redirect()}, f"{WIKI}/admin"),
        (
            "wiki.example.com-admin-x",
            {f"{WIKI}/admin/x": Response(200), f"{WIKI}/admin-x": redirect()},
            f"{WIKI}/admin-x",
        ),
        (
            "wiki.example.com-x.evil.test",
            {f"{WIKI}/x.evil.test": redirect(), "https://wiki.example.com-x.evil.test/": Response(200)},
            f"{WIKI}/x.evil.test",
        ),
        ("wiki.example.com-admin", {f"{WIKI}/admin": redirect("b" * 64)}, None),
        ("wiki.example.com-admin", {f"{WIKI}/admin": redirect(team="other")}, None),
        ("wiki.example.com-admin", {f"{WIKI}/admin": Response(200)}, None),
        ("wiki.example.com-admin", {}, None),
        (
            "wiki.example.com-x.evil.test",
            {f"{WIKI}/x.evil.test": redirect(), "https://wiki.example.com-x.evil.test/": redirect()},
            None,
        ),
        ("-.example.com", {"https://a.example.com/": redirect()}, None),
    ],
)
async def test_a_token_goes_only_to_the_one_reading_of_its_name_that_names_its_application(
    credentials: Credentials,
    put: Any,
    name: str,
    answers: dict[str, Response],
    goes_to: str | None,
) -> None:
    """TK-10: asked without a credential first; where that tells nothing, it says so and sends nothing."""
    wire: Any = Hosts(answers)
    token = put(name)
    if goes_to is None:
        with pytest.raises(UsageError, match="does not know which URL") as raised:
            await probe_cloudflared(credentials, wire, token)
        assert "probe --kept URL" in str(raised.value.cure)
    else:
        said = await probe_cloudflared(credentials, wire, token)
        assert said.accepted
        assert said.trace is not None
        # What was asked before is in the record, too: nothing was sent that is not shown.
        assert [one.request.url for one in said.trace.records[0].exchanges] == [url for url, _ in wire.asked]
    assert wire.given_to == ([] if goes_to is None else [goes_to])


@pytest.mark.parametrize(
    ("name", "url", "answer", "error"),
    [
        ("wiki.example.com", f"{WIKI}/x", None, None),
        ("wiki.example.com-admin", f"{WIKI}/admin/users", redirect(), None),
        ("-.example.com", "https://a.example.com/", redirect(), None),
        ("wiki.example.com-admin", f"{WIKI}/admin", redirect("b" * 64), LoginNeeded),
        ("wiki.example.com-admin", "https://wiki.example.com-admin/", Response(200), LoginNeeded),
        ("my.app-x.example.com", "https://my.app/x.example.com", Response(200), LoginNeeded),
        ("-.example.com", "https://a.example.com/", redirect("b" * 64), LoginNeeded),
        ("wiki.example.com-admin", f"{WIKI}/admin", None, NetworkFailure),
    ],
)
async def test_header_fields_are_given_only_for_a_url_that_is_the_application_of_the_token(
    credentials: Credentials,
    put: Any,
    name: str,
    url: str,
    answer: Response | None,
    error: type[AuthlensError] | None,
) -> None:
    """`headers URL` and `curl URL`: that a name fits is no proof, and a wildcard fits many."""
    wire: Any = Hosts({} if answer is None else {url: answer})
    put(name)
    if error is None:
        assert (await headers_for(credentials, wire, url)).kind is CredentialKind.CLOUDFLARED
    else:
        with pytest.raises(error):
            await headers_for(credentials, wire, url)
    assert wire.given_to == []
    assert wire.asked == ([] if name == "wiki.example.com" else [(url, False)])


async def test_a_url_that_a_person_names_has_to_fit_the_file(credentials: Credentials, put: Any) -> None:
    """A token of the wiki is not for the shop, whatever the shop answers."""
    wire: Any = Hosts({"https://shop.example.com/": redirect()})
    with pytest.raises(UsageError, match=r"is for wiki\.example\.com"):
        await probe_cloudflared(credentials, wire, put("wiki.example.com"), "https://shop.example.com/")
    assert wire.asked == []


def test_a_name_with_several_readings_is_shown_without_an_invented_address(put: Any) -> None:
    """It can still be asked about; nobody's host stands in its place."""
    path, whole, wildcard = inventory_of(
        (), (put("wiki.example.com-admin"), put("grafana.example.com"), put("-.example.com"))
    )
    assert (path.url, path.can_be_asked_about) == ("", True)
    assert (whole.url, whole.can_be_asked_about) == ("https://grafana.example.com/", True)
    assert (wildcard.url, wildcard.can_be_asked_about) == ("", False)


LATER = (datetime.now(UTC) + timedelta(hours=2)).timestamp()


@pytest.mark.parametrize(
    ("claims", "word", "words"),
    [
        ({"nbf": LATER}, "not valid yet", "It is valid from"),
        ({"aud": ["b" * 64]}, "for another app", "not sent"),
        ({"aud": "b" * 64}, "for another app", "not sent"),
        ({"aud": None}, "for another app", "not sent"),
    ],
)
async def test_a_token_that_is_early_or_of_another_application_is_called_that_and_given_to_nobody(
    credentials: Credentials, put: Any, claims: dict[str, Any], word: str, words: str
) -> None:
    """The second is refused by cloudflared since 2026.8.0, too; RFC 7519 §4.1.5 the first."""
    token = put("wiki.example.com", **claims)
    status = describe_cloudflared(token)
    assert (status.word, words in status.note) == (word, True)
    wire: Any = Hosts({f"{WIKI}/": redirect()})
    for sending in (
        headers_for(credentials, wire, f"{WIKI}/"),
        headers_for(credentials, wire, f"{WIKI}/", kind=CredentialKind.CLOUDFLARED),
        probe_cloudflared(credentials, wire, token),
    ):
        with pytest.raises(LoginNeeded):
            await sending
    assert wire.asked == []


@pytest.mark.parametrize("claims", [{"aud": AUD}, {"aud": ["b" * 64, AUD]}, {"nbf": LATER - 7_170}])
def test_a_token_of_several_audiences_or_of_a_clock_that_is_a_little_ahead_is_live(
    put: Any, claims: dict[str, Any]
) -> None:
    """The AUD need not come first or in a list; half a minute is no reason to log in again."""
    assert describe_cloudflared(put("wiki.example.com", **claims)).word == "live"
