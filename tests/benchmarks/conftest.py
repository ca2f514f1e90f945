"""Benchmarks run when they are asked for: `pytest tests/benchmarks -s` or `pytest -m benchmark -s`."""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the benchmarks out unless the command line asks for them; mark them in any case."""
    named = any(
        _HERE in (path := Path(argument.split("::")[0]).resolve(), *path.parents) for argument in config.args
    )
    mine = [item for item in items if _HERE in item.path.parents]
    for item in mine:
        item.add_marker(pytest.mark.benchmark)
    if not named and "benchmark" not in config.option.markexpr:
        items[:] = [item for item in items if item not in mine]
        config.hook.pytest_deselected(items=mine)
