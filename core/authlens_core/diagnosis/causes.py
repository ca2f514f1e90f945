"""The known causes of failures, most particular first."""

from __future__ import annotations

from typing import Final

from authlens_core.diagnosis.answer_causes import AT_THE_EDGE, OTHER_CREDENTIALS, WHO_ANSWERED
from authlens_core.diagnosis.cause import Cause
from authlens_core.diagnosis.local_causes import SEEN_HERE
from authlens_core.diagnosis.server_error_causes import WHAT_THE_SERVER_SAID

# The first that fits is shown, so what the server itself said comes before what its status lets us guess.
CAUSES: Final[tuple[Cause, ...]] = (
    WHAT_THE_SERVER_SAID + AT_THE_EDGE + SEEN_HERE + OTHER_CREDENTIALS + WHO_ANSWERED
)
