"""The form: every part of what is sent next can be changed, and which change is tampering is plain to see."""

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from authlens_core.login.tampering.request_edit import EditLocation
from authlens_core.trace.record import Stage
from authlens_core.values.secret import Secret
from authlens_tui.screens.wizard.edit import EditScreen, FieldRow, NewRow
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.driven_login import run_to
from support.screens import documents, footer_keys, press, scripted, text_of, until, wizard_on
from support.scripted_login import come_back, reply

pytestmark = pytest.mark.slow  # each test plays a whole screen


def row(screen: object, title: str) -> FieldRow:
    assert isinstance(screen, EditScreen)
    return next(one for one in screen.query(FieldRow) if one.title == title)


async def test_an_edit_is_told_apart_shown_before_it_is_sent_and_marked_everywhere() -> None:
    """From the key to the marked record, in the screen's own words."""
    login, sender = scripted(token=reply(400, {"error": "invalid_grant"}))
    login.watch(come_back(login))
    await run_to(login, Stage.EXCHANGE)
    verifier = login.facts.pkce
    assert verifier is not None
    async with wizard_on(login) as (_, pilot, app):
        assert "TAMPERED" not in text_of(app)
        await press(pilot, "e", then=EditScreen)
        shown = text_of(app)
        assert "Within the protocol" in shown
        assert "Tampering" in shown
        assert verifier.code_verifier.reveal() not in shown
        assert verifier.code_verifier.masked in shown
        row(app.screen, "code_verifier").field.value = "canary-typed"
        await pilot.pause()
        assert f"code_verifier: {verifier.code_verifier.masked} → {Secret('canary-typed').masked}" in text_of(
            app
        )
        assert "canary-typed" not in text_of(app)
        await press(pilot, "enter", then=WizardScreen)
        assert [one.location for one in login.amendments] == [EditLocation.FORM]
        assert "≠ Edited: code_verifier was replaced, sent next." in text_of(app)
        await press(pilot, "n", then=lambda: login.running is None and login.tampered)
        assert sender.sent[-1].form["code_verifier"] == "canary-typed"
        await until(pilot, lambda: "≠ TAMPERED: code_verifier was replaced." in text_of(app))
        rows = text_of(app).splitlines()
        assert "≠ TAMPERED" in rows[0]
        assert sum("TAMPERED" in one for one in rows) == 3  # title bar, stepper, the line below
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: sum("TAMPERED" in one for one in text_of(app).splitlines()) == 3)


async def test_what_is_within_the_protocol_is_used_and_marks_nothing() -> None:
    """A port of one's own is an option: the login goes back to where it matters."""
    login, _ = scripted()
    await run_to(login, Stage.PKCE)
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "e", then=EditScreen)
        row(app.screen, "scope").field.value = "one two"
        await pilot.pause()
        assert "✎ within the protocol" in text_of(app)
        await press(pilot, "enter", then=WizardScreen)
        assert login.facts.options.scope == "one two"
        assert not login.amendments
        assert "≠" not in text_of(app)


async def test_a_field_is_put_back_left_out_and_refused_in_words() -> None:
    """Ctrl+r, Ctrl+o, and a value that could never be sent."""
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "e", then=EditScreen)
        accept = row(app.screen, "Accept")
        accept.field.focus()
        await pilot.press("ctrl+l")
        assert "(left out)" in text_of(app)
        await pilot.press("ctrl+r")
        assert "No changes yet" in text_of(app)
        accept.field.value = "bläh"
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "✖ Accept: " in text_of(app)
        assert "printable ASCII" in text_of(app)
        assert isinstance(app.screen, EditScreen)
        await press(pilot, "escape", then=WizardScreen)
        assert wizard.login.amendments == ()


async def test_a_refusal_names_the_field_and_leads_to_it() -> None:
    """Of twenty fields the one that is wrong has the cursor; so has the name that is missing."""
    login, _ = scripted()
    await run_to(login, Stage.REGISTRATION)
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "e", then=EditScreen)
        form = app.screen
        assert isinstance(form, EditScreen)
        port = row(form, "port")
        port.field.value = "99999999"
        await pilot.pause()
        await press(pilot, "enter", then=lambda: app.focused is port.field)
        assert "✖ port: A port is a number" in text_of(app)
        port.reset()
        added = form.query(NewRow).first()
        added.value_field.value = "x"
        await pilot.pause()
        await press(pilot, "enter", then=lambda: app.focused is added.name_field)
        assert "needs a name" in text_of(app)


