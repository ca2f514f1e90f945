"""What a text says of the reason itself is quoted, in whatever form it says it; a secret in it is not."""

from __future__ import annotations

import pytest

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.explain.pasted_error import explain_text
from authlens_core.explain.statements import Speaker, advice, statements

MOON = "the moon is in the wrong quarter"


@pytest.mark.parametrize(
    ("form", "speaker"),
    [
        ('{{"errorSummary": "{}", "errorId": 7}}', Speaker.SERVER),
        ('{{"status":"FAILED","error":{{"code":403,"message":"{}"}}}}', Speaker.PROGRAM),
        ('{{"errorSummary": "the moon is in\n   the wrong quarter"}}', Speaker.SERVER),
        ("Array ( [error] => x [error_description] => {} )", Speaker.SERVER),
        ("x-amzn-errormessage:{}", Speaker.SERVER),
        ("<html><title>Error</title><h2 class='d'>Description: {}</h2></html>", Speaker.SERVER),
        ('<errors><error code="415">{}</error></errors>', Speaker.SERVER),
        ("remote: {}\nfatal: unable to access 'https://g.example/x.git/'", Speaker.SERVER),
        ("Traceback (most recent call last):\n  File 'x.py', line 3\nacme.AuthError: {}", Speaker.PROGRAM),
        ("java.lang.IllegalStateException: no\n\tat a.B(C.java:3)\nCaused by: x.Y: {}", Speaker.PROGRAM),
        ("System.Exception: failed ---> Acme.LoginException: {}", Speaker.PROGRAM),
        ("failed to log in: cannot ask: request failed: {}", Speaker.PROGRAM),
        ("rpc error: code = Unauthenticated desc = {}", Speaker.PROGRAM),
        ("2026-01-01 10:00:00,1 WARN  [org.acme.Login] (thread-4) {}", Speaker.PROGRAM),
        ("授权失败：{}", Speaker.PROGRAM),
    ],
)
def test_the_reason_is_found_in_every_form(form: str, speaker: Speaker) -> None:
    first = statements(form.format(MOON))[0]
    assert (first.words, first.speaker) == (MOON, speaker)


@pytest.mark.parametrize("said", ["Unauthorized", "an error occurred", "invalid request", "[object Object]"])
def test_a_sentence_that_only_says_that_it_failed_is_no_reason(said: str) -> None:
    assert statements(f"Error: {said}") == ()


def test_a_general_answer_is_led_by_the_reason_and_by_the_advice_of_the_text() -> None:
    (found,) = explain_text(f"Login failed: {MOON}. Please wait for the next quarter.")
    assert found.cause.startswith(f"The text says: “{MOON}”.")
    assert str(found.cure).startswith("The text itself advises: “Please wait for the next quarter”.")


def test_what_a_page_says_at_its_end_does_not_decide() -> None:
    end = "Return to Moon to retry, or contact your workspace admin if access is restricted."
    assert explain_text(f"jwt expired\n{end}")[0].name == "jwt.expired"
    assert explain_text(f"Sign-in failed.\n{end}")[0].name != "consent_required"


