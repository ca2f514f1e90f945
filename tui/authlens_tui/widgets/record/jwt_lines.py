"""A JSON Web Token to read: header, claims, times as dates and countdowns, and whether it is verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from authlens_core.desk.signatures import Secret, Signature, Verification
from authlens_core.explain.meanings import DocumentKind, Members, explain_member, members
from authlens_core.explain.message import Jwt, JwtClaim, MessageJwt
from authlens_core.export.redaction import Redactor
from authlens_tui.widgets.document.lines import BLANK, Line, Piece, Tone, line
from authlens_tui.widgets.record.pieces import (
    MAX_NAME,
    NameColumn,
    cut,
    meaning_words,
    more_lines,
    value_pieces,
)
from authlens_tui.words.times import in_words

_MAX_SHOWN: Final = 60  # members of a header or of the claims
_WIDTH: Final = 20

_SIGNS: Final = {
    Signature.VALID: ("✔ verified", Tone.GOOD),
    Signature.INVALID: ("✖ not genuine", Tone.BAD),
    Signature.NO_KEY: ("! not verified", Tone.WARNING),
    Signature.NOT_CHECKED: ("! not verified", Tone.WARNING),
}
# Before and after the moment has come.
_COUNTED: Final = {
    "exp": ("expires in {}", "expired {}"),
    "nbf": ("valid in {}", "began {}"),
    "iat": ("issued in {}: a clock is wrong", "issued {}"),
    "auth_time": ("signed in, in {}: a clock is wrong", "signed in {}"),
}


# Whether the signatures verify, by token.
Verdicts = Mapping[Secret, Verification]


def verdict_words(verdicts: Verdicts) -> str:
    """Return the verdicts in a sentence or two, for a toast."""
    results = list(verdicts.values())
    counts = Counter(_SIGNS[verdict.signature][0][2:] for verdict in results)
    if len(results) == 1:
        return f"The token is {next(iter(counts))}. {results[0].reason}"
    return f"{len(results)} tokens: " + ", ".join(f"{count} {word}" for word, count in counts.items()) + "."


def found_jwt_lines(
    jwts: Iterable[MessageJwt], redactor: Redactor, verdicts: Verdicts | None = None
) -> Iterator[Line]:
    for jwt in jwts:
        yield BLANK
        kind = "Proof" if jwt.jwt.is_proof else "JWT"
        yield line((f"{kind} in {cut(jwt.where, MAX_NAME)}", Tone.TITLE))
        yield from jwt_lines(jwt.jwt, datetime.now(UTC), (verdicts or {}).get(jwt.token), redactor=redactor)


def jwt_lines(
    jwt: Jwt, now: datetime, verification: Verification | None = None, *, redactor: Redactor
) -> Iterator[Line]:
    """Yield the lines of `jwt`, but never the raw token; `verification` None says that it was not checked."""
    yield verification_line(jwt, verification)
    for note in (*jwt.problems, *(verification.notes if verification is not None else ())):
        yield line(("  ! ", Tone.WARNING), note, hang=4, by_words=True)
    yield line(("  header", Tone.MUTED))
    proof = members(DocumentKind.DPOP_PROOF) if jwt.is_proof else None
    yield from _members(jwt.header_members, proof or members(DocumentKind.JOSE_HEADER), redactor)
    if jwt.claims is not None:
        yield line(("  claims", Tone.MUTED))
        yield from _members(jwt.claims_at(now), proof or members(DocumentKind.CLAIMS), redactor)


def verification_line(jwt: Jwt, verification: Verification | None) -> Line:
    """Return whether the token is verified, in words and a sign."""
    if verification is not None:
        sign, tone = _SIGNS[verification.signature]
        key = f"  key {verification.key_id}" if verification.key_id else ""
        return line((f"  {sign}  ", tone), verification.reason, (key, Tone.MUTED), hang=4, by_words=True)
    if jwt.is_unsigned:
        why = f"alg is {jwt.algorithm}" if jwt.algorithm.lower() == "none" else "there is no signature"
        sign, tone = "✖ not signed", Tone.BAD
        sentence = (f"{why}: anyone can write such a token, so no one may accept it.", Tone.PLAIN)
    elif jwt.is_proof:
        sign, tone = "signed", Tone.NOTE
        compared = "It carries the public key of its signature; the server compares it with the token's."
        sentence = (compared, Tone.MUTED)
    else:
        sign, tone = "not verified", Tone.WARNING
        sentence = ("These are the token's own claims; its signature was not checked.", Tone.MUTED)
    return line((f"  {sign}  ", tone), sentence, hang=4, by_words=True)


def _members(members: Iterable[JwtClaim], meanings: Members, redactor: Redactor) -> Iterator[Line]:
    claims = list(members)
    column = NameColumn((member.name for member in claims), _WIDTH, indent=4)
    for member in claims[:_MAX_SHOWN]:
        meaning = (
            explain_member(meanings, member.name) if member.time is None else None
        )  # the countdown says it
        yield column.line(member.name, _value(member, redactor), meaning_words(meaning))
    yield from more_lines(len(claims) - _MAX_SHOWN, indent=4)


def _value(claim: JwtClaim, redactor: Redactor) -> Iterator[Piece]:
    if claim.time is not None and claim.seconds is not None:
        yield f"{claim.time:%Y-%m-%d %H:%M:%S} UTC", Tone.PLAIN
        ahead, past = _COUNTED[claim.name]
        span = in_words(claim.seconds)
        # Of all the times, only this one passing makes the token useless.
        over = claim.name == "exp" and claim.seconds <= 0
        countdown = past.format(span) if claim.seconds <= 0 else ahead.format(span)
        yield f" · {countdown}", Tone.WARNING if over else Tone.NOTE
        return
    yield from value_pieces(redactor.member(claim.name, claim.text))
