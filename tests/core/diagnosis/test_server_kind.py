"""The table of server kinds: each is recognised by its marks, and says where its owner sets what it needs."""

from datetime import UTC, datetime

import pytest

from authlens_core.diagnosis.server_kind import (
    ServerKind,
    ServerWords,
    kind_in,
    server_kind,
    server_words,
)
from authlens_core.values.exchange import Exchange, Headers, Request, Response


def answer(*fields: tuple[str, str], url: str = "https://wiki.example/") -> Exchange:
    response = Response(401, headers=Headers.of(fields))
    return Exchange(Request("GET", url), response, None, datetime(2026, 1, 1, tzinfo=UTC), 0.1)


ISSUERS = {
    ServerKind.ACCESS: "https://team.cloudflareaccess.com",
    ServerKind.ENTRA: "https://login.microsoftonline.com/8f1d/v2.0",
    ServerKind.COGNITO: "https://app.auth.eu-west-1.amazoncognito.com/oauth2/token",
    ServerKind.AUTH0: "https://dev-1.eu.auth0.com/",
    ServerKind.OKTA: "https://dev-1.okta.com/oauth2/default",
    ServerKind.KEYCLOAK: "https://sso.example/realms/main",
    ServerKind.GOOGLE: "https://accounts.google.com",
    ServerKind.GITHUB: "https://github.com/login/oauth",
    ServerKind.GITLAB: "https://gitlab.com",
    ServerKind.PING: "https://auth.pingone.eu/1b/as",
    ServerKind.ZITADEL: "https://dev-1.zitadel.cloud",
    ServerKind.AUTHENTIK: "https://id.example/application/o/mcp/",
    ServerKind.AUTHKIT: "https://quick-palm-1.authkit.app",
}

KINDS = [kind for kind in ServerKind if kind is not ServerKind.OTHER]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_recognised_by_its_issuer(kind: ServerKind) -> None:
    assert server_kind([ISSUERS[kind]]) is kind


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        (answer(("cf-access-aud", "ab")), ServerKind.ACCESS),
        (answer(("www-authenticate", 'Bearer realm="x", error="y"')), ServerKind.OTHER),
        (
            answer(
                (
                    "www-authenticate",
                    'Bearer resource_metadata="https://w.example/.well-known/cloudflare-access-protected-resource"',
                )
            ),
            ServerKind.ACCESS,
        ),
        (answer(("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/w")), ServerKind.ACCESS),
        # Many sites are behind Cloudflare's edge and have nothing of Access.
        (answer(("cf-ray", "8f1-FRA"), ("server", "cloudflare")), ServerKind.OTHER),
        (answer(("x-ms-ests-server", "2.1")), ServerKind.ENTRA),
        (answer(("X-Okta-Request-Id", "a")), ServerKind.OKTA),
        (answer(url="https://sso.example/realms/main/protocol/openid-connect/token"), ServerKind.KEYCLOAK),
        (answer(url="https://evilcloudflareaccess.com/"), ServerKind.OTHER),
        (answer(url="https://login.microsoftonline.com.evil.example/"), ServerKind.OTHER),
    ],
)
def test_a_kind_is_recognised_by_its_answer(exchange: Exchange, kind: ServerKind) -> None:
    assert kind_in([exchange]) is kind


def test_a_kind_is_recognised_by_what_it_says() -> None:
    assert server_kind(text="invalid_grant: AADSTS70008: The provided authorization code") is ServerKind.ENTRA
    assert server_kind(text="invalid_grant") is ServerKind.OTHER


def test_a_sentence_is_filled_with_the_words_of_the_kind() -> None:
    told = "Ask the owner to {redirect_uri}."
    assert "Valid redirect URIs" in server_words(ServerKind.KEYCLOAK).fill(told)
    plain: ServerWords = server_words(ServerKind.OTHER)
    assert plain.fill(told) == "Ask the owner to add this redirect URI to the client at the server."
