"""A server as YAML, to be pasted: authlens edits no file of YAML, which no library leaves as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def yaml_text(path: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return a mapping below the keys of a path. Its values are JSON, which YAML 1.2 §1.3 has as a part."""
    lines = [f"{'  ' * depth}{_word(key)}:" for depth, key in enumerate(path)]
    lines += [f"{'  ' * len(path)}{_word(key)}: {_json(item)}" for key, item in value.items()]
    return "\n".join((*lines, ""))


def _word(key: str) -> str:
    return key if key.isascii() and key.isalpha() else _json(key)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
