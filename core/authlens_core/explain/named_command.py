"""The command by which a text says that its program logs in, such as `gcloud auth login` or `/mcp auth NAME`.

A cause whose words have `{command|other words}` gets it: what the text names is to be told, and not only that
it names something. The text may come from someone who wants a command to be run, so it is one of plain words,
about a login, and starts no shell, no download and no other program.
"""

from __future__ import annotations

import re
from typing import Final

from authlens_core.explain.statements import is_about
from authlens_core.values.fix import Fix, mapped

_LOGS_IN: Final = r"(?:login|logon|auth|reauth|authenticate|reconnect|signin|sign-in)"
# Behind a command that is not in quotes, the sentence goes on with one of these.
_GOES_ON: Final = (
    r"(?!(?:to|first|and|again|in|on|for|then|or|before|with|from|the|as|if|when|command|page|flow)\b)"
)
_QUOTED: Final = re.compile(
    rf"[`'\"“‘](?:\$ )?(?=[^`'\"”’\n]{{0,60}}(?<![\w]){_LOGS_IN}\b)([a-z/][\w./:=@ -]{{3,70}})[`'\"”’]"
)
_PLAIN: Final = re.compile(
    r"(?m)(?:^\s{0,8}\$ |\b(?:[Rr]un|[Uu]sing|[Uu]se|manually with):?\s{1,4}(?:\$ )?|^\s{0,8}(?=az |gcloud ))"
    rf"(?!the |your |an? )((?:/?[a-z][\w.-]{{0,30}} ){{0,3}}?/?-{{0,2}}{_LOGS_IN}\b"
    rf"(?: {_GOES_ON}[\w:=/-]{{1,40}}){{0,2}})"
)
# It starts a program that it fetches or that lies somewhere, or leads to an address.
_STARTS_OTHERS: Final = re.compile(
    r"(?i)(?<![\w-])(?:npx|bunx|uvx|pipx|dlx|exec|eval|run|install|create|python[\d.]*|node|deno|ruby|perl|php|java"
    r"|go|ssh|env|nohup|xargs|cmd|osascript)(?![\w-])|(?<!^)/|@"
)
_LOGIN: Final = re.compile(r"log-?in\b|sign-?in\b|authenticate\b|reconnect\b")
_FILLED: Final = re.compile(r"\{command\|([^{}]*)\}")


def named_command(text: str) -> str:
    """Return the command of a login that a masked text names, the first; empty where it names none."""
    found = (*_QUOTED.findall(text), *_PLAIN.findall(text))
    safe = [one.strip() for one in found if not (is_about("runs", one) or _STARTS_OTHERS.search(one.strip()))]
    return next((one for one in safe if _LOGIN.search(one)), next(iter(safe), ""))


def with_command(cure: str | Fix, text: str) -> str | Fix:
    """Return a fix with the command that a masked text names, or with its own words where it names none."""
    return mapped(cure, lambda words: _FILLED.sub(lambda hole: named_command(text) or hole[1], words))
