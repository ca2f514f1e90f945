"""Which application an answer names: the AUD in the redirect to the login page, or in a refusal."""

import pytest

from authlens_core.credentials.lifecycle.cloudflared_target import NamedApplication, application_named_in
from authlens_core.values.exchange import Headers, Response

AUD, TEAM = "a" * 64, "team.cloudflareaccess.com"
LOGIN = f"https://{TEAM}/cdn-cgi/access/login/wiki.example.com"


@pytest.mark.parametrize(
    ("status", "field", "expected"),
    [
        (302, ("Location", f"{LOGIN}?kid={AUD}&meta=x&redirect_url=%2F"), NamedApplication(AUD, TEAM)),
        (403, ("CF-Access-Aud", AUD), NamedApplication(AUD)),
        (401, ("cf-access-aud", AUD), NamedApplication(AUD)),
        (200, ("cf-access-aud", AUD), None),
        (302, ("Location", f"https://{TEAM}/elsewhere?kid={AUD}"), None),
        (302, ("Location", f"{LOGIN}?kid={AUD}&kid=b"), None),
        (302, ("Location", LOGIN), None),
        (302, ("Location", f"http://{TEAM}/cdn-cgi/access/login/x?kid={AUD}"), None),
        (302, ("Location", "\x1b[31m"), None),
        (302, ("Server", "x"), None),
        (401, ("WWW-Authenticate", f'Bearer realm="{AUD}"'), None),
    ],
)
def test_the_application_is_named_by_a_login_redirect_or_a_refusal(
    status: int, field: tuple[str, str], expected: NamedApplication | None
) -> None:
    """Research §4.2: `kid` is the AUD; anything unclear names nobody."""
    assert application_named_in(Response(status, "", Headers.of([field]))) == expected


def test_two_names_are_none() -> None:
    """One of them is somebody else's."""
    fields = [("cf-access-aud", AUD), ("cf-access-aud", "b" * 64)]
    assert application_named_in(Response(403, "", Headers.of(fields))) is None