@pytest.mark.parametrize("status", ["500 Internal Server Error", "504 Gateway Timeout"])
def test_a_server_that_failed_is_not_answered_with_another_login(status: str) -> None:
    (found,) = explain_text(f"Failed to fetch token: HTTP {status}. Please sign in again.")
    assert "in again" not in str(found.cure)


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("your role may not do this", "administrator, who can give it"),
        ("this moon was disabled: the plan is disabled by policy", "Only an administrator"),
        ("no lunar session for this callback", "Start the login again from its beginning"),
        ("cannot read properties of the moon", "only its developer"),
        ("the size of the moon must be set", "in the settings of the program"),
        ("moon keyring is asleep", "the machine that the program runs on"),
        ("the moon does not exist", "letter for letter"),
        ("wrong moon password", "Enter the name and the password"),
        ("the moon has no secret hash", "where the site or the program is configured"),
        ("the moon api key is asleep", "Set the key where the program reads it"),
        ("max retries exceeded with the moon", "curl -v"),
        ("invalid response of the moon", "could not read what it got"),
        ("connecting to the moon failed: the moon's session is not active", "Start the login again"),
        ("moon gateway overloaded", "try again in some minutes"),
        ("no route to the moon", "curl -v"),
        ("the moon answered 405", "the kind of transport"),
        ("moon-auth.json is not there", "found no login that it could use in that file"),
        ("the moon is shut (moon_club_login_disabled)", "Only an administrator"),
        ("panic in the moon", "failed in its own code"),
        ("panic as the token of the moon came", "send them, with the time"),
        ("the moon window was dismissed", "finish its page or its prompt"),
        ("the moon gave EOF", "tell nothing of a wrong password"),
        ("the moon's discovery document is dark", "/.well-known/openid-configuration"),
        ("the moon is shy, check log", "a log has it"),
        ("the moon is in the wrong quarter", "send them, with the time, to the owner of the server"),
    ],
)
def test_the_words_that_are_quoted_tell_who_has_to_act(said: str, who: str) -> None:
    cure = str(explain_text(f"Login failed: {said}")[0].cure)
    assert who in cure


@pytest.mark.parametrize(
    "said",
    [
        "See the docs. Press Ctrl+C to quit",
        "Please see the documentation",
        "Used: 3",
        "Grant not found, cannot refresh",
        "Please log in when prompted",
        "You can't sign in because the moon is down",
        "You may need to\n manually restart the moon",
    ],
)
def test_a_sentence_that_helps_no_one_is_no_advice(said: str) -> None:
    assert advice(said) == ""


