"""The challenge grammar (CH-1 to CH-9, CH-11, CH-16, H009 to H011) of RFC 9110 §11."""

import string
from typing import SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats.challenge import (
    MAX_CHALLENGES,
    Challenge,
    parse_challenges,
    resource_metadata_parameter,
)

URL = "https://wiki.example.com/.well-known/oauth-protected-resource"


def _parsed(*lines: str) -> tuple[Challenge, ...]:
    field = parse_challenges(lines)
    assert field.problems == ()
    return field.challenges


def _refused(*lines: str) -> tuple[str, ...]:
    field = parse_challenges(lines)
    assert field.challenges == ()
    return field.problems


def test_scheme_and_parameter_names_have_no_case() -> None:
    """CH-1."""
    (challenge,) = _parsed(f'bEaReR ReSoUrCe_MeTaDaTa="{URL}"')
    assert challenge.is_scheme("Bearer")
    assert challenge.params == (("resource_metadata", URL),)
    assert challenge.get("RESOURCE_METADATA") == URL


@pytest.mark.parametrize(
    "lines",
    [
        ('Basic realm="a", Bearer realm="b", error=c',),
        ('Basic realm="a"', 'Bearer realm="b", error=c'),
        ('Basic realm="a",Bearer realm="b",error=c',),
        ('Basic realm=a , Bearer realm="b"\t,\terror="c"',),
    ],
)
def test_several_challenges_stand_in_one_line_or_in_several(lines: tuple[str, ...]) -> None:
    """CH-2: a comma parts parameters as well as challenges."""
    basic, bearer = _parsed(*lines)
    assert basic == Challenge("Basic", (("realm", "a"),))
    assert bearer == Challenge("Bearer", (("realm", "b"), ("error", "c")))


def test_what_stands_in_quotes_is_data() -> None:
    """CH-3: commas, equals signs and scheme names."""
    (challenge,) = _parsed('Scheme foo="realm=nottherealm, Bearer x=y"')
    assert challenge == Challenge("Scheme", (("foo", "realm=nottherealm, Bearer x=y"),))


def test_quoted_pairs_are_undone() -> None:
    """CH-3: RFC 9110 §5.6.4."""
    (challenge,) = _parsed(r'Bearer realm="a\"b\\c\d", error=plain')
    assert challenge.params == (("realm", 'a"b\\cd'), ("error", "plain"))


def test_a_token68_does_not_swallow_the_next_challenge() -> None:
    """CH-4."""
    negotiate, bearer = _parsed('Negotiate abc==, Bearer realm="x"')
    assert negotiate == Challenge("Negotiate", (), "abc==")
    assert bearer == Challenge("Bearer", (("realm", "x"),))
    assert _parsed("Negotiate a+b/c-._~1") == (Challenge("Negotiate", (), "a+b/c-._~1"),)


@pytest.mark.parametrize(
    "line", ['Negotiate abc==, realm="x"', "Negotiate abc== x", 'Negotiate abc== realm="x"']
)
def test_a_token68_with_parameters_is_invalid(line: str) -> None:
    """CH-4."""
    assert len(_refused(line)) == 1


def test_empty_elements_and_odd_space_are_tolerated() -> None:
    """CH-5."""
    assert _parsed(',Bearer realm="a",, error=b ,') == (
        Challenge("Bearer", (("realm", "a"), ("error", "b"))),
    )
    assert _parsed('Bearer  realm = "a" ,\terror\t=\tb') == (
        Challenge("Bearer", (("realm", "a"), ("error", "b"))),
    )
    assert _parsed('Bearer , realm="a"') == (Challenge("Bearer", (("realm", "a"),)),)
    assert _parsed("", " , ,", "Bearer") == (Challenge("Bearer"),)


@pytest.mark.parametrize("name", ["resource_metadata", "realm", "scope", "error", "x"])
def test_a_repeated_parameter_refuses_its_challenge_and_shows_both(name: str) -> None:
    """CH-6, H010: libraries differ on which one counts."""
    field = parse_challenges([f'Bearer {name}="https://one", {name.upper()}="https://two", DPoP realm=d'])
    assert [c.scheme for c in field.challenges] == ["DPoP"]
    (problem,) = field.problems
    assert "https://one" in problem
    assert "https://two" in problem
    assert resource_metadata_parameter(field).value is None


