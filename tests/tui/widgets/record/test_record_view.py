"""The inspector of a stage: seven tabs, one exchange or all, raw or laid out, folded, searched."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import pytest
from textual import on
from textual.app import ComposeResult
from textual.pilot import Pilot

from authlens_core.export.redaction import Redactor
from authlens_core.oauth.jwks import Signature, Verification
from authlens_core.trace.record import Fact, Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.secret import Body, Secret
from authlens_tui.app.base_app import BaseApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import LineList
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from authlens_tui.widgets.record.record_messages import ArrowChosen, SignatureWanted
from authlens_tui.widgets.record.record_view import RecordView
from support.made_checks import failed
from support.screens import press, tab_text, text_of, until

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
PURPOSES = (Purpose.RESOURCE_METADATA, Purpose.SERVER_METADATA, Purpose.TOKEN)
SECRET: Final = "access-canary-1"
JWT: Final = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


class Inspected(BaseApp):
    """The shell around one record; it notes which arrows were opened."""

    def __init__(self) -> None:
        super().__init__({})
        self.animation_level = "none"
        self.chosen: list[tuple[Stage, int, int | None, bool]] = []
        self.asked: list[StageRecord] = []
        self.copied: list[tuple[str, str]] = []

    async def copy(self, text: Secret | str, what: str, *, note: str = "") -> None:
        self.copied.append((str(text), what))

    def compose(self) -> ComposeResult:
        yield RecordView()

    @on(ArrowChosen)
    def _chosen(self, event: ArrowChosen) -> None:
        arrow = event.arrow
        self.chosen.append((arrow.stage, arrow.record_index, arrow.exchange_index, arrow.reply))

    @on(SignatureWanted)
    def _asked(self, event: SignatureWanted) -> None:
        """Say that a key of the server signed the token."""
        self.asked.append(event.record)
        verdicts = {Secret(JWT): Verification(Signature.VALID, "By k1.", "k1")}
        event.answer(verdicts, (exchange("certs", {"keys": []}, Purpose.SIGNING_KEYS),))


def exchange(path: str, document: object, purpose: Purpose = Purpose.OTHER) -> Exchange:
    """Return an exchange that was answered with JSON."""
    answer = Response(
        200, "OK", Headers.of([("Content-Type", "application/json")]), Body(json.dumps(document).encode())
    )
    return Exchange(Request("GET", f"https://h/{path}"), answer, None, NOW, 0.1, purpose=purpose)


def record(*exchanges: Exchange, stage: Stage = Stage.SERVER_METADATA) -> StageRecord:
    return StageRecord(stage, Outcome.PASSED, NOW, 0.1, exchanges)


@asynccontextmanager
async def inspected(
    shown: StageRecord, *story: StageRecord, size: tuple[int, int] = (100, 40)
) -> AsyncIterator[tuple[RecordView, Pilot[int], Inspected]]:
    """Show `shown` after `story`, with the keys in its document."""
    app = Inspected()
    async with app.run_test(size=size) as pilot:
        view = app.query_one(RecordView)
        view.show((*story, shown), shown)
        document(view).focus()
        await pilot.pause()
        yield view, pilot, app


def document(view: RecordView) -> DocumentView:
    return view.query_one(f"#{view.tab}-document", DocumentView)


async def test_number_keys_turn_to_the_tabs_and_the_keys_follow() -> None:
    """Each tab is one key away, and has the focus then."""
    async with inspected(record(exchange("a", {"x": 1}))) as (view, pilot, _):
        for number, tab in enumerate(Tab, 1):
            await pilot.press(str(number))
            await pilot.pause()
            assert view.tab is tab
            assert document(view).has_focus


@pytest.mark.parametrize("width", [80, 120])
async def test_all_titles_of_the_tabs_are_on_the_screen(width: int) -> None:
    async with inspected(record(exchange("a", {})), size=(width, 24)) as (_, _pilot, app):
        for tab in Tab:
            assert tab.label in text_of(app)


async def test_one_of_several_exchanges_can_be_picked_and_all_are_numbered() -> None:
    """Candidates of metadata, the three of a revocation: each stays readable."""
    three = [
        exchange(name, {"name": name}, purpose)
        for name, purpose in zip(("first", "second", "third"), PURPOSES, strict=True)
    ]
    async with inspected(record(*three)) as (view, pilot, _):
        await pilot.press("3")
        await pilot.pause()
        assert [f"{n} of 3 {PURPOSES[n - 1]}" in document(view).plain for n in (1, 3)] == [True] * 2
        await pilot.press("full_stop", "full_stop")
        assert "2 of 3" in document(view).plain
        assert '"second"' in document(view).plain
        assert '"first"' not in document(view).plain
        await pilot.press("colon", "colon")
        assert '"third"' in document(view).plain


async def test_v_shows_the_body_as_it_was_sent_and_says_so() -> None:
    """Raw bytes are one key away."""
    async with inspected(record(exchange("a", {"x": [1, 2]}))) as (view, pilot, _):
        await pilot.press("3")
        await pilot.pause()
        assert '  "x": [' in document(view).lines.texts
        await pilot.press("B")
        assert '{"x": [1, 2]}' in document(view).lines.texts
        assert "raw" in str(document(view).border_title)


async def test_enter_folds_at_the_cursor_and_a_click_on_the_sign_unfolds() -> None:
    """With the keyboard and with the mouse."""
    async with inspected(record(exchange("a", {"x": {"y": 1}}))) as (view, pilot, app):
        await pilot.press("3")
        await pilot.pause()
        shown = document(view)
        line = shown.lines.texts.index('  "x": {')
        await pilot.press(*["down"] * line, "enter")
        assert '"x": { 1 line }' in text_of(app)
        rows = text_of(app).split("\n")
        place = next(number for number, row in enumerate(rows) if "▸" in row)
        await pilot.click(offset=(rows[place].index("▸"), place))
        assert '"y": 1' in text_of(app)


async def test_search_counts_turns_and_unfolds() -> None:
    """`2 of 3`, round and round, and what is folded away is found."""
    async with inspected(record(exchange("a", {"m": {"token_a": 1, "token_b": 2}, "token_c": 3}))) as (
        view,
        pilot,
        app,
    ):
        await pilot.press("3", "asterisk")
        assert "token_a" not in text_of(app)
        await press(pilot, "slash", *"token_", then="1 of 3")
        assert "token_a" in text_of(app)
        await pilot.press("enter", "enter", "enter", "up")
        assert "3 of 3" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert document(view).has_focus


async def test_an_arrow_of_the_shown_stage_opens_its_exchange_here() -> None:
    """Enter on an answer shows the response, of that exchange alone."""
    two = record(exchange("first", {"n": 1}), exchange("second", {"n": 2}))
    async with inspected(two) as (view, pilot, app):
        await pilot.press("5")
        await pilot.pause()
        await pilot.press("down", "down", "down", "enter")
        await pilot.pause()
        assert view.tab is Tab.RESPONSE
        assert "2 of 2" in document(view).plain
        assert '"n": 2' in document(view).plain
        assert app.chosen == []


async def test_an_arrow_of_another_stage_is_told_to_the_screen() -> None:
    """By the mouse: the screen turns to that stage."""
    before = record(exchange("first", {}), stage=Stage.DETECTION)
    async with inspected(record(exchange("second", {})), before) as (view, pilot, app):
        await pilot.press("5")
        await pilot.pause()
        rows = text_of(app).split("\n")
        place = next(number for number, row in enumerate(rows) if "200 OK" in row)
        await pilot.click(offset=(rows[place].index("200 OK"), place))
        await pilot.pause()
        assert app.chosen == [(Stage.DETECTION, 0, 0, True)]
        assert view.tab is Tab.DIAGRAM


async def test_curl_shows_no_mask_and_no_secret() -> None:
    """A command with a mask in it would not run."""
    request = Request("GET", "https://h/", Headers.of([("Authorization", f"Bearer {SECRET}")]))
    one = Exchange(request, Response(200), None, NOW, 0.1)
    async with inspected(record(one, stage=Stage.ACCESS)) as (view, pilot, _):
        await pilot.press("6")
        await pilot.pause()
        assert "$ACCESS_TOKEN" in document(view).plain
        assert SECRET not in document(view).plain
        assert "••••" not in document(view).plain.partition("\n")[2]


@pytest.mark.parametrize("members", [1, 8_000])
async def test_a_secret_is_masked_and_can_be_revealed_and_is_gone_again(members: int) -> None:
    """In a short answer at once, in a long one once it is laid out."""
    big = {"access_token": SECRET} | {f"member_{n}": "some value" for n in range(members)}
    async with inspected(record(exchange("a", big), stage=Stage.EXCHANGE)) as (view, pilot, _):
        await press(pilot, "3", then=lambda: view.has_secrets and "member_0" in document(view).plain)
        assert SECRET not in document(view).plain
        view.toggle_reveal()
        await until(pilot, lambda: SECRET in document(view).plain)
        view.mask()
        assert not [one for one in view.query(DocumentView) if SECRET in one.plain]
        await until(pilot, lambda: "member_0" in document(view).plain)
        assert SECRET not in tab_text(view)


async def test_a_stage_without_secrets_has_nothing_to_reveal() -> None:
    """A key that would do nothing is not offered."""
    async with inspected(record(exchange("a", {"x": 1}))) as (view, _, _app):
        assert not view.has_secrets


async def test_a_long_answer_says_that_it_is_laid_out_and_is_whole_then() -> None:
    """200,000 characters and more are made into lines aside."""
    long = exchange("a", [f"value {n}" for n in range(20_000)])
    async with inspected(record(long)) as (view, pilot, app):
        await pilot.press("3")
        assert "laying out" in document(view).plain or "value 19999" in document(view).plain
        await until(pilot, lambda: document(view).layout_ready and "value 19999" in document(view).plain)
        await pilot.press("end")
        assert "value 19999" in text_of(app)


async def test_a_long_answer_of_another_stage_slows_only_the_first_one_down() -> None:
    """The secrets of an exchange are looked for once, not again for each stage that is turned to."""
    long = record(exchange("a", [f"value {n}" for n in range(20_000)]), stage=Stage.DETECTION)
    async with inspected(long) as (view, pilot, _):
        await until(pilot, lambda: "laying out" not in document(view).plain)
        view.show((long,), record(exchange("b", {"x": 1})))
        assert "https://h/b" in document(view).plain


async def test_a_key_shows_who_signed_a_token_and_how_the_keys_were_fetched() -> None:
    """The verdict stays with the record, and the stored record stays as it is."""
    signed = record(exchange("a", {"id_token": JWT}), stage=Stage.EXCHANGE)
    other = record(exchange("b", {}), stage=Stage.DETECTION)
    async with inspected(signed, other) as (view, pilot, app):
        await pilot.press("3")
        assert "not verified" in document(view).plain
        await press(pilot, "K", then=lambda: "✔ verified" in document(view).plain)
        assert app.asked == [signed]
        assert "https://h/certs" not in document(view).plain
        await pilot.press("2", "full_stop")
        assert "2 of 2 signing keys" in document(view).plain
        assert "https://h/certs" in document(view).plain
        view.show((other, signed), other)
        view.show((other, signed), signed)
        assert "✔ verified" in tab_text(view, Tab.OVERVIEW) + tab_text(view, Tab.RESPONSE)
        assert len(signed.exchanges) == 1


async def test_a_record_without_a_token_offers_no_signature_to_check() -> None:
    """Nor does a replay, whose tokens are fingerprints."""
    masked = record(exchange("a", {"id_token": "•••• #12345678"}), stage=Stage.EXCHANGE)
    async with inspected(masked) as (view, pilot, app):
        await pilot.press("K")
        assert not view.check_action("check_signature", ())
        assert app.asked == []


@pytest.mark.parametrize(("width", "both"), [(200, True), (160, True), (159, False)])
async def test_request_and_response_stand_side_by_side_where_there_is_room(width: int, both: bool) -> None:
    """Wide layouts; the keys go to the one that was asked for."""
    async with inspected(record(exchange("a", {"answer": 42})), size=(width, 30)) as (view, pilot, app):
        for number, other in (("2", "answer"), ("3", "GET https://h/a")):
            await pilot.press(number)
            await pilot.pause()
            assert (other in text_of(app)) is both
            assert document(view).has_focus
        await pilot.press("1")
        await pilot.pause()
        assert text_of(app).count("╭") + text_of(app).count("┏") == 1


async def test_the_text_to_copy_is_whole_masked_and_made_aside() -> None:
    """Of a long answer that is not laid out yet, too."""
    big = {"access_token": SECRET} | {f"member_{n}": "some value" for n in range(8_000)}
    async with inspected(record(exchange("a", big), stage=Stage.EXCHANGE)) as (view, pilot, _):
        await pilot.press("3")
        text = await view.copied_text()
        assert "member_7999" in text
        assert SECRET not in text


async def test_a_copied_response_is_what_the_server_sent_and_no_word_of_ours() -> None:
    """Start line, fields and body as they came, masked; no border, no explanation, nothing laid out anew."""
    answer = Response(
        401,
        "Unauthorized",
        Headers.of(
            [("WWW-Authenticate", "Bearer error=invalid_token"), ("Content-Type", "application/json")]
        ),
        Body(b'{"access_token":"' + SECRET.encode() + b'","wide":"' + b"w" * 300 + b'"}'),
    )
    one = Exchange(Request("GET", "https://h/a", Headers.of([("Accept", "*/*")])), answer, None, NOW, 0.1)
    async with inspected(record(one), size=(80, 24)) as (view, pilot, _):
        await pilot.press("3")
        assert await view.copied_text() == (
            "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Bearer error=invalid_token\n"
            "Content-Type: application/json\n\n"
            f'{{"access_token":"{Secret(SECRET).masked}","wide":"{"w" * 300}"}}'
        )
        await pilot.press("2")
        assert await view.copied_text() == "GET https://h/a\nAccept: */*"


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("length", [100, 3_000, 20_000])
def test_nothing_is_cut_without_saying_so(length: int, raw: bool) -> None:
    """Names, values, the URL, the reason, facts and checks are whole, or say what is missing."""
    long = "x" * length + "end"
    answer = Response(200, long, Headers.of([(long, long), ("WWW-Authenticate", f"Bearer {long}={long}")]))
    one = Exchange(Request("GET", f"https://h/{long}", Headers.of([(long, long)])), answer, None, NOW, 0.1)
    check = failed(long, long, long, why=long, spec=long, cure=long)
    full = StageRecord(
        Stage.DETECTION, Outcome.FAILED, NOW, 0.1, (one,), (check,), (Fact(long, long, long, long),)
    )
    known = StageSnapshot(full.stage, record=full, exchanges=full.exchanges)
    for tab in (Tab.OVERVIEW, Tab.REQUEST, Tab.RESPONSE, Tab.CHECKS, Tab.CURL):
        lines = LineList(tab_lines(tab, known, [full], Redactor(), ViewOptions(raw=raw)))
        for text in lines.texts:
            for run in re.findall(r"x{20,}.{1,3}|x{20,}$", text):
                assert run.endswith(("end", "… (")), (tab, text[:80])


async def test_what_a_token_in_a_header_says_stands_above_a_long_web_page() -> None:
    """Below a hundred lines of HTML nobody finds it; below JSON it stands where it always did."""
    page = "<html>\n" + "<p>a line of the page</p>\n" * 100
    fields = Headers.of([("Content-Type", "text/html"), ("cf-access-jwt-assertion", JWT)])
    one = Exchange(
        Request("GET", "https://h/a"), Response(302, "Found", fields, Body(page.encode())), None, NOW, 0.1
    )
    async with inspected(record(one)) as (view, _, __):
        text = tab_text(view, Tab.RESPONSE)
        assert text.index("JWT in cf-access-jwt-assertion") < text.index("a line of the page")
