"""A lesson as a learner may see it, as JSON: its words and claims, and no right answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlens_core.learning.lesson import HINTED, HINTS, CourseLesson, LessonPhase
from authlens_core.learning.words_file import ENGLISH, LessonWords


def summary_json(lesson: CourseLesson, by_language: Mapping[str, LessonWords]) -> dict[str, Any]:
    """Return the line of the catalogue."""
    words = by_language[ENGLISH]
    return {
        "id": lesson.name,
        "title": words.title,
        "can": words.texts["can"],
        "minutes": lesson.minutes,
        "needs": list(lesson.needs),
        "version": lesson.version,
        "digest": f"sha256:{lesson.digest}",
        "languages": sorted(by_language),
        "built_in": lesson.built_in,
    }


def lesson_json(lesson: CourseLesson, words: LessonWords) -> dict[str, Any]:
    """Return everything that a learner needs to do the lesson, in one language, without hints."""
    texts, attack, repair = words.texts, lesson.attack, lesson.repair
    return {
        "id": lesson.name,
        "version": lesson.version,
        "digest": f"sha256:{lesson.digest}",
        "language": words.language,
        "title": words.title,
        "can": texts["can"],
        "cures": texts["cures"],
        "task": texts["task"],
        "specs": list(lesson.specs),
        "minutes": lesson.minutes,
        "world": {"profile": lesson.world.profile.value, "parties": list(lesson.world.parties)},
        "predict": {
            "text": texts["predict"],
            "options": {option: texts[f"predict/{option}"] for option in lesson.prediction.options},
        },
        "run": {"text": texts["run"], "claims": _claims(lesson, words, LessonPhase.RUN), "moves": ["login"]},
        "observe": {"text": texts["observe"], "moves": ["point"]},
        "break": {
            "text": texts["break"],
            "claims": _claims(lesson, words, LessonPhase.BREAK),
            "seat": attack.seat,
            "loot": [f"${name}{lesson.world.mark}" for name in attack.loot],
            "moves": list(attack.moves),
            "most": attack.most,
            "hints": HINTS,
            **({"causes": list(attack.causes)} if attack.causes else {}),
        },
        "repair": {
            "text": texts["repair"],
            "claims": _claims(lesson, words, LessonPhase.REPAIR),
            "offer": {switch: texts[f"repair/{switch}"] for switch in repair.offer},
            "budget": repair.budget if repair.offer else 0,
            "moves": ["defend"] if repair.offer else list(repair.moves),
        },
        "questions": [_question(question.name, words) for question in lesson.questions],
    }


def hints(words: LessonWords, phase: LessonPhase) -> tuple[str, ...]:
    """Return the hints of a phase: where to look, which value, and the move itself; a run has none."""
    if phase not in HINTED:
        return ()
    return tuple(words.texts[f"{phase.value}/hint {number}"] for number in range(1, HINTS + 1))


def _claims(lesson: CourseLesson, words: LessonWords, phase: LessonPhase) -> list[dict[str, Any]]:
    return [
        {"line": claim.line, "text": claim.text, "words": words.texts[f"{phase.value}/claim {number}"]}
        for number, claim in enumerate(lesson.claims_of(phase), 1)
    ]


def _question(name: str, words: LessonWords) -> dict[str, Any]:
    texts = words.texts
    options = {letter: texts[f"questions/{name}/{letter}"] for letter in ("a", "b", "c")}
    return {"id": name, "text": texts[f"questions/{name}"], "options": options}
