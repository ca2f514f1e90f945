"""Lines of a log that report what was done are no errors, and a log of only such lines has none."""

from __future__ import annotations

import pytest

from authlens_core.explain.log_lines import reports_a_step
from authlens_core.explain.pasted_error import explain_text

LEVELS = (
    "2026-01-05 16:03:33.171 [info] {}",
    "2026-01-05T16:03:33Z INF {}",
    "INFO:oauth: {}",
    '{{"level":"debug","msg":"{}"}}',
    "time=16:03:33 level=info msg={}",
    "I0512 12:00:00.123456 7 main.go:9] {}",
    "[DEBUG] {}",
)
STEPS = (
    "Saved PKCE code verifier for http://localhost:8085/mcp",
    "Loaded OAuth client information",
    "Opening authorization URL: https://login.example/authorize",
    "token refresh: reading the refresh token",
    "access token stored in the keychain",
    "redirect_uri of the client: http://127.0.0.1:33418/",
)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("step", STEPS)
def test_what_is_logged_as_a_step_is_no_error_and_hides_none(level: str, step: str) -> None:
    line = level.format(step)
    assert {told.name for told in explain_text(line)} <= {"log.nothing_failed", "log.browser"}
    (found,) = explain_text(f"{line}\n[error] jwt expired\n{line}")
    assert [found.name] == [told.name for told in explain_text("[error] jwt expired")]


@pytest.mark.parametrize("level", LEVELS)
def test_a_failure_counts_at_whatever_level_it_is_logged(level: str) -> None:
    (found,) = explain_text(level.format("redirect_uri mismatch"))
    assert found.name == "oauth.redirect_uri"


@pytest.mark.parametrize(
    "line",
    [
        "get info from generic_oauth",
        "Error: INFO needed",
        "The info endpoint: invalid_token",
        "user=info@host",
        "[info] Waiting for server to respond to `initialize` request...",
    ],
)
def test_a_word_that_is_no_level_and_a_step_that_does_not_end_are_no_steps(line: str) -> None:
    assert not reports_a_step(line)


def test_a_log_of_a_healthy_start_has_no_error_in_it() -> None:
    log = """\
[26682] Using existing client port: 9553
[26682] [26682] Connecting to remote server: https://mcp.notion.com/mcp
[26682] Connected to remote server using StreamableHTTPClientTransport
[26682] Local STDIO server running
[26682] Proxy established successfully between local STDIO and remote StreamableHTTPClientTransport
[26682] Press Ctrl+C to exit"""
    assert [told.name for told in explain_text(log)] == ["log.nothing_failed"]
    assert [told.name for told in explain_text(f"{log}\nError: jwt expired")] == ["jwt.expired"]


@pytest.mark.parametrize("written", ["* [new branch] a -> b", "1a2b3c4..5d6e7f8  a -> b"])
def test_a_push_that_wrote_its_branch_ended_well_and_one_that_failed_after_it_did_not(written: str) -> None:
    push = f"Logon failed, use ctrl+c to cancel basic credential prompt.\nTo https://a.example\n {written}"
    assert [told.name for told in explain_text(push)] == ["log.ended_well"]
    assert [told.name for told in explain_text(f"{push}\nHost key verification failed.")] == [
        "git.helper_quit"
    ]


def test_what_is_expected_of_a_discovery_is_not_told_beside_an_error() -> None:
    quiet = "[wrangler:info] OPTIONS /.well-known/x 404\n[wrangler:info] GET /.well-known/x 404"
    for error in ("✘ [ERROR] jwt expired", "✗ jwt expired"):
        assert [told.name for told in explain_text(f"{quiet}\n{error}")] == ["jwt.expired"]


@pytest.mark.parametrize("end", ["", "12:00:02 [info] Waiting for callback on http://127.0.0.1:3334\n"])
def test_a_log_that_ends_with_an_open_browser_waits_for_it(end: str) -> None:
    log = (
        "12:00:01 [info] Loaded the client\n12:00:02 [info] Opening authorization URL: https://a.example/x\n"
    )
    (found,) = explain_text(log + end)
    assert found.name == "log.browser"
    assert found.evidence
