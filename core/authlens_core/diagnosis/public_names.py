"""What only looks like a credential: names of errors, types, files, hosts and times, and ids in every log.

Each is a whole run of characters with the form of such a name. Evidence that hides them says nothing.
"""

from __future__ import annotations

import re
from typing import Final

# Of an error, such as ECONNREFUSED, of a library (oauth2:), and a number of JSON-RPC.
_CONSTANT: Final = re.compile(
    r"[A-Z]{2,}(?:_[A-Z]+)+|E[A-Z]{4,15}|(?:oauth2|x509|http2):?|-32\d{3}"
    r"|(?:invalid|expired|missing|unsupported)(?:_[a-z]+)+:?"
)
_OPENSSL: Final = r"(?:[0-9A-Fa-f]{1,16}:)?error:[0-9A-F]{8}:SSL"
# A frame of a stack, a time, and a sentence in the query of a URL.
_FILE: Final = (
    r"[A-Za-z_]{1,40}(?:[.-][A-Za-z_]{1,40})*\.(?:rb|py|[cm]?[jt]sx?|go|java|php|cs|rs)"
    r"(?::\d{1,6}){0,2}(?::in)?:?"
)
_TIME: Final = (
    r"(?:[a-z]{1,9}=)?\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[.:]?"
)
_SENTENCE: Final = (
    r"(?:[a-z_]{3,24}=)?(?:[A-Za-z]{1,15}(?:_[a-z]{1,9})?[.]?\+){2,}[A-Za-z]{1,15}(?:_[a-z]{1,9})?[.]?"
)
_REQUEST: Final = r"req_[0-9A-Za-z]{16,40}|cfRay=[0-9a-f]{16}-[A-Z]{3}"
# A host behind its scheme, and one without, below a domain that is that of no file or type; not with a label
# that could be a credential.
_HOST: Final = re.compile(r"(?!.*[a-z0-9]{20})(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,24}(?::\d{1,5})?[.:]?")
_BARE_HOST: Final = (
    r"(?!.*[a-z0-9]{16})(?:[a-z][a-z0-9-]{0,30}\.){1,4}(?:com|org|net|io|app|dev)(?::\d{1,5})?[.:]?"
)
_NAMES: Final = re.compile("|".join((_REQUEST, _BARE_HOST, _OPENSSL, _FILE, _TIME, _SENTENCE)))
_PART: Final = r"(?:[A-Za-z_]{1,60}|[a-z]{2,12}\d{1,4}[a-z]{0,20})"
_TYPE: Final = re.compile(rf"(?:cause=)?{_PART}(?:(?:::|\.){_PART})+[.:]?")
_MOST_DIGITS: Final = 2  # of a type, without those of standards
_STANDARD: Final = re.compile(r"(?i)oauth2?|openid|rfc\d{4}|saml[12]|http[12]")
# An id in the form of a GUID, and Cloudflare's of an answer: the words before it say that it is no secret, or
# its reporter has hidden a part.
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
# Behind the word code: an authorization code has digits.
_ERROR: Final = re.compile(
    r"(?:[A-Z]+[a-z]{2,}_?){2,5}|[A-Za-z]{2,}(?:_[A-Za-z]{2,}){1,5}_\d{3,12}|[a-z]{3,}(?:[_/-][a-z]{2,}){1,5}|[A-Z]{3,}(?:_[A-Z]{2,}){1,5}"
    r"|(?i:unauthenticated|unauthorized|unavailable|unimplemented|forbidden|internal)"
)


def is_public(text: str, before: str, after: str) -> bool:
    """Whether a whole run is such a name.

    Args:
        before: what is before the run.
        after: the character behind it.
    """
    if before.endswith(("http://", "https://")) and after in "/\"' \n":
        return _HOST.fullmatch(text) is not None
    named = _OF_AN_ID.search(before, len(before) - _BEFORE) is not None or _HIDDEN in text
    is_id = (named and _ID.fullmatch(text) is not None) or _EXPECTED.search(before) is not None
    return is_id or _NAMES.fullmatch(text) is not None or _is_a_type(text)


def is_constant(text: str) -> bool:
    """Whether a run is the name of an error wherever it is, even behind the name of a secret."""
    return _CONSTANT.fullmatch(text) is not None


def names_an_error(text: str) -> bool:
    """Whether what is behind the word code is the name of an error."""
    return _ERROR.fullmatch(text) is not None


def _is_a_type(text: str) -> bool:
    digits = sum(c.isdigit() for c in _STANDARD.sub("", text))
    return digits <= _MOST_DIGITS and _TYPE.fullmatch(text) is not None
