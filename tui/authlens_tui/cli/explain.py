"""`authlens explain`: what a pasted error message means, and what to do. Nothing is sent."""

from __future__ import annotations

import sys
from argparse import Namespace

from authlens_core.explain.pasted_error import explain_text
from authlens_tui.cli.login.login_events import diagnosis_as_json
from authlens_tui.cli.terminal.flags import numbered
from authlens_tui.cli.terminal.output import answer_fix, answer_json, answer_sentence, is_terminal, say
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.cli.terminal.standard_input import everything

_LONGEST = 1_000_000  # bytes


async def explain_message(arguments: Namespace) -> int:
    """Print what the identifiers in a text mean.

    Raises:
        UsageError: there is no text, or it has no known identifier.
    """
    diagnoses = explain_text(_text(arguments))
    first = diagnoses[0]
    if not first.known:
        line = f"It says: {first.evidence[0]}" if first.evidence else ""
        raise refusal(f"{first.cause} {line}".rstrip(), first.cure)
    if arguments.json:
        answer_json([{**diagnosis_as_json(diagnosis), "source": diagnosis.source} for diagnosis in diagnoses])
        return 0
    for cause, diagnosis in zip(numbered(diagnosis.cause for diagnosis in diagnoses), diagnoses, strict=True):
        answer_sentence(cause)
        answer_fix(diagnosis.cure)
        for line in diagnosis.evidence:
            answer_sentence(f"    {line}")
        if diagnosis.source:
            answer_sentence(f"    Source: {diagnosis.source}")
    return 0


def _text(arguments: Namespace) -> str:
    if arguments.text not in ([], ["-"]):
        return " ".join(arguments.text)
    if is_terminal(sys.stdin):
        say("Paste the message, then press Ctrl-D:")
    # From a server, a log or a screen: it may be in any charset.
    text = everything(_LONGEST).decode("utf-8", "replace")
    if not text.strip():
        raise refusal("There is no text to explain.", "Give it as an argument or on standard input.")
    return text
