"""The result of a refresh, with how long the token lasts."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.lifecycle.refresh_result import Refreshed, RefreshOutcome
from authlens_core.credentials.records.grant import describe
from authlens_tui.words.durations import in_words


def with_validity(result: ActionResult) -> ActionResult:
    """Add how long the access token is valid to a refresh that went well."""
    if not (isinstance(result, Refreshed) and result.good):
        return result
    left = describe(result.grant).remaining_seconds
    valid = "no expiry given" if left is None else f"valid {in_words(left)}"
    if result.outcome is RefreshOutcome.REFRESHED:
        return replace(result, summary=f"{result.summary.rstrip('.')}: a new access token, {valid}.")
    return replace(result, summary=f"{result.summary} The access token: {valid}.")
