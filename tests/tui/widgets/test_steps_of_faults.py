"""The views of each scenario's login: each says what the record says."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import attacks_on, start_login
from authlens_core.desk.session import Session
from authlens_core.export.compare import compare
from authlens_core.export.exchange_log import ExchangeLog, rows_of
from authlens_core.export.markdown import label, markdown
from authlens_core.export.redaction import Redactor
from authlens_core.login.login import Login
from authlens_core.trace.arrows import Arrow, Party, alone, messages
from authlens_core.trace.flow import Flow
from authlens_core.trace.record import Outcome, RunningStage, Stage, StageRecord, Trace, sent_once
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.stage import LOGIN_STAGES, UserPart
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Fault, Profile
from authlens_lab.learning.catalogue import drills
from authlens_lab.learning.desk.drill_world import DrillWorld
from authlens_lab.learning.lesson import CourseLesson
from authlens_tui.screens.wizard.lesson import lesson_words
from authlens_tui.widgets.record.checks_view import checks_summary
from authlens_tui.widgets.record.diagram import diagram_lines
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from authlens_tui.widgets.record.signs import SEVERITY_SIGNS
from authlens_tui.widgets.record.timing import waterfall
from authlens_tui.widgets.stepper import StepState, steps_of
from support.driven_login import played
from support.screens import scripted
from support.scripted_login import ISSUER, come_back, reply
from support.walked_faults import walked

_played: Final[dict[str, Login]] = {}


async def login_of(drill: CourseLesson) -> Login:
    """Return the login of `drill`, played at the first call, with what its keys do when it stops."""
    if drill.world.profile is Profile.ACCESS and drill.world.faults:
        return (await walked(Fault(drill.world.faults[0]))).login
    if drill.name not in _played:
        _played[drill.name] = await _play(drill)
    return _played[drill.name]


async def _play(drill: CourseLesson) -> Login:
    world = DrillWorld((drill,))
    await world.start()
    async with Session(Wire(), Credentials.memory()) as session:
        login = start_login(session, world.resource_url, world.options())
        try:
            await played(login, _go_on)
        finally:
            await world.stop()
    return login


async def _go_on(login: Login) -> None:
    """Ask for the scope that is missing, and continue where an old server may be accepted."""
    if login.steps_up:
        await login.retry()
        await login.run_all()
    while not login.finished and login.trace.records[-1].may_continue:
        await login.override(*(check.name for check in login.trace.records[-1].failures))
        await login.run_all()


_AT_RESOURCE: Final = {
    Purpose.RESOURCE,
    Purpose.RESOURCE_METADATA,
    Purpose.ACCESS,
    Purpose.CREDENTIAL,
    Purpose.SERVICE_TOKEN,
    Purpose.CLOUDFLARED_TOKEN,
    Purpose.APPLICATION,
}
# What only a flow with a link has, and what only one with a code for another device has.
_OF_A_LINK: Final = re.compile(r"code_verifier|code_challenge|PKCE|redirect.URI|\bthe link\b", re.IGNORECASE)
_OF_A_CODE: Final = re.compile(r"device_code|code to enter|another device", re.IGNORECASE)


def untrue(trace: Trace) -> list[str]:
    """Return each statement of a view that does not follow from `trace`, and what a view leaves out."""
    views = (
        _arrows,
        _under_way,
        _diagram,
        _tabs,
        _lessons,
        _all_requests,
        _waterfall,
        _comparison,
        _markdown,
    )
    return [f"{view.__name__[1:]}: {wrong}" for view in views for wrong in view(trace)]


def _arrows(trace: Trace) -> Iterator[str]:
    sent = {(index, number): exchange for index, number, exchange in sent_once(trace.records)}
    drawn = messages(trace.records)
    of_exchanges = Counter((a.record_index, a.exchange_index) for a in drawn if a.exchange_index is not None)
    if of_exchanges != Counter(dict.fromkeys(sent, 2)):
        yield f"{of_exchanges} for {len(sent)} exchanges"
    for arrow in drawn:
        record = trace.records[arrow.record_index]
        if (arrow.stage, arrow.attempt, arrow.grant_type) != (
            record.stage,
            record.attempt,
            record.grant_type,
        ):
            yield f"{arrow} is of another stage or attempt than {record.stage} {record.attempt}"
        if arrow.failed and record.outcome is Outcome.PASSED:
            yield f"{arrow} failed, and its stage passed"
        if arrow.exchange_index is None:
            yield from _without_exchange(arrow, record)
        else:
            exchange = sent[arrow.record_index, arrow.exchange_index]
            yield from _of_exchange(arrow, exchange, trace.resource_url)


def _under_way(trace: Trace) -> Iterator[str]:
    """Yield what the arrow of a request says while it waits for its answer, and no longer afterwards."""
    final = {(a.record_index, a.exchange_index): a for a in messages(trace.records) if not a.reply}
    for index, number, exchange in sent_once(trace.records):
        record = trace.records[index]
        running = RunningStage(record.stage, record.exchanges[:number], exchange.request, record.grant_type)
        waiting, sent = messages((), running)[-1], final[index, number]
        if (waiting.receiver, waiting.label) != (sent.receiver, sent.label):
            yield f"{waiting} becomes {sent}"


def _without_exchange(arrow: Arrow, record: StageRecord) -> Iterator[str]:
    part = record.flow.user_part
    if {arrow.sender, arrow.receiver} & {Party.PERSON, Party.BROWSER}:
        if record.stage is not Stage.AUTHORIZATION or part is UserPart.NOTHING:
            yield f"{arrow}: no user takes part"
    elif arrow.sender is not arrow.receiver:
        yield f"{arrow} stands for no exchange"
    text = f"{arrow.label} {arrow.sender} {arrow.receiver}"
    if part is not UserPart.LINK and _OF_A_LINK.search(text):
        yield f"{arrow} is of a login by a link"
    if part is not UserPart.CODE and _OF_A_CODE.search(text):
        yield f"{arrow} is of a login by a code"


def _of_exchange(arrow: Arrow, exchange: Exchange, resource_url: str) -> Iterator[str]:
    request, response = exchange.request, exchange.response
    ends = [arrow.sender, arrow.receiver]
    if arrow.reply:
        ends.reverse()
        if (str(response.status) if response else "no answer") not in arrow.label:
            yield f"{arrow} does not say {response}"
    else:
        line, _, carries = arrow.label.partition("  ")
        if line != f"{request.method} {urlsplit(request.url).path or '/'}":
            yield f"{arrow} is not {request}"
        if exchange.purpose in (Purpose.TOKEN, Purpose.DEVICE_TOKEN, Purpose.REFRESH):
            form = {name for name, _ in parse_qsl(request.body.reveal().decode(), keep_blank_values=True)}
            if not set(carries.split(", ")) <= form | {""}:
                yield f"{arrow} carries what is not among {form}"
    if ends != [Party.AUTHLENS, _asked(exchange, resource_url)] and not _at_one_place(exchange, resource_url):
        yield f"{arrow} is not between authlens and {_asked(exchange, resource_url)}: {exchange.purpose}"


def _asked(exchange: Exchange, resource_url: str) -> Party:
    if exchange.purpose is Purpose.TOKEN_EXCHANGE:
        return Party.PROVIDER
    return Party.RESOURCE if exchange.purpose in _AT_RESOURCE else Party.SERVER


def _at_one_place(exchange: Exchange, resource_url: str) -> bool:
    there = urlsplit(exchange.request.url).netloc == urlsplit(resource_url).netloc
    return exchange.purpose is Purpose.SERVER_METADATA and there


def _titled(record: StageRecord) -> str:
    again = f" ({record.attempt})" if record.attempt > 1 else ""
    return f"{record.flow.numbered(record.stage)}{again}"


def _diagram(trace: Trace) -> Iterator[str]:
    drawn = messages(trace.records)
    titles = [_titled(trace.records[n]) for n in dict.fromkeys(arrow.record_index for arrow in drawn)]
    for width in (50, 80, 120):
        lines = list(diagram_lines(trace.records, width, Redactor()))
        opened = {line.message for line in lines if line.message is not None}
        if opened != set(drawn):
            yield f"{width}: {set(drawn) ^ opened} is not in both"
        said = [line.text.strip(" ─┼│") for line in lines if line.message is None]
        shown = [text for text in said if re.match(r"\d ", text) or text in titles]
        if shown != titles:
            yield f"{width}: the stages are {shown}, not {titles}"


def _tabs(trace: Trace) -> Iterator[str]:
    for record in trace.records:
        known = StageSnapshot(record.stage, record, exchanges=record.exchanges)
        text = {
            tab: "\n".join(
                line.text for line in tab_lines(tab, known, (record,), Redactor(), ViewOptions(width=100))
            )
            for tab in (Tab.OVERVIEW, Tab.REQUEST, Tab.RESPONSE, Tab.CHECKS)
        }
        for exchange in record.exchanges:
            wanted = f"{exchange.request.method} {exchange.request.url.partition('?')[0]}"
            status = str(exchange.response.status) if exchange.response else "no answer"
            if wanted not in text[Tab.REQUEST] or status not in text[Tab.OVERVIEW]:
                yield f"{_titled(record)} does not show {wanted} {status}"
            if exchange.response and f" {status}" not in text[Tab.RESPONSE]:
                yield f"{_titled(record)} does not show the response {status}"
        if not record.exchanges and re.search(r"^(GET|POST) ", text[Tab.REQUEST], re.MULTILINE):
            yield f"{_titled(record)} shows a request that was not sent"
        counts = Counter(check.severity for check in record.checks)
        summary = " ".join(f"{counts[s]}{SEVERITY_SIGNS[s][0]}" for s in reversed(Severity) if counts[s])
        if Counter(summary.split()) != Counter(checks_summary(record.checks).split()):
            yield f"{_titled(record)} counts {checks_summary(record.checks)}, not {summary}"
        words = [word for _, word, _ in SEVERITY_SIGNS.values()]
        rows = re.findall(rf"^\S ({'|'.join(words)}) ", text[Tab.CHECKS], re.MULTILINE)
        if len(rows) != len(record.checks):
            yield f"{_titled(record)} lists {len(rows)} checks of {len(record.checks)}"


def _lessons(trace: Trace) -> Iterator[str]:
    """Yield what a lesson or the words of a stage say of a step that another flow has."""
    flow: Flow = trace.flow
    for stage in flow.stages:
        if stage is Stage.DETECTION:  # it says why the login page for browsers is not followed
            continue
        info = flow.info(stage)
        said = f"{lesson_words(stage, flow, in_full=False).plain} {info.what} {info.announces}"
        if flow.user_part is not UserPart.LINK and (found := _OF_A_LINK.search(said)):
            yield f"{flow.numbered(stage)} speaks of {found[0]}"
        if flow.user_part is not UserPart.CODE and (found := _OF_A_CODE.search(said)):
            yield f"{flow.numbered(stage)} speaks of {found[0]}"
    foreign = {record.stage for record in trace.records if record.grant_type is trace.grant_type}
    if foreign & set(LOGIN_STAGES) - set(flow.stages):
        yield f"{foreign} is not of the flow {flow.grant_type}"


def _all_requests(trace: Trace) -> Iterator[str]:
    log = ExchangeLog()
    receivers = {}
    for index, number, exchange in sent_once(trace.records):
        log.note(exchange)
        receivers[log.count] = next(
            arrow.receiver
            for arrow in messages(trace.records)
            if (arrow.record_index, arrow.exchange_index) == (index, number)
        )
    for record in trace.records:
        log.note_record(record)
    for row in rows_of(log.exchanges):
        exchange, noted = row.exchange, log.record_of(row.number)
        if noted is None or not any(sent is exchange for sent in noted.exchanges):
            yield f"{exchange.request} is in no stage"
        # Old servers have their metadata at the resource: that is known once the stage has ended.
        asked = messages((), alone(exchange))[0].receiver
        if asked is not receivers[row.number] and not _at_one_place(exchange, trace.resource_url):
            yield f"{exchange.purpose} is sent to {asked}, not {receivers[row.number]}"
        status = exchange.response.status if exchange.response else None
        if row.status != status:
            yield f"{row.status} is not the status of {exchange.request}"


def _waterfall(trace: Trace) -> Iterator[str]:
    drawn = [(row.record, row.number, row.exchange) for row in waterfall(trace.records)]
    sent = [(trace.records[index], number, exchange) for index, number, exchange in sent_once(trace.records)]
    if drawn != sent:
        yield f"{drawn} is not {sent}"


def _comparison(trace: Trace) -> Iterator[str]:
    if not compare(trace, trace).same:
        yield "it is not the same as itself"
    without = trace.records[:-1]
    held = compare(trace, Trace(trace.trace_id, trace.kind, trace.resource_url, trace.started_at, without))
    wanted = Counter((record.stage, record.outcome) for record in trace.records)
    if Counter((stage.stage, stage.outcomes[0]) for stage in held.stages) != wanted:
        yield f"{held.stages} is not {wanted}"
    if [stage.outcomes[1] for stage in held.stages].count(None) != 1:
        yield "more or less than the one record is missing that was left out"


def _markdown(trace: Trace) -> Iterator[str]:
    text = markdown(trace)
    heads = re.findall(r"^## (.+): \S (\w+)$", text, re.MULTILINE)
    wanted = [
        (_titled(record).replace(" (", ", attempt ").rstrip(")"), record.outcome) for record in trace.records
    ]
    if heads != wanted:
        yield f"the stages are {heads}, not {wanted}"
    hosts = dict(re.findall(r"^  participant (server\d+) as (\S+)$", text, re.MULTILINE))
    drawn = re.findall(r"^  authlens->>(server\d+): (\S+ \S+)", text, re.MULTILINE)
    asked = [
        (label(urlsplit(exchange.request.url).netloc), label(f"{exchange.request.method} {path}"))
        for _, _, exchange in sent_once(trace.records)
        if (path := urlsplit(exchange.request.url).path or "/")
    ]
    if [(hosts[name], line) for name, line in drawn] != asked:
        yield f"{drawn} is not {asked}"


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("drill", drills().values(), ids=lambda drill: drill.name)
async def test_every_view_of_a_login_follows_from_its_record(drill: CourseLesson) -> None:
    """Arrows, titles, counts and lessons; and a stage that failed is not shown as done."""
    login = await login_of(drill)
    assert untrue(login.trace) == []
    assert wrong_steps(login) == []


def wrong_steps(login: Login) -> list[str]:
    """Return what the list of stages says that is not so."""
    states = [step.state for step in steps_of(login.flow, login.trace, login.position, None)]
    if login.finished:
        return [state for state in states if state not in (StepState.DONE, StepState.WARNED)]
    assert login.trace.records[-1].outcome is Outcome.FAILED
    ran = sum(1 for state in states if state is not StepState.WAITING)
    early = [state for state in states[: ran - 1] if state is StepState.FAILED]
    late = [state for state in states[ran:] if state is not StepState.WAITING]
    return [*early, *late, *(() if states[ran - 1] is StepState.FAILED else ("the last one did not fail",))]


async def test_every_view_of_an_attacked_login_follows_from_its_record() -> None:
    """Both sides of it, and the stages that were run again."""
    login, sender = scripted()
    login.watch(come_back(login))
    await login.run_all()
    sender.script = {**sender.script, f"POST {ISSUER}/token": reply(400, {"error": "invalid_grant"})}
    login.arm(attacks_on(login.facts)[0])
    await login.run_all()
    assert untrue(login.trace) == []
    both = login.trace.honest_and_attacked
    assert both is not None
    for side, outcome in zip(both, (Outcome.PASSED, Outcome.FAILED), strict=True):
        records = tuple(login.trace.records[number] for number in side)
        assert records[-1].outcome is outcome
        assert records[-1].stage is (Stage.ACCESS if outcome is Outcome.PASSED else Stage.EXCHANGE)
        assert untrue(replace(login.trace, records=records)) == []
