"""Why what a user pasted is not the answer that the login waits for."""

from __future__ import annotations

from authlens_core.oauth.authorization import AuthorizationResponse, Verdict


def refused_words(response: AuthorizationResponse) -> str:
    """Say why `response` was refused, and what to paste in its place; nothing of the paste is quoted."""
    check = response.checks[-1]
    if response.verdict is Verdict.OUTDATED:
        if response.has_state:
            return "That answer belongs to another login (its state differs). Use the newest link."
        return "That address has no state. Copy the whole address."
    return f"Not the callback address: {check.seen}. {check.cure}"
