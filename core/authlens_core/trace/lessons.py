"""A short lesson for each stage: why it exists, what could be done without it, and where it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from authlens_core.trace.record import Stage


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is worth knowing about one stage.

    Attributes:
        why: why the stage exists.
        without_it: what an attacker could do, or what would break, if it were left out.
        specification: sections and what each says, in our words.
    """

    why: str
    without_it: str
    specification: tuple[tuple[str, str], ...]


LESSONS: Final[Mapping[Stage, Lesson]] = MappingProxyType(
    {
        Stage.DETECTION: Lesson(
            "A client that meets a URL for the first time knows nothing about it. It asks without a "
            "credential and lets the refusal speak: a 401 with WWW-Authenticate: Bearer says that an access "
            "token opens the door, and its resource_metadata parameter says where to read on. Nothing is "
            "guessed from the host name, and redirects are not followed, since a login page meant for "
            "browsers hides the answer.",
            "A client that sends its token first and asks later hands it to whoever answers: a typing error "
            "in the URL or a redirect to another host would be enough to lose it. Asking with empty hands "
            "costs one request and gives nothing away.",
            (
                (
                    "RFC 9110 §11.6.1",
                    "A 401 has to carry a WWW-Authenticate header with at least one challenge.",
                ),
                (
                    "RFC 6750 §3",
                    "How a resource asks for a bearer token, and how it says what was wrong with one.",
                ),
                ("RFC 9728 §5.1", "The challenge can name the URL of the resource's metadata."),
            ),
        ),
        Stage.RESOURCE_METADATA: Lesson(
            "The challenge came from the resource, and so must the answer to who may log people in to it. "
            "The resource publishes its own name and the authorization servers it trusts. The name in the "
            "document is then held against the URL that was asked for: only a document about this resource "
            "counts.",
            "A hostile site could publish metadata in the name of your wiki, pointing at the wiki's real "
            "login server. You would sign in as always, the token would be good for the wiki, and the "
            "client would carry it straight to the hostile site. Comparing the names stops this before the "
            "browser opens.",
            (
                ("RFC 9728 §3.1", "Where the document is: a well-known path put between host and path."),
                (
                    "RFC 9728 §3.3",
                    "The resource in the document must be identical to the one that was asked about.",
                ),
                ("RFC 9728 §7.3", "Why a client that skips that comparison can be used to impersonate it."),
            ),
        ),
        Stage.SERVER_METADATA: Lesson(
            "The authorization server says for itself where its endpoints are and what it can do: the "
            "methods for PKCE, the ways a client may authenticate, whether new clients can register. The "
            "client reads this instead of carrying a list that grows old, and it can tell before the login "
            "that something it needs is missing. The issuer in the document has to be the one it was sent "
            "to.",
            "Somebody who gets a client to read another server's document can pair one server's sign-in "
            "page with a token endpoint of their own. The person signs in at the right place and the code, "
            "with the verifier, is posted to the wrong one. This is the mix-up attack; the issuer "
            "comparison is the first defence against it, the iss on the callback is the second.",
            (
                ("RFC 8414 §3", "The well-known path is put between the issuer's host and its path."),
                (
                    "RFC 8414 §3.3",
                    "The issuer in the document must be identical to the one it was looked up for.",
                ),
                ("RFC 8414 §2", "What every member of the document means."),
            ),
        ),
        Stage.REGISTRATION: Lesson(
            "An authorization server only speaks to clients it knows. A program on your own machine was not "
            "there when the server was set up, so it introduces itself: its name, the grants it wants, and "
            "the redirect URIs at which it will wait. It is a public client: a program that anybody can "
            "download cannot keep a secret that is the same in every copy, so it gets none. Registration "
            "proves nothing about who you are; that comes in stage 6.",
            "If the redirect URI were free to choose at the login, a link with an attacker's address in it "
            "would do: you sign in at the real server and the code goes to them. Registered addresses are "
            "compared character by character; only the port of a loopback address may differ.",
            (
                ("RFC 7591 §3.1", "The request: a JSON document with the client's metadata."),
                ("RFC 7591 §3.2.1", "The answer: the client_id and what the server really registered."),
                (
                    "RFC 8252 §7.3",
                    "A loopback redirect takes any port, since a program cannot know which is free.",
                ),
                ("RFC 9700 §4.1.3", "Redirect URIs are compared as exact strings."),
            ),
        ),
        Stage.PKCE: Lesson(
            "The code travels through the browser, and on its way it can be seen: by another program on the "
            "same port, in a log, in the history. PKCE ties the code to the program that began the login. "
            "It draws a random code_verifier, keeps it, and sends only its SHA-256, the code_challenge, "
            "along with the link. Whoever exchanges the code must show the verifier, and a hash cannot be "
            "turned round.",
            "Without it a stolen code is as good as a token, since a public client has no secret to show. "
            "It also works the other way round: an attacker could put a code of their own account into your "
            "login, and you would work, unknowingly, in theirs. The method plain sends the verifier itself "
            "as the challenge, so who sees the link has everything.",
            (
                ("RFC 7636 §4.1", "The verifier: 43 to 128 characters, drawn so that nobody can guess it."),
                (
                    "RFC 7636 §4.2",
                    "The challenge: BASE64URL(SHA256(verifier)); S256 wherever the client can.",
                ),
                ("RFC 7636 §7.2", "Why plain protects only against those who cannot see the request."),
                ("RFC 9700 §2.1.1", "Public clients must use PKCE, and servers must support it."),
            ),
        ),
        Stage.AUTHORIZATION: Lesson(
            "Only here does a person appear. You sign in at the server, in your own browser, with its own "
            "address bar: the client never sees a password, and every second factor works. The client waits "
            "on a port of this machine for the browser to come back with a code, and believes it only if the "
            "state is the one it sent and the iss is the server it asked.",
            "Without state, a page you happen to visit could send your browser to the waiting port with a "
            "code of the attacker's account. Without iss, a hostile server among several could pass its code "
            "off as another's. If the program showed the sign-in form itself, it could read the password.",
            (
                ("RFC 6749 §4.1.1", "The parameters in the link."),
                ("RFC 6749 §10.12", "state binds the answer to the login that was begun here."),
                ("RFC 8252 §8.12", "A native app must not show the sign-in page in a view of its own."),
                (
                    "RFC 8707 §2",
                    "resource says what the token shall be good for, so it is good for nothing else.",
                ),
                ("RFC 9207 §2.4", "The iss on the callback has to be the issuer that was asked."),
            ),
        ),
        Stage.EXCHANGE: Lesson(
            "The code is a receipt, not a key. The client takes it to the token endpoint over a connection "
            "of its own and adds what only it can know: the verifier. In return it gets an access token for "
            "a short time and, often, a refresh token for a long one. The redirect URI is sent again so "
            "that the server can see that both halves belong to the same login.",
            "If the token came back through the browser, as in the old implicit grant, it would stand in the "
            "address bar, the history and the logs. If a code worked twice, whoever found one later could "
            "use it too. A server that sees a code for the second time should end the tokens it gave for "
            "it, which is why a client must never repeat this request to be on the safe side.",
            (
                ("RFC 6749 §4.1.2", "A code should live ten minutes at most and must not be used twice."),
                ("RFC 6749 §4.1.3", "What is sent to the token endpoint."),
                (
                    "RFC 7636 §4.6",
                    "The server hashes the verifier and compares; if they differ: invalid_grant.",
                ),
                ("RFC 9700 §2.1.2", "Tokens should not be given out in the answer to the browser."),
            ),
        ),
        Stage.ACCESS: Lesson(
            "Holding a token and being let in are two things. The client asks the resource once more, with "
            "the token in the Authorization header, and looks at who answers: the gate in front may refuse "
            "the token, or let it pass to an application that is down, or to one that knows you but denies "
            "you. Only the answer tells these apart, so a login ends here and not at the token.",
            "A bearer token is like cash: who has it can spend it. Put into the URL it ends in logs and in "
            "the Referer header; sent to another host it is lost. So it travels in one header, over TLS, to "
            "the resource it was asked for, and the resource refuses tokens that were meant for others.",
            (
                ("RFC 6750 §2.1", "The token is sent as Authorization: Bearer."),
                ("RFC 6750 §2.3", "In the URL it should not be sent, because URLs are logged."),
                ("RFC 6750 §3.1", "invalid_token with 401, insufficient_scope with 403."),
                ("RFC 8707 §3", "A token for one resource cannot be played on to another."),
            ),
        ),
        Stage.REFRESH: Lesson(
            "Access tokens live for minutes, so that a stolen one soon is worth nothing. A person should "
            "not have to sign in every few minutes for that, so the client keeps a second token which it "
            "shows to nobody but the token endpoint. With each refresh the server can look again whether "
            "you may still come in, and hand out a new refresh token in place of the old one: rotation.",
            "With tokens that live for months, a thief has months, and nobody would notice. Rotation makes "
            "the theft visible: if the thief and you both use a refresh token, one of you comes second with "
            "a token that was used before, and the server ends the whole grant. So a client must store the "
            "new token before it goes on, and two programs must not refresh at the same time.",
            (
                ("RFC 6749 §6", "The request; the scope may shrink but never grow."),
                ("RFC 6749 §10.4", "Refresh tokens are kept secret and bound to the client."),
                ("RFC 9700 §4.14.2", "For public clients: rotation, or tokens bound to the sender."),
            ),
        ),
        Stage.REVOKE: Lesson(
            "Logging out has two ends. Deleting tokens here only means that this program cannot use them "
            "any more; the server still honours every copy. Revocation tells the server. The refresh token "
            "goes first, since it could bring forth new access tokens; then the access token; then the "
            "resource is asked, because an answer of 200 from the revocation endpoint says little by "
            "itself.",
            "Whoever copied a token before you forgot it, from a backup, a log or a machine you gave away, "
            "goes on using it until it expires. A resource that checks a token's signature without asking "
            "the server may accept it even after the revocation: only the last request shows this.",
            (
                ("RFC 7009 §2.1", "The request, with a hint at which kind of token it is."),
                ("RFC 7009 §2.2", "The answer is 200 even for a token that the server does not know."),
                ("RFC 7009 §2.1", "Ending a refresh token should end the access tokens of the grant too."),
            ),
        ),
        Stage.PROBE: Lesson(
            "The time of expiry is a promise made when the token was issued. Since then an administrator "
            "may have ended the session, a policy may have changed, the application may have gone. The "
            "probe asks the resource itself, with the credential, and reports which layer answered.",
            "A list that only counts down shows tokens as good that were withdrawn long ago: you would find "
            "out at the worst moment, or trust that somebody is locked out who is not. To be fooled the "
            "other way is as easy: a 403 of the application does not mean that the token is dead, and a "
            "client that threw it away would send you to log in again for nothing.",
            (
                ("RFC 6750 §3.1", "invalid_token covers expired, revoked and malformed tokens alike."),
                ("RFC 9110 §15.5.4", "403: understood and refused; the same credential again will not help."),
                ("RFC 9110 §15.5.2", "401: the request lacks a credential that is valid here."),
            ),
        ),
    }
)

DEVICE_LESSON: Final = Lesson(
    "A machine without a browser still needs you to sign in at the server. It gets two codes: a long one "
    "for itself, and a short one that you enter on the server's own page, on a phone or a laptop. It then "
    "asks the token endpoint until you are done.",
    "Nothing ties the device that you hold to the machine that waits. An attacker can start a login and "
    "send you the short code with a good story; if you enter it, the attacker gets your access. So enter a "
    "code only if you started the login yourself, on a page that you opened yourself.",
    (
        ("RFC 8628 §3.2", "The two codes, where the short one is entered, and how long they last."),
        ("RFC 8628 §3.5", "How often the client may ask, and what the answers mean."),
        ("RFC 8628 §5.4", "Phishing with a code that the victim enters for the attacker."),
        ("RFC 10027", "How services protect logins that go from one device to another."),
    ),
)
"""The lesson on the authorization stage if the user enters a code on another device."""
