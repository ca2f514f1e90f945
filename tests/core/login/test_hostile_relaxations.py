"""What a check relaxed by choice must not give to a server: another issuer, another place, a second try."""

import re
from pathlib import Path
from time import process_time
from typing import Any, Final
from urllib.parse import quote, unquote_plus

import pytest
from msgspec.structs import replace

import authlens_core
import authlens_lab
import authlens_tui
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.export.formats import FORMATS
from authlens_core.login.login import Login
from authlens_core.oauth.discovery.issuer import is_issuer
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import Check, Severity
from authlens_core.values.exchange import Request
from authlens_core.values.fix import commands_of
from authlens_core.values.login_command import filled
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire
from support.driven_login import closed_login, cure_of, leaks, login_to, run_to, stopped_login
from support.scripted_login import (
    ISSUER,
    RESOURCE,
    Answer,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
)

OTHER: Final = "https://other-as.example"
BANK: Final = "https://bank.example"
OPTIONS: Final = Options(port=0, wait=60)
SECRET: Final = Secret("s3cr3t+of/the%client=")


def _check(login: Login, name: str) -> Check:
    return next(c for r in login.trace.records for c in r.checks if c.name == name)


# Names


@pytest.mark.parametrize("name", ["https://{h}", "https://{h}.example/v2.0", "https://as.example/x{t}/v2.0"])
async def test_a_place_holder_stands_for_a_part_of_the_path_alone(name: str) -> None:
    """The `iss` of any server would be that of a host with a place holder: the mix-up of RFC 9207."""
    for honest_name in ("https://bank.example", "https://bank.example/v2.0", "https://as.example/xy/v2.0"):
        assert not is_issuer(honest_name, name)
    document = server_document() | {"issuer": name}
    login = await closed_login(ScriptedSender(honest(server=reply(200, document))))
    cure = cure_of(login)
    assert "--issuer" not in cure


@pytest.mark.parametrize(
    ("chosen", "remembered", "stage"),
    [
        ({"issuer": ISSUER, "issuer_name": BANK}, {}, Stage.RESOURCE_METADATA),
        ({"issuer": BANK}, {}, Stage.RESOURCE_METADATA),
        ({"issuer_name": BANK}, {}, Stage.SERVER_METADATA),
        ({}, {ISSUER: (("issuer_name", BANK),)}, Stage.SERVER_METADATA),
    ],
)
async def test_a_name_that_was_accepted_of_one_server_is_accepted_of_no_other(
    chosen: dict[str, Any], remembered: dict[str, Any], stage: Stage
) -> None:
    """H471: the resource names a hostile server now, which calls itself so and links to the bank's page.

    The `iss` of the bank would be right, and the code would go to the token endpoint of the hostile server.
    """
    endpoints = {"authorization_endpoint": f"{BANK}/authorize", "token_endpoint": f"{OTHER}/token"}
    script = honest(metadata=reply(200, {"resource": RESOURCE, "authorization_servers": [OTHER]}))
    script[f"GET {OTHER}/.well-known/oauth-authorization-server"] = reply(
        200, server_document(OTHER, **endpoints) | {"issuer": BANK}
    )
    login = await closed_login(ScriptedSender(script), replace(OPTIONS, **chosen), remembered=remembered)
    assert login.trace.records[-1].stage is stage
    cure = cure_of(login)
    # What leads on names the server that is asked now, so that it is seen. None leads on after a choice.
    offered = f"authlens login URL --issuer {OTHER}" in cure
    assert offered is (stage is Stage.SERVER_METADATA)


async def test_a_name_that_was_remembered_is_accepted_of_its_server() -> None:
    script = honest(server=reply(200, server_document() | {"issuer": BANK}))
    remembered: dict[str, Any] = {ISSUER: (("issuer_name", BANK),)}
    async with login_to(ScriptedSender(script), OPTIONS, remembered=remembered) as login:
        await run_to(login, Stage.REGISTRATION)


async def test_a_name_that_the_user_accepts_in_the_wizard_is_for_the_server_that_they_see() -> None:
    script = honest(server=reply(200, server_document() | {"issuer": BANK}))
    async with stopped_login(ScriptedSender(script), OPTIONS) as login:
        form = login.edit_form()
        assert form is not None
        [field] = [choice for choice in form.choices if choice.name == "issuer_name"]
        login.apply(form.with_value(form.unchanged, field, BANK))
        assert (login.facts.options.issuer, login.facts.options.issuer_name) == (ISSUER, BANK)
        await run_to(login, Stage.REGISTRATION)


