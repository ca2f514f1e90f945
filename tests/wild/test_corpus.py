"""Each parser of text from outside, with its corpus and with any bytes; `scripts/fuzz.py` goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wild.parsers import CORPUS, PARSERS, as_line, corpus


@pytest.mark.parametrize("name", PARSERS)
def test_the_inputs_of_the_corpus_are_parsed_or_refused(name: str) -> None:
    """H153: without an exception that is not its own."""
    found = corpus(name)
    assert len(found) > 6
    for data in found:
        PARSERS[name](data)


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(name: str, data: bytes) -> None:
    """H153."""
    PARSERS[name](data)


def test_each_corpus_has_its_parser_and_its_lines_come_back() -> None:
    assert {path.stem for path in CORPUS.glob("*.txt")} == set(PARSERS)
    for name in PARSERS:
        written = (CORPUS / f"{name}.txt").read_text("ascii")
        assert "".join(as_line(data) for data in corpus(name)) == written
