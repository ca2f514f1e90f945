"""One way of masking what is known to be secret, for words of a check as for an export."""

import base64
import json
from urllib.parse import quote

import pytest

from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import SecretMasker

SECRET = Secret("Canary/Value+1")


def test_the_longer_of_two_overlapping_secrets_is_masked_whole() -> None:
    """H109: no rest of the longer one is left over."""
    known = SecretMasker([Secret("abc"), Secret("abcdef"), Secret("")], shortest=1)
    assert known.masked("abcdef") == Secret("abcdef").masked


@pytest.mark.parametrize(
    "form",
    [
        SECRET.reveal(),
        SECRET.reveal().lower(),
        quote(SECRET.reveal(), safe=""),
        json.dumps(SECRET.reveal())[1:-1].replace("/", "\\/"),
        base64.b64encode(SECRET.reveal().encode()).decode(),
    ],
    ids=["as it is", "in small letters", "percent-encoded", "escaped for JSON", "base64"],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    """H109: a server repeats what it was sent as it likes."""
    assert SecretMasker([SECRET]).masked(f"before {form} after") == f"before {SECRET.masked} after"


@pytest.mark.parametrize("digits", ["1" * 5_000, "0" * 5_000 + "67"], ids=["no character", "padded C"])
def test_a_reference_of_more_digits_than_python_reads_hides_nothing(digits: str) -> None:
    """`int` refuses over 4,300 digits: no answer may raise, or keep a secret from its mask."""
    escaped = "".join(f"&#{ord(character)};" for character in SECRET.reveal())
    hostile = f"&#{digits}; {escaped}"
    assert SecretMasker([SECRET]).masked(hostile) == f"&#{digits}; {SECRET.masked}"
    padded = escaped.replace("&#67;", f"&#{'0' * 5_000}67;")
    assert SecretMasker([SECRET]).masked(padded) == SECRET.masked
