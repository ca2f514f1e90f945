"""A failure that another sign-in ends: more scope (RFC 6750 §3.1), or a code that has expired."""

from __future__ import annotations

from authlens_core.login.login import Login
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from support.screens import press, text_of, until, wizard_on
from support.scripted_login import METADATA, RESOURCE, ScriptedSender, come_back, honest, reply

EXPIRED = reply(400, {"error": "invalid_grant", "error_description": "Authorization code expired"})
CHALLENGE = reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"'))
REFUSAL = reply(403, None, ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="write"'))


async def test_one_key_gets_a_token_with_the_scope_that_the_resource_wants() -> None:
    sender = ScriptedSender(honest(resource=[CHALLENGE, REFUSAL, reply(200)]))
    login = Login(RESOURCE, sender, options=Options(port=0, scope="read"))
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: login.position is Stage.ACCESS and login.running is None)
        await until(pilot, lambda: "authorizes again with the scope" in " ".join(text_of(app).split()))
        await press(pilot, "t", then=lambda: login.finished and "Authenticated" in text_of(app))
        assert login.facts.scope == "read write"


async def test_an_expired_code_is_called_that_and_t_is_a_new_sign_in() -> None:
    sender = ScriptedSender(honest(token=EXPIRED))
    login = Login(RESOURCE, sender, options=Options(port=0))
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: login.position is Stage.EXCHANGE and "failed" in text_of(app))
        shown = " ".join(text_of(app).split())
        assert "The code has expired" in shown
        assert "t Sign in again" in shown
        assert "t Again" not in shown
