"""Feed each parser bytes that grow out of its corpus, for a bounded time.

python scripts/fuzz.py [SECONDS] [NAME …]   every parser, or these, each for so long (60)

With Atheris (`pip install atheris`) the coverage of the parser guides what comes next; without it, bytes of
the corpus are changed and joined at random. `tests/wild/parsers.py` says what must never be. Add the input
of a failure to tests/wild/corpus, which the tests read.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

CORPUS: Final = ROOT / "tests" / "wild" / "corpus"
_SECONDS: Final = 60
_LONGEST: Final = 4_096


def _mutate(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a seed with a few changes, or with a piece of another."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        index = chance.randint(0, len(data))
        match chance.randrange(4):
            case 0:
                data[index:index] = bytes([chance.randrange(256)]) * chance.choice((1, 1, 2, 100))
            case 1:
                del data[index : index + chance.randint(1, 8)]
            case 2:
                other = chance.choice(seeds)
                start = chance.randint(0, len(other))
                data[index:index] = other[start : start + chance.randint(1, 40)]
            case _:
                if index < len(data):
                    data[index] ^= 1 << chance.randrange(8)
    return bytes(data[:_LONGEST])


def _at_random(name: str, seconds: float) -> int:
    from wild.parsers import PARSERS, as_line, corpus

    seeds = corpus(name)
    chance = random.Random(0)  # noqa: S311
    end = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < end:
        for _ in range(200):
            data = _mutate(seeds, chance)
            try:
                PARSERS[name](data)
            except Exception:
                with (CORPUS / f"{name}.txt").open("a", encoding="ascii") as file:
                    file.write(as_line(data))
                raise
        runs += 200
    sys.stdout.write(f"{name}: {runs} inputs, no failure\n")
    return 0


def _run_guided(name: str, seconds: int) -> int:
    """Run Atheris in this process, which it ends."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["authlens_core"]):
        from wild.parsers import PARSERS, corpus
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(corpus(name)):
            (Path(folder) / f"{number:03}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-print_final_stats=1", folder]
        atheris.Setup([name, *options], PARSERS[name])
        atheris.Fuzz()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for; 1 if a parser failed."""
    match arguments:
        case ["--guided", name, seconds]:
            return _run_guided(name, int(seconds))
        case ["--random", name, seconds]:
            return _at_random(name, float(seconds))
    seconds = arguments[0] if arguments else str(_SECONDS)
    grammars = sorted(path.stem for path in CORPUS.glob("*.txt"))
    names = arguments[1:] or grammars
    if not seconds.isdigit() or not set(grammars).issuperset(names):
        sys.stderr.write(f"{__doc__}\nThe parsers: {', '.join(grammars)}\n")
        return 2
    way = "--guided" if importlib.util.find_spec("atheris") else "--random"
    failed = [
        name
        for name in names
        if subprocess.run([sys.executable, __file__, way, name, seconds], check=False).returncode
    ]
    sys.stdout.write(f"{len(names) - len(failed)} of {len(names)} parsers held {way.strip('-')} input\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
