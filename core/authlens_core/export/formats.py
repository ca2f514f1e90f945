"""The forms in which a trace leaves authlens, by name, and the file name that fits a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.export.curl_commands import curl_script
from authlens_core.export.har import har
from authlens_core.export.markdown import markdown
from authlens_core.export.redaction import redacted_trace
from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Trace

# Characters of a host in a file name.
_LONGEST_HOST: Final = 80
_KEPT: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


class Format(Struct, frozen=True):
    """One form.

    Attributes:
        suffix: the end of the file name, with its dot.
        summary: what it is good for, a few words.
        write: makes the text; every secret in it is a mask.
    """

    name: str
    suffix: str
    summary: str
    write: Callable[[Trace], str]


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        form.name: form
        for form in (
            Format("session", ".authlens.json", "opens again in authlens", session_json),
            Format("har", ".har", "opens in a browser's developer tools", har),
            Format("curl", ".sh", "a bash script that does it again", curl_script),
            Format("markdown", ".md", "for a ticket, with a sequence diagram", markdown),
        )
    }
)


def file_name(trace: Trace, form: Format) -> str:
    """Return a name for a file of `trace`: host, kind and day, in letters that every system takes."""
    try:
        host = urlsplit(redacted_trace(trace).resource_url).hostname or ""
    except ValueError:
        host = ""
    stem = "".join(letter if letter in _KEPT else "-" for letter in host.lower())[:_LONGEST_HOST].strip(".-")
    return f"{stem or 'authlens'}-{trace.kind}-{trace.started_at:%Y%m%d}{form.suffix}"
