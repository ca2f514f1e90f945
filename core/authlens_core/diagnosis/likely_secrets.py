"""What looks like a credential in the text of others, and is masked; and what only looks like one.

Public are names of errors, types, files, hosts and times, and ids in every log. Each is a whole run of
characters with the form of such a name. Evidence that hides them says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from authlens_core.values.safe_text import without_user_info
from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import SecretMasker

# What looks like a credential: a long unbroken run with a digit in it, or a value under a telling name.
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9_~+=.:-]{24,}+|[A-Za-z0-9]{20,}+")
_BASE64: Final = re.compile(
    r"(?<![\w.:/-])(?!/[a-z]+/)(?=[A-Za-z+/_-]{0,80}\d)[A-Za-z0-9+/_-]{36,}+={0,2}(?![\w.:~])"
)
# What services begin their tokens with, GitHub, Slack, AWS and Google among them.
_BRANDED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|AKIA|ASIA|eyJ|ya29\.|GOCSPX-|1//0|4/0A)[\w~+/=.-]{12,}+"
)
# The quotes are escaped where JSON is in JSON, and the sign is where an address is in one.
_NAMED: Final = re.compile(
    r"(?i)((?:token|secret|passw(?:or)?d|pwd|api[-_ ]?key|verifier|assertion|cookie|\bstate|session(?:_?id)?"
    r"|[\"']code|(?<!error )\bcode)(?:_hint)?"
    r"[\\\"']{0,8}\s*(?:[=:]|%3[ad])\s*[\\\"']{0,8})"
    r"([A-Za-z0-9_~+/=.:-]{6,})"
)
# Whatever follows the scheme is a credential, however short (RFC 9110 §11.4).
_AUTHORIZATION: Final = re.compile(
    r"""(?i)(\bauthorization["']?\s*[=:]\s*["']?(?:bearer|basic|dpop|token)\s+)([A-Za-z0-9_~+/=.:-]{4,})"""
)
# What was typed at a prompt, and the code that a page asks for: short ones, too.
_TYPED: Final = re.compile(
    r"""(?im)(
    \b(?:enter|paste)\b[^\n:?]{0,80}[:?][ \t]*(?=\S+[ \t]*$)
    |\benter\ (?:the\ |this\ )?code:?\s+(?-i:(?=[A-Z\d-]{4}))
    |\b(?:otp|pin|passcode|passphrase|one-time\ \w+|(?:verification|user|mfa|2fa|device|security)[-_\ ]code)\b
    [^\n:=?]{0,30}[:=?][ \t]*["']?(?-i:(?=\S*\d|[A-Z]{4}))
    )(?!https?:)([A-Za-z0-9][\w-]{3,40})(?![\w•])""",
    re.VERBOSE,
)
_BEARER: Final = re.compile(r"(?i)(\bbearer\s+)(?![a-z_]+=)([A-Za-z0-9_~+/=.:-]{8,})")
# A terminal breaks a token where its window ends; a word, a code of a product or a time begins a line.
_BREAK: Final = re.compile(r"(?<=[\w~+/=.-]{12})[ \t│┃║]*\n[ \t│┃║]*(?=([\w~+/=.-]{4,}+))")
_BEGINS: Final = re.compile(
    r"[A-Z]?[a-z]+[.=]?|[A-Z]+\d*|\d{4}-\d\d-\d\d\w*|[A-Za-z]+(?:[_-][A-Za-z]+)+=?"
    r"|(?:[a-z]{2,12}\.){1,6}(?:[A-Z][a-z]+){2,8}"
)
_CAPITAL: Final = re.compile(r"[a-z][A-Z]")

# Of an error, such as ECONNREFUSED, of a library (oauth2:), and a number of JSON-RPC or of Entra ID.
_CONSTANT: Final = re.compile(
    r"(?:AADSTS|AADB2C)\d{4,8}[:.]?|[A-Z]{2,}\d{0,2}(?:_[A-Z]+)+|E[A-Z]{4,15}|(?:oauth2|x509|http2):?|-32\d{3}"
    r"|(?:invalid|expired|missing|unsupported)(?:_[a-z]+)+:?"
)
_OPENSSL: Final = (
    r"(?:[0-9A-Fa-f]{1,16}:)?error:[0-9A-F]{8}:SSL"
    r"|routines:[A-Za-z_]{1,12}\d{0,2}[A-Za-z_]{0,40}(?::\w{1,16})?"
)
# A frame of a stack, a time, and a sentence in the query of a URL.
_FILE: Final = (
    r"[A-Za-z_]{1,40}\d?(?:[.-][A-Za-z_]{1,40}\d?)*\.(?:rb|py|[cm]?[jt]sx?|go|java|php|cs|rs)"
    r"(?::\d{1,6}){0,2}(?::in)?:?"
)
_TIME: Final = (
    r"(?:[a-z]{1,9}=)?\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[.:]?"
)
_SENTENCE: Final = (
    r"(?:[a-z_]{3,24}=)?(?:[A-Za-z]{1,15}(?:_[a-z]{1,9})?[.]?\+){2,}[A-Za-z]{1,15}(?:_[a-z]{1,9})?[.]?"
)
# The address of a client, a thread, and words of a page's address.
_CLIENT: Final = (
    r"(?:[a-z_]{1,20}=)?\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|[a-z][a-z.-]{2,40}-thread-\d{1,4}"
    r"|(?:[a-z]{1,15}-){4,16}[a-z]{1,15}|urn:oasis:names:[A-Za-z0-9.:-]{8,70}"
)
_EXCEPTION: Final = re.compile(r"(?:[a-z]{2,20}\.)+[A-Z][A-Za-z]{2,60}(?:Exception|Error)[.:]?")
_NUMBERED: Final = r"(?:[a-z_]{1,24}=)?(?:AADSTS|AADB2C)\d{4,8}:?|[A-Za-z]{4,40}=-\d{3,10}"
_REQUEST: Final = r"req_[0-9A-Za-z]{16,40}|cfRay=[0-9a-f]{16}-[A-Z]{3}"
# A host behind its scheme, and one without, below a domain that is that of no file or type; not with a label
# that could be a credential.
_HOST: Final = re.compile(r"(?!.*[a-z0-9]{20})(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,24}(?::\d{1,5})?[.:]?")
_BARE_HOST: Final = (
    r"(?!.*(?:(?=[a-z]*\d)[a-z0-9]{16}|[a-z]{20}))"
    r"(?:[a-z][a-z0-9-]{0,30}\.){1,4}(?:com|org|net|io|app|dev)(?::\d{1,5})?[.:]?"
)
_NAMES: Final = re.compile(
    "|".join((_REQUEST, _NUMBERED, _CLIENT, _BARE_HOST, _OPENSSL, _FILE, _TIME, _SENTENCE))
)
_PART: Final = (
    r"(?:[A-Za-z_]{1,60}|[a-z]{2,12}\d{1,4}[a-z]{0,20}|v\d"
    r"|[A-Za-z]{0,30}(?i:oauth2|auth0|saml2|http2)[A-Za-z]{0,60})"
)
_TYPE: Final = re.compile(rf"(?:cause=)?{_PART}(?:(?:::|\.){_PART})+[.:]?")
_MOST_DIGITS: Final = 2  # of a type, without those of standards
_STANDARD: Final = re.compile(r"(?i)oauth2?|auth0|openid|rfc\d{4}|saml[12]|http[12]")
# An id in the form of a GUID, and Cloudflare's of an answer: the words before it say that it is not a secret,
# or its reporter has hidden a part.
_ID: Final = re.compile(
    r"(?:[0-9a-fA-Fx]{8}-(?:[0-9a-fA-Fx]{4}-){3}[0-9a-fA-Fx]{12}|[0-9a-f]{16}-[A-Z]{3})[.:]?"
)
_HIDDEN: Final = "-xxxx-"
_OF_AN_ID: Final = re.compile(
    r"(?i)(?:(?<![a-z])|(?<=\\[nr]))(?:app|application|client|tenant|directory|subscription|resource|trace|correlation|request|cf-?ray)"
    r"(?:[ _-]?(?:id|identifier|with identifier))?[\"'\\]{0,4}\s?[:=]?\s?[\"'\\]{0,4}$"
)
_BEFORE: Final = 40  # characters
# A check of an ID token says which client it is for.
_EXPECTED: Final = re.compile(r"(?i)\b(?:aud|audience)\b[^\n]{0,50}\bexpected:? [\"']$")
# Behind the word code: an authorization code has digits, and no sign before them.
_ERROR: Final = re.compile(
    r"(?:[A-Z]+[a-z]{2,}_?){2,5}|[A-Za-z]{2,}(?:_[A-Za-z]{2,}){1,5}_\d{3,12}|[a-z]{3,}(?:[_/-][a-z]{2,}){1,5}|[A-Z]{3,}(?:_[A-Z]{2,}){1,5}"
    r"|[a-z]{1,8}:(?:[A-Z][a-z]{2,}){2,5}|-\d{3,10}"
    r"|(?i:unauthenticated|unauthorized|unavailable|unimplemented|forbidden|internal)"
)


def masked_text(text: str) -> str:
    """Return a text without what looks like a credential, also where a terminal broke it."""
    return without_credentials(_BREAK.sub(_joined, text))


def without_credentials(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return a text with a mask for `secrets`, and for what looks like a credential."""
    text = without_user_info(SecretMasker(secrets, shortest=1).masked(text))
    text = _AUTHORIZATION.sub(lambda m: m[1] + Secret(m[2]).masked, text)
    text = _BEARER.sub(lambda m: m[1] + _unless_a_word(m[2], longest_word=20), text)
    text = _TYPED.sub(lambda m: m[1] + Secret(m[2]).masked, text)
    text = _NAMED.sub(_named, text)
    text = _BRANDED.sub(lambda m: Secret(m[0]).masked, text)
    text = _BASE64.sub(lambda m: m[0] if _is_a_name(m) else Secret(m[0]).masked, text)
    return _LONG_RUN.sub(lambda m: m[0] if _is_a_name(m) else _unless_a_word(m[0], longest_word=60), text)


def _is_a_name(match: re.Match[str]) -> bool:
    """Return whether a whole run is a public name."""
    text, before = match[0], match.string[max(0, match.start() - 60) : match.start()]
    if before.endswith(("http://", "https://")) and match.string[match.end() :][:1] in "/\"' \n":
        return _HOST.fullmatch(text) is not None
    is_named = _OF_AN_ID.search(before, len(before) - _BEFORE) is not None or _HIDDEN in text
    is_id = (is_named and _ID.fullmatch(text) is not None) or _EXPECTED.search(before) is not None
    return is_id or _NAMES.fullmatch(text) is not None or _is_a_type(text)


def _named(match: re.Match[str]) -> str:
    is_of_a_code = "code" in match[1].lower() and _ERROR.fullmatch(match[2])
    is_public = is_of_a_code or _EXCEPTION.fullmatch(match[2])
    return match[0] if is_public else match[1] + _unless_a_word(match[2], longest_word=11)


def _joined(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 60) : match.start()].split()[-1]
    return "" if any(c.isdigit() for c in before) and not _BEGINS.fullmatch(match[1]) else match[0]


def _unless_a_word(text: str, *, longest_word: int) -> str:
    is_word = len(text) <= longest_word and not any(c.isdigit() for c in text)
    # A name has a capital letter now and then: StreamableHttpClientWorker.
    is_word = is_word and (len(text) < 20 or 5 * len(_CAPITAL.findall(text)) <= len(text))
    # The name of an error is one wherever it is, even behind the name of a secret.
    return text if is_word or _CONSTANT.fullmatch(text) else Secret(text).masked


def _is_a_type(text: str) -> bool:
    digits = sum(c.isdigit() for c in _STANDARD.sub("", text))
    return digits <= _MOST_DIGITS and _TYPE.fullmatch(text) is not None
