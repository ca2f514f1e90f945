"""Which steps of a fix help with a pasted text: a command of authlens only where authlens can take part.

A text may be of any program. Its login is renewed there, so a step that names authlens is left out where
nothing in the text shows a login that authlens can run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from authlens_core.values.fix import Fix, Step, fix, steps_of

# What authlens can log in to, or its clients: MCP, RFC 7591 and RFC 9728, Access, and git at a server that is
# none of those that issue tokens of their own.
_TAKES_PART: Final = re.compile(
    r"(?i)authlens|(?<![a-z])mcp(?![a-z])|dynamic client registration|incompatible auth server"
    r"|protected[- ]resource|resource_metadata|\.well-known/oauth-|www-authenticate: (?:bearer|dpop)\b"
    r"|cloudflare ?access|cdn-cgi/access|cf-access-|managed oauth|streamable"
    r"|(?:unable to access|authentication failed for|(?:username|password) for) 'https?://"
    r"(?!(?:[^/'@]*@)?(?:[^/']*\.)?(?:github|gitlab|bitbucket|azure|visualstudio|codeberg|gitee|sr)\.[a-z]+[/':])"
)
# A registry of images says which token it wants, and takes no other.
_OF_A_REGISTRY: Final = re.compile(r'(?i)www-authenticate: bearer [^\n]*service="')
_OF_THIS_MACHINE: Final = "doctor"
_AGAIN: Final = "Log in again"
_THERE: Final = f"{_AGAIN} in the program that the text is from"


def takes_part(text: str) -> bool:
    """Whether authlens can be what a text is about: a login that it runs or could run."""
    return _TAKES_PART.search(text) is not None and _OF_A_REGISTRY.search(text) is None


def helpful(cure: str | Fix, *, taking_part: bool) -> str | Fix:
    """Return the steps of a fix that help; all of them where none is left."""
    if isinstance(cure, str):
        return cure
    steps = tuple(_kept(cure, taking_part=taking_part))
    return fix(*(Fix((step,)) for step in steps), ways=cure.ways) if steps else cure


def _kept(cure: Fix, *, taking_part: bool) -> Iterator[Step]:
    for step in steps_of(cure):
        verb = _verb(step.command)
        helps = not verb or taking_part or verb == _OF_THIS_MACHINE
        again = step.words == _AGAIN
        if helps:
            yield Step(f"{_THERE}, or with authlens", step.command, step.implied) if again else step
        elif step.implied or step.words.startswith("Log in"):
            yield Step(f"{_THERE if again else step.words}.")


def _verb(command: tuple[str, ...]) -> str:
    """Return the verb of a command that runs authlens, or the empty string."""
    if command[:1] == ("git",):
        return "git-credential"
    return command[1] if command[:1] == ("authlens",) else ""
