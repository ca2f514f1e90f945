"""The wizard: one key runs one stage, everything is shown, nothing secret is unless it was asked for."""

import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual import events
from textual.worker import WorkerFailed

from authlens_core.login.login import Login
from authlens_core.trace.arrows import messages
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady, ExchangeEnded, StageEnded
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import FailureKind, Request, WireFailure
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.record.record_messages import ArrowChosen
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.stepper import StepState
from support.needs import free_port
from support.screens import (
    Gate,
    Host,
    documents,
    footer_keys,
    link_on,
    press,
    run_screen,
    scripted,
    text_of,
    until,
    without_method,
    wizard_on,
)
from support.scripted_login import ISSUER, RESOURCE, come_back, reply, server_document, state_of

pytestmark = pytest.mark.slow  # each test plays a whole screen

CANARIES = ("access-canary-1", "refresh-canary-1", "code-canary-1")


def at(login: Login, stage: Stage | None) -> Callable[[], bool]:
    return lambda: login.position is stage and login.running is None


def waiting(login: Login, wizard: WizardScreen) -> Callable[[], bool]:
    return lambda: login.wait.waiting and wizard.pane.switcher.current == "panel"


def past(login: Login, stage: Stage) -> Callable[[], bool]:
    return lambda: login.position is not stage and login.running is None


def nobody() -> WireFailure:
    return WireFailure(FailureKind.CONNECT, "Nobody answers there.", "Start the server.", False)


# -- the request is on the screen before it is sent ------------------------------------------------------


async def test_every_request_is_shown_before_it_is_sent_and_sent_as_it_was_shown() -> None:
    """Design §5: what stands there before the key is pressed is what goes out."""
    login, sender = scripted(port=free_port())
    login.watch(come_back(login))
    async with wizard_on(login) as (wizard, pilot, app):
        shown = 0
        while login.position is not None:
            stage, planned, before = login.position, login.planned(), len(sender.sent)
            if planned is not None:
                shown += 1
                assert f"{planned.request.method} {planned.request.url}" in text_of(app).replace("\n ", "")
                wizard.show_stage(stage)
                assert "Request · not sent yet" in str(
                    wizard.record_view.query_one("#request-document").border_title
                )
                assert f"{planned.request.method} {planned.request.url}" in documents(wizard)
            await press(pilot, "n", then=past(login, stage))
            if planned is not None:
                assert sender.sent[before].request == planned.request
        assert shown == 6


async def test_a_stage_that_sends_nothing_says_so_and_one_whose_turn_has_not_come_does_not() -> None:
    """What stands in an empty view is true of the stage."""
    async with wizard_on() as (wizard, pilot, _):
        wizard.show_stage(Stage.EXCHANGE)
        await pilot.pause()
        assert "Not run yet" in documents(wizard)
        assert "Nothing is sent" not in documents(wizard)
        await wizard.login.step()
        for _ in range(3):
            await wizard.login.step()
        wizard.show_stage(Stage.PKCE)
        assert "Nothing is sent in this stage" in documents(wizard)


# -- one thing at a time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [("n", "n"), ("n", "a"), ("a", "n"), ("a", "a")])
async def test_a_second_key_does_not_stop_what_the_first_began(keys: tuple[str, str]) -> None:
    """Two presses in a hurry: the stage runs once and is not cancelled."""
    gate = Gate()
    login, sender = scripted(gate=gate)
    async with wizard_on(login) as (wizard, pilot, _):
        for key in keys:  # as two keys do that are read before anything has begun
            {"n": wizard.runner.next, "a": wizard.runner.run_all}[key]()
        await until(pilot, lambda: gate.came == 1)
        gate.open()
        await until(pilot, lambda: login.wait.waiting if keys[0] == "a" else login.running is None)
        assert len(sender.sent) == (4 if keys[0] == "a" else 1)
        assert {record.outcome for record in login.trace.records} == {Outcome.PASSED}


async def test_a_runs_all_and_says_that_it_works() -> None:
    """From the first request to a token that the resource accepted, with one of the keys."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login) as (wizard, pilot, app):
        assert not without_method(wizard, wizard)
        await press(pilot, "a", then=at(login, None))
        assert "✔ Authenticated." in text_of(app)
        assert "d Done" in text_of(app)


async def test_over_ssh_a_narrow_title_still_names_the_secret_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit beside it is left out first."""
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 50022 198.51.100.7 22")
    async with wizard_on(size=(72, 24)) as (_wizard, _pilot, app):
        assert text_of(app).splitlines()[0].endswith("secrets: a test's memory")


