"""A short lesson for each stage: why it exists, what could be done without it, and where it is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authlens_core.values.grant_type import GrantType
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.stage import Stage


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is worth knowing about one stage.

    Attributes:
        without_it: what an attacker could do, or what would break, if it were left out.
        specification: sections and what each says, in our words.
    """

    why: str
    without_it: str
    specification: tuple[tuple[str, str], ...]


LESSONS: Final[Mapping[Stage, Lesson]] = MappingProxyType(
    {
        Stage.DETECTION: Lesson(
            "A client that meets a URL for the first time knows nothing about it. It sends a request "
            "without a credential and reads the refusal: a 401 with WWW-Authenticate: Bearer says that "
            "an access token is needed, and its resource_metadata parameter says where the metadata is. "
            "Nothing is guessed from the host name, and redirects are not followed, because a login page "
            "for browsers would hide the response.",
            "A client that sends its token first gives it to any server that answers: a typo in the URL "
            "or a redirect to another host would be enough to lose it. Asking without a token takes one "
            "request and reveals nothing.",
            (
                (
                    "RFC 9110 §11.6.1",
                    "A 401 must have a WWW-Authenticate header with at least one challenge.",
                ),
                (
                    "RFC 6750 §3",
                    "How a resource asks for a bearer token, and how it says what was wrong with one.",
                ),
                ("RFC 9728 §5.1", "The challenge can name the URL of the resource's metadata."),
            ),
        ),
        Stage.RESOURCE_METADATA: Lesson(
            "The challenge came from the resource, so the resource must also say which servers may issue "
            "tokens for it. The resource publishes its own name and the authorization servers it trusts. "
            "The client compares the name in the document with the requested URL: only a document about "
            "this resource counts.",
            "A hostile site could publish metadata in the name of your wiki, pointing at the wiki's real "
            "login server. You would sign in as usual, the token would be valid for the wiki, and the "
            "client would send it to the hostile site. Comparing the names stops this before the browser "
            "opens.",
            (
                ("RFC 9728 §3.1", "Where the document is: a well-known path between host and path."),
                (
                    "RFC 9728 §3.3",
                    "The resource in the document must be identical to the one that was asked about.",
                ),
                ("RFC 9728 §7.3", "Why a client that skips this comparison allows impersonation."),
            ),
        ),
        Stage.SERVER_METADATA: Lesson(
            "The authorization server says for itself where its endpoints are and what it can do: the "
            "methods for PKCE, the ways a client may authenticate, whether new clients can register. The "
            "client reads this instead of relying on a fixed list, and notices before the login if "
            "something it needs is missing. The issuer in the document must be the one the resource "
            "named.",
            "An attacker who makes a client read the wrong server's document can combine one server's "
            "sign-in page with a token endpoint of their own. You sign in at the right server, but the "
            "code and the verifier go to the wrong one. This is the mix-up attack; the issuer comparison "
            "is the first defence against it, the iss on the callback is the second.",
            (
                ("RFC 8414 §3", "The well-known path goes between the issuer's host and its path."),
                (
                    "RFC 8414 §3.3",
                    "The issuer in the document must be identical to the requested one.",
                ),
                ("RFC 8414 §2", "What every member of the document means."),
            ),
        ),
        Stage.REGISTRATION: Lesson(
            "An authorization server only accepts clients it knows. A program on your own machine is "
            "unknown to it, so it registers: its name, the grants it needs, and its redirect URIs. It is "
            "a public client: a program that anyone can download cannot keep a secret, so it gets none. "
            "Registration says nothing about who you are; that comes in stage 6.",
            "If any redirect URI were allowed at the login, a link with an attacker's address would be "
            "enough: you sign in at the real server and the code goes to the attacker. Registered "
            "addresses are compared character by character; only the port of a loopback address may "
            "differ.",
            (
                ("RFC 7591 §3.1", "The request: a JSON document with the client's metadata."),
                ("RFC 7591 §3.2.1", "The answer: the client_id and what the server really registered."),
                (
                    "RFC 8252 §7.3",
                    "A loopback redirect may use any port, because a program cannot know which is free.",
                ),
                ("RFC 9700 §4.1.3", "Redirect URIs are compared as exact strings."),
                ("RFC 7592 §2.3", "A client can delete its registration, if it got a token for that."),
            ),
        ),
        Stage.PKCE: Lesson(
            "The code passes through the browser, where it can leak: to another program on the same "
            "port, a log, the history. PKCE binds the code to the program that started the login. The "
            "program generates a random code_verifier and sends only its SHA-256, the code_challenge, in "
            "the link. To exchange the code, a client must send the verifier, and a hash cannot be "
            "reversed.",
            "Without it a stolen code is as good as a token, because a public client has no secret to "
            "show. The reverse also works: an attacker could put a code of their own account into your "
            "login, and you would work in their account without knowing. The method plain sends the "
            "verifier itself as the challenge, so anyone who sees the link has everything.",
            (
                ("RFC 7636 §4.1", "The verifier: 43 to 128 characters, random, so that no one can guess it."),
                (
                    "RFC 7636 §4.2",
                    "The challenge: BASE64URL(SHA256(verifier)); S256 wherever the client can.",
                ),
                ("RFC 7636 §7.2", "Why plain protects only against attackers who cannot see the request."),
                ("RFC 9700 §2.1.1", "Public clients must use PKCE, and servers must support it."),
            ),
        ),
        Stage.AUTHORIZATION: Lesson(
            "Only here do you have to act. You sign in at the server, in your own browser, with its own "
            "address bar: the client never sees a password, and every second factor works. The client "
            "listens on a port of this machine for the browser to return with a code. It accepts the "
            "code only if the state is the one it sent and the iss is the server it asked.",
            "Without state, a page you happen to visit could send your browser to that port with a code "
            "of the attacker's account. Without iss, a hostile server among several could present its "
            "code as another's. If the program showed the sign-in form itself, it could read the "
            "password.",
            (
                ("RFC 6749 §4.1.1", "The parameters in the link."),
                ("RFC 6749 §10.12", "state binds the response to the login that was started here."),
                ("RFC 8252 §8.12", "A native app must not show the sign-in page in its own view."),
                (
                    "RFC 8707 §2",
                    "resource says which resource the token is for, so it is valid nowhere else.",
                ),
                ("RFC 9207 §2.4", "The iss on the callback must be the issuer that was asked."),
                ("RFC 9126 §4", "Pushed first, the parameters stay out of the link."),
            ),
        ),
        Stage.EXCHANGE: Lesson(
            "The code is a receipt, not a key. The client sends it to the token endpoint over its own "
            "connection and adds what only it knows: the verifier. In return it gets a short-lived "
            "access token and, often, a long-lived refresh token. It sends the redirect URI again to "
            "show that both requests belong to the same login.",
            "If the token came back through the browser, as in the old implicit grant, it would appear "
            "in the address bar, the history and the logs. If a code worked twice, anyone who found it "
            "later could use it, too. A server that sees a code again should revoke the tokens it issued "
            "for it. That is why a client must never repeat this request.",
            (
                (
                    "RFC 6749 §4.1.2",
                    "A code should be valid for ten minutes at most and must not be used twice.",
                ),
                ("RFC 6749 §4.1.3", "What is sent to the token endpoint."),
                (
                    "RFC 7636 §4.6",
                    "The server hashes the verifier and compares; if they differ: invalid_grant.",
                ),
                ("RFC 9700 §2.1.2", "Tokens should not be returned through the browser."),
                ("RFC 9449 §5", "With a proof in this request, the tokens are bound to its key."),
            ),
        ),
        Stage.ACCESS: Lesson(
            "A token does not guarantee access. The client calls the resource again, with the token in "
            "the Authorization header, and checks which layer answers: Access may refuse the token, the "
            "application behind it may be down, or it may know you but deny you. Only the response shows "
            "the difference, so a login ends here, not at the token.",
            "A bearer token is like cash: anyone who has it can spend it. In a URL it ends up in logs "
            "and in the Referer header; sent to another host it is lost. So it is sent in one header, "
            "over TLS, only to its resource, and the resource refuses tokens meant for others.",
            (
                ("RFC 6750 §2.1", "The token is sent as Authorization: Bearer."),
                ("RFC 6750 §2.3", "In the URL it should not be sent, because URLs are logged."),
                ("RFC 6750 §3.1", "invalid_token with 401, insufficient_scope with 403."),
                ("RFC 8707 §3", "A token for one resource cannot be replayed at another."),
                (
                    "RFC 9449 §7.1",
                    "A bound token needs a signature over each request, so a copy is worthless.",
                ),
            ),
        ),
        Stage.REFRESH: Lesson(
            "Access tokens are valid for minutes, so a stolen one is soon worthless. You should not have "
            "to sign in every few minutes, so the client stores a second token, which it sends only to "
            "the token endpoint. With each refresh the server can check again whether you still have "
            "access, and issue a new refresh token instead of the old one: rotation.",
            "If tokens were valid for months, an attacker would have months, and no one would notice. "
            "Rotation reveals the theft: if both you and the attacker use a refresh token, one of you "
            "sends a token that was already used, and the server revokes the whole grant. So a client "
            "must store the new token before it continues, and two programs must not refresh at the same "
            "time.",
            (
                ("RFC 6749 §6", "The request; the scope may shrink but never grow."),
                ("RFC 6749 §10.4", "Refresh tokens must stay secret and are bound to the client."),
                ("RFC 9700 §4.14.2", "For public clients: rotation, or tokens bound to the sender."),
            ),
        ),
        Stage.REVOKE: Lesson(
            "Logging out has two sides. Deleting tokens here only means that this program can no longer "
            "use them; the server still accepts every copy. Revocation tells the server. The refresh "
            "token is first, because it could get new access tokens; then the access token; then "
            "authlens calls the resource, because a 200 from the revocation endpoint is not enough.",
            "Anyone who copied a token before you removed it, from a backup, a log or an old machine, "
            "can use it until it expires. A resource that checks a token's signature without asking the "
            "server may accept it even after the revocation: only the last request shows this.",
            (
                ("RFC 7009 §2.1", "The request, with a hint about the kind of token."),
                ("RFC 7009 §2.2", "The response is 200 even for a token that the server does not know."),
                ("RFC 7009 §2.1", "Revoking a refresh token should revoke the grant's access tokens, too."),
            ),
        ),
        Stage.PROBE: Lesson(
            "The expiry was set when the token was issued. Since then an administrator may have ended "
            "the session, a policy may have changed, or the application may be gone. The probe calls the "
            "resource itself, with the credential, and reports which layer answered.",
            "A list that only counts down shows revoked tokens as valid: you would find out at the worst "
            "moment, or believe that someone is locked out who is not. The opposite mistake is as easy: "
            "a 403 from the application does not mean that the token is invalid, and a client that "
            "deleted it would make you log in again for nothing.",
            (
                ("RFC 6750 §3.1", "invalid_token covers expired, revoked and malformed tokens alike."),
                (
                    "RFC 9110 §15.5.4",
                    "403: understood and refused; sending the same credential again will not help.",
                ),
                ("RFC 9110 §15.5.2", "401: the request lacks a credential that is valid here."),
            ),
        ),
    }
)

_DEVICE_AUTHORIZATION: Final = Lesson(
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
# Where a stage teaches something else than in an authorization code grant.
_BY_GRANT_TYPE: Final[Mapping[tuple[GrantType, Stage], Lesson]] = MappingProxyType(
    {(GrantType.DEVICE_CODE, Stage.AUTHORIZATION): _DEVICE_AUTHORIZATION}
)


def lesson(stage: Stage, grant_type: GrantType | None = None) -> Lesson:
    """Return the lesson on `stage` in a login with `grant_type`; that of the code grant if that is None."""
    own = _BY_GRANT_TYPE.get((grant_type, stage)) if grant_type is not None else None
    return own or LESSONS[stage]
