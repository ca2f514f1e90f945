"""Values of options that several verbs share."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Final

LONGEST_TTL: Final = 10 * 365 * 86_400.0
_CHECK: Final = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def number(text: str, least: float, most: float, unit: str) -> float:
    """Return a number in a range.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"not a number of {unit} from {least:g} to {most:g}")
    return value


def min_ttl(text: str) -> float:
    return number(text, 0, LONGEST_TTL, "seconds")


def check_name(text: str) -> str:
    if not _CHECK.fullmatch(text):
        raise argparse.ArgumentTypeError("not the name of a check, such as server.token_endpoint_host")
    return text


def interval(text: str) -> float:
    """Return the seconds between two looks."""
    return number(text, 0.5, 3_600, "seconds")


def port_up_to(most: int) -> Callable[[str], int]:
    """Return what reads a port from 0 to `most`."""

    def port(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= most):
            raise argparse.ArgumentTypeError(f"not a port from 0 to {most}")
        return int(text)

    return port


port = port_up_to(65_535)
