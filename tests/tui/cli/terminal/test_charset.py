"""Whether UTF-8 may be written to the terminal: by the locale that the person set, not by Python's own."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from authlens_tui.cli.terminal.abilities import shows_utf_8
from support.waiting import PATIENCE

TOLD = "from authlens_tui.cli.terminal.abilities import *; print(shows_utf_8(), *locale_setting())"


@pytest.mark.parametrize(
    ("environ", "utf_8"),
    [
        ({"LC_ALL": "C"}, False),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "de_DE"}, False),
        ({"LC_CTYPE": "ja_JP.eucJP", "LANG": "ja_JP.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LC_CTYPE": "C", "LANG": "C"}, True),
        ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "not_INSTALLED.utf8@euro"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({}, True),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells the encoding otherwise")
def test_the_first_variable_that_is_set_tells_the_encoding(
    environ: Mapping[str, str], utf_8: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POSIX order; the codeset in the name, installed or not; where nothing is set, UTF-8."""
    monkeypatch.setattr(os, "environ", environ)
    assert shows_utf_8() is utf_8


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell")
@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"LANG": "C"}, "False LANG C"),
        ({"LC_CTYPE": "POSIX"}, "False LC_CTYPE POSIX"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "True LC_CTYPE C.UTF-8"),
        ({"LANG": "C", "LC_CTYPE": "not_INSTALLED.UTF-8"}, "True LC_CTYPE not_INSTALLED.UTF-8"),
        ({}, "True"),
    ],
)
def test_what_python_put_into_the_environment_is_not_what_the_person_set(
    environ: Mapping[str, str], told: str
) -> None:
    """PEP 538: in the locale C, Python sets LC_CTYPE=C.UTF-8 before any of our code runs."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD], env=environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout.strip() == told
