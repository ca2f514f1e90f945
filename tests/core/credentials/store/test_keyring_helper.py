"""A module that is loaded lazily is the module itself, as soon as a member of it is used."""

from __future__ import annotations

import subprocess
import sys

from support.waiting import PATIENCE


def run(program: str) -> str:
    head = "import sys\nfrom authlens_core.credentials.store.keyring_helper import *\n"
    done = subprocess.run(
        [sys.executable, "-c", head + program], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_import_alone_loads_nothing() -> None:
    program = """
        load_lazily('importlib.metadata', 'urllib.request')
        import importlib.metadata as metadata, urllib.request
        print([name in sys.modules for name in ('email', 'http.client')])
    """
    assert run("\n".join(map(str.strip, program.splitlines()))) == "[False, False]"


def test_a_call_loads_the_module_when_its_result_is_used() -> None:
    program = """
        load_lazily('logging')
        call_later('logging', 'getLogger')
        import logging
        log, before = logging.getLogger('a'), 'threading' in sys.modules
        log.debug('word')
        print(before, log.name, 'threading' in sys.modules)
    """
    assert run("\n".join(map(str.strip, program.splitlines()))) == "False a True"


def test_a_missing_module_is_missing_when_a_member_is_used() -> None:
    program = """
        load_lazily('no_such_module')
        import no_such_module
        try:
            no_such_module.member
        except ModuleNotFoundError:
            print('missing')
    """
    lines = [line.removeprefix("        ") for line in program.splitlines()]
    assert run("\n".join(lines)) == "missing"
