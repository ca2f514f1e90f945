"""The rehearsal: every fault as a scenario, with a question to answer before it is run."""

from __future__ import annotations

from functools import partial
from typing import Final

from authlens_core.emulator.access.faults import Fault
from authlens_core.emulator.scenario import Scenario, ScenarioGroup

_begin = partial(Scenario, group=ScenarioGroup.BEGIN)
_detection = partial(Scenario, group=ScenarioGroup.DETECTION)
_metadata = partial(Scenario, group=ScenarioGroup.METADATA)
_registration = partial(Scenario, group=ScenarioGroup.REGISTRATION)
_authorization = partial(Scenario, group=ScenarioGroup.AUTHORIZATION)
_exchange = partial(Scenario, group=ScenarioGroup.EXCHANGE)
_access = partial(Scenario, group=ScenarioGroup.ACCESS)
_afterwards = partial(Scenario, group=ScenarioGroup.AFTERWARDS)
_hostile = partial(Scenario, group=ScenarioGroup.HOSTILE)

# The plain login, then every fault, in the order of the menu.
SCENARIOS: Final[tuple[Scenario, ...]] = (
    _begin(
        None,
        "In which of the eight stages do you have to do something, and which stage sends nothing?",
        "You act only in stage 6: you open the link and sign in. Stage 5, PKCE, sends nothing: it "
        "generates a secret and computes its hash. Stage 6 sends nothing itself either; the browser does.",
    ),
    _detection(
        Fault.NO_WWW_AUTHENTICATE,
        "The 401 does not say where to go. Will authlens stop immediately?",
        "No. It warns in stage 1 and tries the well-known URLs in stage 2. If none of them has a "
        "document, it stops, lists every URL it tried, and names the setting: Managed OAuth.",
    ),
    _detection(
        Fault.CHALLENGE_WITHOUT_METADATA,
        "The challenge names no metadata URL. Where else could the document be?",
        "At the well-known URL, built from the resource's own URL. It is there, so the login works; the "
        "missing parameter stays a warning in stage 1.",
    ),
    _detection(
        Fault.POST_ONLY,
        "A GET returns 405. Is the resource open to everyone?",
        "No: 405 says nothing about access. authlens asks again with POST, gets the 401 with its "
        "challenge, and uses POST in stage 8, too.",
    ),
    _detection(
        Fault.OAUTH_OFF,
        "You are sent to a login page. Why does authlens not follow the redirect and log in there?",
        "That page is made for browsers: it ends in a cookie, not in a token. authlens recognises "
        "Cloudflare Access with Managed OAuth off, and shows where to turn it on. Until then cloudflared "
        "works.",
    ),
    _detection(
        Fault.SERVICE_AUTH_ONLY,
        "403 instead of 401: will signing in with another account help?",
        "No. You cannot log in here: the policy accepts only service tokens. authlens stops, says so, "
        "and shows what the owner must change.",
    ),
    _detection(
        Fault.PUBLIC,
        "The answer is 200. Has the login succeeded?",
        "There was no login: the resource never asked who you are. If the page should be protected, "
        "this is the problem.",
    ),
    _detection(
        Fault.BROWSER_INTEGRITY,
        "403 with error 1010: who refused you, Access or something in front of it?",
        "The zone's own security, before Access saw the request. No login can fix it, so authlens stops, "
        "shows the CF-Ray to quote, and names the rule that the zone's owner must add.",
    ),
    _detection(
        Fault.CHALLENGE_PAGE,
        "A page requires a browser first. Can a program in the terminal pass it?",
        "No, and it does not try. cf-mitigated shows who asked: the zone, before Access. The owner must "
        "let this client skip the challenge for this host.",
    ),
    _detection(
        Fault.WAF_RULE,
        "403 again, this time with error 1020. Is it the policy of the application?",
        "No: a rule of the zone's firewall, before Access. Quote the CF-Ray to the owner.",
    ),
    _detection(
        Fault.NO_APPLICATION,
        "Error 1043: the organisation requires Access everywhere. What is missing?",
        "An application for this host. No one can log in without one; the owner must add it.",
    ),
    _detection(
        Fault.ORIGIN_UNREACHABLE,
        "522 for everything, the metadata too. Does this tell you anything about the login?",
        "No: the edge answers for a server that it cannot reach. Try again when the server is up.",
    ),
    _detection(
        Fault.SLOW,
        "No response arrives for a long time. How long will authlens wait, and what can you do?",
        "Twenty seconds for one exchange, from the first step to the last byte. Esc stops it at any "
        "moment, and t retries. Nothing is lost: the request is shown.",
    ),
    _metadata(
        Fault.RESOURCE_MISMATCH,
        "The metadata describes another host. What could happen if a client continued anyway?",
        "It would get a token for the other host and send it to this one. So authlens stops in stage 2, "
        "and this check cannot be overridden.",
    ),
    _metadata(
        Fault.BARE_ISSUER,
        "The issuer is printed without https://. It must be identical: will the login stop?",
        "It continues with a notice. Only the scheme is missing, the host is the right one, and real "
        "servers do this. Any other difference stops the login.",
    ),
    _metadata(
        Fault.WRONG_ISSUER,
        "The document came from the right server but names another. Which attack does this allow?",
        "The mix-up attack: the sign-in of one server is paired with the token endpoint of another. authlens "
        "stops in stage 3 and the check cannot be overridden.",
    ),
    _metadata(
        Fault.NO_REGISTRATION_ENDPOINT,
        "New clients cannot register. Is there any way to log in?",
        "Yes, with a pre-registered client: --client-id. Guessing an endpoint is not an option.",
    ),
    _metadata(
        Fault.NONE_NOT_ADVERTISED,
        "The server does not list public clients. Will authlens try anyway?",
        "Yes, with a warning: the list may be incomplete and the server decides at the exchange. Here it "
        "works, because the emulator accepts public clients without listing them.",
    ),
    _metadata(
        Fault.S256_NOT_ADVERTISED,
        "The server offers PKCE only with plain. Why is that not enough?",
        "With plain, the link itself contains the secret, so anyone who sees the link can use the code. "
        "authlens stops in stage 3 and never falls back to it.",
    ),
    _registration(
        Fault.REDIRECT_URI_REFUSED,
        "The server does not accept a loopback address. What do you ask the owner for?",
        "To allow localhost clients in the settings of Managed OAuth. authlens shows the server's own words "
        "and the setting, and h tries the other host name.",
    ),
    _registration(
        Fault.LOCALHOST_REFUSED,
        "localhost and 127.0.0.1 are the same machine. Are they the same redirect URI?",
        "No, redirect URIs are compared as text. The account allows the address and not the name: h, or "
        "--redirect-host 127.0.0.1, uses the other one.",
    ),
    _registration(
        Fault.SETTINGS_NOT_LIVE,
        "The owner is sure that the redirect URI is allowed, but it is refused. Who is right?",
        "Both: a setting takes a minute to take effect everywhere. Wait, and run the stage again with t.",
    ),
    _registration(
        Fault.PORT_TAKEN,
        "Another program uses port 8400. Why must authlens not listen there too?",
        "The program on the port receives the code. authlens binds the port before it registers, so it "
        "notices in time; it names the program if it can, and w uses any free port.",
    ),
    _authorization(
        Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION,
        "Registration accepted the address. What can still refuse it?",
        "The application, which has its own list. The refusal comes back on the callback; authlens names "
        "that list: the application's allowed redirect URIs.",
    ),
    _authorization(
        Fault.RESOURCE_REFUSED,
        "invalid_target: which parameter of the link does the server complain about?",
        "resource (RFC 8707): exactly as in the metadata, including the slash. --resource sets it.",
    ),
    _authorization(
        Fault.PKCE_FIRST_CHARACTER,
        "The server refuses one challenge in thirty-two. Will you see an error?",
        "No. authlens generates verifiers until the challenge starts with a letter or a digit. This "
        "avoids an error that would otherwise appear at random.",
    ),
    _authorization(
        Fault.PKCE_REFUSED,
        "The server says that the method must be S256. It was. What now?",
        "authlens shows that the link did contain S256, so the error is about something else: the known "
        "cause is the first character of the challenge. Going back to stage 5 generates another.",
    ),
    _authorization(
        Fault.DENIED_USER,
        "The browser shows an error and never returns. How can a program in the terminal know?",
        "It cannot. It says so while it waits, and what to do if the browser shows an error.",
    ),
    _authorization(
        Fault.INVALID_NONCE,
        "The login page says Invalid nonce. Is the link from authlens wrong?",
        "No: the browser has cookies from an earlier login. Use a private window, or delete the cookies "
        "of the team's domain. The same link works while authlens waits.",
    ),
    _authorization(
        Fault.APPLICATION_NOT_FOUND,
        "The browser cannot find the application, and authlens gets no response. What can authlens tell you?",
        "That no response arrived, and what this browser page means: the application was removed or "
        "belongs to another team. It cannot see the page itself.",
    ),
    _authorization(
        Fault.ACCESS_DENIED,
        "The callback returns an error instead of a code. Is the login wrong, or was it refused?",
        "It was refused: you chose Deny, or a policy did. Protocol and configuration are fine. The state "
        "matches, so authlens trusts the response.",
    ),
    _exchange(
        Fault.INVALID_GRANT,
        "The code is refused. Will authlens send it again to be sure?",
        "Never. A code works once, and a second attempt can revoke the tokens of the first.",
    ),
    _exchange(
        Fault.HTML_ERROR,
        "A web page arrives instead of JSON. What can you learn from it?",
        "Status, content type and the first bytes: it is a server error (500), not a refusal. authlens "
        "shows the page as text and does not interpret it.",
    ),
    _exchange(
        Fault.CLOCK_SKEW,
        "The server's clock is an hour ahead of yours. When does the token expire?",
        "expires_in seconds from now on your clock: a duration does not depend on clocks. authlens "
        "compares the Date header with your clock and warns, because servers may refuse signatures and "
        "dates.",
    ),
    _access(
        Fault.ACCESS_TOKEN_REFUSED,
        "Your token is a second old. Can the resource refuse it?",
        "Yes. The resource decides, not the token. authlens ends with a failure in stage 8 and names the "
        "causes: tokens revoked within the last minute, or a token for another resource.",
    ),
    _access(
        Fault.OAUTH_TURNED_OFF,
        "The token is new, but you are redirected to the login page. What happened between stage 7 "
        "and stage 8?",
        "The owner turned Managed OAuth off. The redirect shows it: a refused token would return a 401. "
        "The login ends with a failure in stage 8 that names the setting.",
    ),
    _access(
        Fault.POLICY_REFUSES_TOKEN,
        "403 to a token that is a second old: would another token help?",
        "No. The token is understood, but the policy does not allow your account. Signing in again "
        "changes nothing until the owner changes the policy.",
    ),
    _access(
        Fault.BINDING_COOKIE,
        "A cloudflared token is redirected to the login page, but the OAuth login works. Why?",
        "The application requires a second cookie that only the browser of the login has. Having a token "
        "is not enough; an OAuth login is not bound that way.",
    ),
    _access(
        Fault.SERVICE_AUTH_MISSING,
        "A service token is valid but ignored. Where would you look?",
        "In the policies: one with the action Service Auth must name it. Allow ignores service tokens.",
    ),
    _access(
        Fault.ORIGIN_DOWN,
        "The answer to the token is 530. Did the login fail?",
        "No. Access accepted the request; the tunnel behind it is down. The login succeeded, with a warning.",
    ),
    _afterwards(
        Fault.EXPIRED_REFRESH_TOKEN,
        "The access token is valid, the refresh token is not. When will you notice?",
        "At the next refresh: invalid_grant. Retrying cannot help; you need to log in again.",
    ),
    _afterwards(
        Fault.ROTATION_OFF,
        "A refresh returns no new refresh token. Is the old one used up?",
        "No. If none is returned, the old one stays valid. A client that dropped it would lose the grant.",
    ),
    _afterwards(
        Fault.NO_REVOCATION_ENDPOINT,
        "The server offers no revocation. What does logging out do?",
        "The tokens can only be removed here; at the server they stay valid until they expire. authlens "
        "does not call that revoked, and tells you who can end them.",
    ),
    _afterwards(
        Fault.REVOCATION_UNAVAILABLE,
        "The revocation endpoint answers 503. Should the tokens be removed here?",
        "Not yet: removed here, they could never be revoked. authlens stores them and lets you try again.",
    ),
    _hostile(
        Fault.HOSTILE_TEXT,
        "The server's texts contain sequences that clear the screen and write to your clipboard. What "
        "will you see?",
        "The sequences as harmless text. Every text from outside is escaped before it reaches the "
        "screen; a second filter checks again.",
    ),
    _hostile(
        Fault.WRONG_STATE,
        "A code arrives with a state that was never sent. What will authlens do with the code?",
        "Nothing. It may belong to someone else's login, so it is counted, ignored and never exchanged. "
        "authlens keeps waiting for the real response.",
    ),
    _hostile(
        Fault.ISS_MISMATCH,
        "The state is right, but iss names another server. Where would the code go without this check?",
        "To another server's token endpoint: the mix-up attack. authlens stops before it sends anything.",
    ),
)
