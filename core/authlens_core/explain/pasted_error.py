"""What a pasted error message means: a log of an agent, a page, a transcript of curl.

The same causes are used as for a login of our own, and those that only other programs name. Nothing is sent,
and what looks like a secret is masked in the lines that are quoted.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from html import unescape
from itertools import islice
from operator import attrgetter
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.diagnosis.causes import (
    ANY_FAMILY,
    CAUSES,
    EDGE_FAMILIES,
    Cause,
    client_messages,
    server_messages,
)
from authlens_core.diagnosis.evidence import ANYTHING, NUMBER, phrase_in, starts_of
from authlens_core.diagnosis.protection import Protection
from authlens_core.diagnosis.server_kind import ServerKind, server_kind, server_words
from authlens_core.explain.grid import CellFound, findings, is_of_another
from authlens_core.explain.log_lines import as_said, ends_well, fails, lines_that_count, waits_for_the_browser
from authlens_core.explain.named_command import with_command
from authlens_core.explain.pasted_address import PastedAddress, urls_in
from authlens_core.explain.quoted_text import QuotedText
from authlens_core.explain.ranking import OF_A_NUMBER, Heard, Sections
from authlens_core.explain.scenes import in_its_scene
from authlens_core.explain.statements import (
    Speaker,
    act,
    advice,
    in_english,
    is_about,
    told_by,
    way_on,
)
from authlens_core.explain.transcript import transcript_answer
from authlens_core.oauth.error_response import meaning
from authlens_core.values.check import Diagnosis, ErrorCode
from authlens_core.values.fix import Fix, Step, fix, steps_of
from authlens_core.values.stage import Stage

# What authlens can log in to, or its clients: MCP, RFC 7591 and RFC 9728, Access, and git at a server that is
# none of those that issue tokens of their own.
_TAKES_PART: Final = re.compile(
    r"(?i)authlens|(?<![a-z])mcp(?![a-z])|dynamic client registration|incompatible auth server"
    r"|protected[- ]resource|resource_metadata|\.well-known/oauth-|www-authenticate: (?:bearer|dpop)\b"
    r"|cloudflare ?access|cdn-cgi/access|cf-access-|managed oauth|streamable"
    r"|(?:unable to access|authentication failed for|(?:username|password) for) 'https?://"
    r"(?!(?:[^/'@]*@)?(?:[^/']*\.)?(?:github|gitlab|bitbucket|azure|visualstudio|codeberg|gitee|sr)\.[a-z]+[/':])"
)
# A registry of images says which token it wants, and takes no other.
_OF_A_REGISTRY: Final = re.compile(r'(?i)www-authenticate: bearer [^\n]*service="')
_OF_THIS_MACHINE: Final = "doctor"
_AGAIN: Final = "Log in again"
_THERE: Final = f"{_AGAIN} in the program that the text is from"


def takes_part(text: str) -> bool:
    """Whether authlens can be what a text is about: a login that it runs or could run."""
    return _TAKES_PART.search(text) is not None and _OF_A_REGISTRY.search(text) is None


def helpful(cure: str | Fix, *, taking_part: bool) -> str | Fix:
    """Return the steps of a fix that help; all of them where none is left."""
    if isinstance(cure, str):
        return cure
    steps = tuple(_kept(cure, taking_part=taking_part))
    return fix(*(Fix((step,)) for step in steps), ways=cure.ways) if steps else cure


def _kept(cure: Fix, *, taking_part: bool) -> Iterator[Step]:
    for each in steps_of(cure):
        verb = _verb(each.command)
        helps = not verb or taking_part or verb == _OF_THIS_MACHINE
        again = each.words == _AGAIN
        if helps:
            yield Step(f"{_THERE}, or with authlens", each.command, each.implied) if again else each
        elif each.implied or each.words.startswith("Log in"):
            yield Step(f"{_THERE if again else each.words}.")


def _verb(command: tuple[str, ...]) -> str:
    """Return the verb of a command that runs authlens, or the empty string."""
    if command[:1] == ("git",):
        return "git-credential"
    return command[1] if command[:1] == ("authlens",) else ""


_LONGEST: Final = 256 * 1024  # characters that are looked at
_PAGES: Final = "browser"  # the family of what a browser shows
_LAST: Final = 3  # lines of a log, of which one may wait for the browser
_OF_ANYTHING: Final = frozenset({"file", "program", "task"})  # general ones fit texts of every kind
_LONGEST_PAGE: Final = 1_000  # characters
# As a server states it, or a word that means nothing else; libraries name an exception for it.
_CODE: Final = re.compile(
    r"""(?:\berror["']?\s*[:=]|\boauth2:)\s*["']?([a-z_]{5,60})\b"""
    rf"""|\b(invalid_[a-z_]+|redirect_uri_mismatch|{"|".join(set(ErrorCode) - {"server_error"})})\b"""
    r"""|\binvalid(grant|client|scope|target)(?:error|exception)?\b"""
    r"""|\b((?:invalid|unauthorized|unsupported) (?:grant|client|scope|grant type|response type))"""
    r"""(?=\s*(?:$|[.:;,!)\]"'`\n(]|error|provided))"""
)
# What only Cloudflare and its programs write. The number alone is the whole of an answer to a program, and in
# these letters: databases have numbers of their own.
_EDGE: Final = re.compile(
    r"(?im)cloudflare|access app launcher application|(?:argo|quick) ?tunnel|origincert"
    r"|failed to connect to origin|\borigin cert\b|doesn't have tunnel|handshake with edge error"
    r"|\bwarp-(?:cli|svc)\b|\bcf-(?:ray|mitigated|access-\w+)\b|\berror 1010\b|/cdn-cgi/|(?<![\w-])ray ?id:"
    r"|\bconnindex=| \| 5[23]\d: "
    r"|(?:timed out|handshake failed|server is down|is unreachable|timeout occurred)\s+error code:? 52\d\b"
    r"|name of the tunnel to run\b|\bcf_authorization\b|<title>\s?just a moment|\bturnstile\b"
    r"|register tunnel error|unauthorized: (?:invalid tunnel secret|tunnel not found)"
    r"|failed to find access application|unauthorized to access requested resource|zero trust polic"
    r"|failed to write the certificate due to the|org token for app token"
    r"|\bwrangler\b|/client/v4/|unable to select one in non-interactive mode|performing happy eyeballs"
    r"|the warp api\b|reason: manual disconnection|registration is still around"
    r"|warp is not registered|reason: registration missing|\bcf_[a-z]+_[a-z_]+\b|admin directed disconnect"
    r"|(?-i:error code: (?:1[012]\d\d|5[23]\d)(?=(?:</?\w+>|[\s\"'`<)])*$))"
)
# Lines that speak of an error and report none: a change, source code, documentation.
_MENTIONS: Final = re.compile(
    r"""(?x)
    ^\s*(?:
        (?:feat|fix|docs|chore|refactor|test|perf)(?:\([^)]*\))?!?:\s
        | (?:[-*+•]\s+)?
          (?:Fix(?:e[sd])?|Add(?:ed|s)?|Handle[sd]?|Improve[sd]?|Remove[sd]?|Support|Change[sd]?)\s[a-z`]
        | [-*+•]\s+(?:fix|add|handle|improve|remove|support|return|document|retry)(?:e?[sd])?\s
        | //\s | /\*
        | (?:else\s|el)?if\b.*(?:[({]|:$)
        | (?:raise|throw)\s(?!.*(?:Error|Exception):\ ).*[({:;=]
        | (?:except|catch|case|import|const|def|func|fn)\s.*[({:;=]
        | \|.*\|\s*$
        | (?:\S{1,200}\ )?(?:-\ )?(?:error\ )?TS\d{4,5}:\s
        | (?:If|When)\ (?:you|an?|the)\b.*\b(?:see|gets?|receives?|returns?|fails)\b
    )
    | (?<!\d\)\ )[=!]==\ | ^(?!.*(?:mismatch|payload\ audience)).*(?<!\d\ )(?<![=!])[=!]=[ ]
    | \ :=\ | \ =>\ [{(] | \)\ =>\ | (?<!that\ )\bassert[ (.]
    | \b(?:console|logger|fmt|errors)\.\w+\( | \bexpect\(
    | \b(?:occurs|happens|is\ returned|is\ thrown|is\ sent|returns)\b.*\b(?:when|if)\b
    | \b(?:means|indicates|explains|describes)\ (?:that|how)\b(?!\ Cloudflare\b)
    """
)
_MENTION_WITHIN: Final = 1_000  # characters of a line; the pattern takes the square of them
# What RFC 6749 says of a code, which servers repeat: a list of what may be wrong, and nothing of this time.
_RECITED: Final = re.compile(
    r"(?im)(?:\(e\.g\.,?|due to) (?:login failure, )?unknown client[^.)\n]{0,100}"
    r"|is missing a required parameter, includes an (?:invalid|unsupported)[^.\n]{0,260}malformed"
    r"|\b(?:return to \w+ to retry|contact (?:your|the) [\w ]{0,30}admin)[^.\n]{0,80}\bif\b[^.\n]{0,60}"
    r"|does not match the redirection uri used in the authorization request, or was issued to another client"
    r"|\(reading '(?:realm|tenant|organi[sz]ation|state|user|email|session|scope|role)(?:s|_?(?:id|name))?'\)"
)
# A list of what is often the reason: nothing of this time.
_GUESSES: Final = re.compile(
    r"(?im)(\b(?:common|typical|usual) (?:reasons?|causes?)\b[^\n]{0,60}:[^\S\n]*\n)"
    r"(?:[^\S\n]*(?:(?:[-*•]|\d{1,2}[.)])\s[^\n]*)?(?:\n|\Z)){1,20}"
)
_MALFORMED: Final = re.compile(r"(?i)is missing a required parameter, includes an (?:invalid|unsupported)")
_NOT_EXCHANGED: Final = "code_not_exchanged"
_FAILED_THERE: Final = frozenset({"http.bad_gateway", "server_failed", "server_error"})
_TELLS: Final = 2  # words that say why, of a sentence that is all that authlens has
_ONE_MESSAGE: Final = 300  # characters; what is shorter is about what it says
_SETTING: Final = re.compile(r"(?<!\S)--[a-z]|[A-Z]_(?:TOKEN|KEY|SECRET|ID|UR[IL]|PASSWORD|CREDENTIALS)\b")
_BOX: Final = re.compile(r"[\s│┃║]+")
# From the first backslash on: a run of them would be tried from each.
_ESCAPED: Final = re.compile(r"(?<!\\)\\+([\"'/])")
# No character has such a number, and `unescape` fails at one of thousands of digits.
_NO_CHARACTER: Final = re.compile(r"&#[0-9]{8,}")


def explain_text(text: str) -> tuple[Diagnosis, ...]:
    """Return what `text` says, the most particular; none where nothing is known.

    Of two causes the second is nearly always a result of the first, or a guess: one is told.
    """
    pasted = _PastedText(text[:_LONGEST])
    if pasted.ended_well:
        name = "log.ended_well" if fails(pasted.text) else "log.nothing_failed"
        return tuple(pasted.diagnosis(cause, pasted.ended_well) for cause in _named(name))
    fitting = tuple(pasted.diagnosis(cause, phrase) for cause, phrase in pasted.fitting())
    if fitting:
        return fitting
    if pasted.nothing_failed:
        last = next(filter(waits_for_the_browser, reversed(text.rstrip().split("\n")[-_LAST:])), "")
        name = "log.browser" if last else "log.nothing_failed"
        last = last or text.rstrip().rpartition("\n")[2]
        return tuple(pasted.diagnosis(cause, last) for cause in _named(name))
    answer = transcript_answer(pasted.text)
    # That it asks for a token says less than the error beside it.
    if answer is not None and not (answer.name == Protection.OAUTH and pasted.known_codes):
        return (pasted.filled(answer),)
    general = tuple(pasted.diagnosis(cause, phrase) for cause, phrase in pasted.general())
    return general or pasted.own_words()


def _named(name: str) -> Iterator[Cause]:
    return (cause for cause in client_messages() if cause.name == name)


class _PastedText:
    """A text, with what the causes ask of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        told = _GUESSES.sub(r"\1", text).split("\n")
        own = [line for line in told if not _MENTIONS.search(line, 0, _MENTION_WITHIN)]
        failing = lines_that_count(own)
        said = "\n".join(map(as_said, failing))
        # What a callback has in its address is encoded, and what a log quotes is escaped.
        decoded = unquote_plus(said) if "error" in said else said
        lines = _ESCAPED.sub(r"\1", decoded).replace("\\r", "").replace("\\n", "\n")
        plain = unescape(_NO_CHARACTER.sub("", lines)).replace("’", "'")
        rest = [line for line in failing if line.strip() and not waits_for_the_browser(line)]
        self.ended_well = ends_well(in_english("\n".join(own)).split("\n"))
        self.nothing_failed = not rest and len(failing) < len(own)
        self.lower = _RECITED.sub("", (said if plain == said else f"{said}\n{plain}").lower())
        decoded = _RECITED.sub("", plain)
        self.plain = in_english(decoded)
        # A terminal breaks a sentence where its window ends.
        self.flat = _BOX.sub(" ", self.lower)
        # A sentence of no product may be an ordinary one in a text that has no word of a login.
        self.speaks_of_a_login = is_about("login", self.flat)
        self.sections = Sections(self.lower, is_of_a_login=self.speaks_of_a_login)
        self.is_of_a_login = len(text) < _ONE_MESSAGE or self.speaks_of_a_login
        self.numbers = frozenset(NUMBER.findall(self.lower))
        self._quoted = QuotedText(text, decoded)
        self._urls = urls_in(text)
        self.kind = server_kind((url.text for url in self._urls), said=self.lower)
        self.address = PastedAddress.of(text, self._urls)
        self.takes_part = takes_part(text)
        self.is_edge = _EDGE.search(text) is not None
        found = (
            match[1] or match[2] or (match[4] or f"invalid_{match[3]}").replace(" ", "_")
            for match in _CODE.finditer(self.lower)
        )
        self.codes = tuple(dict.fromkeys(found))
        self.known_codes = [code for code in self.codes if code in set(ErrorCode)]

    def fitting(self) -> Iterator[tuple[Cause, str]]:
        """Yield what the most particular source has: a server's own words, a client's, or an error code.

        The words of a server that belong to an error code say nothing without the code.
        """
        own = (
            cause
            for cause in CAUSES
            if not cause.errors or not cause.errors.isdisjoint(self.codes)
            if not cause.protections or self.is_edge
        )
        heard = [
            *self._spoken(cause for cause in server_messages() if not cause.general),
            *self._spoken(own),
            *self._spoken(cause for cause in client_messages() if not cause.general),
        ]
        first = max(heard, key=attrgetter("weight"), default=None)
        if first is not None:
            # A step says what failed and not why, as a general cause does.
            cause = first.cause if first.weight[0] else replace(first.cause, general=True)
            yield from self._more_particular(first) or [(cause, first.words)]
            return
        yield from (
            _last_of(self.found_by_words, general=False)
            or [heard[:2] for heard in islice(self._spoken(filter(self._is_general, server_messages())), 1)]
            or list(self._of_codes())
        )

    def _is_general(self, cause: Cause) -> bool:
        """Whether a cause counts where no other does; a failed exchange says less than its error code."""
        return cause.general and not (cause.name == _NOT_EXCHANGED and self.known_codes)

    def _more_particular(self, first: Heard) -> list[tuple[Cause, str]]:
        """Return what the words beside a step say, or the reasons within an answer that has a number.

        A step says what failed and not why, and a number what was asked, such as a change of an account.
        """
        if first.weight[0] == OF_A_NUMBER:
            reason = self._quoted.within()
            return [found[:2] for found in findings(reason, self.codes, is_of_a_login=True)][:1]
        if first.weight[0]:
            return []
        beside = re.sub(re.escape(first.words), " ; ", self.plain, flags=re.IGNORECASE)
        return _last_of(self._found_in(beside), general=False)

    @cached_property
    def found_by_words(self) -> tuple[CellFound, ...]:
        return self._found_in(self.plain)

    def _found_in(self, said: str) -> tuple[CellFound, ...]:
        return tuple(findings(said, self.codes, is_of_a_login=self.speaks_of_a_login))

    def general(self) -> Iterator[tuple[Cause, str]]:
        """Yield the one that says least: a code that has no cause of its own, or a status."""
        recited = _MALFORMED.search(self.text)
        for code in self.known_codes[:1] or ([ErrorCode.INVALID_REQUEST] if recited else []):
            told = meaning(code)
            phrase = code if self.known_codes or recited is None else recited[0]
            yield Cause(name=code, cause=told.means, cure=told.cure, source=told.source), phrase
            return
        said = list(self._spoken(cause for cause in client_messages() if cause.general))
        why = [heard for heard in said if heard.weight[0]]
        yield from (
            [heard[:2] for heard in why[:1]]
            or _last_of(self.found_by_words, general=True)
            or [heard[:2] for heard in said[:1]]
        )

    def own_words(self) -> tuple[Diagnosis, ...]:
        """Return what the text itself says of a login that failed; nothing where it is of something else."""
        reason = self._quoted.reason("\n")
        is_kin = self.speaks_of_a_login or is_about("kin", self.flat)
        if reason is None or reason.told < _TELLS or not is_kin:
            return ()
        return tuple(self.diagnosis(cause, reason.words) for cause in _named("said.any"))

    def diagnosis(self, cause: Cause, phrase: str) -> Diagnosis:
        cause = in_its_scene(cause, self.text, self._urls)
        evidence = tuple(self._quoted.evidence(phrase))
        told = Diagnosis(cause.name, cause.cause, cause.cure, evidence, cause.source)
        reason = self._quoted.reason(phrase)
        is_of_server = reason is not None and reason.speaker is Speaker.SERVER
        if phrase in self.codes and reason is not None and is_of_server and cause.scene != "server_said":
            # The code alone says what is meant in general, and these words may say something else.
            why = f"The server says why: “{reason.words}”. {phrase} in general: {cause.cause}"
            told = replace(told, cause=why, cure=fix(*filter(None, (act(reason),)), cause.cure))
        elif cause.general:
            advised = advice(shown := self._quoted.shown)
            if cause.name in _FAILED_THERE and is_about("login", advised.lower()):
                advised = ""  # a server that failed did not refuse the login
            cure = way_on(reason, cause, advised, shown)
            told = replace(told, cause=told_by(reason, cause, advised), cure=cure)
        elif reason and (advised := advice(reason.words)) and (is_of_server or _SETTING.search(advised)):
            told = replace(told, cure=way_on(None, cause, advised))
        elif within := self._quoted.within():
            told = replace(told, cause=f"{cause.cause} The answer gives the reason: “{within}”.")
        return self.filled(told, next(iter(evidence), ""), cause.words_of)

    def filled(self, told: Diagnosis, line: str = "", kind: ServerKind | None = None) -> Diagnosis:
        """Return a diagnosis in the words of a server's kind, its commands with the address of the text.

        A host is that of `line`, where it names one.
        """
        own = server_words(kind or self.kind)
        own_cure = own.fill_fix(with_command(told.cure, self._quoted.shown))
        cure = helpful(own_cure, taking_part=self.takes_part)
        return replace(told, cause=own.fill(told.cause), cure=self.address.fill(cure, line))

    def _spoken(self, causes: Iterable[Cause]) -> Iterator[Heard]:
        """Yield the causes of which a phrase is in the text, each with its longest one."""
        for cause in causes:
            if (cause.kinds and self.kind not in cause.kinds) or not self._is_marked(cause):
                continue
            heard = [
                self.sections.heard(cause, phrase, words)
                # Most phrases are in no text: many have a number, and each begins with words.
                for phrase, start, number in starts_of(cause.phrases)
                if start in self.flat and (not number or number in self.numbers)
                if (words := self._said(phrase, cause.family))
                if not (cause.family == ANY_FAMILY and is_of_another(cause, words, self.flat))
            ]
            if heard:
                yield max(heard, key=attrgetter("weight"))

    def _said(self, phrase: str, family: str) -> str:
        # A page of a browser is one message, on however many lines.
        is_one = ANYTHING not in phrase or (family == _PAGES and len(self.flat) < _LONGEST_PAGE)
        return phrase_in(phrase, self.flat if is_one else self.lower)

    def _is_marked(self, cause: Cause) -> bool:
        if cause.family == ANY_FAMILY or (cause.general and cause.family in _OF_ANYTHING):
            return self.is_of_a_login
        return cause.family not in EDGE_FAMILIES or self.is_edge

    def _of_codes(self) -> Iterator[tuple[Cause, str]]:
        """Yield the cause that each error code alone tells, with the stage as far as the text names it."""
        tables = sorted((*client_messages(), *CAUSES), key=lambda cause: cause.stages != {Stage.REFRESH})
        for code in self.codes:
            yield from islice(((c, code) for c in tables if code in c.errors and self._tells_alone(c)), 1)

    def _tells_alone(self, cause: Cause) -> bool:
        here = Stage.REFRESH not in cause.stages or "refresh" in self.lower
        bare = not (cause.checks or cause.protections or cause.grants or (cause.phrases and not cause.family))
        return here and bare and (not cause.kinds or self.kind in cause.kinds)


def _last_of(found: Iterable[CellFound], *, general: bool) -> list[tuple[Cause, str]]:
    """Return what the last clause says of which the grid knows the topic and its problem."""
    return list(deque((each[:2] for each in found if each.cause.general is general), maxlen=1))
