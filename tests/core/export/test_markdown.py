"""The Markdown export says what happened and what to do, and nothing of a server acts in it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from authlens_core.export.markdown import code_span, fenced, label, markdown, prose
from authlens_core.trace.arrows import messages
from authlens_core.trace.record import Trace
from support.driven_login import Recorded, record_login

TEXT = st.text(st.sampled_from("`~ab\n\r |<>#;:@") | st.characters(), max_size=60)


def _outside_code(text: str) -> str:
    """Return what is neither in a fenced block nor in a code span, read as CommonMark says."""
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        opened = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            ended = re.fullmatch(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*", line)
            fence = "" if ended else fence
        elif opened:
            fence = opened[1]
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)", "", line))
    assert fence == ""
    return "\n".join(kept)


def test_nothing_of_a_server_stands_outside_code(hostile: Trace) -> None:
    """No HTML, mention, link, heading or table comes from the trace."""
    outside = _outside_code(markdown(hostile))
    assert re.search(r"[<>@`|$\\]|script|http|end$", outside) is None
    assert all(
        re.match(r"#{1,3} (authlens|\d|Facts|Checks|Re)", x) for x in outside.split("\n") if x[:1] == "#"
    )


def test_nothing_in_the_page_moves_a_terminal(hostile: Trace) -> None:
    """Control and direction characters are visible escapes."""
    assert all(line.isprintable() for line in markdown(hostile).split("\n"))


def test_every_stage_has_its_facts_checks_and_messages(login: Recorded) -> None:
    text = markdown(login.trace)
    headings = re.findall(r"^## (\d) ", text, re.MULTILINE)
    assert headings == list("12345678")
    assert text.count("### Request:") == sum(len(r.exchanges) for r in login.trace.records)
    assert "- `token_endpoint`: `http" in text


async def test_a_failure_comes_with_its_cure() -> None:
    """A ticket says what to do."""
    recorded = await record_login("invalid-grant")
    text = markdown(recorded.trace)
    failed = recorded.trace.records[-1].failures[0]
    assert "✘ failed" in text
    assert f"What to do: {prose(str(failed.cure))}" in text


def test_the_diagram_names_every_server_and_the_person(login: Recorded) -> None:
    """Mermaid: participants first, then one arrow for each message."""
    text = markdown(login.trace)
    diagram = text.partition("```mermaid\n")[2].partition("\n```")[0].split("\n")
    assert diagram[0] == "sequenceDiagram"
    assert sum("participant server" in line for line in diagram) == 2
    arrows = [line for line in diagram if "->>" in line]
    assert len(arrows) == sum(arrow.sender is not arrow.receiver for arrow in messages(login.trace.records))


def test_a_label_cannot_end_its_line(hostile: Trace) -> None:
    """Every line of a hostile diagram is one that the exporter wrote."""
    text = markdown(hostile)
    diagram = text.partition("```mermaid\n")[2].partition("\n```")[0].split("\n")[1:]
    begins = r"actor person as |participant (authlens$|browser as |server\d as )|Note over authlens: "
    known = rf"  ({begins}|\w+(->>|-->>|--x)\w+: )"
    assert diagram
    assert all(re.match(known, line) for line in diagram)


@given(TEXT)
def test_a_label_has_only_plain_characters_and_numbers(text: str) -> None:
    """A semicolon or a line end would begin a statement."""
    assert re.fullmatch(r"(?:[A-Za-z0-9 .,/_()]|#\d+;)+", label(text))


@given(TEXT)
def test_no_text_leaves_its_fence(text: str) -> None:
    """The fence is longer than any run of backticks within."""
    assert _outside_code("\n".join(["before", *fenced(text), "after"])) == "before\nafter"


@given(TEXT)
def test_no_text_leaves_its_code_span(text: str) -> None:
    assert _outside_code(f"({code_span(text)})") == "()"


@given(TEXT)
def test_prose_is_plain_or_code(text: str) -> None:
    """What has a meaning in Markdown, HTML or a forge is never left bare."""
    assert re.search(r"[`<>@#|*_\[\]\\\n]|://|www\.", _outside_code(prose(text))) is None
