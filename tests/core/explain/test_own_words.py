"""What a text says of the reason itself: it says more than the code or the step beside it."""

from __future__ import annotations

import pytest

from authlens_core.explain.pasted_error import explain_text

ODD = "the moon is in the wrong quarter tonight"


@pytest.mark.parametrize("code", ["invalid_request", "invalid_token", "access_denied", "server_error"])
@pytest.mark.parametrize(
    "form",
    [
        '{{"error":"{}","error_description":"{}"}}',
        "http://127.0.0.1:1/cb?error={}&error_description={}&state=x",
        'WWW-Authenticate: Bearer error="{}", error_description="{}"',
    ],
)
def test_the_servers_description_is_quoted_before_what_its_code_means(code: str, form: str) -> None:
    said = ODD.replace(" ", "%20") if form.startswith("http") else ODD
    (found,) = explain_text(form.format(code, said))
    assert found.cause.startswith(f"The server says why: “{ODD}”.")


@pytest.mark.parametrize("words", ["null", "Unauthorized", "Bad Request", "invalid_request"])
def test_a_description_that_says_nothing_is_not_quoted(words: str) -> None:
    (found,) = explain_text(f'{{"error":"invalid_request","error_description":"{words}"}}')
    assert "says why" not in found.cause


@pytest.mark.parametrize("before", ["token=", "the one ", "secret%3D", "code "])
def test_a_description_that_may_hold_a_secret_is_not_quoted(before: str) -> None:
    said = f"the moon refused {before}abcd1234efgh5678 today"
    (found,) = explain_text(f'{{"error":"invalid_request","error_description":"{said}"}}')
    assert "abcd1234efgh5678" not in f"{found.cause} {found.cure}"


@pytest.mark.parametrize("step", ["Failed to refresh token: 400 Bad Request", "token refresh failed (400)"])
@pytest.mark.parametrize(
    ("why", "name"),
    [
        ("refresh_token must not be empty", "oauth.no_refresh_token"),
        ("client_id is missing", "oauth.client_id_missing"),
        (ODD, "refresh_token_ended"),
    ],
)
def test_the_words_beside_a_step_say_why(step: str, why: str, name: str) -> None:
    assert [told.name for told in explain_text(f"{step}: {why}")] == [name]


@pytest.mark.parametrize(
    ("status", "why"),
    [("400 Bad Request", "too old"), ("403 Forbidden", "blocks it"), ("500 Oh", "refused nothing")],
)
def test_a_failed_exchange_is_told_by_its_status(status: str, why: str) -> None:
    (found,) = explain_text(f"Token exchange failed: token endpoint returned status {status}")
    assert why in found.cause


def test_the_reason_within_an_answer_says_more_than_its_number() -> None:
    answer = '{{"errorCode":"E0000014","errorSummary":"x","errorCauses":[{{"errorSummary":"{}"}}]}}'
    (known,) = explain_text(answer.format("Old password is not correct"))
    assert known.name == "password.any"
    (odd,) = explain_text(answer.format(ODD))
    assert f"“{ODD}”" in odd.cause


@pytest.mark.parametrize(
    "text",
    [
        "spawn cmd.exe ENOENT",
        "MCP client for `x` failed to start: No such file or directory",
        "[error] Client error for command Unexpected token 'U', \"Usage:\" is not valid JSON",
        "mcp.shared.exceptions.McpError: Connection closed",
    ],
)
def test_a_program_of_this_machine_that_did_not_start_is_no_matter_of_an_address(text: str) -> None:
    (found,) = explain_text(text)
    assert "curl -i" not in str(found.cure)
    assert "authlens" not in str(found.cure)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("MCP login failed: add https://example.com/mcp to the settings", "URL"),
        (
            "MCP resource https://a.example does not match expected https://b.example/mcp",
            "https://b.example/mcp",
        ),
        (
            '{"$schema": "https://a.example/c.json", "mcp": {"url": "https://b.example/mcp"}}',
            "https://b.example/mcp",
        ),
    ],
)
def test_a_command_has_the_configured_address_and_none_of_an_example(text: str, address: str) -> None:
    cure = str(explain_text(f'{text}\n{{"error":"invalid_token"}}')[0].cure)
    assert f" {address}" in cure


def test_a_command_has_the_address_of_the_line_of_a_list_that_decides() -> None:
    servers = (
        "docs:  https://a.example/mcp - connected\n"
        "wiki:  https://b.example/mcp - ! Needs authentication\n"
        "mail:  https://c.example/mcp - connected"
    )
    assert "authlens login https://b.example/mcp" in str(explain_text(servers)[0].cure)


def test_a_sign_is_quoted_without_an_escape() -> None:
    (found,) = explain_text("⚠\ufe0f invalid_client")
    assert found.evidence == ("⚠ invalid_client",)
