"""What a login is, as a small diagram: shown where no credential is."""

from __future__ import annotations

from typing import Final

from textual.geometry import Size

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static

_LEAST, _MOST = 56, 96  # cells
_ROWS: Final = 9


class LoginSketch(Static):
    """Draws the messages of a login as the diagram of a real one does; nothing where there is no room."""

    DEFAULT_CSS = "LoginSketch { display: none; height: auto; }"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return _ROWS if width >= _LEAST else 0

    def render(self) -> Content:
        width = min(self.content_size.width, _MOST)
        return _sketch(width) if width >= _LEAST else Content()


def _sketch(width: int) -> Content:
    from authlens_core.trace.arrows import Arrow, Party  # only an empty dashboard needs them
    from authlens_core.values.stage import Stage
    from authlens_tui.widgets.document.lines import Tone
    from authlens_tui.widgets.record.actors import ACTOR_TONES, accent
    from authlens_tui.widgets.record.diagram import sketch_lines

    you, client, resource, server = Party.PERSON, Party.AUTHLENS, Party.RESOURCE, Party.SERVER
    said = (
        (client, resource, "GET", Stage.DETECTION),
        (resource, client, "401: log in", Stage.DETECTION),
        (you, server, "you sign in with your browser", Stage.AUTHORIZATION),
        (server, client, "a code, by your browser", Stage.AUTHORIZATION),
        (client, server, "the code", Stage.EXCHANGE),
        (server, client, "tokens", Stage.EXCHANGE),
        (client, resource, "token", Stage.ACCESS),
        (resource, client, "200", Stage.ACCESS),
    )
    arrows = [Arrow(*each, reply=each[1] is client) for each in said]
    styles = {tone: accent(party) for party, tone in ACTOR_TONES.items()} | {Tone.MUTED: "$quiet"}
    lines = [
        Content.assemble(*((text, styles.get(tone, "")) for text, tone in row.pieces))
        for row in sketch_lines(arrows, width)
    ]
    return Content("\n").join(lines)
