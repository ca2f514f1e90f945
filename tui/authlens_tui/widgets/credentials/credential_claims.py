"""The claims of an access token that was read: names and values, no secret among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from authlens_core.export.secret_names import is_sensitive, mask
from authlens_core.oauth.formats.jwt import Jwt, claims_of
from authlens_tui.words.durations import in_words

_MOST_CLAIMS: Final = 40


def claim_facts(jwt: Jwt, now: datetime) -> Iterator[tuple[str, str]]:
    yield "alg", jwt.algorithm
    for claim in claims_of(jwt, now)[:_MOST_CLAIMS]:
        if claim.at is not None and claim.seconds is not None:
            span = f"in {in_words(claim.seconds)}" if claim.seconds > 0 else in_words(claim.seconds)
            yield claim.name, f"{claim.at:%Y-%m-%d %H:%M:%S} UTC · {span}"
        else:
            yield claim.name, mask(claim.text) if is_sensitive(claim.name) else claim.text
    for problem in jwt.problems:
        yield "!", problem
