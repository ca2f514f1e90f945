"""A process with secrets leaves no core dump."""

import subprocess
import sys

import pytest

SHOW = """
import ctypes, resource
from authlens_core.values.secret import forbid_core_dump
forbid_core_dump()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel")
def test_the_limit_is_zero_and_the_process_is_not_dumpable() -> None:
    """PR_GET_DUMPABLE is 3."""
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, timeout=60)
    assert shown.stdout.split() == ["0", "0"], shown.stderr
