"""A trace as a picture: whole, masked, and nothing in it but shapes and words."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from authlens_core.export.compare import compare
from authlens_core.export.picture import comparison_svg, diagram_svg, waterfall_svg
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage, Trace
from authlens_core.values.login_options import Options
from support.driven_login import run_to
from support.scripted_login import RESOURCE, ScriptedSender, honest, reply

_SVG = "{http://www.w3.org/2000/svg}"


async def _failed() -> Trace:
    refused = reply(400, {"error": "invalid<script>", "error_description": "&]]>"})
    login = Login(RESOURCE, ScriptedSender(honest(register=refused)), options=Options(port=0))
    await run_to(login, Stage.REGISTRATION)
    await login.step()
    await login.aclose()
    return login.trace


async def test_the_diagram_has_title_outcome_arrows_and_the_command() -> None:
    root = ET.fromstring(diagram_svg(await _failed(), "authlens demo --fault x"))
    said = [each.text or "" for each in root.iter(f"{_SVG}text")]
    assert said[0].startswith("login of https://")
    assert said[1].startswith("✖ 4 Registration failed: ")
    assert "400 Bad Request" in said
    assert said[-1] == "$ authlens demo --fault x"


async def test_the_address_of_a_trace_that_anyone_may_have_written_is_quoted_in_the_command() -> None:
    trace = replace(await _failed(), resource_url="https://w.example/?a=1;id&b=$(id)")
    root = ET.fromstring(diagram_svg(trace))
    said = [each.text or "" for each in root.iter(f"{_SVG}text")]
    assert said[-1] == "$ authlens login 'https://w.example/?a=1;id&b=$(id)'"


@pytest.mark.parametrize("draw", [diagram_svg, waterfall_svg])
async def test_a_picture_has_shapes_and_words_alone(draw: Callable[[Trace], str]) -> None:
    root = ET.fromstring(draw(await _failed()))
    names = {each.tag.removeprefix(_SVG) for each in root.iter()}
    assert names <= {"svg", "rect", "text", "line", "polygon"}
    assert not any("href" in name or name.startswith("on") for each in root.iter() for name in each.attrib)


async def test_the_picture_of_a_comparison_says_where_two_logins_part() -> None:
    refused = await _failed()
    login = Login(RESOURCE, ScriptedSender(honest()), options=Options(port=0))
    await run_to(login, Stage.PKCE)
    await login.aclose()
    root = ET.fromstring(comparison_svg(login.trace, refused, ("good.json", "bad.json")))
    said = [each.text or "" for each in root.iter(f"{_SVG}text")]
    assert said[1] == compare(login.trace, refused).verdict.sentence
    assert {"A  good.json", "B  bad.json", "4 Registration", "✔ passed", "✖ failed"} <= set(said)