async def test_a_long_name_does_not_run_into_its_field_at_80_columns() -> None:
    """`token_endpoint_auth_method  JSON` and the value are two things."""
    login, _ = scripted()
    await run_to(login, Stage.REGISTRATION)
    async with wizard_on(login, size=(80, 40)) as (_, pilot, app):
        await press(pilot, "e", then=EditScreen)
        assert "token_endpoint_auth_method  JSON " in text_of(app)


async def test_what_a_field_cannot_show_stands_in_no_field() -> None:
    """A server's control characters reach no widget raw, and untouched they stay as they are."""
    login, _ = scripted()
    hostile = "https://app.example/\x1b[31m\u202e"
    async with wizard_on(login) as (_, pilot, app):
        from authlens_core.desk.log_in import EditForm, FormField
        from authlens_core.values.login_options import Options

        form = EditScreen(EditForm(Stage.AUTHORIZATION, Options(), (FormField(None, "resource", hostile),)))
        app.push_screen(form)
        await until(pilot, lambda: app.screen is form)
        await until(pilot, lambda: bool(form.query(Input)))
        assert row(form, "resource").field.value == ""
        assert not row(form, "resource").changed
        assert "\x1b" not in text_of(app)
        assert "\u202e" not in text_of(app)


async def test_the_form_is_whole_at_80_columns_and_stands_at_20_by_5() -> None:
    """Design §5: 80 × 24 works, 20 × 5 does not crash."""
    login, _ = scripted()
    await run_to(login, Stage.REGISTRATION)
    async with wizard_on(login, size=(80, 24)) as (_, pilot, app):
        assert footer_keys(app) >= {"n", "a", "e", "i", "l"}
        await press(pilot, "e", then=EditScreen)
        shown = text_of(app)
        for words in ("client id", "port", "Within the protocol", "No changes yet", "Apply"):
            assert words in shown
        await pilot.resize_terminal(20, 5)
        await pilot.pause()


async def test_a_field_that_is_not_there_is_added_to_the_link_which_is_then_shown_whole() -> None:
    """The browser's request stands on the screen before it is handed out."""
    login, _ = scripted()
    await run_to(login, Stage.AUTHORIZATION)
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "e", then=EditScreen)
        [new] = app.screen.query(NewRow)
        new.value_field.value = "none"
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "needs a name" in text_of(app)
        new.name_field.value = "prompt"
        await pilot.pause()
        assert "prompt: added as query parameter" in text_of(app)
        await press(pilot, "enter", then=WizardScreen)
        wizard.show_stage(Stage.AUTHORIZATION)
        await pilot.pause()
        shown = documents(wizard).replace("\n", "").replace(" ", "")
        assert "response_type=code" in shown
        assert "prompt=none" in shown


async def test_a_failed_stage_can_be_edited_and_is_then_run_anew() -> None:
    """Nobody has to go back and forward: e, then n."""
    login, sender = scripted(metadata=[reply(404), reply(404), reply(404)])
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then="failed")
        assert "e" in footer_keys(app)
        sent = len(sender.sent)
        await press(pilot, "e", then=EditScreen)
        row(app.screen, "Accept").field.value = "text/plain"
        await press(pilot, "enter", then=WizardScreen)
        assert "n" in footer_keys(app)
        assert "t" not in footer_keys(app)
        assert "≠ Edited: the header field Accept was replaced" in text_of(app)
        await press(pilot, "n", then=lambda: len(sender.sent) > sent)
        assert sender.sent[sent].request.headers.get("accept") == "text/plain"


async def test_what_is_typed_under_the_name_of_a_secret_is_masked() -> None:
    """A new Authorization field is as secret as one that was there."""
    row = NewRow(EditLocation.HEADER)
    async with Rows(row).run_test() as pilot:
        row.name_field.value = "Authorization"
        await pilot.pause()
        row.judge()
        assert row.value_field.password
        row.name_field.value = "Accept"
        row.judge()
        assert not row.value_field.password


class Rows(App[None]):
    """An app of one row."""

    def __init__(self, row: NewRow) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        yield self._row