@pytest.mark.parametrize(
    "secret", ["q7Zx2Lm9Vb4Nc8Kd1Rt6Wy3P", "hunter22hunter22hunter22", "sk-live-4242424242"]
)
@pytest.mark.parametrize(
    "form", ["Login failed: the moon {} is down", '{{"message":"the moon token={} is down"}}']
)
def test_no_secret_is_quoted(form: str, secret: str) -> None:
    assert secret not in repr(explain_text(form.format(secret)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "Connecting\nError POSTing (HTTP 404): Not Found\nretrying\nConnected successfully",
            "log.ended_well",
        ),
        ("[OAUTH] starting the login\nscope=openid\nToken exchange successful", "log.nothing_failed"),
        ("Connected successfully\nreading\nError: invalid_grant", "code_refused"),
        (
            "Connection state: Error sending to http://localhost:7000/mcp: TypeError: fetch failed",
            "connection_refused",
        ),
        ('Get "https://a.example/x": dial tcp 127.0.0.1:7890: connect: connection refused', "scene.proxy"),
        ("POST https://a.example/oauth/token failed: 401 Unauthorized", "client_not_authenticated"),
        ("POST https://a.example/api failed: 401 Unauthorized", "token_refused"),
        ("Error: copilot token exchange failed (503)", "http.bad_gateway"),
        ("token request failed: access_denied - the moon says no", "user_denied"),
        ("Error getting access token: status 403", "code_not_exchanged"),
        (
            "Could not read the moon's metadata\n(403 Forbidden from https://a.example/)",
            "client_found_no_metadata",
        ),
        ("HTTPConnectionPool(host='localhost', port=80): Max retries exceeded", "connection_refused"),
        ("failed to refresh token: oauth2: cannot fetch token: 400 Bad Request", "refresh_token_ended"),
        ("Error: dynamic client registration gave 401", "mcp.registration_refused"),
        ("Error: client registration failed: answer 404", "no_registration_endpoint"),
        ("MCP: error 403 while fetching the server metadata: 403", "client_found_no_metadata"),
        (
            "MCP login failed: the server metadata: discovering it at /.well-known/x gave 404",
            "oauth_not_found",
        ),
        ('MCP: {"code":401,"message":"Unauthorized; the scope does not match"}', "token_not_enough"),
        ("token refresh failed for moon: HTTP 400", "refresh_token_ended"),
        ('login failed: invalid_scope - Missing required scope(s) ["moon"]', "oauth.no_scope"),
        ("GET /.well-known/x 404\nPOST /mcp 401\nPOST /register 400", "mcp.registration_refused"),
        ("refresh failed: 502, trying again\nPOST https://a.example/api failed: 401", "token_refused"),
        ("GET http://localhost:6277/moon net::ERR_CONNECTION_REFUSED", "mcp.inspector"),
        (
            "Proxy server listening on localhost:6277\nError: ECONNREFUSED 127.0.0.1:8000",
            "connection_refused",
        ),
        ("Use the session token shown in the console when starting the server", "mcp.inspector"),
        ("GET http://localhost:6277/mcp?url=x 401 (Unauthorized)", "mcp.inspector"),
        ('Please run /login · API Error: 401 {"error":{"type":"moon"}}', "mcp.api_key"),
        ('Please run /login · API Error: 401 {\n "type":"error"}', "claude.login_ended"),
        ("GET http://localhost:6277/config 401 (Unauthorized)", "mcp.inspector"),
        ("GET http://localhost:6278/config 401 (Unauthorized)", "login_not_made"),
        (
            '127.0.0.1 - - [x] "POST /v1/messages HTTP/1.1" 401 -\nPlease run /login · API Error: 401',
            "mcp.api_key",
        ),
        ('{"error":{"message":"User not found.","code":401}}data: {"choices":[]}', "mcp.api_key"),
        ('login status 401 Unauthorized: {"a":1}\nconnection reset', "token_refused"),
        ("http://localhost:1455/auth/callback?code=ac_R32&state=4x", "log.callback"),
        ("?error=access_denied&error_description=An+unexpected+error+on+the+moon", "server_error"),
        ("?error=access_denied&error_description=The+moon+said+no", "user_denied"),
        ("Connection timed out\nError code 522", "origin_down"),
        ("Connection timed out (error 522)", "curl.timeout"),
        ("expected 200 OK, got: 403 Forbidden\n at async Issuer.queryKeyStore (a.js:9)", "jwt.keys"),
    ],
)
def test_what_happened_where_changes_what_a_message_means(text: str, name: str) -> None:
    assert [told.name for told in explain_text(text)] == [name]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$ terraform apply\nError: insufficient_scope", "grant the client (or the token) the scope"),
        ("$ moon --api-key KEY\nError: access denied by the moon", "Give the program a key, token or client"),
        ("$ moon --api-key KEY\nError: 401 Unauthorized", "Make a new key or token"),
        ("$ moon --api-key KEY\nstatus 401: missing api key", "The request had no key"),
        ("Error: the dns of the moon gave status 401\n  on moon.tf line 9", "Make a new key or token"),
        ("Error: the dns of the moon gave status 401", "check the credential"),
        ("Single sign-on is not enabled for the moon", "Only an administrator"),
        ("> Authorization: m\n401 Unauthorized", "is of another kind than the server wants"),
        ("POST https://a.example/log_in failed: 401 Unauthorized", "one of them is wrong"),
        ("No moon: provide a valid moon access token by --moon-token", "by --moon-token"),
        ("No credentials found. Run `moon login` to go on", "Run moon login, then"),
        (
            "No credentials found, please run:\n  $ gcloud auth login\nto obtain some",
            "Run gcloud auth login, then",
        ),
        ("Please authenticate using: /mcp auth moon", "in the client: /mcp auth moon."),
        ("No credentials found. Run `moon login | sh` to go on", "the command that the text names"),
        ("No credentials found. Run `curl login` to go on", "the command that the text names"),
        ("No credentials found. Run `npx moon login` to go on", "the command that the text names"),
        ("No credentials found. Run `/tmp/moon login` to go on", "the command that the text names"),
        ("No credentials found. Run `python3 -m moon login` to go on", "the command that the text names"),
        ("Authenticating as: me\nAuthentication failed", "the name or the password is wrong"),
        ("Authenticating as: me\nOTP: 1\nAuthentication failed", "log in again with the program"),
        ("remote: Permission to me/moon.git denied to me.", "Use a token with that right"),
        ("remote: Permission to me/moon.git denied to you.", "Ask the repository's owner"),
    ],
)
def test_what_to_do_fits_the_one_that_logs_in(text: str, told: str) -> None:
    (found,) = explain_text(text)
    assert told.lower() in f"{found.cause} {found.cure}".lower()


