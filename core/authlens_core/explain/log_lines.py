"""The lines of a log: which of them report a step that worked, and no failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from authlens_core.values.word_files import words as words_of

_TIME: Final = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d"
# [info], INFO, info: at the beginning, level=info, "level":"info", INF of Go, I0512 12:00:00 of glog.
_QUIET: Final = re.compile(
    r"^[^\n]{0,80}?(?:(?i:\[(?:[\w.-]{1,30}:)?(?:info|debug|trace|notice|verbose)\s?\]|\blevel[\"']?\s?[=:]\s?[\"']?(?:info|debug|trace)\b)"
    r"|(?<![\w=\"'/.-])(?:INFO|DEBUG|TRACE|NOTICE|INF|DBG|TRC)(?=[\]\s:|,)]))"
    r"|^\W{0,3}(?:info|debug|trace|notice|verbose):? |^I\d{4} \d\d:\d\d:"
)
# The beginning of a line, after a time, the number of a process, a name in brackets or a sign.
_STEP: Final = re.compile(
    rf"(?i)^(?:(?:{_TIME})\S*\s+|\[[^\]\n]{{1,60}}\]\s*|[^\w\s\[]{{1,3}}\s+)*"
    r"(?:using|connect(?:ed|ing) to|saved|loaded|opening|opened|started|starting|listening|discovered"
    r"|local stdio server running|proxy established|press ctrl|initializ(?:e|ed|ing)|\w+ successfully"
    r"|oauth callback server running|creating lockfile|browser opened|auth code received"
    r"|completing authorization|recursively reconnecting|cleaning up|please authorize this client by visiting"
    r"|https?://\S+/authorize)\b"
)
# What was cleared away had failed or ended before.
_CLEARED: Final = re.compile(r"(?i)\]\s*(?:removed|deleted|cleared|purged|pruned|evicted|discarded)\b")
_LOUD: Final = re.compile(
    r"^\s{0,8}[✘✗✖❌]|^[^\n]{0,80}?(?:(?i:\[(?:error|err|fatal|critical|severe)\s?\]|\blevel[\"']?\s?[=:]\s?[\"']?(?:error|fatal)\b)"
    r"|(?<![\w=\"'/.-])(?:ERROR|FATAL|CRITICAL|SEVERE)(?=\)| - |\s*\|))"
)
# What is said at any level of an error.
_ERROR: Final = re.compile(r"(?i)\b(?:error|exception|(?<![.,:])[45]\d\d|disabled)\b|fail")
# A way that failed and has another one after it, of which a later line reports.
_FALLS_BACK: Final = re.compile(
    r"(?i)\b(?:will|attempt(?:ing)? to|try(?:ing)? to|going to) (?:attempt to )?fall back\b"
)
# A login that a bridge asks for, as it does each time: no failure.
_ASKS: Final = re.compile(r"(?i)\bauthentication required\. (?:initializing|waiting)")
# A connection to a server that still waits for its login, which an editor counts as one.
_LOGIN_BEGUN: Final = re.compile(r"(?i)'needsauth'|oauth redirect to authorization")
_CONNECTED: Final = re.compile(r"(?i)successfully connected to \w+ server")
# What such a line may say all the same: that something did not work, or has not ended.
_FAILS: Final = re.compile(
    r"(?i)error|fail|exception|warn|fatal|panic|refus|denied|invalid|expired|revoked|unable|cannot|not\b"
    r"|n['’]t\b|time(?:d )?-?out|missing|unauthor|forbidden|reject|unknown|unsupported|mismatch|abort|cancel"
    r"|clos(?:ed|ing)|(?-i:\bE[A-Z]{4,15}\b)|disconnect|\bno\b|without|too |lost|blocked"
    r"|(?<!\d[:.,])\b[45]\d\d\b(?<!:443)"
    r"|http/1\.1 30\d|needs?\b|required?|must\b|wrong|bad\b|disabled|skip|false|waiting"
)
_WAITS: Final = re.compile(
    r"(?i)(?:open(?:ing|ed)?|visit|browser).{0,60}(?:authori[sz]|login|log in|sign[ -]?in|/device)"
    r"|waiting for (?:the )?(?:authori[sz]ation|login|browser|callback|user|sign)|\blogging in for\b"
)
# Expected before the request that fails: a client first asks without a token, and looks for the metadata at
# each address that it may have.
_ASKED: Final = re.compile(
    r"(?i)(?:/\.well-known/|\b(?:GET|POST|OPTIONS|HEAD)\b)[^\n]{0,200}?\b(?:401|404)\b"
)
_OF_A_STEP: Final = re.compile(
    r"(?i)\b(?:GET|POST)\s[^\n]{0,200}?/(?:register|token|authorize)\b[^\n]{0,60}?\b[45]\d\d\b"
)
# An answer with its body: a connection that was lost beside it says less.
_REFUSED: Final = re.compile(r"(?i)\b(?:status|http)\W{0,3}(?:code\W{0,3})?401\b[^\n]{0,40}[{<]")
_LOST: Final = re.compile(
    r"(?i)stream (?:error|disconnected)|error sending request|socket hang up"
    r"|\b(?:connection|network) (?:was )?(?:error|closed|reset|lost|aborted|disconnected)"
)
# What git prints for a branch or a tag that it wrote.
_WRITTEN: Final = re.compile(
    r"^\s*[*+]?\s*(?:\[new (?:branch|tag)\]|[0-9a-f]{7,40}\.{2,3}[0-9a-f]{7,40})\s+\S+\s+-> \S"
)
# In a frame of a stack: that a socket is one of TLS says nothing of what failed.
_FRAME: Final = re.compile(r"\s*at \S")
_TLS_CLASS: Final = re.compile(r"(?i)\b(?:tls|ssl)(?=[\w.])")
_FEW: Final = 2  # lines: a message, and no log


def lines_that_count(lines: Sequence[str]) -> list[str]:
    """Return the lines that report no step, nor what is expected before a request of a login that failed.

    Beside a refusal with its body, no lines of a lost connection. Of a log with lines of an error, no quieter
    ones without one.
    """
    failing = [line for line in lines if not reports_a_step(line)]
    last = max((at for at, line in enumerate(failing) if _OF_A_STEP.search(line)), default=0)
    failing = [line for at, line in enumerate(failing) if at >= last or not _ASKED.search(line)]
    if any(map(_REFUSED.search, failing)):
        failing = [line for line in failing if _REFUSED.search(line) or not _LOST.search(line)]
    rest = [line for line in failing if not (_QUIET.search(line) and _FALLS_BACK.search(line))]
    failing = rest if any(line.strip() for line in rest) else failing
    is_loud = any(_LOUD.search(line) for line in failing)
    return [line for line in failing if not (is_loud and _QUIET.search(line)) or _reports_an_error(line)]


def _reports_an_error(line: str) -> bool:
    return _ERROR.search(line) is not None and not _ASKED.search(line)


def reports_a_step(line: str) -> bool:
    """Whether a line only says what was done: at a level that is no error, or in the words of a step."""
    if _ASKS.search(line) or (_QUIET.search(line) and _CLEARED.search(line)):
        return True
    return (_QUIET.search(line) or _STEP.search(line)) is not None and not _FAILS.search(line)


def as_said(line: str) -> str:
    """Return a line without the names in it that read like a reason and are none."""
    return _TLS_CLASS.sub("", line) if _FRAME.match(line) else line


def fails(line: str) -> bool:
    """Whether a line has a word of a failure."""
    return _FAILS.search(line) is not None and not reports_a_step(line)


def waits_for_the_browser(line: str) -> bool:
    """Whether a step is a login that has to be finished in the browser."""
    return _WAITS.search(line) is not None


def ends_well(lines: Sequence[str]) -> str:
    """Return the line with which a log says that all went well in the end; or nothing."""
    last = ""
    waits = False
    for line in lines if len(lines) > _FEW else ():
        waits = waits or _LOGIN_BEGUN.search(line) is not None
        if fails(line) or (waits and _CONNECTED.search(line)):
            last = ""
        elif _WRITTEN.match(line) or any(words in line.lower() for words in words_of("reader")["succeeded"]):
            last = line
    return last
