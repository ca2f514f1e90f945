"""Who speaks, told by one accent in every view of a login; a name or a place always says it, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authlens_core.trace.arrows import Arrow, Party, speaker
from authlens_tui.widgets.document.lines import TONE_STYLES, Tone

ACTOR_TONES: Final[Mapping[Party, Tone]] = {
    Party.PERSON: Tone.YOU,
    Party.BROWSER: Tone.BROWSER,
    Party.AUTHLENS: Tone.KEY,
    Party.MALLORY: Tone.WARNING,
    Party.RESOURCE: Tone.RESOURCE,
    Party.SERVER: Tone.SERVER,
    Party.PROVIDER: Tone.PROVIDER,
}


def accent(party: Party) -> str:
    """Return the theme's colour of a party, for text that is no document."""
    return TONE_STYLES[ACTOR_TONES[party]]


def arrow_tone(arrow: Arrow, tones: Mapping[Party, Tone] = ACTOR_TONES) -> Tone:
    """Return the accent of whose message it is."""
    if arrow.failed:
        return Tone.BAD
    if arrow.missing:
        return Tone.MUTED
    return tones[speaker(arrow)]
