"""One accent for each party, alike in every view, and readable in every theme."""

from __future__ import annotations

import pytest
from textual.color import Color

from authlens_core.trace.arrows import Arrow, Party, asked_at
from authlens_core.trace.flow import flow_of
from authlens_core.trace.record import Stage
from authlens_core.values.stage import GrantType
from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.line_filters import contrast
from authlens_tui.terminal.themes import DARK, LIGHT, SIXTEEN
from authlens_tui.widgets.document.lines import Tone
from authlens_tui.widgets.record.signs import ACTOR_TONES, accent, arrow_tone


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
