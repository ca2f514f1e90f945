"""A login of a program, without a user: what is sent, what is not needed, and what it leaves out."""

import base64
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import Severity
from authlens_core.values.errors import UsageError
from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from support.driven_login import closed_login, failed, login_to, stopped_login
from support.grants import grant
from support.scripted_login import ISSUER, RESOURCE, ScriptedSender, honest, reply, server_document

STAGES = [
    Stage.DETECTION,
    Stage.RESOURCE_METADATA,
    Stage.SERVER_METADATA,
    Stage.REGISTRATION,
    Stage.EXCHANGE,
    Stage.ACCESS,
]

NO_BROWSER: dict[str, Any] = {
    "authorization_endpoint": None,
    "registration_endpoint": None,
    "response_types_supported": None,
    "code_challenge_methods_supported": None,
}


def _sender(**server: Any) -> ScriptedSender:
    changes = {**NO_BROWSER, "grant_types_supported": ["client_credentials"], **server}
    return ScriptedSender(honest(server=reply(200, server_document(**changes))))


def _options(**changes: Any) -> Options:
    chosen = {"client_id": "job-1", "client_secret": Secret("se:cret"), "issuer": ISSUER, **changes}
    return Options(**{"grant_type": GrantType.CLIENT_CREDENTIALS, **chosen})


async def test_a_client_gets_a_token_with_its_secret_and_no_browser() -> None:
    """MG-1."""
    sender = _sender(token_endpoint_auth_methods_supported=["client_secret_basic"])
    async with stopped_login(sender, _options(scope="files.read")) as login:
        assert [(record.stage, record.outcome) for record in login.trace.records] == [
            (stage, Outcome.PASSED) for stage in STAGES
        ]
        assert login.wait.listener is None
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form == {
        "grant_type": "client_credentials",
        "scope": "files.read",
        "resource": RESOURCE,
    }
    basic = base64.b64decode((token.request.headers.get("authorization") or "").removeprefix("Basic "))
    assert basic == b"job-1:se%3Acret"


async def test_the_secret_goes_into_the_body_where_the_server_says_so() -> None:
    sender = _sender(token_endpoint_auth_methods_supported=["client_secret_post"])
    login = await closed_login(sender, _options())
    assert login.finished
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert (token.form["client_id"], token.form["client_secret"]) == ("job-1", "se:cret")
    assert token.request.headers.get("authorization") is None


async def test_a_program_without_a_client_is_told_to_name_one() -> None:
    trace = (await closed_login(_sender(), _options(client_id=None))).trace
    assert failed(trace.records[-1]) == "registration.client"
    assert trace.records[-1].stage is Stage.REGISTRATION


async def test_a_program_without_an_earlier_login_goes_to_no_other_site_that_the_user_did_not_name() -> None:
    sender = _sender()
    trace = (await closed_login(sender, _options(issuer=None))).trace
    [check] = trace.records[-1].failures
    assert (check.name, check.overridable) == ("resource_metadata.issuer_needed", False)
    # Only its owner knows which one is right.
    assert ISSUER not in str(check.cure)
    assert not [one for one in sender.sent if one.request.url.startswith(ISSUER)]


async def test_a_login_of_a_user_does_not_choose_the_server_of_a_program() -> None:
    """The resource may have named it to both."""
    sender, credentials = _sender(), Credentials.memory()
    user = replace(grant(), resource_url=RESOURCE, issuer=ISSUER, client_id="registered")
    await credentials.save(user, GrantSecrets(Secret("access-canary-0")))
    login = start_login(Session(cast("Any", sender), credentials), RESOURCE, _options(issuer=None))
    try:
        assert failed((await login.run_all()).records[-1]) == "resource_metadata.issuer_needed"
    finally:
        await login.aclose()
        await credentials.aclose()
    assert not [one for one in sender.sent if one.request.url.startswith(ISSUER)]


async def test_a_program_without_an_earlier_login_may_go_to_the_site_of_the_resource() -> None:
    named = "https://login.app.example"
    script = honest(metadata=reply(200, {"resource": RESOURCE, "authorization_servers": [named]}))
    async with login_to(ScriptedSender(script), options=_options(issuer=None)) as login:
        await login.step()
        assert (await login.step()).outcome is Outcome.PASSED