async def test_the_end_of_the_small_diagram_stays_in_view_when_its_room_shrinks() -> None:
    """The card at the end of a drill takes rows from it, at any moment."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=(120, 60)) as (wizard, pilot, _app):
        await press(pilot, "a", then=lambda: login.finished and wizard.small.max_scroll_y == 0)
        wizard.small.styles.height = 10
        await until(pilot, lambda: wizard.small.max_scroll_y > 0)
        await until(pilot, lambda: wizard.small.scroll_y == wizard.small.max_scroll_y)


async def test_looking_at_another_stage_is_not_disturbed_by_the_one_that_runs() -> None:
    """The answer of a running stage does not appear under the heading of another."""
    gate = Gate()
    login, sender = scripted()
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "n", then=at(login, Stage.RESOURCE_METADATA))
        sender.before = gate
        await press(pilot, "n", then=lambda: gate.came == 1)
        wizard.show_stage(Stage.DETECTION)
        before = documents(wizard)
        exchanged = login.trace.records[0].exchanges[0]
        wizard.call_later(wizard.show_event, ExchangeEnded(Stage.RESOURCE_METADATA, exchanged))
        await pilot.pause()
        assert documents(wizard) == before
        wizard.show_stage(Stage.RESOURCE_METADATA)
        await pilot.pause()
        assert "GET  https://app.example/mcp → 401" in text_of(app)
        gate.open()
        await until(pilot, at(login, Stage.SERVER_METADATA))


# -- failure, retry, back, override ----------------------------------------------------------------------


async def test_a_failure_names_the_stage_the_cause_the_cure_and_the_keys() -> None:
    """Seed: every failure says what happened, why, and what to do."""
    login, _ = scripted(metadata=nobody())
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then="failed")
        shown = text_of(app)
        assert "✖ Resource metadata failed." in shown
        assert "Nobody answers there." in shown
        assert "Start the server." in shown
        assert footer_keys(app) >= {"t", "e", "b", "d"}
        assert not footer_keys(app) & {"n", "a", "g", "esc"}


async def test_where_the_overview_is_not_open_the_line_below_says_why_and_what_to_do() -> None:
    """Said once, and always on the screen."""
    login, _ = scripted(metadata=nobody())
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then="Cause and fix are above")
        assert text_of(app).count("Nobody answers there.") == 1
        await press(pilot, "right_square_bracket", then="→ Start the server.")
        assert "failed. Nobody answers there." in text_of(app)
        await press(pilot, "left_square_bracket", then="Cause and fix are above")


async def test_t_runs_the_failed_stage_again() -> None:
    """The same stage, and only that one; an arrow of the first attempt opens that attempt."""
    good = reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER]})
    login, sender = scripted(metadata=[nobody(), good])
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then="failed")
        await press(pilot, "t", then=at(login, Stage.SERVER_METADATA))
        assert sender.lines().count(sender.lines()[1]) == 2
        assert "Next: 3 Server metadata" in text_of(app)
        failed = next(arrow for arrow in messages(login.trace.records) if arrow.failed)
        wizard.record_view.post_message(ArrowChosen(failed))
        await until(pilot, lambda: "2 Resource metadata (attempt 1 of 2)" in text_of(app))


async def test_b_after_a_failure_shows_the_earlier_request_again_and_n_goes_on_from_there() -> None:
    """Back is to before the earlier stage: what it would send, not what it once answered."""
    login, _ = scripted(server=[reply(503), reply(200, server_document())])
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then="failed")
        await press(pilot, "b", then=at(login, Stage.RESOURCE_METADATA))
        assert "Request · not sent yet" in str(wizard.query_one("#request-document").border_title)
        states = [step.state for step in wizard.stepper.steps]
        assert states == [StepState.DONE, *[StepState.WAITING] * 7]
        assert "Next: 2 Resource metadata" in text_of(app)
        await press(pilot, "n", then=at(login, Stage.SERVER_METADATA))
        assert "n" in footer_keys(app)


async def test_a_failed_check_is_overridden_only_after_a_question_whose_default_is_no() -> None:
    """Enter leaves everything as it is; y goes on and nothing is fetched twice."""
    login, sender = scripted(server=reply(200, server_document(registration_endpoint=None)))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: "failed" in text_of(app) or "Waiting" in text_of(app))
        sent = len(sender.sent)
        await press(pilot, "g", then=ConfirmScreen)
        await press(pilot, "enter", then=WizardScreen)
        assert login.position is Stage.SERVER_METADATA
        await press(pilot, "g", then=ConfirmScreen)
        await press(pilot, "y", then=at(login, Stage.REGISTRATION))
        assert len(sender.sent) == sent


async def test_a_taken_port_offers_another_one() -> None:
    """CB: another program at the port gets no code; w lets the system choose."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        login, _ = scripted(port=taken.getsockname()[1])
        async with wizard_on(login) as (_, pilot, app):
            await press(pilot, "a", then="failed")
            assert "w" in footer_keys(app)
            assert "H" not in footer_keys(app)
            await press(pilot, "w", then=at(login, Stage.PKCE))


