"""The words that the command line takes, and those that it refuses with exit code 2."""

import pytest

from authlens_tui.cli.main import run
from authlens_tui.cli.parser import VERBS, build_parser, topics


@pytest.mark.parametrize(
    "argv",
    [
        ["login"],
        ["login", "https://a.example/", "--timeout", "nan"],
        ["login", "https://a.example/", "--timeout", "inf"],
        ["login", "https://a.example/", "--timeout", "0"],
        ["login", "https://a.example/", "--port", "65536"],
        ["login", "https://a.example/", "--port", "-1"],
        ["login", "https://a.example/", "--port", "٣"],
        ["login", "https://a.example/", "--redirect-host", "evil.example"],
        ["login", "https://a.example/", "--client-id", "x", "--client-metadata-url", "https://c.example/"],
        ["login", "https://a.example/", "--client-secret=hunter2"],
        ["login", "https://a.example/", "--no-brow"],
        ["token", "https://a.example/", "--min-ttl", "-1"],
        ["token", "https://a.example/", "--min-ttl", "nan"],
        ["token"],
        ["refresh"],
        ["refresh", "https://a.example/", "--all"],
        ["revoke"],
        ["forget"],
        ["probe", "https://a.example/", "--method", "DELETE"],
        ["emulator", "--port", "65535"],
        ["emulator", "--token-lifetime", "0"],
        ["nonsense"],
    ],
)
def test_wrong_usage_ends_with_2_and_two_lines_on_stderr(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and where to read on; nothing on stdout."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(argv)

    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("✖ ")
    assert "--help" in err.splitlines()[-1]


def test_no_option_takes_a_secret() -> None:
    """V-8: other users of the machine can read arguments, so `--client-secret` only asks for a prompt."""
    parsed = build_parser().parse_args(["login", "https://a.example/", "--client-id", "x", "--client-secret"])

    assert parsed.client_secret is True


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_is_parsed_alone_as_among_all(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are not even made then, which takes longer than to parse."""
    for parser in (build_parser(verb), build_parser()):
        with pytest.raises(SystemExit):
            parser.parse_args([verb, "--help"])
    alone, among_all = capsys.readouterr().out.split(f"usage: authlens {verb}", 2)[1:]

    assert alone == among_all
    with pytest.raises(SystemExit):
        build_parser(verb).parse_args([next(other for other in VERBS if other != verb), "--help"])


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["login", "https://a.example/", "--devce"], "--device"),
        (["token", "https://a.example/", "--min-tl=3"], "--min-ttl"),
        (["login", "https://a.example/", "--redirect-host", "localhos"], "localhost"),
        (["store", "--move", "encrypted"], "encrypted-file"),
    ],
)
def test_a_near_option_or_choice_is_named(
    argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(argv)

    assert f"  → Did you mean {meant}? See: authlens {argv[0]} --help\n" in capsys.readouterr().err


def test_help_with_a_verb_is_the_help_of_that_verb(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["help", "token"], ["token", "--help"]):
        with pytest.raises(SystemExit):
            run(argv)
    one, other = capsys.readouterr().out.split("usage: ")[1:]

    assert one == other
    assert run(["help", "tokn"]) == 2
    assert "Run: authlens help token" in capsys.readouterr().err


def test_help_explains_topics_and_a_verb_of_many_options_has_a_usage_of_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for topic, text in topics().items():
        assert run(["help", topic]) == 0
        assert capsys.readouterr().out.strip() == text.strip()
    with pytest.raises(SystemExit):
        run(["help", "login"])
    assert capsys.readouterr().out.startswith("usage: authlens login [options] URL [URL ...]\n\n")


def test_an_option_of_curl_that_is_among_ours_leads_to_the_command_that_passes_it_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["curl", "https://a.example/x y", "-s", "--fail"]) == 2

    assert "authlens curl 'https://a.example/x y' -- -s --fail" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], *([verb] for verb in sorted(VERBS))], ids="".join)
def test_the_help_fits_80_columns(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """But for the examples: a command that is cut in two cannot be copied."""
    with pytest.raises(SystemExit):
        build_parser().parse_args([*words, "--help"])
    text = capsys.readouterr().out.partition("\nexample")[0]

    assert [line for line in text.splitlines() if len(line) > 80] == []
