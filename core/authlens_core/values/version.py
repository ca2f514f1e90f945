"""The version, which pyproject.toml has too: the installed metadata takes longer to read than a request."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