async def test_a_taken_port_can_be_done_without() -> None:
    """CB: no port at all, by one key whose words say what the person does instead."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        login, _ = scripted(port=taken.getsockname()[1])
        async with wizard_on(login) as (wizard, pilot, app):
            await press(pilot, "a", then="failed")
            assert "^v Paste" in text_of(app)
            await pilot.press("ctrl+v")
            # Not `past`: another option takes the login back first, and a key is ignored while it runs again.
            await until(pilot, at(login, Stage.PKCE))
            assert not login.facts.options.listen
            await press(pilot, "a", then=waiting(login, wizard))
            assert login.wait.listener is None
            assert "No port is open here" in text_of(app)


async def test_a_port_that_is_taken_is_said_with_keys_and_not_with_options() -> None:
    """The app has no --port; what another port means is said once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        login, _ = scripted(port=taken.getsockname()[1])
        async with wizard_on(login) as (_, pilot, app):
            await press(pilot, "a", then="failed")
            said = " ".join(text_of(app).split())
            assert "--port" not in said
            assert said.count("w Other port") == 1
            assert "H Other host" not in said
            await press(pilot, "w", then=at(login, Stage.PKCE))
            assert login.facts.options.port not in (0, taken.getsockname()[1])


async def test_a_port_that_is_taken_on_one_address_offers_the_other_host_name() -> None:
    """With 127.0.0.1 in the redirect URI nobody is sent to ::1."""
    port = free_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        login, _ = scripted(port=port)
        async with wizard_on(login) as (_, pilot, app):
            await press(pilot, "a", then="failed")
            assert "H Other host" in text_of(app)
            await press(pilot, "H", then=at(login, Stage.PKCE))
            assert login.facts.redirect_uri == f"http://127.0.0.1:{port}/callback"


async def test_a_wait_that_ran_out_offers_the_other_host_name() -> None:
    """A server that refuses the redirect URI says so in the browser, and nothing comes back."""
    login, _ = scripted()
    login.watch(come_back(login, None))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then="Authorization failed")
        assert "H" in footer_keys(app)
        await press(pilot, "H", then=at(login, Stage.PKCE))
        assert (login.facts.redirect_uri or "").startswith("http://127.0.0.1:")


async def test_a_browser_that_does_not_start_becomes_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """The opener ends in a thread of its own; its failure is said on the screen."""
    async with wizard_on() as (wizard, pilot, app):
        monkeypatch.setattr(app, "environ", {"BROWSER": "authlens-test-no-such-browser %s"})
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        await press(pilot, "O", then=lambda: len(app._notifications) == 2)
        assert "No browser could be started here" in [n.message for n in app._notifications][-1]


