"""The rehearsal: every fault as a scenario, with a question to answer before it is run."""

from __future__ import annotations

from typing import Final

from authlens_core.emulator.faults import Fault
from authlens_core.emulator.scenario import Scenario, ScenarioGroup

SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario(
        None,
        ScenarioGroup.BEGIN,
        "In which of the eight stages does a person have to do something, and which stage sends nothing?",
        "A person acts in stage 6 alone: they open the link and sign in. Stage 5, PKCE, sends nothing: it "
        "draws a secret and computes its hash. Stage 6 sends nothing itself either; the browser does.",
    ),
    Scenario(
        Fault.NO_WWW_AUTHENTICATE,
        ScenarioGroup.DETECTION,
        "The 401 does not say where to go. Will authlens give up at once?",
        "No. It warns in stage 1 and looks at the well-known places in stage 2. Only when none of them has a "
        "document does it stop, list every place it tried, and name the setting: Managed OAuth.",
    ),
    Scenario(
        Fault.CHALLENGE_WITHOUT_METADATA,
        ScenarioGroup.DETECTION,
        "The challenge names no metadata URL. Where else could the document be?",
        "At the well-known path that is made from the resource's own URL. It is there, so the login works; "
        "the missing parameter stays a warning in stage 1.",
    ),
    Scenario(
        Fault.POST_ONLY,
        ScenarioGroup.DETECTION,
        "A GET is answered with 405. Is the resource open to everybody?",
        "No: 405 says nothing about who may come in. authlens asks again with POST, gets the 401 with its "
        "challenge, and keeps to POST in stage 8.",
    ),
    Scenario(
        Fault.OAUTH_OFF,
        ScenarioGroup.DETECTION,
        "You are sent to a login page. Why does authlens not follow the redirect and log in there?",
        "That page is made for browsers: it ends in a cookie, not in a token. authlens recognises Cloudflare "
        "Access with Managed OAuth off, and says where to turn it on and that cloudflared works meanwhile.",
    ),
    Scenario(
        Fault.SERVICE_AUTH_ONLY,
        ScenarioGroup.DETECTION,
        "403 instead of 401: will signing in as somebody else help?",
        "No. There is no way for a person to log in here: the policy lets in service tokens alone. authlens "
        "stops and says so, and what an owner would have to change.",
    ),
    Scenario(
        Fault.PUBLIC,
        ScenarioGroup.DETECTION,
        "The answer is 200. Has the login succeeded?",
        "There was none: nobody asked who you are. If the page should be protected, this is the finding.",
    ),
    Scenario(
        Fault.BROWSER_INTEGRITY,
        ScenarioGroup.DETECTION,
        "403 with error 1010: who refused you, Access or something in front of it?",
        "The zone's own security, before Access saw the request. No login can cure it, so authlens stops, "
        "shows the CF-Ray to quote, and names the rule that the owner of the zone has to add.",
    ),
    Scenario(
        Fault.CHALLENGE_PAGE,
        ScenarioGroup.DETECTION,
        "A page wants to see a browser before anything else. Can a program in the terminal pass it?",
        "No, and it does not try. cf-mitigated says who asked: the zone, before Access. The owner has to let "
        "this client skip the challenge for this host.",
    ),
    Scenario(
        Fault.WAF_RULE,
        ScenarioGroup.DETECTION,
        "403 again, this time with error 1020. Is it the policy of the application?",
        "No: a rule of the zone's firewall, before Access looked. Quote the CF-Ray to the owner.",
    ),
    Scenario(
        Fault.NO_APPLICATION,
        ScenarioGroup.DETECTION,
        "Error 1043: the organisation requires Access everywhere. What is missing?",
        "An application for this host. Nobody can log in to what has no policy; the owner has to add one.",
    ),
    Scenario(
        Fault.ORIGIN_UNREACHABLE,
        ScenarioGroup.DETECTION,
        "522 for everything, the metadata too. Does this say anything about the login?",
        "Nothing: the edge answers for a server that it cannot reach. Come back when it can.",
    ),
    Scenario(
        Fault.SLOW,
        ScenarioGroup.DETECTION,
        "Nothing comes for a long time. How long will authlens wait, and what can you do meanwhile?",
        "Twenty seconds for one exchange, from the first step to the last byte. Esc stops it at any moment, "
        "and t tries again. Nothing is lost: what was sent is shown.",
    ),
    Scenario(
        Fault.RESOURCE_MISMATCH,
        ScenarioGroup.METADATA,
        "The metadata speaks about another host. What could happen if a client went on all the same?",
        "It would get a token that is good at the other host and hand it to this one. So authlens stops in "
        "stage 2, and this check cannot be overridden.",
    ),
    Scenario(
        Fault.BARE_ISSUER,
        ScenarioGroup.METADATA,
        "The issuer is printed without https://. Identical means identical: will the login stop?",
        "It goes on with a notice. Nothing but the scheme is missing, the host is the one that was asked, "
        "and real servers do print it so. Any other difference stops the login.",
    ),
    Scenario(
        Fault.WRONG_ISSUER,
        ScenarioGroup.METADATA,
        "The document was fetched from the right server but claims to be another's. Which attack does it "
        "open?",
        "The mix-up attack: the sign-in of one server is paired with the token endpoint of another. authlens "
        "stops in stage 3 and the check cannot be overridden.",
    ),
    Scenario(
        Fault.NO_REGISTRATION_ENDPOINT,
        ScenarioGroup.METADATA,
        "New clients cannot register. Is there any way to log in?",
        "Yes, with a client that was registered beforehand: --client-id. Guessing an endpoint is no way.",
    ),
    Scenario(
        Fault.NONE_NOT_ADVERTISED,
        ScenarioGroup.METADATA,
        "The server does not list public clients. Will authlens try all the same?",
        "Yes, with a warning: the list may be incomplete and the server decides at the exchange. Here it "
        "works, because the emulator lets public clients in without saying so.",
    ),
    Scenario(
        Fault.S256_NOT_ADVERTISED,
        ScenarioGroup.METADATA,
        "The server offers PKCE with plain alone. Why is that not good enough?",
        "With plain the link itself carries the secret, so who sees the link can use the code. authlens "
        "stops in stage 3 and never steps down to it.",
    ),
    Scenario(
        Fault.REDIRECT_URI_REFUSED,
        ScenarioGroup.REGISTRATION,
        "The server does not want a loopback address. What would you have to ask the owner for?",
        "To allow localhost clients in the settings of Managed OAuth. authlens shows the server's own words "
        "and the setting, and h tries the other host name.",
    ),
    Scenario(
        Fault.LOCALHOST_REFUSED,
        ScenarioGroup.REGISTRATION,
        "localhost and 127.0.0.1 are the same machine. Are they the same redirect URI?",
        "No, redirect URIs are compared as text. The account allows the address and not the name: h, or "
        "--redirect-host 127.0.0.1, uses the other one.",
    ),
    Scenario(
        Fault.SETTINGS_NOT_LIVE,
        ScenarioGroup.REGISTRATION,
        "The owner swears that the redirect URI is allowed, and it is refused. Who is right?",
        "Both: a setting takes a minute to reach every place. Wait, and run the stage again with t.",
    ),
    Scenario(
        Fault.PORT_TAKEN,
        ScenarioGroup.REGISTRATION,
        "Another program listens on port 8400. Why must authlens not just wait there too?",
        "Whoever holds the port receives the code. authlens binds before it registers, so it notices in "
        "time; it names the program if it can, and w takes any free port.",
    ),
    Scenario(
        Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION,
        ScenarioGroup.AUTHORIZATION,
        "Registration accepted the address. Who can refuse it now?",
        "The application, which has a list of its own. The refusal comes back on the callback; authlens "
        "names the list: the allowed redirect URIs of the application.",
    ),
    Scenario(
        Fault.RESOURCE_REFUSED,
        ScenarioGroup.AUTHORIZATION,
        "invalid_target: which parameter of the link does the server complain about?",
        "resource (RFC 8707): spelt exactly as in the metadata, slash or no slash. --resource sets it.",
    ),
    Scenario(
        Fault.PKCE_FIRST_CHARACTER,
        ScenarioGroup.AUTHORIZATION,
        "The server refuses one challenge in thirty-two. Will you see an error?",
        "No. authlens draws verifiers until the challenge begins with a letter or a digit, which costs "
        "nothing and avoids a fault that otherwise comes and goes by chance.",
    ),
    Scenario(
        Fault.PKCE_REFUSED,
        ScenarioGroup.AUTHORIZATION,
        "The server says that the method must be S256. It was. What now?",
        "authlens shows that the link did carry S256, so the complaint is about something else: the known "
        "cause is the first character of the challenge. Going back to stage 5 draws another.",
    ),
    Scenario(
        Fault.DENIED_USER,
        ScenarioGroup.AUTHORIZATION,
        "The browser shows a refusal and never comes back. How can a program in the terminal know?",
        "It cannot. It says so while it waits, and what to do if the browser shows a refusal.",
    ),
    Scenario(
        Fault.INVALID_NONCE,
        ScenarioGroup.AUTHORIZATION,
        "The login page says Invalid nonce. Is the link that authlens made at fault?",
        "No: the browser holds cookies of a login that was begun earlier. A private window, or removing the "
        "cookies of the team's domain, helps; the same link can be used while the wait lasts.",
    ),
    Scenario(
        Fault.APPLICATION_NOT_FOUND,
        ScenarioGroup.AUTHORIZATION,
        "The browser cannot find the application, and no answer comes. What can authlens tell you?",
        "That nothing came, and what a browser that shows this means: the application was removed or belongs "
        "to another team. It cannot see the page itself.",
    ),
    Scenario(
        Fault.ACCESS_DENIED,
        ScenarioGroup.AUTHORIZATION,
        "The callback carries an error instead of a code. Is the login at fault, or the person?",
        "Neither the protocol nor the configuration: somebody said no, you at the consent or the policy. The "
        "state was right, so the answer is believed.",
    ),
    Scenario(
        Fault.INVALID_GRANT,
        ScenarioGroup.EXCHANGE,
        "The code is refused. Will authlens send it again to be sure?",
        "Never. A code works once, and a second attempt can end what the first one earned.",
    ),
    Scenario(
        Fault.HTML_ERROR,
        ScenarioGroup.EXCHANGE,
        "A web page comes where JSON was expected. What can be learned from it?",
        "Status, content type and the first bytes: it is a fault of the server, 500, not a refusal. authlens "
        "shows the page as text and reads nothing into it.",
    ),
    Scenario(
        Fault.CLOCK_SKEW,
        ScenarioGroup.EXCHANGE,
        "The server's clock is an hour ahead of yours. When does the token expire?",
        "At the moment your clock says plus expires_in: a duration does not care for clocks. authlens "
        "compares the Date header with your clock and warns, since signatures and dates may be refused.",
    ),
    Scenario(
        Fault.ACCESS_TOKEN_REFUSED,
        ScenarioGroup.ACCESS,
        "You hold a token that is a second old. Can the resource refuse it?",
        "Yes. The resource decides, not the token. authlens ends with a failure in stage 8 and names the "
        "causes: tokens revoked within the last minute, or a token for another resource.",
    ),
    Scenario(
        Fault.OAUTH_TURNED_OFF,
        ScenarioGroup.ACCESS,
        "The token is new and you are sent to the login page. What happened between stage 7 and stage 8?",
        "Somebody turned Managed OAuth off. The redirect shows it: a refused token would bring a 401. The "
        "login ends with a failure in stage 8 that names the setting.",
    ),
    Scenario(
        Fault.POLICY_REFUSES_TOKEN,
        ScenarioGroup.ACCESS,
        "403 to a token that is a second old: would another token help?",
        "No. The token is understood, and the policy admits this person no more. Signing in again changes "
        "nothing until the owner changes the policy.",
    ),
    Scenario(
        Fault.BINDING_COOKIE,
        ScenarioGroup.ACCESS,
        "A token from cloudflared is sent to the login page, while the OAuth login works. Why?",
        "The application wants a second cookie that only the browser has which logged in. A token alone, "
        "however good, is not enough; an OAuth login is not bound that way.",
    ),
    Scenario(
        Fault.SERVICE_AUTH_MISSING,
        ScenarioGroup.ACCESS,
        "A service token is good and yet ignored. Where would you look?",
        "In the policies: one with the action Service Auth has to name it. Allow does not look at it.",
    ),
    Scenario(
        Fault.ORIGIN_DOWN,
        ScenarioGroup.ACCESS,
        "The answer to the token is 530. Was the login in vain?",
        "No. Access let the request through; the tunnel behind it is down. The login counts, with a warning.",
    ),
    Scenario(
        Fault.EXPIRED_REFRESH_TOKEN,
        ScenarioGroup.AFTERWARDS,
        "The access token is fine, the refresh token is dead. When will you notice?",
        "At the next refresh: invalid_grant. Trying again cannot help; a person has to log in again.",
    ),
    Scenario(
        Fault.ROTATION_OFF,
        ScenarioGroup.AFTERWARDS,
        "A refresh brings no new refresh token. Has the old one been used up?",
        "No. If none comes, the old one stays valid, and a client that dropped it would lose the grant.",
    ),
    Scenario(
        Fault.NO_REVOCATION_ENDPOINT,
        ScenarioGroup.AFTERWARDS,
        "The server offers no revocation. What does logging out come to?",
        "The tokens can only be removed here; at the server they live until they expire. authlens does not "
        "call that revoked, and says who can end them.",
    ),
    Scenario(
        Fault.REVOCATION_UNAVAILABLE,
        ScenarioGroup.AFTERWARDS,
        "The revocation endpoint answers 503. Should the tokens be removed here?",
        "Not yet: removed here, they could never be revoked. authlens keeps them and lets you try again.",
    ),
    Scenario(
        Fault.HOSTILE_TEXT,
        ScenarioGroup.HOSTILE,
        "The server's texts carry sequences that clear the screen and write to your clipboard. What will "
        "you see?",
        "The sequences themselves, spelt out and harmless. Every text from outside is made visible before it "
        "reaches the screen; a second filter stands behind.",
    ),
    Scenario(
        Fault.WRONG_STATE,
        ScenarioGroup.HOSTILE,
        "A code arrives with a state that was never sent. What will authlens do with the code?",
        "Nothing. It may belong to a login that somebody else began, so it is counted, ignored and never "
        "exchanged, and the wait for the real answer goes on.",
    ),
    Scenario(
        Fault.ISS_MISMATCH,
        ScenarioGroup.HOSTILE,
        "State is right, but iss names another server. Where would the code go if nobody looked?",
        "To another server's token endpoint: the mix-up attack. authlens stops before it sends anything.",
    ),
)
"""The plain login, then every fault, in the order of the menu."""
