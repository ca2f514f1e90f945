"""Write every page under docs/ that is made from the code: `python scripts/pages.py`.

tests/architecture compares the pages with the code, and names this command where they differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import agents_page
import config_page
import conformance
import house_map
import mutations
import servers_page


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page with the text that it should have."""
    yield house_map.PAGE, house_map.page(house_map.PAGE.read_text("utf-8"))
    yield agents_page.PAGE, agents_page.page()
    yield config_page.PAGE, config_page.page()
    yield mutations.PAGE, mutations.page()
    yield servers_page.PAGE, servers_page.page()
    yield from conformance.pages().items()


def main() -> int:
    """Write the pages that differ, and name them."""
    for path, text in pages():
        if path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path.relative_to(house_map.ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
