"""A login changed on purpose: what may be changed, how it is marked, and that nothing of it is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.login.stage_work import Stored
from authlens_core.login.tampering.editing import EditForm, FormField, added, choices, with_choices
from authlens_core.login.tampering.request_edit import EditLocation, RequestEdit, RequestEditRefused
from authlens_core.oauth.authorization import url_parameters
from authlens_core.trace.events import AuthorizationReady
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.login_options import OPTIONS, Kind, OptionInfo, Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, GrantType
from support.driven_login import at, client_of, login_to, record_of, run_to
from support.scripted_login import ISSUER, ScriptedSender, come_back, facts, honest, reply, server_document

CANARY = Secret("canary-verifier")


class Keeping:
    """A keeper that counts."""

    def __init__(self) -> None:
        self.kept: list[Facts] = []

    async def __call__(self, facts: Facts) -> Stored:
        self.kept.append(facts)
        return Stored()


def _form(login: Login) -> EditForm:
    form = login.edit_form()
    assert form is not None
    return form


def part(login: Login, place: EditLocation, name: str, value: str | Secret | None) -> RequestEdit:
    assert (place, name) in {(one.location, one.name) for one in _form(login).parts}
    return RequestEdit(place, name, value)


async def test_every_part_of_what_is_sent_is_offered_once_as_a_choice_or_as_tampering() -> None:
    """Method, address, each header, field, member and parameter."""
    offered: dict[Stage, tuple[set[str], set[str]]] = {}
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(come_back(login))
        while login.position is not None:
            choices = {one.name for one in _form(login).choices}
            parts = {f"{one.location and one.location.name} {one.name}".strip() for one in _form(login).parts}
            offered[login.position] = (choices, parts)
            await login.step()
    choices, parts = offered[Stage.DETECTION]
    assert choices == {"method"}
    assert "URL" in parts
    assert "METHOD" not in parts
    choices, parts = offered[Stage.REGISTRATION]
    assert choices == {"client_id", "port", "redirect_host", "redirect_uri", "scope", "resource"}
    assert {"METHOD", "URL", "JSON redirect_uris", "JSON client_name"} <= parts
    assert offered[Stage.PKCE] == ({"scope", "resource"}, set())
    choices, parts = offered[Stage.AUTHORIZATION]
    assert choices == {"scope", "resource", "audience", "client_id", "port"}
    assert {"URL", "QUERY state", "QUERY redirect_uri", "QUERY code_challenge"} <= parts
    assert not {"QUERY scope", "QUERY resource", "QUERY client_id"} & parts
    assert {"FORM code", "FORM code_verifier", "FORM resource"} <= offered[Stage.EXCHANGE][1]
    assert "HEADER Authorization" in offered[Stage.ACCESS][1]


@pytest.mark.parametrize(
    "option",
    [
        option
        for option in OPTIONS.values()
        if Stage.AUTHORIZATION in option.edited_in and option.kind in (Kind.TEXT, Kind.CHOICE)
    ],
    ids=lambda option: option.name,
)
async def test_an_option_that_is_a_parameter_of_the_link_is_offered_as_a_choice_alone(
    option: OptionInfo,
) -> None:
    """`sent_in` of its declaration is what the form goes by."""
    chosen: dict[str, Any] = {option.name: option.choices[-1] if option.choices else "chosen"}
    async with login_to(ScriptedSender(honest()), Options(port=0, wait=60, **chosen)) as login:
        await run_to(login, Stage.AUTHORIZATION)
        form = _form(login)
    assert option.name in {choice.name for choice in form.choices}
    assert option.name not in {part.name for part in form.parts}


@pytest.mark.parametrize(
    ("grant_type", "left_out"),
    [
        (GrantType.AUTHORIZATION_CODE, set()),
        (GrantType.DEVICE_CODE, {"any_issuer"}),
        (GrantType.CLIENT_CREDENTIALS, {"any_issuer", "port", "redirect_host", "redirect_uri"}),
    ],
)
def test_no_form_offers_an_option_that_its_flow_does_not_use(
    grant_type: GrantType, left_out: set[str]
) -> None:
    metadata = replace(
        facts().server,
        device_authorization_endpoint=f"{ISSUER}/device",
        authorization_response_iss_parameter_supported=True,
    )
    start = replace(facts(options=Options(grant_type=grant_type)), server_metadata=metadata)
    offered = {choice.name for stage in LOGIN_STAGES for choice in choices(stage, start)}
    edited = {option.name for option in OPTIONS.values() if option.edited_in}
    assert edited - offered - {"grant_type"} == left_out


async def test_what_is_secret_is_offered_in_its_box() -> None:
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(come_back(login))
        secret: set[str] = set()
        while login.position is not None:
            secret |= {one.name for one in _form(login).parts if isinstance(one.value, Secret)}
            await login.step()
    assert secret == {"state", "code", "code_verifier", "Authorization"}
    assert "canary" not in FormField(EditLocation.FORM, "code", Secret("canary-1")).difference(
        Secret("canary-2")
    )
    assert FormField(EditLocation.FORM, "scope", "a").difference(None) == "scope: a → (left out)"


@pytest.mark.parametrize(
    ("chosen", "options"),
    [
        ({"port": "9000"}, Options(port=9000)),
        ({"scope": ""}, Options(scope="")),
        ({"method": "POST", "client_id": " x "}, Options(method="POST", client_id="x")),
        ({"redirect_host": "127.0.0.1"}, Options(redirect_host="127.0.0.1")),
    ],
)
def test_choices_become_options(chosen: dict[str, str], options: Options) -> None:
    assert with_choices(Options(), chosen) == options


@pytest.mark.parametrize(
    "chosen",
    [{"port": "99999"}, {"port": "x"}, {"method": "PUT"}, {"redirect_host": "a.example"}, {"issuer": "x"}],
)
def test_a_choice_that_cannot_be_is_refused_in_words(chosen: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        with_choices(Options(), chosen)


async def test_an_edited_request_is_shown_sent_and_marked() -> None:
    """What `planned` shows is what goes out; the record says what was changed, without the value."""
    sender = ScriptedSender(honest(token=reply(400, {"error": "invalid_grant"})))
    async with login_to(sender) as login:
        login.watch(come_back(login))
        await run_to(login, Stage.EXCHANGE)
        login.amend(part(login, EditLocation.FORM, "code_verifier", CANARY))
        planned = login.planned()
        record = await login.step()
        assert planned is not None
        assert sender.sent[-1].request == planned.request
        assert sender.sent[-1].form["code_verifier"] == CANARY.reveal()
        assert record.tampering == ("code_verifier was replaced",)
        assert login.trace.tampering == record.tampering
        assert login.tampered


async def test_an_edited_link_is_the_one_handed_out() -> None:
    """The authorization stage sends nothing itself: its link is what is changed."""
    links: list[str] = []
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login))
        await run_to(login, Stage.AUTHORIZATION)
        login.amend(part(login, EditLocation.QUERY, "code_challenge_method", "plain"))
        record = await login.step()
        assert dict(url_parameters(links[0]))["code_challenge_method"] == "plain"
        shown = next(fact for fact in record.facts if fact.name == "code_challenge_method")
        assert (shown.value, shown.note) == ("plain", "changed on purpose")
        assert record.tampering == ("code_challenge_method was replaced",)


async def test_an_edit_that_changes_nothing_marks_nothing_and_one_for_the_next_run_only() -> None:
    async with login_to(
        ScriptedSender(honest(server=[reply(503), reply(503), reply(200, server_document())]))
    ) as login:
        await run_to(login, Stage.SERVER_METADATA)
        login.amend(part(login, EditLocation.HEADER, "Accept", "application/json"))
        assert not (await login.step()).tampering
        await login.retry()
        login.amend(part(login, EditLocation.HEADER, "Accept", "text/html"))
        assert (await login.step()).tampering == ("the header field Accept was replaced",)
        await login.retry()
        record = await login.step()
        assert (record.outcome, record.tampering) == (Outcome.PASSED, ())


async def test_going_back_or_choosing_anew_drops_the_edits() -> None:
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.SERVER_METADATA)
        drops: tuple[Callable[[], None], ...] = (
            login.back,
            lambda: login.use(replace(login.facts.options, scope="other")),
        )
        for drop in drops:
            await run_to(login, Stage.SERVER_METADATA)
            login.amend(part(login, EditLocation.METHOD, "", "PUT"))
            drop()
            assert login.amendments == ()


async def test_tokens_of_a_changed_login_are_kept_nowhere_and_that_is_said() -> None:
    """A tampered trace is never stored as a credential, in whichever stage it was changed."""
    keeping = Keeping()
    async with login_to(ScriptedSender(honest()), keeper=keeping) as login:
        login.watch(come_back(login))
        login.amend(part(login, EditLocation.HEADER, "Accept", "text/html"))
        await login.run_all()
        assert login.finished
        record = record_of(login.trace, Stage.EXCHANGE)
        assert "not stored, because the request was changed" in [check.seen for check in record.checks]
        assert keeping.kept == []


async def test_tokens_are_not_kept_either_while_an_experiment_is_still_to_come() -> None:
    """The stale refresh token would end what was kept."""
    keeping = Keeping()
    async with login_to(ScriptedSender(honest()), keeper=keeping) as login:
        login.watch(come_back(login))
        await run_to(login, Stage.ACCESS)
        assert len(keeping.kept) == 1
        login.amend(RequestEdit(EditLocation.HEADER, "X-Other", "1"))
        assert login.keeps_nothing


async def test_a_client_of_a_changed_registration_is_not_remembered() -> None:
    registry = MemoryClientRegistry()
    async with login_to(ScriptedSender(honest()), registry=registry) as login:
        await run_to(login, Stage.REGISTRATION)
        login.amend(part(login, EditLocation.JSON, "client_name", "Somebody else"))
        record = await login.step()
        assert record.tampering == ("client_name was replaced",)
        assert await registry.find(ISSUER, client_of(login.facts).redirect_uri) is None


@pytest.mark.parametrize(
    ("stage", "place"),
    [(Stage.AUTHORIZATION, EditLocation.QUERY), (Stage.EXCHANGE, EditLocation.FORM)],
    ids=["in the link", "in the exchange"],
)
async def test_an_honest_client_is_not_forgotten_because_another_id_was_refused(
    stage: Stage, place: EditLocation
) -> None:
    """A foreign client_id says nothing about the one that was registered, in a later stage either."""
    registry = MemoryClientRegistry()
    sender = ScriptedSender(honest(token=reply(401, {"error": "invalid_client"})))
    async with login_to(sender, registry=registry) as login:
        login.watch(come_back(login))
        await run_to(login, stage)
        client = client_of(login.facts)
        login.amend(RequestEdit(place, "client_id", "another"))
        record = await login.step()
        while record.stage is not Stage.EXCHANGE:
            record = await login.step()
        assert bool(record.tampering) is (stage is Stage.EXCHANGE)
        await login.retry()
        assert login.position is Stage.PKCE
        assert await registry.find(ISSUER, client.redirect_uri) == client


async def test_a_failed_exchange_is_edited_and_its_edit_waits_until_there_is_a_new_code() -> None:
    """The code is used up, so PKCE comes first; the edit acts in its own stage."""
    sender = ScriptedSender(honest(token=reply(400, {"error": "invalid_grant"})))
    async with login_to(sender) as login:
        login.watch(come_back(login))
        await run_to(login, Stage.EXCHANGE)
        await login.step()
        login.amend(part(login, EditLocation.FORM, "code_verifier", CANARY))
        assert at(login) is Stage.PKCE
        assert [(stage, one.name) for stage, one in login.edits] == [(Stage.EXCHANGE, "code_verifier")]
        await run_to(login, Stage.EXCHANGE)
        record = await login.step()
        assert sender.sent[-1].form["code_verifier"] == CANARY.reveal()
        assert record.tampering == ("code_verifier was replaced",)


async def test_a_stopped_stage_runs_with_its_edit_and_not_as_a_retry() -> None:
    sender = ScriptedSender(honest(server=[reply(503), reply(200, server_document())]))
    async with login_to(sender) as login:
        await run_to(login, Stage.SERVER_METADATA)
        await login.step()
        login.amend(part(login, EditLocation.HEADER, "Accept", "text/html"))
        record = await login.step()
        assert (record.outcome, record.tampering) == (
            Outcome.PASSED,
            ("the header field Accept was replaced",),
        )


@pytest.mark.parametrize(
    ("stage", "place", "words"),
    [
        (Stage.DETECTION, EditLocation.HEADER, "the header field X-New was added"),
        (Stage.DETECTION, EditLocation.QUERY, "X-New was added"),
        (Stage.REGISTRATION, EditLocation.JSON, "X-New was added"),
        (Stage.EXCHANGE, EditLocation.FORM, "X-New was added"),
    ],
)
async def test_what_is_not_there_can_be_added(stage: Stage, place: EditLocation, words: str) -> None:
    sender = ScriptedSender(honest())
    async with login_to(sender) as login:
        login.watch(come_back(login))
        await run_to(login, stage)
        assert place in _form(login).places
        login.amend(added(place, "X-New", "typed-here", _form(login).parts))
        record = await login.step()
        assert words in record.tampering
        sent = record.exchanges[0].request
        whole = f"{sent.url} {sent.headers.fields} {sent.body.reveal()!r}"
        assert whole.count("typed-here") == 1


async def test_a_parameter_is_added_to_the_link_which_is_shown_whole_before() -> None:
    links: list[str] = []
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login))
        await run_to(login, Stage.AUTHORIZATION)
        assert _form(login).places == (EditLocation.QUERY,)
        login.amend(added(EditLocation.QUERY, "prompt", "none", _form(login).parts))
        planned = login.planned_link()
        await login.step()
        assert links == [planned]
        assert ("prompt", "none") in url_parameters(links[0])


async def test_what_is_there_already_has_no_name_or_cannot_be_sent_is_not_added() -> None:
    async with login_to(ScriptedSender(honest())) as login:
        for name, value, words in (
            ("accept", "x", "is already there"),
            ("", "x", "needs a name"),
            ("two words", "x", "one word"),
        ):
            with pytest.raises(RequestEditRefused, match=words):
                added(EditLocation.HEADER, name, value, _form(login).parts)


def test_what_is_added_under_a_secret_name_is_a_secret() -> None:
    assert isinstance(added(EditLocation.FORM, "client_secret", "canary", ()).value, Secret)


def test_the_device_grant_is_a_choice_where_the_server_has_it() -> None:
    """Chosen within the protocol, so the login stays honest and its tokens are stored."""
    start = facts(upto="pkce")
    assert start.server_metadata is not None
    assert "grant_type" not in {choice.name for choice in choices(Stage.REGISTRATION, start)}
    offered = replace(start.server_metadata, device_authorization_endpoint=f"{ISSUER}/device")
    names = {c.name: c.value for c in choices(Stage.REGISTRATION, replace(start, server_metadata=offered))}
    assert names["grant_type"] == "no"
    assert with_choices(start.options, {"grant_type": "yes"}).grant_type is GrantType.DEVICE_CODE
    with pytest.raises(ValueError, match="yes or no"):
        with_choices(start.options, {"grant_type": "perhaps"})


def test_a_wrong_issuer_may_be_taken_by_choice_where_the_server_promises_one() -> None:
    start = facts(upto="pkce")
    assert start.server_metadata is not None
    assert "any_issuer" not in {choice.name for choice in choices(Stage.AUTHORIZATION, start)}
    promised = replace(start.server_metadata, authorization_response_iss_parameter_supported=True)
    offered = choices(Stage.AUTHORIZATION, replace(start, server_metadata=promised))
    assert "any_issuer" in {choice.name for choice in offered}
    assert with_choices(start.options, {"any_issuer": "yes"}).any_issuer
