"""How the wizard looks in every state, and the screens that come from it.

After a change that was meant, make the pictures anew with `--snapshot-update`, and look at them.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import FailureKind, Response, WireFailure
from authlens_tui.screens.help import HelpScreen
from authlens_tui.screens.trace import save_record
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.wizard.demo_login import DemoLogin, Ending
from authlens_tui.screens.wizard.edit import EditScreen, FieldRow
from authlens_tui.screens.wizard.lesson import LessonScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.screens.wizard.tools import ExperimentResultScreen, WhatIfScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.record.record_lines import Tab
from support.driven_login import run_to
from support.pictures import NOT_DRAWN, SMALL, Picture, differences, drawn, drawn_of, frozen, same_picture
from support.screens import Gate, press, run_screen, scripted, until
from support.scripted_login import come_back, reply

pytestmark = pytest.mark.slow

Walk = Callable[[Pilot[int]], Awaitable[None]]

REFUSED: Final = reply(400, {"error": "invalid_grant", "error_description": "The code verifier is wrong."})
NOT_ALLOWED: Final = reply(
    400,
    {"error": "invalid_redirect_uri", "error_description": "redirect_uri is not allowed"},
    ("CF-Ray", "8f1d2c3b4a5e6f70-VIE"),
)
NO_SERVER: Final = WireFailure(
    FailureKind.CONNECT, "as.example refused the connection.", "Is it running?", False
)


def wizard(
    watch: bool = False,
    gate: Gate | None = None,
    ending: Ending | None = None,
    **answers: Response | WireFailure,
) -> WizardScreen:
    """Return the wizard on a login, with the person who signs in where `watch` is set."""
    login, _ = scripted(gate=gate, port=8400, **answers)
    if watch:
        login.watch(come_back(login))
    return WizardScreen(login, "Secret Service", DemoLogin(ending=ending))


def login_of(pilot: Pilot[int]) -> Login:
    return next(one for one in pilot.app.screen_stack if isinstance(one, WizardScreen)).login


async def on(pilot: Pilot[int], screen: type[Any]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))


def keys(*wanted: str, on_screen: type[Any] | None = None) -> Walk:
    """Return a walk that presses keys and waits for a screen."""

    async def walk(pilot: Pilot[int]) -> None:
        await pilot.press(*wanted)
        if on_screen is not None:
            await on(pilot, on_screen)

    return walk


async def one_stage(pilot: Pilot[int]) -> None:
    await press(pilot, "n", then=lambda: login_of(pilot).position is Stage.RESOURCE_METADATA)


async def to_the_response(pilot: Pilot[int]) -> None:
    await one_stage(pilot)
    await pilot.press("3")


async def all_stages(pilot: Pilot[int]) -> None:
    await pilot.press("a")
    login = login_of(pilot)
    await until(pilot, lambda: login.running is None and _ended(login))


def _ended(login: Login) -> bool:
    """Whether no stage follows by itself: between two stages nothing runs either."""
    records = login.trace.records
    return login.finished or (bool(records) and records[-1].outcome is not Outcome.PASSED)


async def to_the_link(pilot: Pilot[int]) -> None:
    await pilot.press("a")
    login = login_of(pilot)
    await until(pilot, lambda: login.wait.waiting and isinstance(pilot.app.focused, AuthorizationPanel))


async def to_a_request_under_way(pilot: Pilot[int]) -> None:
    await press(pilot, "n", then="▶ Detection …")


async def to_the_stop(pilot: Pilot[int]) -> None:
    await to_a_request_under_way(pilot)
    await press(pilot, "escape", then=lambda: login_of(pilot).running is None)


async def arm(pilot: Pilot[int]) -> None:
    """Arm the first experiment."""
    await pilot.press("i")
    await on(pilot, WhatIfScreen)
    await pilot.press("enter")
    await on(pilot, WizardScreen)


async def to_the_verdict(pilot: Pilot[int]) -> None:
    await arm(pilot)
    await pilot.press("a")
    await on(pilot, ExperimentResultScreen)


async def to_the_tampered_record(pilot: Pilot[int]) -> None:
    """Close the verdict."""
    await to_the_verdict(pilot)
    await until(pilot, lambda: login_of(pilot).running is None)
    await pilot.press("escape")
    await on(pilot, WizardScreen)


async def to_the_form(pilot: Pilot[int]) -> None:
    await pilot.press("e")
    await on(pilot, EditScreen)


async def to_a_changed_form(pilot: Pilot[int]) -> None:
    """Change one field and leave out another, of what is sent at the exchange."""
    await run_to(login_of(pilot), Stage.EXCHANGE)
    await to_the_form(pilot)
    form = pilot.app.screen
    assert isinstance(form, EditScreen)
    row = next(one for one in form.query(FieldRow) if one.title == "code_verifier")
    row.query_one(Input).value = "another"
    row.query_one(Input).focus()


async def to_the_saved_file(pilot: Pilot[int]) -> None:
    """Save the record."""
    await one_stage(pilot)
    await pilot.press("m")
    await on(pilot, ExportScreen)
    with pytest.MonkeyPatch.context() as patch:  # the home of a test is another one each time
        patch.setattr(save_record, "typed_path", lambda name: Path("/home/ada") / name)
        patch.setattr(save_record, "write_export", lambda path, _: path)
        await press(pilot, "enter", then="Written to")


def after(first: Walk, *wanted: str, on_screen: type[Any]) -> Walk:
    """Return a walk that goes on with keys and waits for a screen."""

    async def walk(pilot: Pilot[int]) -> None:
        await first(pilot)
        await pilot.press(*wanted)
        await on(pilot, on_screen)

    return walk


def made(**settings: Any) -> Callable[[], WizardScreen]:
    return lambda: wizard(**settings)


ENDING: Final = Ending(
    "The server lets any program register itself.",
    "Who has to act, and at which stage?",
    "You, at stage 6: you open the link and sign in. authlens does the rest.",
    "Only 127.0.0.1 is allowed",
)

PICTURES: Final = (
    Picture("before", WizardScreen, made(), sizes=NOT_DRAWN),
    Picture("under-way", WizardScreen, lambda: wizard(gate=Gate()), to_a_request_under_way, sizes=NOT_DRAWN),
    Picture("stopped", WizardScreen, lambda: wizard(gate=Gate()), to_the_stop, sizes=NOT_DRAWN),
    Picture("after-a-stage", WizardScreen, made(), to_the_response, sizes=NOT_DRAWN),
    Picture("waiting-for-the-browser", WizardScreen, made(), to_the_link),
    Picture("failed", WizardScreen, made(register=NOT_ALLOWED), all_stages, anew=True),
    Picture("no-connection", WizardScreen, made(server=NO_SERVER), all_stages, sizes=NOT_DRAWN),
    Picture("authenticated", WizardScreen, made(watch=True), all_stages),
    Picture("end-card", WizardScreen, made(watch=True, ending=ENDING), all_stages, sizes=NOT_DRAWN),
    Picture(
        "end-card-failed",
        WizardScreen,
        made(ending=ENDING, register=NOT_ALLOWED),
        all_stages,
        anew=True,
        sizes=NOT_DRAWN,
    ),
    Picture("armed", WizardScreen, made(), arm, sizes=NOT_DRAWN),
    Picture(
        "tampered", WizardScreen, made(watch=True, token=REFUSED), to_the_tampered_record, sizes=NOT_DRAWN
    ),
    Picture("what-if", WhatIfScreen, made(), keys("i", on_screen=WhatIfScreen)),
    Picture("what-if-result", ExperimentResultScreen, made(watch=True, token=REFUSED), to_the_verdict),
    Picture("edit", EditScreen, made(), to_the_form, sizes=NOT_DRAWN),
    Picture("edit-changed", EditScreen, made(watch=True), to_a_changed_form),
    Picture("lesson", LessonScreen, made(), keys("l", on_screen=LessonScreen), anew=True),
    Picture("help", HelpScreen, made(), keys("question_mark", on_screen=HelpScreen)),
    Picture("export", ExportScreen, made(), after(one_stage, "m", on_screen=ExportScreen), sizes=SMALL),
    Picture("export-written", ExportScreen, made(), to_the_saved_file, sizes=NOT_DRAWN),
    Picture("qr", QrScreen, made(), after(to_the_link, "k", on_screen=QrScreen), sizes=SMALL),
)


@pytest.mark.parametrize("picture", drawn_of(PICTURES), ids=str)
async def test_picture(picture: Picture, snapshot: SnapshotAssertion) -> None:
    """Each state, at each size: as in its file, with a focus, keys in the footer, and one that leads out."""
    assert await differences(picture, snapshot) == ""


async def test_the_tabs_with_most_colours(snapshot: SnapshotAssertion) -> None:
    """At the stage with the most content: tokens, a form, several checks."""
    with frozen():
        screen = wizard(watch=True)
        async with run_screen(screen) as (_, pilot):
            await all_stages(pilot)
            screen.show_stage(Stage.EXCHANGE)
            different = []
            for tab in (Tab.CHECKS, Tab.JWT, Tab.TIMING):
                await pilot.press(f"{list(Tab).index(tab) + 1}")
                different.append(same_picture(await drawn(pilot), snapshot, tab.value))
    assert "".join(different) == ""