async def test_the_keys_of_a_failure_fit_the_footer_and_its_words_the_screen_at_80_by_24() -> None:
    """Design §5: cause, cure and every key are readable on the small screen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        login, _ = scripted(port=taken.getsockname()[1])
        async with wizard_on(login, size=(80, 24)) as (wizard, pilot, app):
            await press(pilot, "a", then="failed")
            assert wizard.status.max_scroll_y == 0
            assert "? Help" in text_of(app).splitlines()[-1]


async def test_a_refused_redirect_uri_offers_the_other_host_name() -> None:
    """Access has a switch for localhost and another for 127.0.0.1."""
    refused = reply(400, {"error": "invalid_redirect_uri"})
    good = reply(201, {"client_id": "client-1", "token_endpoint_auth_method": "none"})
    login, sender = scripted(register=[refused, good])
    async with wizard_on(login) as (_, pilot, _):
        await press(pilot, "a", then="failed")
        await press(pilot, "H", then=at(login, Stage.PKCE))
        assert sender.sent[-1].document["redirect_uris"][0].startswith("http://127.0.0.1:")


# -- the link and the ways back --------------------------------------------------------------------------


async def test_the_link_is_one_hyperlink_and_whole_at_every_width() -> None:
    """Design §5: one OSC 8 hyperlink, however it wraps."""
    login, _ = scripted()
    urls: list[str] = []
    login.watch(lambda event: urls.append(event.url) if isinstance(event, AuthorizationReady) else None)
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(login, wizard))
        for width, height in ((80, 24), (200, 60), (120, 40)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda: link_on(app).get(urls[0]) == urls[0])


async def test_when_the_link_is_there_single_keys_are_commands() -> None:
    """Nothing that takes letters has the focus: c copies the link, whole."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        assert app.focused is wizard.pane.panel
        assert {"^v", "+", "esc"} <= footer_keys(app)
        assert not {"n", "a", "t", "b", "d", "x", "]", "s", "O", "o"} & footer_keys(app)
        await press(pilot, "c", then=lambda: bool(app.copied))
        assert app.copied[0][0] == "The link"
        assert state_of(app.copied[0][1])
        before = wizard.login.wait.remaining
        await press(pilot, "plus", then=lambda: wizard.login.wait.remaining > before + 200)


async def test_in_the_field_letters_are_letters_and_esc_gives_the_keys_back_before_it_cancels() -> None:
    """One Esc leaves the field, the next stops the wait."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        await pilot.press("ctrl+v")
        await pilot.press("n", "a", "plus", "c", "q")
        assert wizard.pane.panel.field.value == "na+cq"
        assert "+" not in footer_keys(app)
        await pilot.press("escape")
        assert app.focused is wizard.pane.panel
        assert wizard.pane.panel.field.value == ""
        assert wizard.login.running is Stage.AUTHORIZATION
        await press(pilot, "escape", then=at(wizard.login, Stage.AUTHORIZATION))
        assert "■ Authorization stopped." in text_of(app)


async def test_a_paste_anywhere_goes_to_the_field_and_only_enter_hands_it_on() -> None:
    """A person pastes where the eye is; what was pasted stays masked, and nothing of it stays behind."""
    login, _ = scripted()
    urls: list[str] = []
    login.watch(lambda event: urls.append(event.url) if isinstance(event, AuthorizationReady) else None)
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(login, wizard))
        app.post_message(events.Paste(f"?code=code-canary-1&state={state_of(urls[0])}\n"))
        await until(pilot, lambda: wizard.pane.panel.field.value != "")
        assert "code-canary-1" not in text_of(app)
        assert login.running is Stage.AUTHORIZATION
        await press(pilot, "enter", then=at(login, None))
        assert wizard.pane.panel.field.value == ""


async def test_a_paste_while_another_stage_is_shown_leads_back_to_the_link() -> None:
    """Somebody reads an earlier stage while the browser is away, and comes back with the address."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        wizard.show_stage(Stage.DETECTION)
        await until(pilot, lambda: wizard.pane.switcher.current == "record")
        app.post_message(events.Paste("?code=code-canary-1"))
        await until(pilot, lambda: wizard.pane.panel.field.has_focus)
        assert wizard.pane.link_is_shown
        assert wizard.pane.panel.field.value == "?code=code-canary-1"


