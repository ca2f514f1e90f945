"""A resource that wants more scope: one key authorizes again with it (RFC 6750 §3.1)."""

from __future__ import annotations

from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from support.screens import text_of, until, wizard_on
from support.scripted_login import METADATA, RESOURCE, ScriptedSender, come_back, honest, reply

CHALLENGE = reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"'))
REFUSAL = reply(403, None, ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="write"'))


async def test_one_key_gets_a_token_with_the_scope_that_the_resource_wants() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, REFUSAL, reply(200)]))
    login = Login(RESOURCE, sender, options=Options(port=0, scope="read"))
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await pilot.press("a")
        await until(pilot, lambda: login.position is Stage.ACCESS and login.running is None)
        await until(pilot, lambda: "authorize again with the scope" in " ".join(text_of(app).split()))
        await pilot.press("t")
        await until(pilot, lambda: login.finished and "Authenticated" in text_of(app))
        assert login.facts.scope == "read write"