async def test_a_program_does_not_ask_for_what_only_a_user_can_give() -> None:
    """`offline_access` is a refresh token's scope."""
    sender = _sender(scopes_supported=["offline_access"])
    challenge = ("WWW-Authenticate", 'Bearer scope="files.read"')
    sender.script = {
        **sender.script,
        f"GET {RESOURCE}": [reply(401, None, challenge), reply(200, text="welcome")],
    }
    await closed_login(sender, _options())
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form["scope"] == "files.read"


@pytest.mark.parametrize(
    ("listed", "severity"), [(["client_credentials"], Severity.PASS), (["password"], Severity.WARNING)]
)
async def test_a_grant_that_is_not_listed_is_a_warning(listed: list[str], severity: Severity) -> None:
    login = await closed_login(_sender(grant_types_supported=listed), _options())
    assert login.finished
    [check] = [c for r in login.trace.records for c in r.checks if c.name == "server.machine_grant"]
    assert check.severity is severity


IDP = "https://idp.example/token"
JAG = "urn:ietf:params:oauth:token-type:id-jag"


def _key() -> str:
    from joserfc.jwk import ECKey

    return ECKey.generate_key("P-256").as_pem(private=True).decode()


async def test_a_client_signs_instead_of_sending_a_secret() -> None:
    """MG-2."""
    sender = _sender(token_endpoint_auth_methods_supported=["private_key_jwt"])
    options = _options(client_secret=None, client_key=Secret(_key()))
    login = await closed_login(sender, options)
    assert login.finished
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    signed = parse_jwt(token.form["client_assertion"])
    assert signed is not None
    assert signed.claims is not None
    assert signed.algorithm == "ES256"
    assert [signed.claims[name] for name in ("iss", "sub", "aud")] == ["job-1", "job-1", ISSUER]
    assert token.form["client_assertion_type"].endswith("client-assertion-type:jwt-bearer")


async def test_a_server_that_wants_its_token_endpoint_as_audience_gets_it_once() -> None:
    sender = _sender()
    first = reply(401, {"error": "invalid_client"})
    sender.script = {**sender.script, f"POST {ISSUER}/token": [first, first]}
    options = _options(client_secret=None, client_key=Secret(_key()))
    login = await closed_login(sender, options)
    assert not login.finished
    diagnosis = login.trace.records[-1].diagnosis
    assert diagnosis is not None
    # A program does not register itself, so no fix tells it to.
    assert "--new-client" not in str(diagnosis.cure)
    sent = [parse_jwt(one.form["client_assertion"]) for one in sender.sent if one.line.endswith("/token")]
    assert [one.claims["aud"] for one in sent if one and one.claims] == [ISSUER, f"{ISSUER}/token"]
    assert len({one.claims["jti"] for one in sent if one and one.claims}) == 2


@pytest.mark.parametrize("text", ["junk", "{}", '{"kty": "EC"}', "-----BEGIN PRIVATE KEY-----"])
async def test_a_key_that_cannot_sign_is_refused_before_anything_is_sent_with_it(text: str) -> None:
    sender = _sender()
    trace = (await closed_login(sender, _options(client_key=Secret(text)))).trace
    assert failed(trace.records[-1]) == "registration.client"
    assert sender.count(f"POST {ISSUER}/token") == 0


async def test_an_assertion_is_enough_where_the_server_asks_for_no_client(tmp_path: Path) -> None:
    (tmp_path / "assertion").write_text("assertion-canary\n")
    sender = _sender(registration_endpoint=f"{ISSUER}/register")
    options = Options(
        grant_type=GrantType.JWT_BEARER, issuer=ISSUER, assertion_file=str(tmp_path / "assertion")
    )
    login = await closed_login(sender, options)
    assert login.finished
    assert login.facts.assertion is None
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": "assertion-canary",
        "resource": RESOURCE,
    }
    assert sender.count(f"POST {ISSUER}/register") == 0


@pytest.mark.parametrize("command", ["false", "nowhere-to-be-found", "printf 'a b'"])
async def test_a_command_that_gives_no_assertion_is_the_users_to_mend(command: str) -> None:
    options = Options(grant_type=GrantType.JWT_BEARER, issuer=ISSUER, assertion_command=Secret(command))
    trace = (await closed_login(_sender(), options)).trace
    assert trace.records[-1].stage is Stage.EXCHANGE
    assert isinstance(trace.records[-1].error, UsageError)


