"""Signs, parts of a URL and checks of a record: told apart, alike in every view, and told once."""

import pytest
from textual.color import Color

from authlens_core.trace.arrows import Arrow, Party, asked_at
from authlens_core.trace.flow import flow_of
from authlens_core.trace.record import Stage
from authlens_core.values.check import Diagnosis
from authlens_core.values.stage import GrantType
from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.line_filters import contrast
from authlens_tui.terminal.themes import DARK, LIGHT, SIXTEEN
from authlens_tui.widgets.document.lines import Tone
from authlens_tui.widgets.record.checks_view import check_lines
from authlens_tui.widgets.record.pieces import cut_middle, url_pieces
from authlens_tui.widgets.record.signs import ACTOR_TONES, accent, arrow_tone
from support.made_checks import failed, passed


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
def test_each_party_has_a_colour_of_its_own_that_can_be_read(theme: str) -> None:
    app = BaseApp({})
    app.theme = theme
    colours = app.get_css_variables()
    used = {party: colours[accent(party).removeprefix("$")] for party in Party if party is not Party.AUTHLENS}
    assert len(set(used.values())) == len(used)
    behind = [Color.parse(colours[name]) for name in ("background", "surface", "panel")]
    faint = [
        party for party, colour in used.items() for one in behind if contrast(Color.parse(colour), one) < 4.5
    ]
    assert faint == []


def test_with_sixteen_colours_authlens_and_the_servers_have_one_each() -> None:
    app = BaseApp({})
    app.theme = SIXTEEN.name
    parties = (Party.AUTHLENS, Party.RESOURCE, Party.SERVER)
    assert len({app.get_css_variables()[accent(party).removeprefix("$")] for party in parties}) == len(
        parties
    )


def test_an_arrow_has_the_colour_of_who_speaks_and_authlens_that_of_whom_it_asks() -> None:
    asks = Arrow(Party.AUTHLENS, Party.RESOURCE, "GET /", Stage.DETECTION)
    signs_in = Arrow(Party.BROWSER, Party.SERVER, "sign in", Stage.AUTHORIZATION)
    fails = Arrow(Party.SERVER, Party.AUTHLENS, "400", Stage.EXCHANGE, reply=True, failed=True)
    assert [arrow_tone(arrow) for arrow in (asks, signs_in, fails)] == [Tone.RESOURCE, Tone.BROWSER, Tone.BAD]
    assert set(ACTOR_TONES) == set(Party)


@pytest.mark.parametrize(
    ("stage", "grant_type", "party"),
    [
        (Stage.DETECTION, GrantType.AUTHORIZATION_CODE, Party.RESOURCE),
        (Stage.PKCE, GrantType.AUTHORIZATION_CODE, Party.AUTHLENS),
        (Stage.AUTHORIZATION, GrantType.DEVICE_CODE, Party.PERSON),
        (Stage.EXCHANGE, GrantType.CLIENT_CREDENTIALS, Party.SERVER),
    ],
)
def test_a_stage_has_the_colour_of_who_decides_it(stage: Stage, grant_type: GrantType, party: Party) -> None:
    assert asked_at(stage, flow_of(grant_type)) is party


URLS = (
    "https://login.example/authorize?client_id=a&state=••••%20x#end",
    "http://127.0.0.1:8400/callback?code&=&&x=y?z",
    "https://h.example",
    "https://h.example?only=query",
    "not a URL ?a=b",
    "",
    "https://h.example/" + "a" * 9_000 + "?x=y",
)


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_shown_whole(url: str) -> None:
    assert "".join(text for text, _ in url_pieces(url)) == url


def test_where_a_url_leads_is_quiet_and_what_it_asks_stands_out() -> None:
    found = url_pieces("https://login.example/authorize?client_id=a")
    pieces = {text: tone for text, tone in found if text}
    assert pieces == {
        "https://login.example": Tone.MUTED,
        "/authorize": Tone.PLAIN,
        "?": Tone.MUTED,
        "client_id": Tone.KEY,
        "=": Tone.MUTED,
        "a": Tone.STRING,
    }


def test_a_long_path_keeps_its_end() -> None:
    assert cut_middle("/cdn-cgi/access/oauth/registration", 18) == "/cdn-cgi…istration"


CHECK = failed("token.status", "status 200", "400 invalid_grant", why="No tokens.", cure="Try again.")
CAUSE = Diagnosis("used_code", "The code was used before.", "Start again.", evidence=("HTTP/1.1 400",))


def _text(*lines: object) -> str:
    return "\n".join(getattr(one, "text", "") for one in lines)


def test_the_cause_stands_in_the_failed_check_and_not_beside_it() -> None:
    text = _text(*check_lines((CHECK, passed("token.json", "JSON", "JSON")), (), CAUSE))
    assert text.count("The code was used before.") == 1
    assert text.count("400") == 1
    assert "Try again." not in text
    assert text.index("status 200") < text.index("The code was used before.") < text.index("Start again.")


def test_a_failure_that_was_overridden_is_shown_as_it_is() -> None:
    text = _text(*check_lines((CHECK,), (CHECK.name,)))
    assert "400 invalid_grant" in text
    assert "You continued despite this." in text


def test_a_cause_without_a_failed_check_is_shown_too() -> None:
    text = _text(*check_lines((passed("token.json", "JSON", "JSON"),), (), CAUSE))
    assert "The code was used before." in text
