"""Claims are read whole or refused with their place."""

import pytest

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.claim import Claim, FieldOf, Loot, Operator, RowTest, read_claims
from authlens_lab.learning.row import Source
from authlens_lab.learning.strict_file import StrictFile, StrictToml

LESSON_3 = """
event where what = code_redeemed and seat = mallory and user = ada as theft
event where what = token_accepted and seat = mallory and user = ada after theft
"""


def test_a_claim_is_read_with_its_line() -> None:
    first, second = read_claims(LESSON_3, file="lesson.toml", line=30)
    assert first == Claim(
        Source.EVENT,
        (
            RowTest("what", Operator.IS, "code_redeemed"),
            RowTest("seat", Operator.IS, "mallory"),
            RowTest("user", Operator.IS, "ada"),
        ),
        name="theft",
        text="event where what = code_redeemed and seat = mallory and user = ada as theft",
        line=31,
    )
    assert (second.after, second.line) == ("theft", 32)


@pytest.mark.parametrize(
    ("text", "count", "test"),
    [
        ("no exchange where purpose = registration", 0, RowTest("purpose", Operator.IS, "registration")),
        ("3 x event where reason = blocked_address", 3, RowTest("reason", Operator.IS, "blocked_address")),
        ("exchange where status in [401, 403]", 1, RowTest("status", Operator.IN, (401, 403))),
        ("exchange where form.code_verifier absent", 1, RowTest("form.code_verifier", Operator.ABSENT)),
        ('event where scope = "read write"', 1, RowTest("scope", Operator.IS, "read write")),
        ("event where code = $code", 1, RowTest("code", Operator.IS, Loot("code"))),
        ("exchange where query.scope has write", 1, RowTest("query.scope", Operator.HAS, "write")),
    ],
)
def test_each_form_of_a_claim(text: str, count: int, test: RowTest) -> None:
    (claim,) = read_claims(text, file="lesson.toml")
    assert (claim.count, claim.tests) == (count, (test,))


def test_a_row_may_meet_other_tests_instead() -> None:
    """`and` binds more tightly."""
    (claim,) = read_claims("event where what = fetched and seat = you or at = internal as m", file="f")
    assert [[test.field for test in tests] for tests in claim.alternatives] == [["what", "seat"], ["at"]]
    assert claim.name == "m"


def test_a_value_may_be_the_field_of_a_named_row() -> None:
    text = "exchange where status = 401 as refusal\nexchange where url = refusal.challenge.resource_metadata"
    assert read_claims(text, file="f")[1].tests[0].value == FieldOf("refusal", "challenge.resource_metadata")


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("exchange where purpse = token", "1:16", "exchange has no field “purpse”; did you mean “purpose”?"),
        ("exchange where purpose = tokn", "1:26", "“tokn” is no value of exchange purpose"),
        ("exchang where status = 401", "1:1", "“exchang” is no source; did you mean “exchange”?"),
        ("exchange where status", "1:22", "the line ends where an operator is expected"),
        ("exchange where status ~ 401", "1:23", "unexpected '~' where an operator"),
        ("exchange where status in 401", "1:23", "a list follows “in”, and only “in”"),
        ("exchange where status = [401]", "1:23", "a list follows “in”, and only “in”"),
        ("exchange after m", "1:16", "no claim before this one names a row “m”"),
        ("no exchange as m", "1:16", "“m” cannot name this row"),
        ("0 x exchange", "1:1", "write a count of rows as “2 x”, from 1 to 9"),
        ("event where form.code present", "1:13", "event has no field “form.code”"),
        ("event or what = fetched", "1:7", "unexpected 'or' where as, after or before"),
        ('event where scope = "open', "1:21", "unexpected '\"open'"),
        ("exchange where url = import(os)", "1:28", "unexpected '(os)'"),
        ("event as m as n", "1:12", "unexpected 'as'"),
        ("\x1b]0;title\x07", "1:1", "unexpected"),
    ],
)
def test_what_is_no_claim_is_refused_at_its_place(text: str, place: str, reason: str) -> None:
    with pytest.raises(LessonRefused) as refused:
        read_claims(text, file="lesson.toml")
    assert str(refused.value).startswith(f"lesson.toml:{place}: {reason}")
    assert "\x1b" not in str(refused.value)


def test_more_claims_than_a_lesson_has_are_refused() -> None:
    with pytest.raises(LessonRefused, match="65 claims"):
        read_claims("exchange\n" * 65, file="lesson.toml")


def test_deep_nesting_is_refused_with_the_name_of_the_file() -> None:
    """The TOML reader recurses once a bracket."""
    with pytest.raises(LessonRefused, match=r"lesson\.toml:1:1: it is nested too deeply"):
        StrictToml("lesson.toml", "a = " + "[" * 50_000).convert(StrictFile)