@pytest.mark.parametrize(
    "text",
    [
        "INFO - No tokens of the moon found, requesting some\nERROR - Login failed",
        "Please enter the shape of the moon: round\nLogin failed",
        "TypeError: Cannot set property 'moon' of undefined\nLogin failed",
        "Is the moon on your side of the earth?\nLogin failed",
        "DEBUG    Starting new moon connection (1): moon.example:443\nLogin failed",
        "[info] 405 status from the moon, will attempt to fall back to it\nLogin failed",
    ],
)
def test_a_line_that_is_not_the_failure_is_not_quoted(text: str) -> None:
    assert "moon" not in str(explain_text(text)[0])


def test_the_parameter_that_an_error_is_about_is_shown() -> None:
    text = (
        'curl -d \'grant_type=grant_type=password\' https://a.example/t\n{"error":"unsupported_grant_type"}'
    )
    assert "grant_type=grant_type=password" in explain_text(text)[0].evidence


@pytest.mark.parametrize(
    "text",
    [
        '"code":"Authorization_RequestDenied"',
        "first party application '04b07795-8ddb-461a-bbee-02f9e1bf7b46' and",
        "/gems/raise_octokit_error.rb:12:in `x'",
        "2012-08-28T05:22:58+00:00 app",
        "oauthlib.oauth2.rfc6749.errors.MismatchingStateError: (x)",
        "error_description=The+request+is+missing+a+required+parameter",
        "cfRay=687f37bd84af59ce-IAD",
        "Access blocked: my-fit-whyash5114.vercel.app has",
        "Audience (aud) claim mismatch in the ID token; expected 'IsuLUyWaFczCbAKQrIpVPmyBTFs4g5iq' but",
        '"request_id":"req_011CSWBrfQDASjzucdrhu8Fn"',
        "organization '359af9bd-0f20-xxxx-xxxx-b3afb8aedd86' lacks",
        "Enter this address in your browser: https://as.example/device",
        "Enter the code shown above",
        "verification code: expired",
        "Error code: 1033",
        "Failed to connect to raw.githubusercontent.com:443",
        "OmniAuth::Strategies::OAuth2::CallbackError, csrf_detected",
        "when validating client assertion: java.lang.RuntimeException: Token audience",
        "error:14090086:SSL routines:SSL3_GET_SERVER_CERTIFICATE:certificate verify failed",
        "Login required auth0-spa-js.production.esm.js",
        '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/>',
        "articles/authenticating-to-a-github-organization-with-saml-single-sign-on/",
        "ERROR retrieving token: AADSTS50011: The reply address",
        "&error_description=AADSTS50194: Application 'x'",
        "Error code: errorauthgeneral",
        "Status: Status_Unexpected, Error code: -1247023584, Tag: 528315211",
        "auth0.v3.exceptions.Auth0Error: 403: Client",
        "(vert.x-eventloop-thread-3) client_address=192.168.0.3:33934",
    ],
)
def test_what_is_public_is_shown(text: str) -> None:
    assert without_credentials(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "client_secret=04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "x-api-key: 04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "session 04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "token=Correct.Horse.Battery",
        "password=raise_octokit_error.rb",
        "client_secret=java.lang.Hunter22Error",
        "api_key=my-fit-whyash5114.vercel.app",
        "password: req_011CSWBrfQDASjzucdrhu8Fn",
        "secret=359af9bd-0f20-xxxx-xxxx-b3afb8aedd86",
        "code=abcDEF123ghiJKL",
        "code: 951212",
        "Error code: 4/0AX4XfWh123456789012345678",
        "state=Authorization_RequestDenied",
        "Please enter the OTP from your MFA device: 951212",
        "First copy your one-time code: A1B2-C3D4",
        "user_code: WDJB-MJHT",
        "PIN: 1234",
        "Enter the code: ABCDEFGH",
    ],
)
def test_what_has_the_form_of_a_public_name_is_masked_behind_the_name_of_a_secret(text: str) -> None:
    assert text.rpartition("=")[2].rpartition(" ")[2] not in without_credentials(text)