@pytest.mark.parametrize(
    "line",
    [
        'Bearer realm="x',
        'Bearer realm="x\\',
        'Bearer realm="x\\"',
        'Bearer realm="a\x00b"',
        'Bearer realm="a\nb"',
        f"Bearer resource_metadata={URL}",
        'Bearer realm="a" error="b"',
        "Bearer realm=a error=b",
        "realm=x",
        "=x",
        '"Bearer"',
        "Bearer realm=",
        'Bearer realm="a", error=',
        'Bearer realm="a", =b',
        "Bearer a b",
        'Bearer"x"',
        'Bearer realm="a"; error="b"',
        "Bearer (x)",
        "Bearer realm='a b'",
        "Bärer realm=x",
    ],
)
def test_what_breaks_the_grammar_is_refused_and_never_guessed_at(line: str) -> None:
    """CH-7: the line gives no challenge, and the problem says so."""
    field = parse_challenges([line])
    if line == "Bearer realm=":
        assert field.challenges == (Challenge("Bearer", (), "realm="),)  # a token68 by the grammar
        return
    assert field.challenges == ()
    assert len(field.problems) == 1
    assert field.problems[0].isprintable()
    assert resource_metadata_parameter(field).value is None
    assert resource_metadata_parameter(field).problems == ()


def test_a_broken_line_takes_its_own_challenges_with_it_and_no_other() -> None:
    """CH-7: what a broken line says is not trusted in part."""
    field = parse_challenges([f'Bearer resource_metadata="{URL}", x y z', "Basic realm=a"])
    assert [c.scheme for c in field.challenges] == ["Basic"]
    assert len(field.problems) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "DPoP", "Cloudflare-Access", "X"])
def test_metadata_is_honoured_under_every_scheme(scheme: str) -> None:
    """CH-8: and unknown schemes are skipped."""
    field = parse_challenges(["Unknown a=b", f'{scheme} resource_metadata="{URL}"'])
    assert resource_metadata_parameter(field).value == URL


def test_bearer_counts_before_dpop_and_dpop_before_the_others() -> None:
    lines = ['Other resource_metadata="o"', 'DPoP resource_metadata="d"', 'bearer resource_metadata="b"']
    for end, expected in ((3, "b"), (2, "d"), (1, "o")):
        assert resource_metadata_parameter(parse_challenges(lines[:end])).value == expected


def test_two_different_metadata_urls_are_refused_and_both_are_shown() -> None:
    """H009: nothing is fetched."""
    field = parse_challenges(
        ['Bearer resource_metadata="https://one/"', 'Bearer resource_metadata="https://two/"']
    )
    choice = resource_metadata_parameter(field)
    assert choice.value is None
    assert "https://one/" in choice.problems[0]
    assert "https://two/" in choice.problems[0]


@pytest.mark.parametrize(
    "others", [[], [f'Bearer resource_metadata="{URL}"'], [f'DPoP resource_metadata="{URL}"']], ids=len
)
def test_two_different_metadata_urls_in_one_challenge_are_refused_whatever_another_names(
    others: list[str],
) -> None:
    """H010: the challenge that contradicts itself is no reason to believe another, or to guess."""
    line = 'Bearer resource_metadata="https://one/", resource_metadata="https://two/"'
    for lines in ([line, *others], [*others, line]):
        choice = resource_metadata_parameter(parse_challenges(lines))
        assert choice.value is None
        assert "https://one/ and https://two/" in choice.problems[0]


def test_an_empty_value_is_handed_on_to_be_refused() -> None:
    """H013: it is not the same as an absent one."""
    assert resource_metadata_parameter(parse_challenges(['Bearer resource_metadata=""'])).value == ""


def test_hostile_text_is_kept_as_data_and_escaped_in_problems() -> None:
    """CH-11: bytes beyond ASCII may stand in quotes; what is shown passes the gate."""
    (challenge,) = _parsed('Bearer error_description="caf\xe9\x9b"')
    assert challenge.get("error_description") == "caf\xe9\x9b"
    (problem,) = _refused('Bearer a="\x9b", a="\x9d"')
    assert problem.isprintable()