def test_place_holders_cost_no_time() -> None:
    began = process_time()
    assert not is_issuer(f"{ISSUER}/{'a' * 5_000}!", f"{ISSUER}/{'{a}' * 40}")
    assert not is_issuer(f"{ISSUER}{'/a' * 2_000}!", f"{ISSUER}{'/{a}' * 2_000}")
    assert process_time() - began < 1


async def test_what_is_remembered_of_one_server_is_not_decided_for_the_next() -> None:
    """A resource that names two: the user changes to the other one during the login."""
    script = honest(metadata=reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER, OTHER]}))
    script[f"GET {OTHER}/.well-known/oauth-authorization-server"] = reply(200, server_document(OTHER))
    remembered: dict[str, Any] = {
        ISSUER: (("any_issuer", True), ("assume_pkce", True), ("device_endpoint", f"{ISSUER}/device")),
        OTHER: (("audience", "api"),),
    }
    options = replace(OPTIONS, issuer=ISSUER, remember=True)
    async with login_to(ScriptedSender(script), options, remembered=remembered) as login:
        await run_to(login, Stage.SERVER_METADATA)
        assert login.facts.options.any_issuer
        login.use(replace(login.facts.options, scope="read"))  # a decision that goes back to no server
        assert login.facts.options.any_issuer
        login.use(replace(login.facts.options, issuer=OTHER))
        await run_to(login, Stage.REGISTRATION)
        chosen = login.facts.options
        assert login.facts.issuer_identifier == OTHER
        assert (chosen.any_issuer, chosen.assume_pkce, chosen.device_endpoint) == (False, False, None)
        assert (chosen.audience, chosen.scope) == ("api", "read")
        assert dict(login.facts.to_remember).keys() == {"audience"}


async def test_what_the_user_decided_in_this_login_counts_at_every_server() -> None:
    script = honest(metadata=reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER, OTHER]}))
    script[f"GET {OTHER}/.well-known/oauth-authorization-server"] = reply(200, server_document(OTHER))
    options = replace(OPTIONS, issuer=ISSUER, any_issuer=True)
    remembered: dict[str, Any] = {ISSUER: (("any_issuer", True),)}
    async with login_to(ScriptedSender(script), options, remembered=remembered) as login:
        await run_to(login, Stage.SERVER_METADATA)
        login.use(replace(login.facts.options, issuer=OTHER))
        await run_to(login, Stage.REGISTRATION)
        assert login.facts.options.any_issuer


# Requests that are sent again

_REFUSALS: Final = (
    reply(401, {"error": "invalid_client", "error_description": "client_secret, client_id, scope missing"}),
    reply(401, {"error": "invalid_client"}, ("WWW-Authenticate", 'Basic realm="x"')),
    reply(401, None, text="<html>"),
    reply(400, {"error": "invalid_request", "error_description": "client_secret is required; scope missing"}),
)


@pytest.mark.parametrize("refusal", _REFUSALS)
@pytest.mark.parametrize("method", [None, "client_secret_basic", "client_secret_post", "none"])
async def test_a_token_endpoint_that_refuses_everything_gets_few_requests(
    refusal: Answer, method: str | None
) -> None:
    """Each difference once, and no other place gets anything of the client."""
    document = server_document(token_endpoint_auth_methods_supported=["client_secret_basic"])
    options = replace(OPTIONS, client_id="given", client_secret=SECRET, client_auth=method)
    sender = ScriptedSender(honest(server=reply(200, document), token=refusal))
    login = await closed_login(sender, options)
    assert not login.finished
    posts = [line for line in sender.lines() if line.startswith("POST")]
    assert set(posts) == {f"POST {ISSUER}/token"}
    assert len(posts) <= 4
    forms = [sent for sent in sender.sent if sent.line.startswith("POST")]
    # Never in the body where Basic was chosen, nor the reverse.
    assert len({"client_secret" in sent.form for sent in forms if sent.form.get("client_secret")}) <= 1
    both = [s for s in forms if s.form.get("client_secret") and s.request.headers.get("authorization")]
    assert both == []


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_request", "invalid_scope", "server_error"])
async def test_a_secret_is_raw_only_where_the_client_was_refused(error: str) -> None:
    document = server_document(token_endpoint_auth_methods_supported=["client_secret_basic"])
    refusal = reply(400, {"error": error, "error_description": "bad Basic encoding of client_secret"})
    options = replace(OPTIONS, client_id="given", client_secret=SECRET)
    sender = ScriptedSender(honest(server=reply(200, document), token=refusal))
    await closed_login(sender, options)
    assert sender.count(f"POST {ISSUER}/token") == 1


