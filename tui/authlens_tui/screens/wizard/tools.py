"""What a person can do with a login besides running it: edit, try attacks, learn, save, open an arrow."""

from __future__ import annotations

from textual import on, work
from textual.message import Message

from authlens_core.login.other_ways import OtherWay
from authlens_core.login.tampering.experiments import experiment_named
from authlens_core.trace.record import Stage, StageRecord
from authlens_tui.screens.wizard.edit import Edited, EditScreen
from authlens_tui.screens.wizard.stage_runner import StageRunner
from authlens_tui.screens.wizard.what_if import ExperimentResultScreen, WhatIfScreen, results_in
from authlens_tui.widgets.record.record_view import RecordView

__all__ = ["WizardTools"]


class WizardTools(StageRunner):
    """The tools of the wizard; showing a stage is left to those that derive from it."""

    shown: Stage = Stage.DETECTION
    """The stage that is looked at."""

    class OtherWayWanted(Message):
        """The person wants another way in to `url` than OAuth."""

        def __init__(self, way: OtherWay, url: str) -> None:
            super().__init__()
            self.way = way
            self.url = url

    def show_stage(self, stage: Stage) -> None:
        """Show one stage; for those that derive from this."""

    # -- changing it on purpose ------------------------------------------------------------------------

    @work(exclusive=True, group="tools", description="edit")
    async def action_edit(self) -> None:
        """Edit what the next stage sends, before it is sent."""
        login, stage = self._login, self._login.position
        if stage is None or login.running is not None:
            return
        form = EditScreen(stage, login.facts.options, login.choices(), login.parts(), login.places())
        edited = await self.app.push_screen_wait(form)
        if edited is not None and login.position is stage and login.running is None:
            self._apply(edited, stage)

    def _apply(self, edited: Edited, stage: Stage) -> None:
        """Choose anew first: that may go back, and then the other changes wait for their stage."""
        login = self._login
        self._answered = self.failed_record()
        if edited.options != login.facts.options:
            login.use(edited.options)
        if edited.amendments:
            login.amend(*edited.amendments, stage=stage)
        self.went_back()

    @work(exclusive=True, group="tools", description="what if")
    async def action_what_if(self) -> None:
        """Choose an experiment and arm it."""
        login = self._login
        if login.running is not None:
            return
        name = await self.app.push_screen_wait(WhatIfScreen(login.position, login.armed))
        if name is not None and login.running is None:
            self._answered = self.failed_record()
            login.arm(experiment_named(name))
            self.went_back()

    def show_results(self, record: StageRecord) -> None:
        """Show what became of the experiments of a stage, below those that are shown already."""
        if not results_in(record):
            return
        if isinstance(self.app.screen, ExperimentResultScreen):
            self.app.screen.add(record)
        else:
            self.app.push_screen(ExperimentResultScreen(record))

    def action_other_way(self, name: str) -> None:
        """Leave OAuth for cloudflared or a service token; whoever holds the session shows it."""
        self.post_message(self.OtherWayWanted(OtherWay(name), self._login.facts.resource_url.text))

    # -- looking closer --------------------------------------------------------------------------------

    def action_lesson(self) -> None:
        """Read why the stage that is looked at exists."""
        from authlens_tui.screens.wizard.lesson import LessonScreen

        self.app.push_screen(LessonScreen(self.shown))

    def action_export(self) -> None:
        """Save the record for a colleague, redacted."""
        from authlens_tui.screens.trace.export import ExportScreen

        self.app.push_screen(ExportScreen(self._login.trace))

    @on(RecordView.ExchangeChosen)
    def _exchange_chosen(self, message: RecordView.ExchangeChosen) -> None:
        """Open the exchange of an arrow, also where its stage was tried again since."""
        records = self._login.trace.records
        self.show_stage(message.stage)
        view = self.query_one(RecordView)
        if message.record_index < len(records):
            view.show_record(records[message.record_index])
        view.show_exchange(message.exchange_index, reply=message.reply)
