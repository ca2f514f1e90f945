"""Behind a proxy, which looks up the names: what a server names may not lead to this machine."""

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.login import Login
from authlens_core.login.stages.detection_stage import DetectionStage
from authlens_core.values.exchange import Exchange, Request
from authlens_core.values.login_options import Options
from authlens_core.values.url import parse_url
from authlens_core.wire.addresses import AddressPolicy
from support.driven_login import closed_login
from support.scripted_login import RESOURCE, ScriptedSender, exchange, facts, honest, reply

PROXY = "http://proxy.example:3128"
INSIDE = "10.0.0.1:3128"


@dataclass
class Behind(ScriptedSender):
    """A sender whose requests go through a proxy: the address it sees is the proxy's."""

    async def send(self, request: Request, **settings: Any) -> Exchange:
        return replace(await super().send(request, **settings), proxy=PROXY, peer=INSIDE)


async def test_whatever_a_server_names_may_lead_to_public_places_only() -> None:
    """GEN-3, RFC 9728 §7.7: the proxy's own address says nothing about the resource."""
    sender = Behind(honest())
    login = await closed_login(sender)
    assert login.finished
    own = {s.addresses for s in sender.sent if s.request.url == RESOURCE}
    named = {s.addresses for s in sender.sent if s.request.url != RESOURCE}
    assert own == {AddressPolicy.ANY}
    assert named == {AddressPolicy.PUBLIC_ONLY}


@pytest.mark.parametrize(
    ("resource", "public"),
    [
        ("https://app.example/mcp", True),
        ("https://93.184.216.34/mcp", True),
        ("https://[2606:4700::1111]/mcp", True),
        ("https://10.1.2.3/mcp", False),
        ("https://192.168.0.4:8443/", False),
        ("https://169.254.169.254/", False),
        ("https://[fd00::1]/", False),
        ("https://[::ffff:10.1.2.3]/", False),
        ("https://[64:ff9b::a01:203]/", False),
        ("https://localhost:8443/", False),
        ("https://127.0.0.1:8443/", False),
        ("https://[::1]:8443/", False),
    ],
)
@pytest.mark.parametrize("peer", [INSIDE, "93.184.216.34:3128", None])
def test_behind_a_proxy_the_name_of_the_resource_decides(
    resource: str, public: bool, peer: str | None
) -> None:
    """GEN-3: a name counts as public; an address that is written out is what it is."""
    start = replace(facts(metadata_candidates=()), resource_url=parse_url(resource, loopback_http=True))
    seen = exchange(reply(401), Request("GET", resource), peer=peer, proxy=PROXY)
    assert DetectionStage().learn(start, [seen]).facts.resource_is_public is public


async def test_a_resource_on_a_private_address_may_have_its_server_beside_it() -> None:
    """GEN-3: who can reach the one may reach the other."""
    resource = "https://10.1.2.3/mcp"
    metadata = "https://10.1.2.3/.well-known/oauth-protected-resource/mcp"
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{metadata}"')
    sender = Behind({f"GET {resource}": reply(401, None, challenge)})
    login = Login(resource, sender, options=Options(port=0, wait=60))
    try:
        await login.run_all()
    finally:
        await login.aclose()
    assert sender.count(f"GET {metadata}") == 1
    assert {s.addresses for s in sender.sent} == {AddressPolicy.ANY}


async def test_a_proxy_that_comes_in_later_does_not_lift_the_guard() -> None:
    """GEN-3: the resource was seen at a public address before."""
    start = replace(facts(metadata_candidates=()), resource_is_public=True)
    unseen = exchange(reply(401), Request("GET", RESOURCE), peer=None)
    assert DetectionStage().learn(start, [unseen]).facts.resource_is_public
