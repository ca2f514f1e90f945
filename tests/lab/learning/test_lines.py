"""What a learner is shown and offered, from the moves alone: no screen takes part."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from authlens_core.trace.arrows import Party, messages
from authlens_core.values.word_files import words
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.learning import attack_moves
from authlens_lab.learning.attempt import LessonAttempt
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.desk.course import LessonSummary
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.lines import ClaimState, LessonLines
from authlens_lab.learning.moves import MOVES, LessonPhase, Move, move_in, moves_of
from authlens_lab.learning.offers import forms
from authlens_lab.learning.progress import new_progress
from authlens_lab.learning.row import PARTIES, WORDS, Source
from authlens_lab.learning.story import masked_loot, meaning, parts, story
from support.made_checks import present

COURSE = lessons()
LESSON = COURSE["stolen-code"]
BEFORE: tuple[Move, ...] = (
    move_in("predict b"),
    move_in("login"),
    move_in("point 6 form.code_verifier"),
)


def played(moves: Sequence[Move], *, prepared: bool = False, of: CourseLesson | None = None) -> LessonAttempt:
    async def play() -> LessonAttempt:
        async with LessonAttempt(of or LESSON) as attempt:
            for move in moves:
                await attempt.make(move)
            if prepared:
                await attempt.prepare_attack()
            return attempt

    return asyncio.run(play())


@pytest.fixture(scope="module")
def stolen() -> LessonAttempt:
    """The code was redeemed, and nothing was done with the token yet."""
    return played([*BEFORE, move_in("redeem")])


def test_the_next_phase_is_the_first_that_is_not_passed() -> None:
    assert [played(BEFORE[:number]).next_phase for number in range(4)] == [
        *(LessonPhase.PREDICT, LessonPhase.RUN, LessonPhase.OBSERVE, LessonPhase.BREAK)
    ]


def test_what_leaked_is_in_your_hands_before_the_first_move_of_the_attack() -> None:
    attempt = played(BEFORE, prepared=True)
    world = present(attempt.world_of(LessonPhase.BREAK))
    hands = dict(masked_loot(world))
    assert hands["client"].startswith(f"{world.loot['client']} (the name of the website")
    assert world.loot["code"] not in hands["code"]
    assert attempt.next_phase is LessonPhase.BREAK
    assert not attempt.verdict(LessonPhase.BREAK).begun


def test_the_moves_of_a_lesson_are_offered_with_what_is_held() -> None:
    redeem, call = forms(LESSON, LessonPhase.BREAK, ["code", "client"])
    assert [(each.name, each.choices) for each in redeem.arguments] == [
        ("code", ("$code",)),
        ("verifier", ("none", "wrong")),
    ]
    assert dict(redeem.moves()) == {
        "verifier: leave it out": move_in("redeem"),
        "verifier: a wrong one": move_in("redeem verifier=wrong"),
    }
    assert [move for _, move in call.moves()] == [move_in("call $code")]


@pytest.mark.parametrize("name", COURSE)
def test_each_move_of_a_solution_is_offered_when_it_is_made(name: str) -> None:
    """Otherwise a lesson could not be passed on the screen."""
    lesson = COURSE[name]
    seed = 0 if lesson.draws else 1
    solution = moves_of(lesson.for_seed(seed).solution.split("\n"))

    async def play() -> None:
        async with LessonAttempt(lesson, seed=seed) as attempt:
            for move in solution:
                phase = present(attempt.next_phase)
                # A move of the attack can follow when its claims hold already.
                if phase is LessonPhase.REPAIR and move.verb in lesson.attack.moves and lesson.offer:
                    phase = LessonPhase.BREAK
                if phase is LessonPhase.BREAK:
                    await attempt.prepare_attack()
                world = attempt.world_of(phase)
                offered = forms(attempt.lesson, phase, world.loot if world else ())
                match move.verb:
                    case "point":
                        arrow = int(move["arrow"])
                        lines = LessonLines(attempt)
                        assert move["part"] in [part.name for part in lines.parts(phase, arrow)]
                    case "defend":
                        assert set(move.switches) <= set(attempt.lesson.offer)
                    case "predict" | "answer":
                        assert offered == ()
                    case _:
                        assert move in [made for form in offered for _, made in form.moves()]
                await attempt.make(move)
                assert LessonLines(attempt).worth(move, phase)
            assert attempt.next_phase is None

    asyncio.run(play())


def test_the_diagram_of_an_attack_says_whose_request_it_is_and_who_got_it(stolen: LessonAttempt) -> None:
    world = present(stolen.world_of(LessonPhase.BREAK))
    sent = messages(world.records)[0]
    assert (sent.sender, sent.label.partition("  ")[0], sent.receiver) == (
        Party.MALLORY,
        "POST /token",
        Party.SERVER,
    )


def test_a_wrong_answer_says_where_your_own_requests_show_the_right_one() -> None:
    move = move_in("answer q1 b")
    said = LessonLines(played([*BEFORE[:2], move], of=COURSE["read-a-refusal"])).worth(
        move, LessonPhase.QUESTIONS
    )
    assert said.endswith("You saw it in run, arrow 1: authlens → resource: GET / → 401.")


def test_a_right_answer_has_a_reason_in_words_or_in_your_own_requests() -> None:
    unexplained = [
        f"{name} {asked.name}"
        for name, lesson in COURSE.items()
        for asked in lesson.questions
        if not (asked.shown_by or asked.why)
    ]
    assert unexplained == []
    move = move_in("answer q5 c")
    said = LessonLines(played([*BEFORE, move])).worth(move, LessonPhase.QUESTIONS)
    assert said.startswith("✔ Right. A correct verifier looks the same at a server that compares it")


def test_with_empty_hands_no_move_is_offered_that_needs_a_credential() -> None:
    mix_up = COURSE["mix-up"]
    assert [form.verb for form in forms(mix_up, LessonPhase.BREAK, ())] == ["lure"]


def test_an_answer_of_a_server_comes_after_the_arrow_that_it_answers(stolen: LessonAttempt) -> None:
    lines = story(stolen.rows_of(LessonPhase.BREAK))
    assert [line.text for line in lines] == [
        "server signs Ada in and sends a code back through the browser",
        "Mallory → server: POST /token → 200",
        "server takes the code, which is Ada's",
        "server gives Mallory a token for Ada's account",
    ]
    assert [line.arrow for line in lines] == [0, 1, 1, 1]


def test_parts_have_their_names_and_meanings_and_no_credential(stolen: LessonAttempt) -> None:
    world = present(stolen.world_of(LessonPhase.BREAK))
    row = next(line.row for line in story(world.rows) if line.arrow == 1 and line.receiver)
    found = {part.name: part for part in parts(world, row)}
    assert found["form.code"].group == "In the body of the request"
    assert found["form.grant_type"].value == "authorization_code"
    assert meaning("form.code")
    secret = [world.loot["code"], world.loot["token"]]
    assert not any(value in part.value for value in secret for part in found.values())
    shown = present(LessonLines(stolen).trace(LessonPhase.BREAK, 1))
    assert shown[1] == (0, 0)


def test_what_has_not_happened_is_open_until_a_repair_leaves_it_out(stolen: LessonAttempt) -> None:
    redeemed, opened = LessonLines(stolen).proofs(LessonPhase.BREAK)
    assert (redeemed.state, redeemed.arrow) == (ClaimState.MET, 1)
    assert (opened.state, opened.details) == (ClaimState.OPEN, ())


def test_a_switch_that_mends_nothing_leaves_a_claim_unmet() -> None:
    attempt = played([*BEFORE, move_in("redeem"), move_in("call"), move_in("defend victim.state")])
    lines = LessonLines(attempt).proofs(LessonPhase.REPAIR)
    assert [line.state for line in lines] == [ClaimState.UNMET, ClaimState.OPEN, ClaimState.MET]
    assert lines[0].details == ("Instead: arrow 1: server takes the code, which is Ada's",)
    assert LessonLines(attempt).prediction()[1].startswith("✖ Your requests show a:")


def test_every_word_of_a_row_and_every_move_has_words() -> None:
    known = words("course", "authlens_lab")
    assert set(known["move"]) == set(MOVES) - {"predict", "point", "defend", "answer"}
    assert set(known["event"]) == {what.value for what in What}
    assert set(known["reason"]) == {reason.value for reason in Reason}
    assert set(known["party"]) >= PARTIES - {"mallory"} | {"you", "ada"}
    credentials = {"code", "token", "refresh", "device", "scope"}
    assert set(known["field"]) >= set(WORDS[Source.EVENT]) - credentials


def test_each_move_of_the_table_that_happens_in_a_world_has_what_it_does() -> None:
    assert [verb for verb, kind in MOVES.items() if not kind.phase and not hasattr(attack_moves, verb)] == []


def test_the_catalogue_says_how_far_you_are_and_what_comes_next() -> None:
    passed = (LessonPhase.PREDICT, LessonPhase.RUN, LessonPhase.OBSERVE)
    moves = tuple(move.text for move in BEFORE)
    summary = LessonSummary(LESSON, replace(new_progress(LESSON.name), version=1, moves=moves, passed=passed))
    assert summary.dots == " ●●●○○○"
    assert summary.card()[-1][1].startswith("You stopped at break.")