async def test_a_refused_assertion_is_sent_once_and_repeated_nowhere(tmp_path: Path) -> None:
    """MG-3."""
    (tmp_path / "assertion").write_text("assertion-canary")
    sender = _sender()
    said = {"error": "invalid_grant", "error_description": "no good: assertion-canary"}
    sender.script = {**sender.script, f"POST {ISSUER}/token": reply(400, said)}
    options = Options(
        grant_type=GrantType.JWT_BEARER, issuer=ISSUER, assertion_file=str(tmp_path / "assertion")
    )
    trace = (await closed_login(sender, options)).trace
    assert sender.count(f"POST {ISSUER}/token") == 1
    assert "assertion-canary" not in repr(trace.records[-1].checks)
    diagnosis = trace.records[-1].diagnosis
    assert diagnosis is not None
    assert "assertion" in diagnosis.cause
    assert "code" not in diagnosis.cause


def _enterprise(tmp_path: Path, **changes: Any) -> Options:
    (tmp_path / "id-token").write_text("e30.e30.id-canary")
    source = str(tmp_path / "id-token")
    return _options(
        **{"assertion_file": source, "idp": IDP, "grant_type": GrantType.TOKEN_EXCHANGE, **changes}
    )


async def test_an_identity_is_exchanged_at_the_provider_and_then_at_the_server(tmp_path: Path) -> None:
    """MG-4."""
    sender = _sender()
    issued = {"access_token": "jag-canary", "issued_token_type": JAG, "token_type": "N_A"}
    sender.script = {**sender.script, f"POST {IDP}": reply(200, issued)}
    options = _enterprise(tmp_path, idp_client_id="at-idp", idp_client_secret=Secret("idp-secret"))
    login = await closed_login(sender, options)
    assert login.finished
    [exchange] = [one for one in sender.sent if one.line == f"POST {IDP}"]
    assert exchange.form["audience"] == ISSUER
    assert exchange.form["resource"] == RESOURCE
    assert exchange.form["requested_token_type"] == JAG
    assert (exchange.request.headers.get("authorization") or "").startswith("Basic ")
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form["assertion"] == "jag-canary"


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        (reply(400, {"error": "invalid_target"}), "token_exchange.status"),
        (reply(200, {"access_token": "a", "token_type": "Bearer"}), "token_exchange.issued_token_type"),
    ],
)
async def test_what_the_provider_refuses_does_not_reach_the_server(
    tmp_path: Path, answer: Any, check: str
) -> None:
    sender = _sender()
    sender.script = {**sender.script, f"POST {IDP}": answer}
    trace = (await closed_login(sender, _enterprise(tmp_path))).trace
    assert failed(trace.records[-1]) == check
    assert sender.count(f"POST {ISSUER}/token") == 0


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"assertion_file": None}, "registration.assertion"),
        ({"assertion_command": Secret("true")}, "registration.assertion"),
        ({"idp": None}, "registration.idp"),
        ({"client_id": None}, "registration.client"),
    ],
)
async def test_what_is_missing_is_named_before_anything_is_sent(
    tmp_path: Path, changes: dict[str, Any], check: str
) -> None:
    sender = _sender()
    trace = (await closed_login(sender, _enterprise(tmp_path, **changes))).trace
    assert trace.records[-1].stage is Stage.REGISTRATION
    assert [one.name for one in trace.records[-1].failures] == [check]


@pytest.mark.parametrize(
    ("grants", "page", "commands"),
    [
        (["client_credentials"], None, ["--machine client-credentials --client-id ID"]),
        (["client_credentials"], f"{ISSUER}/authorize", ["--machine client-credentials --client-id ID"]),
        (
            ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            None,
            ["--machine client-credentials --client-id ID", "--machine jwt-bearer --assertion-file FILE"],
        ),
    ],
)
async def test_a_user_at_a_server_for_programs_is_told_how_one_logs_in(
    grants: list[str], page: str | None, commands: list[str]
) -> None:
    """MG-6."""
    sender = _sender(grant_types_supported=grants, authorization_endpoint=page)
    trace = (await closed_login(sender)).trace
    [failure] = trace.records[-1].failures
    assert failure.name == "server.programs_only"
    assert [f"authlens login URL {each}" in str(failure.cure) for each in commands] == [True] * len(commands)
    assert not trace.records[-1].may_continue


async def test_a_server_for_both_lets_a_user_log_in() -> None:
    grants = ["client_credentials", "authorization_code"]
    server = reply(200, server_document(grant_types_supported=grants))
    async with login_to(ScriptedSender(honest(server=server))) as login:
        for _ in range(3):
            record = await login.step()
        assert record.outcome is Outcome.PASSED