async def test_a_paste_that_is_not_the_answer_is_refused_with_the_reason() -> None:
    """The reason stays: it is not written over by the count of what was ignored."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        await press(pilot, "ctrl+v", "x", "y", "enter", then="Not the callback address")
        assert wizard.login.wait.waiting
        wizard.pane.panel.ignore(AnswerIgnored("something else", 2))
        await pilot.pause()
        assert "Not the callback address" in text_of(app)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "code=a&state=other",
            "That answer belongs to another login (its state differs). Use the newest link.",
        ),
        ("code=a", "That address has no state."),
    ],
)
async def test_the_answer_to_another_login_is_told_from_one_without_a_state(query: str, words: str) -> None:
    """Once, and not as if somebody else had come."""
    login, _ = scripted()
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(login, wizard))
        wizard.pane.panel.take_paste(f"{login.facts.redirect_uri}?{query}")
        await press(pilot, "enter", then=lambda: words in " ".join(text_of(app).split()))
        wizard.tick()
        assert not wizard.pane.panel.query_one("#ignored").display


async def test_a_cancelled_wait_is_run_again_with_a_new_state() -> None:
    """AZ: a state is shown in one link; t makes a new one and shows it at once."""
    login, _ = scripted()
    urls: list[str] = []
    login.watch(lambda event: urls.append(event.url) if isinstance(event, AuthorizationReady) else None)
    async with wizard_on(login) as (wizard, pilot, _):
        await press(pilot, "a", then=waiting(login, wizard))
        await press(pilot, "escape", then=at(login, Stage.AUTHORIZATION))
        await press(pilot, "t", then=waiting(login, wizard))
        assert len({state_of(url) for url in urls}) == 2


@pytest.mark.parametrize("leave", ["d", "q", "ctrl+c"])
async def test_the_port_is_free_after_leaving(leave: str) -> None:
    """Whatever the person does while the listener is bound, the next program finds the port free."""
    port = free_port()
    login, _ = scripted(port=port)
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(login, wizard))
        if leave == "d":
            await press(pilot, "escape", then=at(login, Stage.AUTHORIZATION))
            await press(pilot, "d", then=lambda: app.left == 1)
        elif leave == "ctrl+c":
            await press(pilot, "ctrl+c", then=at(login, Stage.AUTHORIZATION))
        else:
            await press(pilot, "q", then=ConfirmScreen)
            await pilot.press("y")
    assert app.return_code == (0 if leave == "q" else app.return_code)
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


async def test_late_events_of_a_login_that_was_left_do_nothing() -> None:
    """What ends after the person has left changes no screen and raises nothing."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "n", then=at(wizard.login, Stage.RESOURCE_METADATA))
        record = wizard.login.trace.records[0]
        await press(pilot, "d", then=lambda: app.left == 1)
        before = text_of(app)
        wizard.call_later(wizard.show_event, StageEnded(record))
        wizard.call_later(wizard.show_event, AuthorizationReady("https://evil.example/", (), 1.0))
        await pilot.pause()
        assert text_of(app) == before


# -- secrets ---------------------------------------------------------------------------------------------


async def authenticated(pilot: object, login: Login) -> None:
    login.watch(come_back(login))
    await pilot.press("a")  # type: ignore[attr-defined]
    await until(pilot, at(login, None))  # type: ignore[arg-type]


async def test_secrets_are_masked_everywhere_until_they_are_revealed() -> None:
    """V: no tab of any stage, and no copy of one, shows a token or a code by itself."""
    async with wizard_on() as (wizard, pilot, app):
        await authenticated(pilot, wizard.login)
        for stage in [record.stage for record in wizard.login.trace.records]:
            wizard.show_stage(stage)
            for _ in range(4):
                await pilot.press("right_square_bracket", "c")
                assert not [one for one in CANARIES if one in text_of(app) or one in documents(wizard)]
        await until(pilot, lambda: len(app.copied) >= 8)
        assert not [one for one in CANARIES for _, text in app.copied if one in text]


async def revealed(wizard: WizardScreen, pilot: object) -> None:
    """Show the exchange and reveal its secrets."""
    wizard.show_stage(Stage.EXCHANGE)
    await pilot.press("x")  # type: ignore[attr-defined]
    assert "access-canary-1" in documents(wizard)
    assert wizard.record_view.revealed


@dataclass
class HandTimer:
    """A timer that rings when the test says so."""

    seconds: float
    ring: Callable[[], None]
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


