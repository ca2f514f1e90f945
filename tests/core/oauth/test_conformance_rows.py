"""Every requirement that the specifications make of a client is named by a test that holds it.

The identifiers are those of the project's conformance checklist: transport (GEN), challenge (CH), resource
metadata (PR), server metadata (AS), registration (RG), PKCE (PK), authorization request (AZ), loopback
listener (LB), authorization answer (AR), token endpoint (TK), bearer use (BR), refresh (RF), revocation (RV).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[2]

# The rows of the checklist that say MUST or MUST NOT.
ROWS: Final = {
    "GEN": (1, 2, 4, 5, 6, 7),
    "CH": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    "PR": (1, 2, 3, 4, 5, 6, 7, 10, 15),
    "AS": (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14),
    "RG": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14),
    "PK": (1, 2, 3, 4, 5, 6),
    "AZ": (1, 2, 3, 4, 5, 6, 7, 8, 10, 11),
    "LB": (1, 5, 8, 9, 10, 14),
    "AR": (1, 2, 3, 4, 5, 7),
    "TK": (1, 2, 3, 4, 6, 7, 9, 10),
    "BR": (1, 2, 3),
    "RF": (1, 2, 3, 4),
    "RV": (1, 2, 3, 4, 6),
}
MUST: Final = tuple(f"{group}-{number}" for group, numbers in ROWS.items() for number in numbers)

# Rows about something that authlens does not do, so that there is nothing to hold.
NOT_DONE: Final = {
    "RG-8": "no management request is sent: a client is forgotten here, and the server keeps it or not",
    "RG-9": "a registration is never updated; a changed client registers anew",
    "RG-10": "no registration is deleted at the server, for RG-8's reason",
    "AZ-5": "there is no web view to embed: what opens the link is a browser, or the person",
    "AZ-10": "AS-11 lets a client stop where pushed requests are required, and it does",
}


def _named() -> frozenset[str]:
    """Return every identifier that a test other than this one names."""
    pattern = re.compile(rf"\b(?:{'|'.join(ROWS)})-\d+\b")
    sources = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    return frozenset(name for path in sources for name in pattern.findall(path.read_text("utf-8")))


NAMED: Final = _named()


@pytest.mark.parametrize("row", [row for row in MUST if row not in NOT_DONE])
def test_a_test_names_the_row(row: str) -> None:
    """Whoever looks for a requirement finds the test that holds it."""
    assert row in NAMED, f"no test names {row}"


@pytest.mark.parametrize("row", NOT_DONE)
def test_an_exception_is_a_row_that_no_test_names(row: str) -> None:
    """An exception that is held after all is taken off the list, so that the list stays honest."""
    assert row in MUST
    assert row not in NAMED, f"a test names {row}: take it out of NOT_DONE"