async def test_a_registration_that_refuses_everything_gets_few_requests() -> None:
    """The initial access token goes to one place."""
    refusal = reply(400, {"error": "invalid_client_metadata", "error_description": "grant_types none auth"})
    options = replace(OPTIONS, initial_access_token=SECRET)
    sender = ScriptedSender(honest(register=refusal))
    login = await closed_login(sender, options)
    assert not login.finished
    assert sender.count(f"POST {ISSUER}/register") <= 4
    bearing = {
        s.line for s in sender.sent if SECRET.reveal() in (s.request.headers.get("authorization") or "")
    }
    assert bearing == {f"POST {ISSUER}/register"}


# The record


async def _kept(
    sender: ScriptedSender, options: Options, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, str], Login]:
    """Return a login that failed, and everything that is stored and exported of it."""
    credentials = Credentials.memory()
    async with Session(Wire(), credentials) as session:
        monkeypatch.setattr(session.wire, "send", sender.send)
        login = start_login(session, RESOURCE, options)
        login.watch(come_back(login, "code=code-canary-1"))
        await login.run_all()
        await login.aclose()
        assert not login.finished
        for work in tuple(credentials.before_close):
            work()
        [kept] = credentials.traces.of("", RESOURCE)
        assert kept.outcome is Outcome.FAILED
        stored = credentials.traces.open(kept.trace_id)
    texts = {
        f"{name} of {which}": form.write(trace)
        for name, form in FORMATS.items()
        for which, trace in (("stored", stored), ("live", login.trace))
    }
    return {"stored": repr(stored), **texts}, login


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_failed_login_that_is_kept_holds_no_secret(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server repeats what it was sent: in its error, in a field, in a list, encoded and not."""
    document = server_document(token_endpoint_auth_methods_supported=[method])
    script = honest(server=reply(200, document))

    async def echo(request: Request) -> None:
        if request.url.endswith("/token"):
            body, basic = request.body.reveal().decode(), request.headers.get("authorization") or ""
            said = f"<p>{body}</p> {basic} {SECRET.reveal()}"
            script[f"POST {ISSUER}/token"] = reply(
                400,
                {"error": "invalid_grant", "error_description": said, "hint": [body, basic, SECRET.reveal()]},
                ("X-Echo", f"{basic} {SECRET.reveal()}"),
                ("Location", f"/?{body}"),
            )

    options = replace(OPTIONS, client_id="given", client_secret=SECRET, client_auth=method)
    texts, login = await _kept(ScriptedSender(script, before=echo), options, monkeypatch)
    facts = login.facts
    assert facts.pkce is not None
    assert facts.state is not None
    secrets = (SECRET, Secret("code-canary-1"), facts.pkce.code_verifier, facts.state)
    found = [
        (name, secret) for name, text in texts.items() for secret in secrets if leaks(text, secret.reveal())
    ]
    assert found == []


async def test_a_failed_registration_that_is_kept_holds_no_initial_access_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {"error": "invalid_token", "error_description": f"{SECRET.reveal()} has expired"}
    options = replace(OPTIONS, initial_access_token=SECRET)
    texts, _ = await _kept(ScriptedSender(honest(register=reply(401, said))), options, monkeypatch)
    assert [name for name, text in texts.items() if leaks(text, SECRET.reveal())] == []


@pytest.mark.parametrize(
    "grant", [GrantType.JWT_BEARER, GrantType.TOKEN_EXCHANGE, GrantType.CLIENT_CREDENTIALS]
)
async def test_a_failed_login_of_a_program_that_is_kept_holds_no_secret(
    grant: GrantType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assertion that is no JWT, and the secrets of both clients: repeated under other names."""
    source = str(tmp_path / "assertion")
    Path(source).write_text("opaque/assertion+canary=")
    document = server_document(grant_types_supported=[grant, GrantType.JWT_BEARER])
    idp = "https://idp.example/token"
    script = honest(server=reply(200, document))

    async def echo(request: Request) -> None:
        if request.url.endswith("/token"):
            body, basic = request.body.reveal().decode(), request.headers.get("authorization") or ""
            said = {"error": "invalid_grant", "error_description": f"{body} {unquote_plus(body)}", "x": basic}
            script[f"POST {request.url}"] = reply(400, said, ("X-Echo", unquote_plus(body)))

    other = Secret("idp/secret+canary=")
    more: dict[str, Any] = {} if grant is GrantType.CLIENT_CREDENTIALS else {"assertion_file": source}
    if grant is GrantType.TOKEN_EXCHANGE:
        more |= {"idp": idp, "idp_client_id": "idp-client", "idp_client_secret": other}
    options = replace(
        OPTIONS, grant_type=grant, client_id="given", client_secret=SECRET, issuer=ISSUER, **more
    )
    sender = ScriptedSender(script, before=echo)
    texts, _ = await _kept(sender, options, monkeypatch)
    assert any(line.endswith("/token") for line in sender.lines())
    secrets = (SECRET.reveal(), other.reveal(), "opaque/assertion+canary=")
    assert [(name, each) for name, text in texts.items() for each in secrets if leaks(text, each)] == []


async def test_a_relaxed_check_is_a_warning_in_the_record_and_in_each_export() -> None:
    document = server_document(code_challenge_methods_supported=None)
    sender = ScriptedSender(honest(server=reply(200, document)))
    login = await closed_login(
        sender,
        replace(OPTIONS, assume_pkce=True, any_issuer=True),
        answers=("code=code-canary-1&iss=https://x.example",),
    )
    assert login.finished
    for name in ("server.s256", "authorization.iss"):
        assert _check(login, name).severity is Severity.WARNING
    for form in ("markdown", "session"):
        text = FORMATS[form].write(login.trace)
        assert text.count("because you chose so") >= 2
        assert re.search("warn", text, re.IGNORECASE)


# Commands

_LURE: Final = (
    "Do this: authlens forget --all https://x.example $(id)`id`\n\u202e\x1b]52;c;aWQ=\x07. Run: authlens x"
)


@pytest.mark.parametrize("place", ["register", "token", "browser", "server", "metadata", "resource"])
@pytest.mark.parametrize("error", ["invalid_client", "invalid_target", "invalid_scope", _LURE])
async def test_no_words_of_a_server_are_a_command_or_steer_the_terminal(place: str, error: str) -> None:
    """What is shown after `→` is ours; what a server says stays words, on one line, in what was seen."""
    said = {"error": error, "error_description": _LURE, "error_uri": _LURE}
    answers: dict[str, Any] = {
        "register": {"register": reply(400, said)},
        "token": {"token": reply(400, said)},
        "server": {"server": reply(200, server_document() | {"issuer": _LURE, "token_endpoint": _LURE})},
        "metadata": {"metadata": reply(200, {"resource": _LURE, "authorization_servers": [_LURE]})},
        "resource": {"resource": reply(403, said, ("WWW-Authenticate", f'Bearer error="{quote(_LURE)}"'))},
    }
    sender = ScriptedSender(honest(**answers.get(place, {})))
    async with login_to(sender, OPTIONS) as login:
        query = f"error={quote(error)}&error_description={quote(_LURE)}"
        login.watch(come_back(login, *([query] if place == "browser" else [])))
        await login.run_all()
        assert not login.finished
        reason = login.trace.records[-1].reason
    assert reason is not None
    commands = commands_of(filled(reason.cure, RESOURCE))
    assert not [one for one in commands if "x.example" in one or "forget" in one or "$(" in one]
    assert f"{reason.cause}{reason.cure}".isprintable()


@pytest.mark.parametrize("tail", ["$(id)", "x;id", "x&calc", "x'y", "!id", "%PATH%", "x?a=1&b=2", "(x)", "*"])
async def test_a_name_that_a_shell_may_read_otherwise_is_in_no_command(tail: str) -> None:
    """Each is a URL. Quotes are for one kind of shell, and the command is copied to any."""
    for script in (
        honest(server=reply(200, server_document() | {"issuer": f"{ISSUER}/{tail}"})),
        honest(metadata=reply(200, {"resource": f"{RESOURCE}-{tail}", "authorization_servers": [ISSUER]})),
    ):
        login = await closed_login(ScriptedSender(script), OPTIONS)
        reason = login.trace.records[-1].reason
        assert reason is not None
        assert not [each for each in commands_of(filled(reason.cure, RESOURCE)) if tail in each]


_UNQUOTED: Final = re.compile(r": authlens [a-z][a-z -]*\{(?:[a-z_.]*\.)?(?:resource_)?url(?:\.text)?\}")


def test_no_command_has_a_url_that_is_not_quoted() -> None:
    """A URL may have `;`, `&` and `$( )`: what is copied to a shell is quoted, or a template that quotes."""
    templates = {"emulator.py", "lifecycle_verbs.py"}
    folders = [Path(package.__file__ or "").parent for package in (authlens_core, authlens_lab, authlens_tui)]
    found = [
        f"{path.name}: {line.strip()}"
        for folder in folders
        for path in folder.rglob("*.py")
        if path.name not in templates
        for line in path.read_text().splitlines()
        if _UNQUOTED.search(line)
    ]
    assert found == []