async def test_revealed_secrets_are_masked_again_after_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """H145: after twenty seconds; the second reveal gets its whole time."""
    timers: list[HandTimer] = []

    def set_timer(_view: RecordView, seconds: float, ring: Callable[[], None]) -> HandTimer:
        timers.append(HandTimer(seconds, ring))
        return timers[-1]

    async with wizard_on() as (wizard, pilot, _):
        await authenticated(pilot, wizard.login)
        monkeypatch.setattr(RecordView, "set_timer", set_timer)
        await revealed(wizard, pilot)
        await pilot.press("x", "x")
        first, second = timers
        assert (first.seconds, first.stopped) == (20.0, True)
        assert (second.seconds, second.stopped) == (20.0, False)
        assert wizard.record_view.revealed
        second.ring()
        assert not wizard.record_view.revealed
        assert "access-canary-1" not in documents(wizard)


@pytest.mark.parametrize("event", ["another stage", "another window", "another screen", "x"])
async def test_revealed_secrets_are_masked_when_the_person_turns_away(event: str) -> None:
    """H145: on another stage, on focus loss, on leaving the screen."""
    async with wizard_on() as (wizard, pilot, app):
        await authenticated(pilot, wizard.login)
        await revealed(wizard, pilot)
        if event == "another stage":
            wizard.show_stage(Stage.ACCESS)
            wizard.show_stage(Stage.EXCHANGE)
        elif event == "another window":
            app.post_message(events.AppBlur())
        elif event == "another screen":
            await app.push_screen(ConfirmScreen("?", "?", "?"))
        else:
            await pilot.press("x")
        await until(pilot, lambda: not wizard.record_view.revealed)
        assert "access-canary-1" not in documents(wizard)


async def test_reveal_is_offered_only_where_something_is_masked() -> None:
    """A key that would do nothing is not offered."""
    async with wizard_on() as (wizard, pilot, app):
        assert "x" not in footer_keys(app)
        await authenticated(pilot, wizard.login)
        wizard.show_stage(Stage.EXCHANGE)
        await pilot.pause()
        assert "x" in footer_keys(app)


# -- small screens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (120, 14), (80, 24), (40, 12), (20, 5), (1, 1)])
async def test_every_size_works_while_waiting(size: tuple[int, int]) -> None:
    """Design §5: nothing crashes; where there is room the stage and the link are seen."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        await pilot.resize_terminal(*size)
        await pilot.pause()
        if size[1] >= 12:
            assert "6 Authorization" in text_of(app)
            assert link_on(app)
        await press(pilot, "escape", then=at(wizard.login, Stage.AUTHORIZATION))


async def test_a_mistake_in_a_stage_ends_the_program_and_does_not_leave_a_screen_that_waits() -> None:
    """What nobody expected is said, and the exit code tells it."""

    async def break_down(_request: Request) -> None:
        raise ZeroDivisionError

    login, sender = scripted()
    sender.before = break_down
    hosts: list[Host] = []
    with pytest.raises(WorkerFailed):
        await pressed_until_it_fails(WizardScreen(login, "memory"), "n", hosts)
    assert hosts[0].return_code == 1


async def pressed_until_it_fails(wizard: WizardScreen, key: str, hosts: list[Host]) -> None:
    """Press a key and wait for the program to stop."""
    async with run_screen(wizard) as (app, pilot):
        hosts.append(app)
        await press(pilot, key, then=lambda: app._exception is not None)


async def test_a_code_alone_is_taken_after_a_second_paste_and_a_yes() -> None:
    """The first is refused; the question at the second names the risk, and Enter there means no."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        await pilot.press("ctrl+v", *"code", "enter")
        await until(pilot, lambda: "To use the code alone, paste it again" in " ".join(text_of(app).split()))
        for answer in ("enter", "y"):
            assert wizard.login.wait.waiting
            await press(pilot, *"code", "enter", then=ConfirmScreen)
            await press(pilot, answer, then=lambda: not isinstance(app.screen, ConfirmScreen))
        await until(pilot, at(wizard.login, None))


async def test_an_error_without_a_state_is_shown_with_the_key_that_ends_the_wait() -> None:
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=waiting(wizard.login, wizard))
        wizard.pane.panel.ignore(AnswerIgnored("an error without a state: access_denied", 1, "access_denied"))
        wizard.pane.panel.ignore(AnswerIgnored("another path", 2))
        wizard.tick()
        await until(pilot, lambda: "Then press Esc" in " ".join(text_of(app).split()))
        assert wizard.login.wait.waiting