@pytest.mark.parametrize(
    "lines",
    [
        ["Bearer " + "a=b," * 250_000],
        ["Bearer " + ",".join(f"a{n}=b" for n in range(100_000))],
        ["Basic," * 10_000],
        ["Basic a=b"] * 100,
        ['Bearer x="' + "a" * 1_000_000],
        ['Bearer x="' + "\\a" * 500_000 + '"'],
        ["Bearer " + "a" * 1_000_000],
        ["a" * 1_000_000],
        ["Bearer x=" + "a" * 1_000_000],
    ],
)
def test_a_field_without_measure_is_not_read_to_its_end(lines: list[str]) -> None:
    """CH-16, H011: and then no metadata URL of it counts."""
    first = f'Bearer resource_metadata="{URL}"'
    field = parse_challenges([first, *lines])
    assert field.too_large
    assert len(field.challenges) <= MAX_CHALLENGES
    assert "challenge too large" in field.problems[-1]
    choice = resource_metadata_parameter(field)
    assert choice.value is None
    assert choice.problems == field.problems


@pytest.mark.parametrize(
    "text", ["a=b," * 250_000, "," * 1_000_000, " " * 1_000_000, '"' * 1_000_000, "=" * 1_000_000]
)
def test_a_megabyte_of_anything_is_read_once(text: str) -> None:
    """CH-16: no backtracking; the time limit of the test would be passed by far otherwise."""
    field = parse_challenges([text, "Bearer " + text])
    assert sum(map(len, field.problems)) < 2_000


_TOKEN_TEXT = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=8)

_ANY_VALUE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f") | st.just("\t"),
    max_size=12,
)

_PARAMS = st.lists(
    st.tuples(_TOKEN_TEXT.map(str.lower), _ANY_VALUE), min_size=1, max_size=4, unique_by=lambda pair: pair[0]
)

_TOKEN68_TEXT = st.from_regex(r"[A-Za-z0-9\-._~+/]{1,8}={0,2}", fullmatch=True)

_CHALLENGES = st.lists(
    st.builds(lambda scheme, params: Challenge(scheme, tuple(params)), _TOKEN_TEXT, _PARAMS)
    | st.builds(lambda scheme, token68: Challenge(scheme, (), token68), _TOKEN_TEXT, _TOKEN68_TEXT)
    | st.builds(Challenge, _TOKEN_TEXT),
    max_size=5,
)


def _written(challenge: Challenge, space: str) -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    if challenge.token68 is not None:
        return f"{challenge.scheme} {challenge.token68}"
    params = f"{space},{space}".join(f"{n}{space}={space}{quoted(v)}" for n, v in challenge.params)
    return f"{challenge.scheme} {params}" if params else challenge.scheme


@given(_CHALLENGES, st.sampled_from(["", " ", "\t "]), st.booleans())
def test_what_is_written_by_the_grammar_is_read_back(
    challenges: list[Challenge], space: str, one_line: bool
) -> None:
    """CH-1 to CH-5: round trip, in one line and in several."""
    lines = [_written(c, space) for c in challenges]
    assert _parsed(*([f"{space},{space}".join(lines)] if one_line else lines)) == tuple(challenges)


class _Counted(str):
    """A text that counts the characters that are looked at."""

    __slots__ = ("steps",)
    steps: int

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        self.steps = getattr(self, "steps", 0) + 1
        return str.__getitem__(self, key)


@pytest.mark.parametrize(
    "piece", ["Bearer ", "a=", 'a="', '"', "\\", ",", " ", "a", "==", "Basic a==, ", 'B a="b", ', "/", "é"]
)
def test_reading_takes_time_in_proportion_to_the_length(piece: str) -> None:
    """H011: each character is looked at a few times, however it is arranged."""
    text = _Counted("Bearer " + piece * 5_000)
    parse_challenges([text])
    assert text.steps <= 6 * len(text)


_NEARLY = st.lists(
    st.sampled_from(
        ["Bearer", " ", ",", "=", '"', "\\", "realm", "a", "abc==", "\t", "\x00", "é", "Basic", ";", "/"]
    ),
    max_size=15,
).map("".join)


@given(st.lists(_NEARLY | st.text(max_size=30), max_size=4))
def test_no_line_raises(lines: list[str]) -> None:
    """CH-7: each line gives challenges or a problem, and no name twice."""
    field = parse_challenges(lines)
    for challenge in field.challenges:
        names = [name for name, _ in challenge.params]
        assert len(set(names)) == len(names)
        assert names == [name.lower() for name in names]
        assert challenge.token68 is None or not names
    assert [problem for problem in field.problems if not problem.isprintable()] == []
