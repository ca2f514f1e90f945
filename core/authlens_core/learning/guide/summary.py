"""A lesson, and how far you are in it, as the lists, the summary and the JSON of the verbs have them.

No right answer is in it before you gave yours, and it is evidence, and no rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from authlens_core.learning.lesson import HINTS, QUESTIONS, QUESTIONS_TO_PASS, CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove
from authlens_core.learning.progress.progress_file import LessonProgress


def summary_json(lesson: CourseLesson) -> dict[str, Any]:
    """Return the line of the catalogue."""
    words = lesson.words
    return {
        "id": lesson.name,
        "title": words.title,
        "can": words.texts["can"],
        "minutes": lesson.minutes,
        "needs": lesson.needs,
        "version": lesson.version,
        "digest": lesson.digest,
        "built_in": lesson.built_in,
    }


def lesson_json(lesson: CourseLesson) -> dict[str, Any]:
    """Return everything that a learner needs to do the lesson, without hints."""
    words, attack, repair = lesson.words, lesson.attack, lesson.repair
    texts = words.texts
    return {
        "id": lesson.name,
        "version": lesson.version,
        "digest": lesson.digest,
        "title": words.title,
        "can": texts["can"],
        "cures": texts["cures"],
        "task": texts["task"],
        "specs": lesson.specs,
        "minutes": lesson.minutes,
        "world": {"profile": lesson.world.profile.value, "parties": lesson.world.parties},
        "predict": {
            "text": texts["predict"],
            "options": words.options("predict", lesson.prediction.claims),
        },
        "run": {"text": texts["run"], "claims": _claims(lesson, LessonPhase.RUN), "moves": ["login"]},
        "observe": {"text": texts["observe"], "moves": ["point"]},
        "break": {
            "text": texts["break"],
            "claims": _claims(lesson, LessonPhase.BREAK),
            "seat": attack.seat,
            "loot": [f"${name}" for name in attack.loot],
            "moves": attack.moves,
            "most": attack.most,
            "hints": HINTS,
            **({"causes": attack.causes} if attack.causes else {}),
        },
        "repair": {
            "text": texts["repair"],
            "claims": _claims(lesson, LessonPhase.REPAIR),
            "offer": words.options("repair", repair.offer),
            "budget": repair.budget if repair.offer else 0,
            "moves": ["defend"] if repair.offer else repair.moves,
        },
        "questions": [
            {"id": name, "text": texts[f"questions/{name}"], "options": words.options(f"questions/{name}")}
            for name in (question.name for question in lesson.questions)
        ],
    }


def _claims(lesson: CourseLesson, phase: LessonPhase) -> list[dict[str, Any]]:
    return [
        {"line": claim.line, "text": claim.text, "words": lesson.words.texts[f"{phase.value}/claim {number}"]}
        for number, claim in enumerate(lesson.claims_of(phase), 1)
    ]


_START = "Enter starts. Everything happens inside this program."


class LessonSummary(Struct, frozen=True):
    """A lesson, and how far you are in it."""

    lesson: CourseLesson
    progress: LessonProgress

    @property
    def passed(self) -> bool:
        return bool(self.progress.passed_version)

    @property
    def begun(self) -> bool:
        return any(attempt.moves for attempt in self.progress.attempts)

    @property
    def right(self) -> int:
        """How many questions of the last attempt were answered right."""
        return self.progress.goes_on.right

    @property
    def minutes(self) -> int:
        return -(-self.progress.seconds // 60)

    @property
    def counts(self) -> tuple[str, str]:
        """How many tries and hints it took, in words."""
        tries, hints = max(self.progress.tries.values(), default=0), sum(self.progress.hints.values())
        return _count(tries, "try", "tries"), _count(hints, "hint", "hints")

    @property
    def took(self) -> str:
        """What it took, in numbers."""
        return " · ".join(
            [*self.counts, f"{self.right} of {QUESTIONS} questions right", f"{self.minutes} min"]
        )

    @property
    def state(self) -> str:
        """How far you are, in a few words."""
        known, attempt = self.progress, self.progress.goes_on
        words = []
        if self.passed:
            older = known.passed_version != self.lesson.version
            words.append(f"passed (version {known.passed_version})" if older else "passed")
        if attempt.moves and attempt.phase is not None:
            words.append(f"stopped at {attempt.phase.value}")
        words = words or ["to do"]
        words += [count for count in self.counts if not count.startswith("0 ")]
        if known.seconds >= 60:
            words.append(f"{known.seconds // 60} min")
        return " · ".join(words)

    @property
    def dots(self) -> str:
        """A sign for each phase, after one for a lesson that was passed."""
        passed = self.progress.goes_on.passed
        signs = "".join("●" if phase in passed else "○" for phase in LessonPhase)
        return f"{'✔' if self.passed else ' '}{signs}"

    def card(self) -> tuple[tuple[str, str], ...]:
        """Return headings with their texts: what the lesson is for, and how far you are."""
        lesson, texts = self.lesson, self.lesson.words.texts
        digest = f"Its folder has the digest {lesson.digest[7:19]}."
        return (
            ("You can then", texts["can"]),
            ("It corrects", texts["cures"]),
            ("", f"{lesson.minutes} minutes · {', '.join(lesson.specs)}"),
            *(() if lesson.built_in else (("Not from this program", digest),)),
            ("", self._where()),
        )

    def _where(self) -> str:
        attempt = self.progress.goes_on
        if not attempt.moves:
            return _START
        if attempt.phase is None:
            return "You passed it. Enter shows it again."
        tries = self.progress.tries.get(attempt.phase, 0)
        after = f" after {_count(tries, 'try', 'tries')}" if tries else ""
        return f"You stopped at {attempt.phase.value}{after}. Enter makes your moves again and goes on there."

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield headings and texts about the lesson, when it has just ended."""
        texts, title = self.lesson.words.texts, self.lesson.title
        if not self.passed:
            why = f"{self.right} of {QUESTIONS} questions are right, and {QUESTIONS_TO_PASS} are needed."
            yield f"○ Not passed yet: {title}", f"{why} Press t to answer them again."
        else:
            yield f"✔ Passed: {title}", f"You can now {texts['can']}."
            yield "What it corrects", texts["cures"]
        yield "What it took", self.took
        for question in self.progress.missed:
            yield "A question to look at again", texts[f"questions/{question}"]

    def as_json(self) -> dict[str, Any]:
        """Return it as `learn progress --json` prints it."""
        known, attempt = self.progress, self.progress.attempt
        return {
            "id": self.lesson.name,
            "version": self.lesson.version,
            "passed_version": known.passed_version or None,
            "phase": attempt and attempt.phase,
            "passed": known.goes_on.passed,
            "moves": len(known.goes_on.moves),
            "seed": attempt and attempt.seed,
            "first_prediction": known.first_prediction or None,
            "tries": known.tries,
            "hints": known.hints,
            "seconds": known.seconds,
            "questions": f"{self.right}/{QUESTIONS}",
            "missed": known.missed,
            "archived": len(known.archived),
        }


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def misconceptions(lesson: CourseLesson, progress: LessonProgress) -> tuple[set[str], set[str]]:
    """Return the misconceptions behind wrong answers of every attempt, and those that were refuted since."""
    met = {}
    for attempt in progress.attempts:
        cures = {one.name: one.cures for one in lesson.in_order(attempt.seed, attempt.order).questions}
        for move in attempt.moves:
            if isinstance(move, AnswerMove) and (name := cures.get(move.question, {}).get(move.option)):
                met[name] = move.question
    return set(met), {name for name, question in met.items() if question not in progress.missed}


def misconceptions_line(met: set[str], refuted: set[str]) -> str:
    """Return how many misconceptions were met and refuted, and which are open."""
    still = ", ".join(sorted(name.replace("-", " ") for name in met - refuted))
    return f"{len(met)} met, {len(refuted)} refuted.{f' Open: {still}.' if still else ''}"
