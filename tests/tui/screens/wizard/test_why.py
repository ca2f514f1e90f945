"""Why it failed, in the words that are on the screen: one row for every fault, as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from msgspec.structs import replace

from authlens_core.emulator import Fault, Profile, faults_of
from authlens_core.export.redaction import Redactor
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import UNKNOWN, Diagnosis
from authlens_tui.screens.wizard.status_words import failed_words
from authlens_tui.widgets.document.lines import Line
from authlens_tui.widgets.record.record_lines import StageSnapshot, Tab, ViewOptions, tab_lines
from support.walked_faults import Walk, walked

# fault | what happened | what to do | what shows it. Where nothing is to be cured, the last three are empty.
TABLE: Final = """
no-www-authenticate | no metadata at the well-known URLs | turn on Managed OAuth | HTTP/1.1 404 Not Found
challenge-without-metadata | does not say where its metadata | resource_metadata=… | www-authenticate: Bearer
post-only | | |
oauth-off | Managed OAuth is off for this application | Advanced settings → Managed OAuth | HTTP/1.1 302 Found
service-auth-only | accepts only service tokens | authlens service-token add | cf-access-aud:
public | It responds without a login | tell its owner | HTTP/1.1 200 OK
browser-integrity | Browser Integrity Check of the zone banned | Configuration Rules | 1010
challenge-page | a challenge page | action Skip | cf-mitigated: challenge
waf-rule | blocked the request before Access saw it | action Skip | 1020
no-application | has no Access application | Add an application | 1043
origin-unreachable | cannot reach the server behind it | start the origin or its tunnel | HTTP/1.1 522
slow | still waiting for 127.0.0.1 | check before you send it again | timeout failure: GET
hostile-text | no readable WWW-Authenticate | ask the owner to send WWW-Authenticate | a control character
resource-mismatch | describes another resource | "resource" in the metadata | "resource": "https://elsewhere.example"
bare-issuer | | |
wrong-issuer | names another issuer | Ask the owner to make issuer | "issuer": "https://elsewhere.example"
no-registration-endpoint | has no registration_endpoint | --client-id | no "registration_endpoint" in it
no-revocation-endpoint | | |
none-not-advertised | does not list “none” | allow public clients | "token_endpoint_auth_methods_supported":
s256-not-advertised | does not list PKCE | support S256 | "code_challenge_methods_supported": ["plain"]
redirect-uri-refused | does not allow the redirect URI | Allow localhost clients | "error": "invalid_
redirect-uri-refused-at-authorization | does not allow the redirect URI | Allowed redirect URIs | error=
localhost-refused | The redirect URI sent was http://localhost: | --redirect-host 127.0.0.1 | HTTP/1.1 400
settings-not-live | does not allow the redirect URI | takes about a minute | HTTP/1.1 400
resource-refused | not issue tokens for the resource in the request | Ask the owner | error=invalid_target
pkce-first-character | | |
pkce-refused | misread the code challenge | starts with a letter or a digit | must be S256
denied-user | That account does not have access | sign in again with the right account | nothing at
invalid-nonce | Invalid nonce | cdn-cgi/access/logout | nothing at
application-not-found | Unable to find your Access application! | cdn-cgi/access/logout | nothing at
access-denied | The login was refused | another account | error=access_denied
wrong-state | The browser did not return | Check the browser | 1 other request ignored
iss-mismatch | does not name the server | Do not trust | iss=https://elsewhere.example
port-taken | Another program uses the callback port | use another port | Port 8400 on this machine is in use
invalid-grant | The code has expired | Log in again | "error": "invalid_grant"
html-error | with an internal error | Try again in a minute | HTTP/1.1 500 Internal Server Error
access-token-refused | A token issued a moment ago is refused | Wait a minute | HTTP/1.1 401
oauth-turned-off | although a token was sent | turn it on | HTTP/1.1 302
policy-refuses-token | Access knows the token and refuses it | an Allow policy | cf-access-aud:
origin-down | cannot reach the server behind it | start the origin or its tunnel | HTTP/1.1 530
expired-refresh-token | The refresh token is no longer valid | Grant session duration | "invalid_grant"
rotation-off | | |
revocation-unavailable | The server failed with an internal error | Try again in a minute | HTTP/1.1 503
binding-cookie | although its own token was sent | turn the Binding Cookie off | HTTP/1.1 401
service-auth-missing | as if no service token had been sent | the action Service Auth | HTTP/1.1 401
clock-skew | this machine's clock differ | (NTP) | date:
"""
ROWS: Final = {
    cells[0]: (cells[1], cells[2], cells[3])
    for cells in ([cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines())
}


def _failed(walk: Walk) -> StageRecord | None:
    """Return the record that failed: of the login, or of what was tried after it."""
    last = walk.afterwards or walk.login.trace.records[-1]
    return last if last.failures else None


def _lines(record: StageRecord) -> Iterator[Line]:
    known = StageSnapshot(record.stage, record=record, exchanges=record.exchanges)
    return tab_lines(Tab.CHECKS, known, [record], Redactor(), ViewOptions())


def _checks_tab(walk: Walk) -> str:
    records = (*walk.login.trace.records, *([walk.afterwards] if walk.afterwards else []))
    return "\n".join(line.text for record in records for line in _lines(record))


def test_there_is_a_row_for_every_fault() -> None:
    """A fault that is added has to say what a person reads of it."""
    assert sorted(ROWS) == sorted(fault.value for fault in faults_of(Profile.ACCESS))


@pytest.mark.parametrize(
    "fault", [f for f in faults_of(Profile.ACCESS) if ROWS.get(f.value, ("",))[0]], ids=str
)
async def test_the_screen_says_what_happened_what_to_do_and_what_shows_it(fault: Fault) -> None:
    """The line under the wizard, or the Checks tab of a warning."""
    walk = await walked(fault)
    record = _failed(walk)
    rendered = _checks_tab(walk) if record is None else failed_words(record, str).plain
    for words in ROWS[fault.value]:
        assert words in rendered
    assert "unknown" not in rendered.lower()
    assert "does not recognise this response" not in rendered


@pytest.mark.parametrize(
    "fault", [f for f in faults_of(Profile.ACCESS) if not ROWS.get(f.value, ("",))[0]], ids=str
)
async def test_where_nothing_is_to_be_cured_no_diagnosis_is_on_the_screen(fault: Fault) -> None:
    """What authlens copes with is a note at most."""
    walk = await walked(fault)
    assert _failed(walk) is None
    assert "Cause" not in _checks_tab(walk)


async def test_the_checks_tab_of_a_failed_stage_quotes_the_raw_answer() -> None:
    tab = _checks_tab(await walked(Fault.REDIRECT_URI_REFUSED))
    assert "seen  HTTP/1.1 400 Bad Request" in tab
    assert '"error_description": "redirect_uri is not allowed by the account configuration"' in tab


async def test_the_cure_stands_before_the_lines_that_show_it() -> None:
    """A small screen cuts the end: what to do must not be what is cut."""
    record = _failed(await walked(Fault.REDIRECT_URI_REFUSED))
    assert record is not None
    words = failed_words(record, str).plain
    assert words.index("→ ") < words.index("Seen: ")


async def test_an_answer_that_nobody_knows_is_in_the_words_whole() -> None:
    """Status, type, CF-Ray and first bytes come first, for they are all there is."""
    record = _failed(await walked(Fault.HTML_ERROR))
    assert record is not None
    lines = ("HTTP/1.1 418 Teapot", "content-type: text/plain", "cf-ray: 1-EMU")
    unknown = Diagnosis(UNKNOWN, "Not known.", "Look at it.", (*lines, f"starts with: {'stout ' * 20}"))
    words = failed_words(replace(record, diagnosis=unknown), str).plain
    assert "HTTP/1.1 418 Teapot · content-type: text/plain · cf-ray: 1-EMU · starts with: stout" in words
    assert words.count("stout") == 20
    assert words.index("Seen: ") < words.index("→ Look at it.")
